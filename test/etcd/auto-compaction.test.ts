import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { AutoCompaction, type Retention } from "../../src/etcd/storage/auto-compaction.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { Store } from "../../src/etcd/kv/store.js";

const MINUTE_MS = 60_000;

async function start(t: TestContext, retention: Retention): Promise<{ readonly store: Store; readonly clock: ManualClock; readonly put: (count: number) => Promise<void> }> {
  const clock = new ManualClock();
  const store = await Store.open(new MemoryTable(), { onFailure: (error) => assert.fail(error) });
  const compaction = new AutoCompaction(store, clock, silentLogger, retention);
  t.after(async () => {
    compaction.close();
    await store.close();
    assert.equal(clock.waiting, 0);
  });
  const put = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) await store.write((txn) => txn.put("k", Buffer.from("v"), 0n));
  };
  return { store, clock, put };
}

test("by revisions: every five minutes all but the last are forgotten", async (t) => {
  const { store, clock, put } = await start(t, { mode: "revision", retentionRevisions: 10 });
  await put(5);
  await clock.advance(5 * MINUTE_MS);
  assert.equal(store.compactRevision, -1);
  await put(20);
  await clock.advance(5 * MINUTE_MS);
  assert.equal(store.compactRevision, store.revision - 10);
});

test("by time: after the retention, then every hour, what was current the retention ago", async (t) => {
  const { store, clock, put } = await start(t, { mode: "periodic", retentionMs: 5 * 60 * MINUTE_MS });
  const at: number[] = [];
  for (let hour = 0; hour < 7; hour += 1) {
    at.push(store.revision);
    await put(3);
    await clock.advance(60 * MINUTE_MS);
    assert.equal(store.compactRevision, hour < 4 ? -1 : at[hour - 4], `after ${hour + 1} h`);
  }
});

test("by time: somebody else's compaction is no obstacle", async (t) => {
  const { store, clock, put } = await start(t, { mode: "periodic", retentionMs: 10 * MINUTE_MS });
  await put(3);
  await store.compact(store.revision, false);
  const own = store.revision;
  await clock.advance(11 * MINUTE_MS);
  assert.equal(store.compactRevision, own);
  await put(3);
  const later = store.revision;
  await clock.advance(21 * MINUTE_MS);
  assert.equal(store.compactRevision, later);
});
