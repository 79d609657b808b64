import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import { hashKv } from "../../src/etcd/storage/hash-kv.js";
import { META } from "../../src/etcd/storage/keyspace.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { WHOLE } from "../../src/etcd/kv/read-view.js";
import { encodeRevision } from "../../src/etcd/storage/revision.js";
import { decodeRow } from "../../src/etcd/storage/row.js";
import { Store } from "../../src/etcd/kv/store.js";
import { fc } from "../support/properties.js";

const EVERYTHING = { start: "", end: undefined, single: false };
const one = (key: string) => ({ start: key, end: `${key}\0`, single: true });
const fail = (error: Error): void => assert.fail(error);

const open = (table: MemoryTable, onFailure: (error: Error) => void = fail): Promise<Store> => Store.open(table, { onFailure });
const put = (store: Store, key: string, value: string): Promise<void> => store.write((txn) => txn.put(key, Buffer.from(value), 0n));
const remove = (store: Store, key: string): Promise<unknown> => store.write((txn) => txn.delete(one(key), false));
const texts = (store: Store, revision = store.revision): string[] =>
  store.rows(EVERYTHING, revision, WHOLE).rows.map(decodeRow).map((pair) => `${pair.key.toString()}=${pair.value.toString()} ${pair.createRevision}/${pair.modRevision}/${pair.version}`);

describe("group commit", () => {
  it("makes one disk write of all that waits, and answers in order with its own revision each", async () => {
    const table = new MemoryTable();
    const store = await open(table);
    const answers: number[] = [];
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.write((txn) => (txn.put(`k${index}`, Buffer.alloc(1), 0n), txn.revision)).then((revision) => answers.push(revision))));
    assert.deepEqual(answers, Array.from({ length: 50 }, (_, index) => index + 2));
    assert.equal(table.syncedWrites, 1);
    assert.deepEqual(store.counters, { diskCommits: 1, txns: 50 });
    await store.close();
  });

  it("shows readers nothing before it is durable, and writers everything before them", async () => {
    const store = await open(new MemoryTable());
    const seen: string[] = [];
    store.subscribe((commit) => seen.push(`${commit.revision}: ${commit.changes.map(({ key }) => key).join(",")} visible ${store.revision}`));
    const first = put(store, "a", "1");
    const second = store.write((txn) => txn.get("a")?.value.toString());
    assert.equal(store.get("a"), undefined);
    assert.equal(store.revision, 1);
    assert.equal(await second, "1");
    await first;
    assert.equal(store.get("a")?.value.toString(), "1");
    assert.deepEqual(seen, ["2: a visible 2"]);
    await store.close();
  });

  it("reads the durable version of a key that has undurable ones", async () => {
    const store = await open(new MemoryTable());
    await put(store, "a", "1");
    const later = Promise.all([put(store, "a", "2"), remove(store, "a"), put(store, "a", "3")]);
    assert.deepEqual(texts(store), ["a=1 2/2/1"]);
    await later;
    assert.deepEqual(texts(store), ["a=3 5/5/1"]);
    assert.deepEqual(texts(store, 3), ["a=2 2/3/2"]);
    await store.close();
  });

  it("costs no disk write to change nothing", async () => {
    const table = new MemoryTable();
    const store = await open(table);
    assert.equal(await store.write((txn) => txn.delete(one("none"), false).count), 0);
    assert.equal(table.writes, 0);
    await assert.rejects(store.write(() => { throw new Error("no"); }), /no/);
    await put(store, "a", "1");
    await store.close();
  });

  it("stops for good when the disk fails", async () => {
    const table = new MemoryTable();
    const failures: Error[] = [];
    const store = await open(table, (error) => failures.push(error));
    await put(store, "a", "1");
    table.failNext = new Error("disk full");
    const refused = (error: unknown): boolean => RpcError.is(error) && error.message === "etcdserver: server stopped";
    const [b, c] = await Promise.allSettled([put(store, "b", "1"), put(store, "c", "1")]);
    for (const result of [b, c]) assert.ok(result.status === "rejected" && refused(result.reason));
    table.failNext = undefined;
    await assert.rejects(put(store, "d", "1"), refused);
    assert.deepEqual(texts(store), ["a=1 2/2/1"]);
    assert.deepEqual(failures.map(({ message }) => message), ["disk full"]);
    await store.close();
    const again = await open(table);
    assert.deepEqual(texts(again), ["a=1 2/2/1"]);
    await again.close();
  });
});

