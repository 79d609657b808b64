import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { Journal, type JournalStore } from "../../src/emulator/journal.js";
import { decodeRecord, encodeRecord, journalKey, stepPlaceOf } from "../../src/emulator/journal-key.js";
import { Outcome, StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";

class MemoryStore implements JournalStore {
  readonly pairs = new Map<string, StepRecord>();
  readonly batches: number[] = [];
  failures = 0;

  async put(pairs: Parameters<JournalStore["put"]>[0]): Promise<void> {
    if (this.failures-- > 0) throw new Error("store is away");
    this.batches.push(pairs.length);
    for (const { key, value } of pairs) this.pairs.set(key, decodeRecord(value));
  }

  async deletePrefix(prefix: string): Promise<void> {
    for (const key of this.pairs.keys()) if (key.startsWith(prefix)) this.pairs.delete(key);
  }

  async keys(prefix: string): Promise<string[]> {
    return [...this.pairs.keys()].filter((key) => key.startsWith(prefix));
  }
}

const record = (podUid: string, step: number, fields: Partial<StepRecord> = {}): StepRecord => StepRecord.create({ podUid, step, room: "test", outcome: Outcome.OK, ...fields });

function journal(maxPods?: number) {
  const store = new MemoryStore();
  const made = new Journal({ store, monotonic: new ManualClock(), log: silentLogger, ...(maxPods === undefined ? {} : { maxPods }) });
  return { store, journal: made };
}

test("the worked example: keys of step 8 and of D2", () => {
  assert.equal(journalKey("6f1c", 1, 8), "/spheresim/placements/6f1c/0001/08");
  assert.equal(journalKey("6f1c", 1, 102), "/spheresim/placements/6f1c/0001/d2");
  assert.deepEqual(stepPlaceOf("/spheresim/placements/6f1c/0001/08"), { podUid: "6f1c", attempt: 1, step: 8 });
  assert.deepEqual(stepPlaceOf("/spheresim/placements/6f1c/0002/d2"), { podUid: "6f1c", attempt: 2, step: 102 });
});

test("a record is stored as proto3 JSON and read back", () => {
  const one = record("u", 8, { subject: "esxi-02", startTime: { seconds: 5n, nanos: 120_000_000 }, etcdRevision: 7n });
  assert.equal(JSON.parse(encodeRecord(one).toString()).startTime !== undefined, true);
  assert.deepEqual(decodeRecord(encodeRecord(one)), one);
});

test("what one room does not know is filled in from what another said", async () => {
  const { store, journal: made } = journal();
  made.accept([record("u", 1, { namespace: "default", name: "web" }), record("u", 8)]);
  await made.close();
  assert.equal(store.pairs.get(journalKey("u", 1, 8))?.name, "web");
});

test("what is filled in stands in the store, not in the record in its sender's hands", async () => {
  const { store, journal: made } = journal();
  const sent = record("u", 8, { hostVerdicts: [] });
  made.accept([record("u", 1, { namespace: "default", name: "web", attempt: 2 }), sent]);
  await made.close();
  assert.deepEqual([sent.namespace, sent.name, sent.attempt], ["", "", 0]);
  assert.equal(store.pairs.get(journalKey("u", 2, 8))?.namespace, "default");
});

test("a record that comes before anybody said the pod's name waits for it, but not for ever", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const made = new Journal({ store, monotonic: clock, log: silentLogger });
  made.accept([record("u", 8), record("nobody", 8)]);
  await clock.advance(20);
  assert.equal(store.pairs.size, 0);
  made.accept([record("u", 1, { namespace: "default", name: "web" })]);
  await clock.advance(20);
  assert.deepEqual([...store.pairs.values()].map(({ name, step }) => [name, step]), [["web", 8], ["web", 1]]);
  await clock.advance(5_100);
  assert.equal(store.pairs.get(journalKey("nobody", 1, 8))?.name, "");
  await made.close();
});

test("a second record of a step replaces the first; another attempt stands beside it", async () => {
  const { store, journal: made } = journal();
  made.accept([record("u", 4, { message: "first" }), record("u", 4, { message: "second" }), record("u", 3, { attempt: 2 }), record("u", 4, { message: "third" })]);
  await made.close();
  assert.equal(store.pairs.get(journalKey("u", 1, 4))?.message, "second");
  assert.equal(store.pairs.get(journalKey("u", 2, 4))?.message, "third");
});

