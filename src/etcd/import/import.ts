import { isUtf8 } from "node:buffer";
import { mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeDirectory } from "../../base/directory.js";
import { BoltFile, BoltFileError } from "../bolt/file.js";
import { DataDirectoryError } from "../errors.js";
import { BUCKET_KINDS, META } from "../storage/keyspace.js";
import { LevelTable } from "../storage/level-table.js";
import { decodeRevision, encodeRevision } from "../storage/revision.js";
import { FactsReader } from "../storage/row-facts.js";
import type { TableWrite } from "../storage/table.js";

/** Rows written at a time. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Buckets whose keys are names, which are text here and any bytes in etcd. */
const NAMED: ReadonlySet<string> = new Set(["authUsers", "authRoles"]);

/** What was imported. */
export interface Imported {
  /** Newest revision of the log. */
  readonly revision: number;
  /** Rows of the log: versions and deletions of keys. */
  readonly rows: number;
  readonly leases: number;
}

/**
 * Makes a data directory from a snapshot that `etcdctl snapshot save` wrote, or from etcd's own `member/snap/db`: same keys, revisions,
 * leases, alarms, users and HashKV. `identity` is the ids of its cluster and member (META.identity), which a new directory gets else. The
 * directory appears when everything is in it, and must not exist before or be empty. Throws DataDirectoryError with one line.
 */
export async function importEtcd(path: string, directory: string, identity?: Buffer): Promise<Imported> {
  await requireNew(directory);
  const file = await openFile(path);
  let draft: string | undefined;
  try {
    makeDirectory(dirname(directory));
    draft = await mkdtemp(join(dirname(directory), draftPrefix(directory)));
    const imported = await fill(file, draft, identity);
    await rename(draft, directory);
    await syncDirectory(dirname(directory));
    return imported;
  } catch (error) {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true });
    if (error instanceof DataDirectoryError) throw error;
    if (error instanceof BoltFileError) throw new DataDirectoryError(`cannot import ${path}: ${error.message}`, error);
    throw new DataDirectoryError(`cannot import ${path} into ${directory}: ${(error as Error).message}`, error);
  } finally {
    await file.close();
  }
}

/**
 * Takes away what imports left that did not come to their end. Only for whom the directory belongs to by then: another import on the
 * way fails at its last step, whatever becomes of its draft.
 */
export async function removeImportDrafts(directory: string): Promise<void> {
  const names = await readdir(dirname(directory));
  for (const name of names) if (name.startsWith(draftPrefix(directory))) await rm(join(dirname(directory), name), { recursive: true, force: true });
}

function draftPrefix(directory: string): string {
  return `.${basename(directory)}-import-`;
}

/** Or a power cut could take the new name back, and with it what was acknowledged since. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return; // which opens no directories
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<BoltFile> {
  try {
    return await BoltFile.open(path);
  } catch (error) {
    throw new DataDirectoryError(`cannot import ${path}: ${(error as Error).message}`, error);
  }
}

async function requireNew(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw new DataDirectoryError(`cannot use ${directory} as data directory: ${(error as Error).message}`, error);
  });
  if (names.length > 0) throw new DataDirectoryError(`${directory} exists and is not empty; import into a new --data-dir`);
}

async function fill(file: BoltFile, directory: string, identity: Buffer | undefined): Promise<Imported> {
  const table = await LevelTable.open(directory);
  try {
    const batch = new Batch(table);
    const facts = new FactsReader();
    let revision = 0;
    const counts = new Map<string, number>();
    for (const [bucket, kind] of Object.entries(BUCKET_KINDS)) {
      const prefix = Buffer.from(kind, "latin1");
      for await (const rows of file.rows(bucket)) {
        for (const [key, value] of rows) {
          if (bucket === "key") revision = checkedRevision(key, value, facts);
          else if (NAMED.has(bucket) && !isUtf8(key)) throw new BoltFileError(`the name ${JSON.stringify(key.toString("latin1"))} of a user or role is not UTF-8`);
          await batch.put(Buffer.concat([prefix, key]), value);
        }
        counts.set(bucket, (counts.get(bucket) ?? 0) + rows.length);
      }
    }
    for await (const rows of file.rows("meta")) {
      for (const [key, value] of rows) {
        const name = key.toString("latin1");
        if (name === "scheduledCompactRev" || name === "finishedCompactRev") await batch.put(Buffer.concat([Buffer.from("m"), key]), value);
      }
    }
    if (identity !== undefined) await batch.put(META.identity, identity);
    await batch.put(META.importedRevision, encodeRevision(revision, 0, false));
    await batch.end();
    return { revision, rows: counts.get("key") ?? 0, leases: counts.get("lease") ?? 0 };
  } finally {
    await table.close();
  }
}

function checkedRevision(key: Buffer, value: Buffer, facts: FactsReader): number {
  try {
    const { main } = decodeRevision(key);
    if (facts.read(value).key === "") throw new Error("a row has no key");
    return main;
  } catch (error) {
    throw new BoltFileError(`the row ${key.toString("hex")} is damaged: ${(error as Error).message}`);
  }
}

/** Rows on their way into a table. */
class Batch {
  readonly #table: LevelTable;
  #writes: TableWrite[] = [];
  #bytes = 0;

  constructor(table: LevelTable) {
    this.#table = table;
  }

  async put(key: Buffer, value: Buffer): Promise<void> {
    this.#writes.push({ type: "put", key, value });
    this.#bytes += key.length + value.length;
    if (this.#bytes >= MAX_BATCH_BYTES) await this.#write(false);
  }

  /** Makes everything durable. */
  end(): Promise<void> {
    return this.#write(true);
  }

  async #write(sync: boolean): Promise<void> {
    const writes = this.#writes;
    this.#writes = [];
    this.#bytes = 0;
    await this.#table.write(writes, sync);
  }
}
