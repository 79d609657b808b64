import assert from "node:assert/strict";
import { it } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Lessor } from "../../src/etcd/lease/lessor.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { Store } from "../../src/etcd/kv/store.js";

async function open(table: MemoryTable, clock: ManualClock): Promise<{ store: Store; lessor: Lessor; close: () => Promise<void> }> {
  const store = await Store.open(table, { onFailure: assert.fail });
  const lessor = await Lessor.open(store, clock, silentLogger);
  return { store, lessor, close: async () => (lessor.close(), store.close()) };
}

const put = (store: Store, key: string, lease: bigint): Promise<void> => store.write((txn) => txn.put(key, Buffer.from("v"), lease));

it("ends a lease that nobody renews, with its keys, in one revision", async () => {
  const clock = new ManualClock();
  const { store, lessor, close } = await open(new MemoryTable(), clock);
  await lessor.grant(7n, 5n);
  await put(store, "b", 7n);
  await put(store, "a", 7n);
  const ends: string[] = [];
  store.subscribe(({ revision, changes }) => ends.push(`${revision}: ${changes.map(({ key }) => key).join(",")}`));
  await clock.advance(3_000);
  assert.equal(lessor.renew(7n), 5);
  await clock.advance(4_000);
  assert.deepEqual(ends, []);
  assert.equal((await lessor.lookup(7n))?.leftSeconds, 1);
  await clock.advance(1_500);
  assert.deepEqual(ends, ["4: a,b"]);
  assert.equal(await lessor.lookup(7n), undefined);
  assert.equal(lessor.renew(7n), 0);
  await clock.advance(1_000);
  assert.equal(clock.waiting, 0);
  await close();
});

it("has no time left, and is still there, between its end and the next look at the clock", async () => {
  const clock = new ManualClock();
  const { lessor, close } = await open(new MemoryTable(), clock);
  await lessor.grant(1n, 60n);
  await clock.advance(100);
  await lessor.grant(2n, 2n);
  await clock.advance(2_200);
  assert.deepEqual(await lessor.lookup(2n), { id: 2n, grantedSeconds: 2, leftSeconds: 0, keys: [] });
  assert.equal(lessor.renew(2n), 0);
  await clock.advance(200);
  assert.equal(await lessor.lookup(2n), undefined);
  await close();
});

it("is followed by the key, not by its history: the last put decides", async () => {
  const { store, lessor, close } = await open(new MemoryTable(), new ManualClock());
  await lessor.grant(1n, 60n);
  await lessor.grant(2n, 60n);
  await put(store, "a", 1n);
  await put(store, "a", 2n);
  await put(store, "b", 2n);
  await put(store, "b", 0n);
  assert.deepEqual([(await lessor.lookup(1n))?.keys, (await lessor.lookup(2n))?.keys], [[], ["a"]]);
  await store.write((txn) => txn.delete({ start: "a", end: "b", single: false }, false));
  assert.deepEqual((await lessor.lookup(2n))?.keys, []);
  await close();
});

it("lives on over a restart, with its keys and its full time", async () => {
  const table = new MemoryTable();
  const clock = new ManualClock();
  const before = await open(table, clock);
  await before.lessor.grant(7n, 10n);
  await before.lessor.grant(8n, 10n);
  await put(before.store, "a", 7n);
  await before.lessor.revoke(8n);
  await clock.advance(9_000);
  await before.close();
  await clock.advance(60_000);
  const after = await open(table, clock);
  assert.deepEqual(await after.lessor.list(), [7n]);
  assert.deepEqual(await after.lessor.lookup(7n), { id: 7n, grantedSeconds: 10, leftSeconds: 10, keys: ["a"] });
  await clock.advance(10_500);
  assert.equal(after.store.get("a"), undefined);
  await after.close();
});

it("revokes at most 1,000 ended leases a second, 500 at each look, until all are gone", async () => {
  const clock = new ManualClock();
  const { store, lessor, close } = await open(new MemoryTable(), clock);
  for (let id = 1n; id <= 2_200n; id += 1n) await lessor.grant(id, 5n);
  for (const id of [1n, 2_200n]) await put(store, `on/${id}`, id);
  await clock.advance(4_999);
  assert.equal((await lessor.list()).length, 2_200);
  const left: number[] = [];
  for (let look = 0; look < 6; look += 1) {
    await clock.advance(500);
    left.push((await lessor.list()).length);
  }
  assert.deepEqual(left, [1_700, 1_200, 700, 200, 0, 0]);
  assert.deepEqual([store.get("on/1"), store.get("on/2200")], [undefined, undefined]);
  await close();
});

it("does not renew a lease that has ended and waits for its turn to be revoked", async () => {
  const clock = new ManualClock();
  const { lessor, close } = await open(new MemoryTable(), clock);
  for (let id = 1n; id <= 501n; id += 1n) await lessor.grant(id, 5n);
  await clock.advance(5_100);
  const [waiting] = await lessor.list();
  assert.equal(waiting, 501n);
  assert.equal(lessor.renew(501n), 0);
  await clock.advance(500);
  assert.deepEqual(await lessor.list(), []);
  await close();
});

it("ends leases in time, whichever were renewed, revoked or granted again", async () => {
  const clock = new ManualClock();
  const { lessor, close } = await open(new MemoryTable(), clock);
  for (const id of [1n, 2n, 3n, 4n]) await lessor.grant(id, 10n);
  await lessor.revoke(3n);
  await lessor.grant(3n, 4n);
  await clock.advance(3_000);
  assert.deepEqual([lessor.renew(1n), lessor.renew(3n)], [10, 4]);
  await lessor.revoke(4n);
  await lessor.grant(4n, 100n);
  const at: Record<number, bigint[]> = {};
  for (const second of [6, 8, 11, 14, 104]) {
    await clock.advance(second * 1_000 - clock.nowMs());
    at[second] = (await lessor.list()).sort((a, b) => Number(a - b));
  }
  assert.deepEqual(at, { 6: [1n, 2n, 3n, 4n], 8: [1n, 2n, 4n], 11: [1n, 4n], 14: [4n], 104: [] });
  await close();
});

it("revokes a lease later where the store was too busy for it", async () => {
  const clock = new ManualClock();
  const { store, lessor, close } = await open(new MemoryTable(), clock);
  await lessor.grant(1n, 5n);
  const write = store.write.bind(store);
  let refused = 0;
  store.write = () => Promise.reject(new Error(`busy ${(refused += 1)}`));
  await clock.advance(6_000);
  assert.ok(refused >= 2, `${refused} tries`);
  store.write = write;
  await clock.advance(500);
  assert.equal(lessor.exists(1n), false);
  await close();
});