test("the oldest pods are forgotten beyond the limit", async () => {
  const { store, journal: made } = journal(2);
  made.accept(["a", "b", "c"].map((uid) => record(uid, 1)));
  await made.close();
  assert.deepEqual([...new Set([...store.pairs.keys()].map((key) => stepPlaceOf(key).podUid))], ["b", "c"]);
});

test("no Txn has more operations than etcd takes", async () => {
  const { store, journal: made } = journal();
  made.accept(Array.from({ length: 250 }, (_, index) => record(`u${index}`, 1)));
  await made.close();
  assert.equal(store.pairs.size, 250);
  assert.deepEqual(store.batches, [128, 122]);
});

test("long records make short Txns, and one that is longer than a Txn shall be goes alone", async () => {
  const { store, journal: made } = journal();
  const long = "x".repeat(100_000);
  made.accept([...Array.from({ length: 5 }, (_, index) => record("u", index + 1, { message: long })), record("u", 6, { message: long.repeat(4) }), record("u", 7)]);
  await made.close();
  assert.equal(store.pairs.size, 7);
  assert.deepEqual(store.batches, [2, 2, 1, 1, 1]);
});

test("a burst is written when it is over, after a second at most; what comes alone at once", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const made = new Journal({ store, monotonic: clock, log: silentLogger });
  const named = { namespace: "default", name: "web" };
  const pods = (prefix: string, count: number): StepRecord[] => Array.from({ length: count }, (_, index) => record(`${prefix}${index}`, 1, named));
  made.accept(pods("alone", 14));
  await clock.advance(10);
  assert.deepEqual(store.batches.splice(0), [14]);

  made.accept(pods("a", 200));
  await clock.advance(200);
  made.accept(pods("b", 56));
  await clock.advance(249);
  assert.deepEqual(store.batches, []);
  await clock.advance(1);
  assert.deepEqual(store.batches.splice(0), [128, 128]);

  for (let turn = 0; turn < 10; turn += 1) {
    assert.deepEqual(store.batches, []);
    made.accept(pods(`c${turn}-`, turn === 0 ? 100 : 20));
    await clock.advance(100);
  }
  assert.deepEqual(store.batches.splice(0), [128, 128, 24]);
  made.accept(pods("last", 100));
  await made.close();
  assert.deepEqual(store.batches, [100]);
});

test("what the store did not take is written when it does, in order and once", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const made = new Journal({ store, monotonic: clock, log: silentLogger });
  store.failures = 1;
  made.accept(Array.from({ length: 300 }, (_, index) => record(`u${index}`, 1, { namespace: "default", name: "web" })));
  await clock.advance(250);
  assert.deepEqual(store.batches, []);
  await clock.advance(1_250);
  assert.deepEqual(store.batches, [128, 128, 44]);
  assert.deepEqual([...store.pairs.keys()], Array.from({ length: 300 }, (_, index) => journalKey(`u${index}`, 1, 1)));
  await made.close();
});

test("records on the wire count in the limit: the oldest of the others are dropped, those first that come next", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const written = deferred<void>();
  const put = store.put.bind(store);
  store.put = (pairs) => (store.batches.length === 0 ? written.promise : Promise.resolve()).then(() => put(pairs));
  const made = new Journal({ store, monotonic: clock, log: silentLogger, maxWaiting: 200 });
  const pods = (prefix: string, count: number): StepRecord[] => Array.from({ length: count }, (_, index) => record(`${prefix}${index}`, 1, { namespace: "default", name: "web" }));
  made.accept(pods("a", 150));
  await clock.advance(250);
  assert.equal(made.podsOnTheirWay().size, 150);
  made.accept(pods("b", 80));
  assert.equal(made.podsOnTheirWay().size, 200);
  // 128 are on the wire; of the 22 that go next and the 80 that came since, the first 30 are dropped.
  assert.deepEqual(["a127", "a128", "a149", "b7", "b8", "b79"].map((uid) => made.podsOnTheirWay().has(uid)), [true, false, false, false, true, true]);
  written.resolve();
  await made.close();
  assert.equal(store.pairs.size, 200);
  assert.equal(made.podsOnTheirWay().size, 0);
});

test("records without a pod are refused", async () => {
  const { store, journal: made } = journal();
  made.accept([record("", 1), record("u", 0)]);
  await made.close();
  assert.equal(store.pairs.size, 0);
});