describe("restart", () => {
  it("finds everything again", async () => {
    const table = new MemoryTable();
    const before = await open(table);
    await put(before, "a", "1");
    await before.write((txn) => (txn.put("b", Buffer.from("2"), 0n), txn.put("c", Buffer.from("3"), 0n)));
    await put(before, "a", "4");
    await remove(before, "b");
    await before.close();
    const after = await open(table);
    assert.equal(after.revision, 5);
    assert.deepEqual(texts(after), ["a=4 2/4/2", "c=3 3/3/1"]);
    assert.deepEqual(texts(after, 3), ["a=1 2/2/1", "b=2 3/3/1", "c=3 3/3/1"]);
    await put(after, "b", "5");
    assert.deepEqual(texts(after)[1], "b=5 6/6/1");
    await after.close();
  });

  it("goes on with a compaction that was cut off, and never back with the revision (etcd issue 17780)", async () => {
    const table = new MemoryTable();
    const before = await open(table);
    await put(before, "a", "1");
    await put(before, "a", "2");
    await remove(before, "a");
    await before.close();
    // As if the process had died right after the point was written.
    await table.write([{ type: "put", key: META.scheduledCompactRevision, value: encodeRevision(4, 0, false) }], true);
    const after = await open(table);
    assert.deepEqual([after.revision, after.compactRevision], [4, 4]);
    await put(after, "b", "1");
    await after.compact(5, true);
    await after.close();
    const third = await open(table);
    assert.deepEqual([third.revision, third.compactRevision, texts(third)], [5, 5, ["b=1 5/5/1"]]);
    await remove(third, "b");
    await third.compact(6, true);
    await third.close();
    const fourth = await open(table);
    assert.deepEqual([fourth.revision, fourth.compactRevision, texts(fourth)], [6, 6, []]);
    await fourth.close();
  });
});

/** A state as a plain map; history is a list of such states. */
type Model = ReadonlyMap<string, string>;

it("behaves like a list of maps, also after restarts and compactions", async () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("put" as const), key, value: fc.constantFrom("x", "y", "z") }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key, to: key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.nat({ max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const table = new MemoryTable();
      let store = await open(table);
      const states: Model[] = [new Map(), new Map()];
      let compacted = -1;
      for (const action of steps) {
        const state = new Map(states[states.length - 1]);
        if (action.kind === "put") {
          await put(store, action.key, action.value);
          states.push(state.set(action.key, action.value));
        } else if (action.kind === "delete") {
          const { count } = await store.write((txn) => txn.delete({ start: action.key, end: action.to, single: false }, false));
          const doomed = [...state.keys()].filter((name) => name >= action.key && name < action.to);
          for (const name of doomed) state.delete(name);
          assert.equal(count, doomed.length);
          if (doomed.length > 0) states.push(state);
        } else if (action.kind === "compact") {
          const point = store.revision - action.back;
          if (point <= compacted) continue;
          await store.compact(point, action.back % 2 === 0);
          compacted = point;
        } else {
          const { hash } = await hashKv(store, 0);
          await store.close();
          store = await open(table);
          assert.equal((await hashKv(store, 0)).hash, hash);
        }
        assert.equal(store.revision, states.length - 1);
      }
      for (let revision = Math.max(1, compacted); revision < states.length; revision += 1) {
        const pairs = store.rows(EVERYTHING, revision, WHOLE).rows.map(decodeRow);
        assert.deepEqual(pairs.map((pair) => [pair.key.toString(), pair.value.toString()]), [...(states[revision] as Model)].sort(([a], [b]) => (a < b ? -1 : 1)), `at revision ${revision}`);
      }
      await store.close();
    }),
    { numRuns: 60 },
  );
});
