import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { DataDirectoryError } from "../../src/etcd/errors.js";
import { startEtcd } from "../../src/etcd/index.js";
import { LevelTable } from "../../src/etcd/storage/level-table.js";
import { Store } from "../../src/etcd/kv/store.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-damaged-"));
after(() => rmSync(root, { recursive: true, force: true }));
const [inLog, sorted] = [join(root, "in-log"), join(root, "sorted")];

/** Fills a store so that its rows lie in the write-ahead log, or in a sorted file. */
async function fill(directory: string, defragment: boolean): Promise<void> {
  const table = await LevelTable.open(directory);
  const store = await Store.open(table, { onFailure: assert.fail });
  for (let index = 0; index < 300; index += 1) await store.write((txn) => txn.put(`key/${index}`, Buffer.alloc(1_000, index), 0n));
  if (defragment) await table.defragment();
  await store.close();
  await table.close();
}

before(async () => {
  await fill(inLog, false);
  await fill(sorted, true);
});

/** Starts a server on a spoilt copy; resolves with its revision, or with the one line it refuses with. */
async function startOnCopy(of: string, spoil: (directory: string) => void): Promise<number | string> {
  const directory = mkdtempSync(join(root, "copy-"));
  cpSync(of, directory, { recursive: true });
  spoil(directory);
  try {
    const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: directory, clock: monotonicClock(), log: silentLogger });
    const { revision } = etcd;
    await etcd.close();
    return revision;
  } catch (error) {
    assert.ok(error instanceof DataDirectoryError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
}

const fileOf = (directory: string, pattern: RegExp): string => join(directory, readdirSync(directory).filter((name) => pattern.test(name)).sort().at(-1) ?? "none");

function flip(path: string, share: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * share);
  bytes.fill(0xa5, at, at + 16);
  writeFileSync(path, bytes);
}

it("starts on an untouched copy, and on one cut off while LevelDB made it", async () => {
  assert.equal(await startOnCopy(inLog, () => undefined), 301);
  assert.equal(await startOnCopy(sorted, () => undefined), 301);
  assert.equal(await startOnCopy(inLog, (directory) => readdirSync(directory).forEach((name) => (name === "LOG" || name.startsWith("MANIFEST") ? undefined : rmSync(join(directory, name))))), 1);
});

it("finds in its log that revisions are lost, which LevelDB does not tell", async () => {
  assert.match(String(await startOnCopy(inLog, (directory) => flip(fileOf(directory, /\.log$/), 0.5))), /the database is damaged: its log goes from revision \d+ to \d+; restore it from a snapshot/);
});

it("reads what is there when the last write was cut off: it was never acknowledged", async () => {
  const revision = await startOnCopy(inLog, (directory) => {
    const log = fileOf(directory, /\.log$/);
    truncateSync(log, readFileSync(log).length - 5);
  });
  assert.ok(typeof revision === "number" && revision >= 299 && revision <= 301, `revision ${revision}`);
});

it("says in one line that a sorted file is damaged or gone", async () => {
  const line = await startOnCopy(sorted, (directory) => flip(fileOf(directory, /\.ldb$/), 0.3));
  assert.match(String(line), /^the database in \S+ is damaged: 0\d+\.ldb is not what was written at byte \d+; restore it from a snapshot$/);
  assert.match(String(await startOnCopy(sorted, (directory) => truncateSync(fileOf(directory, /\.ldb$/), 5_000))), /\.ldb has 5000 of \d+ bytes; restore/);
  assert.match(String(await startOnCopy(sorted, (directory) => rmSync(fileOf(directory, /\.ldb$/)))), /cannot open the database in .*missing files/i);
});

it("starts on no sorted file in which a single bit is another, wherever it is", async () => {
  const { length } = readFileSync(fileOf(sorted, /\.ldb$/));
  for (let share = 0; share < 40; share += 1) {
    const at = Math.floor((length * share) / 40);
    const line = await startOnCopy(sorted, (directory) => {
      const path = fileOf(directory, /\.ldb$/);
      const bytes = readFileSync(path);
      bytes[at] = (bytes[at] as number) ^ (1 << (share % 8));
      writeFileSync(path, bytes);
    });
    assert.match(String(line), /is damaged: /, `byte ${at} of ${length}`);
  }
});

it("passes over a damaged sorted file that is no part of the database: a crash left it", async () => {
  const left = (directory: string): void => writeFileSync(join(directory, "000999.ldb"), Buffer.alloc(5_000, 1));
  assert.equal(await startOnCopy(sorted, left), 301);
});

it("says in one line that the manifest is damaged or gone", async () => {
  assert.match(String(await startOnCopy(sorted, (directory) => flip(fileOf(directory, /^MANIFEST/), 0.2))), /cannot open the database in /);
  assert.match(String(await startOnCopy(sorted, (directory) => rmSync(fileOf(directory, /^MANIFEST/)))), /cannot open the database in /);
});
