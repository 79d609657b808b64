import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CheckpointFile } from "../../src/etcd/storage/checkpoint-file.js";
import { hashKv } from "../../src/etcd/storage/hash-kv.js";
import { CheckpointRefused, endFrame, headFrame, KeyFrames, readCheckpoint } from "../../src/etcd/storage/index-checkpoint.js";
import { KeyHistory } from "../../src/etcd/key-index/key-history.js";
import { KeyIndex } from "../../src/etcd/key-index/key-index.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { restore } from "../../src/etcd/storage/restore.js";
import { Store } from "../../src/etcd/kv/store.js";
import { MemoryCheckpoints } from "./memory-checkpoints.js";
import { fc } from "../support/properties.js";

const put = (store: Store, key: string, value = "v", lease = 0n): Promise<void> => store.write((txn) => txn.put(key, Buffer.from(value), lease));
const remove = (store: Store, key: string): Promise<unknown> => store.write((txn) => txn.delete({ start: key, end: `${key}\0`, single: true }, false));
const open = (table: MemoryTable, checkpoints: MemoryCheckpoints): Promise<Store> => Store.open(table, { onFailure: assert.fail, checkpoints });

/** An index as text: every version a compaction at `point` keeps, and the facts of the newest. */
function textOf(index: KeyIndex, point = -1): string[] {
  const lines: string[] = [];
  index.visit({ start: "", end: undefined, single: false }, (history) => {
    history.compact(point);
    if (history.empty) return true;
    lines.push(`${history.key} ${history.createRevision} ${history.version} ${history.lease} ${history.versionsUpTo(Infinity).join(",")}`);
    return true;
  });
  return lines;
}

/** What a start finds with the checkpoint, after asserting that the whole log says the same. */
async function restored(table: MemoryTable, checkpoints: MemoryCheckpoints): Promise<{ from: number; refusal: string | undefined }> {
  const [quick, slow] = [await restore(table, checkpoints), await restore(table)];
  // What an unfinished compaction has not deleted yet, nobody can read any more.
  const point = slow.scheduledCompactRevision;
  assert.deepEqual(textOf(quick.index, point), textOf(slow.index, point));
  assert.deepEqual([quick.revision, quick.scheduledCompactRevision, quick.finishedCompactRevision], [slow.revision, slow.scheduledCompactRevision, slow.finishedCompactRevision]);
  return { from: quick.checkpointRevision, refusal: quick.refusal };
}

it("has the form its description shows", () => {
  const history = new KeyHistory("a");
  history.put(2, 0, 2, 1, 0n);
  const frames = new KeyFrames();
  frames.add(history, 2);
  assert.equal(frames.take(true)?.subarray(8).toString("hex"), ["01000000", "01000000", "0000000000000040", "000000000000f03f", "0000000000000000", "0000000000000040", "00000000", "61"].join(""));
});

it("is read back frame by frame, and refused unless whole", async () => {
  const index = new KeyIndex();
  for (let key = 0; key < 3_000; key += 1) {
    const history = index.ensure(`key/${String(key).padStart(5, "0")}`);
    for (let version = 1; version <= 1 + (key % 4); version += 1) history.put(key * 5 + version, version, key * 5, version, key % 3 === 0 ? BigInt(key) : 0n);
    if (key % 7 === 0) history.delete(key * 5 + 9, 0);
  }
  const frames = new KeyFrames();
  const bytes: Buffer[] = [headFrame()];
  index.visit({ start: "", end: undefined, single: false }, (history) => {
    frames.add(history, Infinity);
    bytes.push(frames.take(false) ?? Buffer.alloc(0));
    return true;
  });
  bytes.push(frames.take(true) ?? Buffer.alloc(0), endFrame({ revision: 15_000, upTo: 15_001, mark: 7, keys: frames.keys }));
  const whole = new MemoryCheckpoints();
  whole.bytes = Buffer.concat(bytes);
  const again = new KeyIndex();
  assert.deepEqual(await readCheckpoint(whole.load(), again), { revision: 15_000, upTo: 15_001, mark: 7, keys: 3_000 });
  assert.deepEqual(textOf(again), textOf(index));

  await fc.assert(
    fc.asyncProperty(fc.nat({ max: whole.bytes.length - 1 }), fc.nat({ max: 255 }), async (at, flip) => {
      const spoilt = new MemoryCheckpoints();
      spoilt.bytes = Buffer.from(flip === 0 ? whole.bytes.subarray(0, at) : whole.bytes);
      if (flip !== 0) spoilt.bytes[at] = (spoilt.bytes[at] as number) ^ flip;
      await assert.rejects(readCheckpoint(spoilt.load(), new KeyIndex()), CheckpointRefused);
    }),
    { numRuns: 300 },
  );
});

