import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { makeDirectory } from "../../base/directory.js";
import { DataDirectoryError } from "../errors.js";
import { FORMAT, META } from "./keyspace.js";
import { findDamage } from "../leveldb/damage.js";
import type { Table, TableRange, TableSnapshot, TableWrite } from "./table.js";

/** What LevelDB is told; the write buffer holds a few seconds of a busy store before it is written out as a file. */
const OPTIONS = { keyEncoding: "buffer", valueEncoding: "buffer", writeBufferSize: 16 * 1024 * 1024, cacheSize: 32 * 1024 * 1024 } as const;

/** Below and above every key. */
const FIRST_KEY = Buffer.alloc(0);
const LAST_KEY = Buffer.from([0xff]);

/** What LevelDB on a disk does beyond what `level` promises of every platform (package classic-level). */
interface OnDisk {
  approximateSize(start: Buffer, end: Buffer): Promise<number>;
  compactRange(start: Buffer, end: Buffer): Promise<void>;
}

type LevelSnapshot = ReturnType<Level<Buffer, Buffer>["snapshot"]>;

const READ_AHEAD_BYTES = 256 * 1024;

/** The table on a LevelDB directory, which one process at a time can own. */
export class LevelTable implements Table {
  readonly #level: Level<Buffer, Buffer>;
  readonly #directory: string;

  private constructor(level: Level<Buffer, Buffer>, directory: string) {
    this.#level = level;
    this.#directory = directory;
  }

  /** Opens or creates the directory. Throws DataDirectoryError when another process holds it, it is somebody else's or a file in it is damaged. */
  static async open(directory: string): Promise<LevelTable> {
    await requireOwn(directory);
    const damage = await findDamage(directory);
    if (damage !== undefined) throw new DataDirectoryError(`the database in ${directory} is damaged: ${damage}; restore it from a snapshot`);
    const level = new Level<Buffer, Buffer>(directory, OPTIONS);
    try {
      await level.open();
    } catch (error) {
      throw openError(directory, error);
    }
    const table = new LevelTable(level, directory);
    try {
      await table.#requireFormat();
    } catch (error) {
      await level.close();
      throw error;
    }
    return table;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#level.getSync(key);
  }

  async write(writes: TableWrite[], sync: boolean): Promise<void> {
    const [only] = writes;
    // What a lone client waits for: a batch of one costs half as much again before it reaches LevelDB.
    if (writes.length === 1 && only?.type === "put") return this.#level.put(only.key, only.value, { sync });
    // Given as a list, each write would be copied and looked into before: five times the work of this.
    const batch = this.#level.batch();
    for (const write of writes) {
      if (write.type === "put") batch.put(write.key, write.value);
      else batch.del(write.key);
    }
    return batch.write({ sync });
  }

  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]> {
    return this.#scan(range, chunkRows, undefined);
  }

  snapshot(): TableSnapshot {
    const snapshot = this.#level.snapshot();
    return { scan: (range, chunkRows) => this.#scan(range, chunkRows, snapshot), close: () => snapshot.close() };
  }

  async *#scan(range: TableRange, chunkRows: number, snapshot: LevelSnapshot | undefined): AsyncIterable<readonly (readonly [Buffer, Buffer])[]> {
    const iterator = this.#level.iterator({ gte: range.gte, lt: range.lt, highWaterMarkBytes: READ_AHEAD_BYTES, ...(snapshot === undefined ? {} : { snapshot }) });
    try {
      for (let next = iterator.nextv(chunkRows); ; ) {
        const rows = await next;
        if (rows.length === 0) return;
        // LevelDB reads on while these are used.
        next = iterator.nextv(chunkRows);
        next.catch(() => undefined);
        yield rows;
      }
    } catch (error) {
      throw new DataDirectoryError(`cannot read the database in ${this.#directory}: ${messageOf(error)}`, error);
    } finally {
      await iterator.close();
    }
  }

  async sizeBytes(): Promise<number> {
    const names = await readdir(this.#directory);
    // LevelDB removes files as it likes; one that vanished meanwhile counts nothing.
    const sizes = await Promise.all(names.map((name) => stat(join(this.#directory, name)).then(({ size }) => size, () => 0)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async usedBytes(): Promise<number> {
    // What is not in a sorted file yet lies in the write-ahead log and is all in use.
    const names = await readdir(this.#directory);
    const logs = names.filter((name) => name.endsWith(".log"));
    const sizes = await Promise.all(logs.map((name) => stat(join(this.#directory, name)).then(({ size }) => size, () => 0)));
    const sorted = await this.#onDisk.approximateSize(FIRST_KEY, LAST_KEY);
    return Math.min(await this.sizeBytes(), sizes.reduce((sum, size) => sum + size, sorted));
  }

  defragment(): Promise<void> {
    return this.#onDisk.compactRange(FIRST_KEY, LAST_KEY);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  get #onDisk(): OnDisk {
    return this.#level as unknown as OnDisk;
  }

  async #requireFormat(): Promise<void> {
    const format = this.get(META.format)?.toString();
    if (format === FORMAT) return;
    if (format !== undefined) throw new DataDirectoryError(`${this.#directory} was written in the format "${format}", this version reads "${FORMAT}"; use another --data-dir`);
    const [first] = await this.#level.keys({ limit: 1 }).all();
    if (first !== undefined) throw new DataDirectoryError(`${this.#directory} is a LevelDB directory of another program; use another --data-dir`);
    await this.write([{ type: "put", key: META.format, value: Buffer.from(FORMAT) }], true);
  }
}

/** Refuses a directory that holds something else than LevelDB files. */
async function requireOwn(directory: string): Promise<void> {
  try {
    makeDirectory(directory);
    const names = await readdir(directory);
    if (names.length === 0 || names.includes("CURRENT") || names.every((name) => name === "LOCK" || name.startsWith("LOG") || name.startsWith("MANIFEST"))) return;
    throw new DataDirectoryError(`${directory} is not empty and holds no etcd data of ours (${names[0]} ...); use an empty --data-dir`);
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error;
    throw new DataDirectoryError(`cannot use ${directory} as data directory: ${(error as Error).message}`, error);
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (cause as Error).message.split("\n", 1)[0] ?? "";
}

function openError(directory: string, error: unknown): DataDirectoryError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if ((cause as { code?: string }).code === "LEVEL_LOCKED") return new DataDirectoryError(`${directory} is in use by another process; stop it or use another --data-dir`, error);
  return new DataDirectoryError(`cannot open the database in ${directory}: ${messageOf(error)}`, error);
}
