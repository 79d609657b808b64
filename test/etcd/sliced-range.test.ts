import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { atOnce, type Slices } from "../../src/base/slices.js";
import { AnswerSize } from "../../src/etcd/kv/answer-size.js";
import { encodeRange } from "../../src/etcd/kv/answer-bytes.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { executeRange, rangeSlices } from "../../src/etcd/kv/range.js";
import { Store } from "../../src/etcd/kv/store.js";
import { fc } from "../support/properties.js";

const KEYS = 3_000;
const ALL = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const keyAt = (index: number): string => `k${String(index).padStart(5, "0")}`;

/** A store of so many keys, all made at revision 2. */
async function filled(cacheBytes?: number): Promise<Store> {
  const store = await Store.open(new MemoryTable(), { onFailure: assert.fail, ...(cacheBytes === undefined ? {} : { cacheBytes }) });
  await store.write((txn) => {
    for (let index = 0; index < KEYS; index += 1) txn.put(keyAt(index), Buffer.from(`${(index * 7_919) % 997}`), 0n);
  });
  return store;
}

/** Does the work and whatever `between` does after each slice. */
async function paused<T>(work: Slices<T>, between: (slice: number) => unknown): Promise<T> {
  for (let slice = 1; ; slice += 1) {
    const result = work.next();
    if (result.done === true) return result.value;
    await between(slice);
  }
}

const request = (fields: Partial<RangeRequest>): RangeRequest => RangeRequest.create({ ...ALL, ...fields });

/** The whole way of an answer: read, sort, encode. */
function* answer(store: Store, fields: Partial<RangeRequest>): Slices<Buffer> {
  const response = yield* rangeSlices(request(fields), store, new AnswerSize());
  yield* response.encode();
  return encodeRange(response);
}

const anyRequest = fc.record({
  sortOrder: fc.constantFrom(RangeRequest_SortOrder.NONE, RangeRequest_SortOrder.ASCEND, RangeRequest_SortOrder.DESCEND),
  sortTarget: fc.constantFrom(RangeRequest_SortTarget.KEY, RangeRequest_SortTarget.VERSION, RangeRequest_SortTarget.CREATE, RangeRequest_SortTarget.MOD, RangeRequest_SortTarget.VALUE),
  limit: fc.constantFrom(0n, 1n, 1_000n, 5_000n),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: fc.constantFrom(0n, 0n, 3n),
  key: fc.constantFrom(Buffer.from([0]), Buffer.from(keyAt(700))),
  rangeEnd: fc.constantFrom(Buffer.from([0]), Buffer.from(keyAt(2_300))),
});

describe("a range in slices", () => {
  it("is the range at its revision, whatever is put, deleted and compacted between the slices", async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest, fc.array(fc.record({ kind: fc.constantFrom("put", "delete", "new", "compact"), index: fc.nat({ max: KEYS - 1 }) }), { minLength: 5 }), async (fields, steps) => {
        const store = await filled(10_000);
        await store.write((txn) => steps.forEach(({ index }) => txn.put(keyAt(index), Buffer.from("again"), 0n)));
        const expected = encodeRange(executeRange(request(fields), store));
        let deleted: Promise<void> = Promise.resolve();
        const got = await paused(answer(store, fields), async (slice) => {
          const { kind, index } = steps[slice % steps.length] as (typeof steps)[number];
          if (kind === "compact" && store.compactRevision < store.revision) {
            deleted = Promise.all([deleted, store.compact(store.revision, true)]).then(() => undefined);
            // The point is passed and the compactor has had its turns.
            for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          } else await store.write((txn) => (kind === "delete" ? txn.delete({ start: keyAt(index), end: keyAt(index + 20), single: false }, false) : txn.put(kind === "new" ? `${keyAt(index)}x` : keyAt(index), Buffer.from("later"), 0n)));
        });
        assert.ok(got.equals(expected));
        await deleted;
        await store.close();
      }),
      { numRuns: 40 },
    );
  });

  it("holds back the deletion of what it still has to read, and nothing longer", async () => {
    const store = await filled(0);
    for (let index = 0; index < KEYS; index += 100) await store.write((txn) => txn.put(keyAt(index), Buffer.from("new"), 0n));
    const work = rangeSlices(request({ revision: 2n }), store, new AnswerSize());
    work.next();
    let finished = false;
    const compaction = store.compact(store.revision, true).then(() => (finished = true));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(finished, false);
    // Who comes now is refused, as by etcd; who was there gets all of it.
    assert.throws(() => executeRange(request({ revision: 2n }), store), /required revision has been compacted/);
    assert.equal(atOnce(work).kvs.filter(({ modRevision }) => modRevision === 2n).length, KEYS);
    await compaction;
    await store.close();
  });

  it("lets a compaction pass that is after nothing it reads, and lets go of what it holds when it is given up", async () => {
    const store = await filled(0);
    const work = rangeSlices(request({}), store, new AnswerSize());
    work.next();
    await store.compact(2, true);
    await store.write((txn) => txn.put("k", Buffer.from("v"), 0n));
    const compaction = store.compact(3, true);
    work.return(undefined as never);
    await compaction;
    await store.close();
  });

  it("looks at few keys, reads few rows and writes few bytes between two pauses", async () => {
    class CountingTable extends MemoryTable {
      reads = 0;
      override get(key: Buffer): Buffer | undefined {
        this.reads += 1;
        return super.get(key);
      }
    }
    const table = new CountingTable();
    const store = await Store.open(table, { onFailure: assert.fail, cacheBytes: 0 });
    await store.write((txn) => {
      for (let index = 0; index < 20_000; index += 1) txn.put(keyAt(index), Buffer.from("v"), 0n);
    });
    let [most, slices] = [0, 0];
    table.reads = 0;
    await paused(answer(store, { sortTarget: RangeRequest_SortTarget.VALUE }), () => {
      slices += 1;
      most = Math.max(most, table.reads);
      table.reads = 0;
    });
    assert.ok(most > 100 && most <= 500, `${most} reads of the table in a slice`);
    assert.ok(slices > 20_000 / 500, `${slices} slices`);
    slices = 0;
    await paused(answer(store, { countOnly: true }), () => (slices += 1));
    assert.ok(slices >= 3, `${slices} slices of a count`);
    // What fits into one has no pause.
    assert.equal(answer(store, { key: Buffer.from(keyAt(5)), rangeEnd: Buffer.from(keyAt(105)) }).next().done, true);
    await store.close();
  });
});
