import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { Level } from "level";
import { DataDirectoryError } from "../../src/etcd/errors.js";
import { LevelTable } from "../../src/etcd/storage/level-table.js";
import { Store } from "../../src/etcd/kv/store.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-level-"));
after(() => rmSync(root, { recursive: true, force: true }));

const refusal = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DataDirectoryError, String(error));
  assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

it("keeps a store over a restart", async () => {
  const directory = join(root, "new", "store");
  for (const expected of [1, 301]) {
    const table = await LevelTable.open(directory);
    const store = await Store.open(table, { onFailure: assert.fail });
    assert.equal(store.revision, expected);
    await Promise.all(Array.from({ length: 300 }, (_, index) => store.write((txn) => txn.put(`k${index}`, Buffer.from("v"), 0n))));
    assert.ok(store.counters.diskCommits < 20, `${store.counters.diskCommits} disk commits`);
    assert.ok((await table.sizeBytes()) > 0);
    await store.compact(store.revision, true);
    await store.close();
    await table.close();
  }
});

it("says in one line that a directory is in use, foreign or unusable", async () => {
  const used = join(root, "used");
  const table = await LevelTable.open(used);
  await assert.rejects(LevelTable.open(used), refusal(/in use by another process/));
  await table.close();

  const foreign = join(root, "foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "letter.txt"), "dear");
  await assert.rejects(LevelTable.open(foreign), refusal(/letter\.txt/));

  const other = join(root, "other");
  const level = new Level(other);
  await level.put("hello", "world");
  await level.close();
  await assert.rejects(LevelTable.open(other), refusal(/another program/));

  const file = join(root, "file");
  writeFileSync(file, "");
  await assert.rejects(LevelTable.open(file), refusal(/cannot use/));

  const broken = join(root, "broken");
  const good = await LevelTable.open(broken);
  await good.close();
  writeFileSync(join(broken, "CURRENT"), "nonsense\n");
  await assert.rejects(LevelTable.open(broken), refusal(/cannot open the database/));
});