describe("a start", () => {
  it("reads the checkpoint of a clean close and no log, and the log where it grew since", async () => {
    const [table, checkpoints] = [new MemoryTable(), new MemoryCheckpoints()];
    const store = await open(table, checkpoints);
    await put(store, "a", "1", 5n);
    await put(store, "b");
    await remove(store, "b");
    await store.close();
    assert.deepEqual(await restored(table, checkpoints), { from: 4, refusal: undefined });
    const later = await Store.open(table, { onFailure: assert.fail });
    await put(later, "a", "2");
    await put(later, "c");
    await later.close();
    assert.deepEqual(await restored(table, checkpoints), { from: 4, refusal: undefined });
    assert.equal(checkpoints.saves, 1);
  });

  it("reads the whole log when history was compacted beyond the checkpoint", async () => {
    const [table, checkpoints] = [new MemoryTable(), new MemoryCheckpoints()];
    const store = await open(table, checkpoints);
    await put(store, "a");
    await put(store, "b");
    await store.close();
    const later = await Store.open(table, { onFailure: assert.fail });
    await remove(later, "a");
    await put(later, "b");
    // The deletion of a is gone from the log: the checkpoint alone would bring a back.
    await later.compact(5, true);
    await later.close();
    assert.deepEqual(await restored(table, checkpoints), { from: 0, refusal: "history was compacted beyond it" });
  });

  it("reads the whole log when the checkpoint is of another one, or newer than it", async () => {
    const [table, checkpoints, other] = [new MemoryTable(), new MemoryCheckpoints(), new MemoryTable()];
    const [store, stranger] = [await open(table, checkpoints), await Store.open(other, { onFailure: assert.fail })];
    for (const key of ["a", "b", "c"]) await Promise.all([put(store, key), put(stranger, `x${key}`)]);
    await Promise.all([store.close(), stranger.close()]);
    assert.deepEqual(await restored(other, checkpoints), { from: 0, refusal: "it belongs to another log" });
    assert.deepEqual(await restored(new MemoryTable(), checkpoints), { from: 0, refusal: "it belongs to another log" });
    checkpoints.bytes = checkpoints.bytes.subarray(0, checkpoints.bytes.length - 1);
    assert.deepEqual(await restored(table, checkpoints), { from: 0, refusal: "it is cut short" });
    assert.deepEqual(await restored(table, new MemoryCheckpoints()), { from: 0, refusal: "there is none" });
  });
});

it("is written while writes and compactions go on, and never tells a start anything else than the log does", async () => {
  const [table, checkpoints] = [new MemoryTable(), new MemoryCheckpoints()];
  const store = await open(table, checkpoints);
  // More than one checkpoint's worth of revisions on many keys, so that the walk takes many turns and keys change under it.
  for (let round = 0; round < 48; round += 1) {
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => (index % 9 === 8 ? remove(store, `k${(round * 7 + index) % 1_500}`) : put(store, `k${(round * 613 + index * 3) % 1_500}`, `${round}`, BigInt(index % 3)))));
    if (round === 25 || round === 40) await store.compact(store.revision - 8_000, false);
  }
  assert.ok(checkpoints.saves > 0, "a checkpoint was written before the close");
  const { from } = await restored(table, checkpoints);
  assert.ok(from > 1 && from < store.revision, `from ${from} of ${store.revision}`);
  const { hash } = await hashKv(store, 0);
  await store.close();
  const again = await open(table, checkpoints);
  assert.equal((await hashKv(again, 0)).hash, hash);
  await again.close();
});

it("lies beside the database as one file that is replaced whole", async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-checkpoint-"));
  try {
    const file = new CheckpointFile(directory);
    const read = async (): Promise<string> => {
      const pieces: Buffer[] = [];
      for await (const piece of file.load()) pieces.push(piece);
      return Buffer.concat(pieces).toString();
    };
    const pieces = async function* (...texts: string[]): AsyncGenerator<Buffer> {
      for (const text of texts) {
        await Promise.resolve();
        if (text === "fail") throw new Error("no");
        yield Buffer.from(text);
      }
    };
    assert.equal(await read(), "");
    await file.save(pieces("one", "two"));
    assert.equal(await read(), "onetwo");
    await assert.rejects(file.save(pieces("three", "fail")), /no/);
    assert.equal(await read(), "onetwo");
    assert.deepEqual(readdirSync(directory), ["index.checkpoint"]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
