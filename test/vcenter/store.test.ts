import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Serial } from "../../src/vcenter/store/serial.js";
import { MAX_RUNNING_TASKS } from "../../src/vcenter/spec-limits.js";
import { KeyTaken, Store } from "../../src/vcenter/store/store.js";
import { VimFault } from "../../src/vcenter/vim-fault.js";
import { MemoryKeyValue } from "./memory-key-value.js";

async function open(kv: MemoryKeyValue): Promise<Store> {
  return (await Store.open(kv, { monotonic: monotonicClock(), log: silentLogger, closing: new AbortController().signal })).store;
}

test("as many tasks as may run can all store their end while etcd is slow; what comes beyond that is refused", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  const slow = deferred<void>();
  kv.before = () => slow.promise;
  const commits: Promise<bigint>[] = [];
  for (let task = 0; task < MAX_RUNNING_TASKS; task += 1) commits.push(store.commit({ puts: [{ key: `/k/${task}`, value: "" }] }));
  for (let more = 0; more < 1_000; more += 1) commits.push(store.commit({}));
  await assert.rejects(store.commit({}), (error) => RpcError.is(error, RpcCode.RESOURCE_EXHAUSTED));
  slow.resolve();
  await Promise.all(commits);
  assert.equal(kv.keys("/k/").length, MAX_RUNNING_TASKS);
});

test("only the store opened last may confirm or commit; the one before it is stale and says so once", async () => {
  const kv = new MemoryKeyValue();
  const before = await open(kv);
  await before.confirm();
  const after = await open(kv);
  let told = 0;
  before.onStale = () => (told += 1);
  const isStale = (error: unknown): boolean => error instanceof VimFault && error.fault.$case === "staleWriter";
  await assert.rejects(before.confirm(), isStale);
  await assert.rejects(before.commit({ puts: [{ key: "/k", value: "lost" }] }), isStale);
  assert.equal(told, 1);
  await after.confirm();
  await after.commit({ puts: [{ key: "/k", value: "kept" }] });
  assert.deepEqual([kv.map.get("/k"), after.commits], ["kept", 1]);
});

test("a key that should be absent and is not: our own bytes are our own success, others are KeyTaken", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  kv.loseAnswers = 1;
  await store.commit({ puts: [{ key: "/k", value: "mine" }], absent: ["/k"] });
  await assert.rejects(store.commit({ puts: [{ key: "/k", value: "other" }], absent: ["/k"] }), (error) => error instanceof KeyTaken && error.entry.value === "mine");
});

test("commits of one turn share a Txn and its revision; one that writes a key of another comes after it", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  const before = kv.txns.length;
  const revisions = await Promise.all([store.commit({ puts: [{ key: "/a", value: "1" }] }), store.commit({ puts: [{ key: "/b", value: "1" }] }), store.commit({ puts: [{ key: "/a", value: "2" }] })]);
  assert.deepEqual(kv.txns.slice(before).map(({ puts }) => puts.map(({ key, value }) => key + value)), [["/a1", "/b1"], ["/a2"]]);
  assert.equal(revisions[0], revisions[1]);
  assert.ok(revisions[2] > revisions[1]);
  assert.equal(store.commits, 2);
});

test("a commit that fails takes none of its turn with it", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  kv.map.set("/taken", "foreign");
  const commits = [store.commit({ puts: [{ key: "/a", value: "1" }], absent: ["/a"] }), store.commit({ puts: [{ key: "/taken", value: "mine" }], absent: ["/taken"] }), store.commit({ puts: [{ key: "/b", value: "1" }] })];
  const results = await Promise.allSettled(commits);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.ok(results[1]?.status === "rejected" && results[1].reason instanceof KeyTaken && results[1].reason.entry.value === "foreign");
  assert.deepEqual(["/a", "/b", "/taken"].map((key) => kv.map.get(key)), ["1", "1", "foreign"]);
});

test("a shared Txn whose answer was lost is repeated, and its own bytes are its own success", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  kv.loseAnswers = 1;
  const before = kv.txns.length;
  await Promise.all(["/a", "/b"].map((key) => store.commit({ puts: [{ key, value: "mine" }], absent: [key] })));
  assert.equal(kv.txns.length - before, 1);
});

test("all commits of a turn learn that another vCenter took over, which is told once", async () => {
  const kv = new MemoryKeyValue();
  const store = await open(kv);
  await open(kv);
  let told = 0;
  store.onStale = () => (told += 1);
  const results = await Promise.allSettled(["/a", "/b"].map((key) => store.commit({ puts: [{ key, value: "" }] })));
  for (const result of results) assert.ok(result.status === "rejected" && result.reason instanceof VimFault && result.reason.fault.$case === "staleWriter");
  assert.equal(told, 1);
  assert.deepEqual(kv.keys("/a"), []);
});

test("changes of the inventory wait in a line with an end", async () => {
  const serial = new Serial();
  const first = deferred<void>();
  const line = [serial.run(() => first.promise), ...Array.from({ length: 999 }, () => serial.run(async () => undefined))];
  await assert.rejects(serial.run(async () => undefined), (error) => RpcError.is(error, RpcCode.RESOURCE_EXHAUSTED));
  first.resolve();
  await Promise.all(line);
  assert.equal(await serial.run(async () => "again"), "again");
});
