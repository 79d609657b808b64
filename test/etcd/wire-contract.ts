import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RangeRequest_SortOrder, RangeRequest_SortTarget, type RequestOp, type TxnResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { served } from "./served.js";
import { COMPACTED, compare, connect, type Connection, create, del, NO_LEASE, opDelete, opPut, opRange, opTxn, put, range, refused, txn, WatchTap } from "./wire.js";

/** What differs between the etcd versions that may stand behind the contract. */
export interface KvTraits {
  /** Unknown sort options are refused; difference `sort-option` of version-differences.json. */
  readonly checksSortOptions: boolean;
}

const EMPTY_KEY = refused(RpcCode.INVALID_ARGUMENT, "key is not provided");
const KEY_NOT_FOUND = refused(RpcCode.INVALID_ARGUMENT, "key not found");
const DUPLICATE = refused(RpcCode.INVALID_ARGUMENT, "duplicate key given in txn request");
const FUTURE = refused(RpcCode.OUT_OF_RANGE, "mvcc: required revision is a future revision");

/**
 * The etcd v3 wire contract of Put, Range, DeleteRange, Txn and Compact, written once and run against every server that claims it. Each
 * case uses its own keys.
 */
export function kvContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: KvTraits): void {
  describe(`etcd contract of keys: ${name}`, { skip }, () => {
    let etcd: Connection;

    served(start, connect, (connection) => void (etcd = connection));

    const answers = (response: TxnResponse): string[] => response.responses.map(({ response: op }) => `${op?.$case} ${op?.value.header?.revision}`);

    describe("Put and Range", () => {
      it("counts versions and revisions from the creation of a key", async () => {
        const first = await etcd.kv.put(put({ key: "count/a", value: "1" }));
        const created = first.header?.revision ?? 0n;
        await etcd.kv.put(put({ key: "count/a", value: "1" }));
        const { kvs, count, more, header } = await etcd.kv.range(range({ key: "count/a" }));
        assert.deepEqual(kvs.map(({ createRevision, modRevision, version, lease }) => [createRevision, modRevision, version, lease]), [[created, created + 1n, 2n, 0n]]);
        assert.deepEqual([count, more, header?.revision], [1n, false, created + 1n]);
        await etcd.kv.deleteRange(del({ key: "count/a" }));
        await etcd.kv.put(put({ key: "count/a", value: "2" }));
        const again = (await etcd.kv.range(range({ key: "count/a" }))).kvs[0];
        assert.deepEqual([again?.createRevision, again?.version], [created + 3n, 1n]);
      });

      it("reads half-open ranges, prefixes, from a key on, and reversed ranges as empty", async () => {
        for (const key of ["r/a", "r/b", "r/b2", "r/c", "r/\u00ff"]) await etcd.kv.put(put({ key, value: "v" }));
        assert.deepEqual(await etcd.texts({ key: "r/a", rangeEnd: "r/c" }), ["r/a=v", "r/b=v", "r/b2=v"]);
        assert.deepEqual(await etcd.texts({ key: "r/b", rangeEnd: "r/c" }), ["r/b=v", "r/b2=v"]);
        assert.deepEqual((await etcd.texts({ key: "r/c", rangeEnd: "\0" })).slice(0, 2), ["r/c=v", "r/\u00ff=v"]);
        assert.deepEqual(await etcd.texts({ key: "r/c", rangeEnd: "r/a" }), []);
        assert.deepEqual(await etcd.texts({ key: "r/a", rangeEnd: "r/a" }), []);
      });

      it("limits, counts, and leaves values out", async () => {
        for (const key of ["l/1", "l/2", "l/3"]) await etcd.kv.put(put({ key, value: key }));
        const limited = await etcd.kv.range(range({ key: "l/", rangeEnd: "l0", limit: 2 }));
        assert.deepEqual([limited.kvs.length, limited.more, limited.count], [2, true, 3n]);
        const exact = await etcd.kv.range(range({ key: "l/", rangeEnd: "l0", limit: 3 }));
        assert.deepEqual([exact.kvs.length, exact.more], [3, false]);
        const counted = await etcd.kv.range(range({ key: "l/", rangeEnd: "l0", countOnly: true, limit: 1 }));
        assert.deepEqual([counted.kvs.length, counted.more, counted.count], [0, false, 3n]);
        const keys = await etcd.kv.range(range({ key: "l/", rangeEnd: "l0", keysOnly: true }));
        assert.deepEqual(keys.kvs.map(({ value, version }) => [value.length, version]), [[0, 1n], [0, 1n], [0, 1n]]);
      });

      it("sorts by every target, ascending unless told otherwise, and filters before the limit", async () => {
        for (const [key, value] of [["s/a", "3"], ["s/b", "1"], ["s/c", "2"]] as const) await etcd.kv.put(put({ key, value }));
        const base = await etcd.current();
        await etcd.kv.put(put({ key: "s/a", value: "3" }));
        const { ASCEND, DESCEND } = RangeRequest_SortOrder;
        const { KEY, VALUE, MOD, CREATE, VERSION } = RangeRequest_SortTarget;
        const all = { key: "s/", rangeEnd: "s0" };
        const keysOf = async (fields: Parameters<typeof range>[0]): Promise<string> => (await etcd.texts({ ...all, ...fields })).map((pair) => pair[2]).join("");
        assert.equal(await keysOf({ sortOrder: DESCEND }), "cba");
        assert.equal(await keysOf({ sortTarget: KEY, sortOrder: ASCEND }), "abc");
        assert.equal(await keysOf({ sortTarget: VALUE }), "bca");
        assert.equal(await keysOf({ sortTarget: MOD, sortOrder: ASCEND }), "bca");
        assert.equal(await keysOf({ sortTarget: CREATE, sortOrder: DESCEND }), "cba");
        assert.equal(await keysOf({ sortTarget: VERSION, sortOrder: DESCEND, limit: 1 }), "a");
        // With a target and no order, etcd cuts by key first, leaving one more than the limit, and sorts those.
        assert.equal(await keysOf({ sortTarget: VALUE, limit: 1 }), "b");
        assert.equal(await keysOf({ sortTarget: MOD, sortOrder: ASCEND, limit: 1 }), "b");
        assert.equal(await keysOf({ sortTarget: CREATE, limit: 1 }), "a");
        assert.equal(await keysOf({ minModRevision: base }), "ac");
        const filtered = await etcd.kv.range(range({ ...all, maxModRevision: base, limit: 1 }));
        assert.deepEqual([filtered.kvs[0]?.key.toString(), filtered.more, filtered.count], ["s/b", true, 3n]);
        assert.equal(await keysOf({ maxCreateRevision: base - 1n, minCreateRevision: base - 1n }), "b");
        if (traits.checksSortOptions) await assert.rejects(etcd.kv.range(range({ key: "s", sortOrder: RangeRequest_SortOrder.UNRECOGNIZED })), refused(RpcCode.INVALID_ARGUMENT, "invalid sort option"));
      });

      it("reads old revisions with the current revision in the header", async () => {
        const old = (await etcd.kv.put(put({ key: "old", value: "1" }))).header?.revision ?? 0n;
        await etcd.kv.put(put({ key: "old", value: "2" }));
        const response = await etcd.kv.range(range({ key: "old", revision: old }));
        assert.deepEqual([response.kvs[0]?.value.toString(), response.header?.revision], ["1", old + 1n]);
        await assert.rejects(etcd.kv.range(range({ key: "old", revision: old + 1000n })), FUTURE);
      });

      it("returns the previous pair, keeps value or lease when told, and refuses contradictions", async () => {
        assert.equal((await etcd.kv.put(put({ key: "p", value: "1", prevKv: true }))).prevKv, undefined);
        const { ID } = await etcd.grant(60);
        const replaced = await etcd.kv.put(put({ key: "p", lease: ID, ignoreValue: true, prevKv: true }));
        assert.equal(replaced.prevKv?.value.toString(), "1");
        await etcd.kv.put(put({ key: "p", value: "2", ignoreLease: true }));
        const pair = (await etcd.kv.range(range({ key: "p" }))).kvs[0];
        assert.deepEqual([pair?.value.toString(), pair?.lease, pair?.version], ["2", ID, 3n]);
        await assert.rejects(etcd.kv.put(put({ key: "p", value: "x", ignoreValue: true })), refused(RpcCode.INVALID_ARGUMENT, "value is provided"));
        await assert.rejects(etcd.kv.put(put({ key: "p", lease: ID, ignoreLease: true })), refused(RpcCode.INVALID_ARGUMENT, "lease is provided"));
        await assert.rejects(etcd.kv.put(put({ key: "p/none", ignoreValue: true })), KEY_NOT_FOUND);
        await assert.rejects(etcd.kv.put(put({ key: "p", lease: 12345 })), NO_LEASE);
      });

      it("refuses empty keys and requests that are too large", async () => {
        await assert.rejects(etcd.kv.range(range({})), EMPTY_KEY);
        await assert.rejects(etcd.kv.put(put({ value: "x" })), EMPTY_KEY);
        await assert.rejects(etcd.kv.deleteRange(del({})), EMPTY_KEY);
        await assert.rejects(etcd.kv.put(put({ key: "big", value: "x".repeat(1536 * 1024) })), refused(RpcCode.INVALID_ARGUMENT, "request is too large"));
        await assert.rejects(etcd.kv.deleteRange(del({ key: "x".repeat(1536 * 1024) })), refused(RpcCode.INVALID_ARGUMENT, "request is too large"));
        await etcd.kv.put(put({ key: "big", value: "x".repeat(1536 * 1024 - 512) }));
        await assert.rejects(etcd.kv.put(put({ key: "big", value: "x".repeat(2 * 1024 * 1024) })), (error) => RpcError.is(error, RpcCode.RESOURCE_EXHAUSTED));
      });
    });

    describe("DeleteRange", () => {
      it("takes one revision for all keys, none for nothing", async () => {
        for (const key of ["d/1", "d/2", "d/3"]) await etcd.kv.put(put({ key, value: key }));
        const base = await etcd.current();
        const gone = await etcd.kv.deleteRange(del({ key: "d/1", rangeEnd: "d/3", prevKv: true }));
        assert.deepEqual([gone.deleted, gone.header?.revision, gone.prevKvs.map(({ value }) => value.toString())], [2n, base + 1n, ["d/1", "d/2"]]);
        const nothing = await etcd.kv.deleteRange(del({ key: "d/1", rangeEnd: "d/3" }));
        assert.deepEqual([nothing.deleted, nothing.header?.revision], [0n, base + 1n]);
      });
    });

    describe("Txn", () => {
      it("compares what is stored and what is not", async () => {
        await etcd.kv.put(put({ key: "c/a", value: "m" }));
        const base = Number(await etcd.current());
        const holds = async (...conditions: ReturnType<typeof compare>[]): Promise<boolean> => (await etcd.kv.txn(txn({ compare: conditions }))).succeeded;
        const table: [ReturnType<typeof compare>, boolean][] = [
          [compare("c/a", "VERSION", "EQUAL", 1), true],
          [compare("c/a", "MOD", "EQUAL", base), true],
          [compare("c/a", "CREATE", "GREATER", base), false],
          [compare("c/a", "CREATE", "NOT_EQUAL", base), false],
          [compare("c/a", "VALUE", "LESS", "n"), true],
          [compare("c/a", "VALUE", "GREATER", "ma"), false],
          [compare("c/a", "LEASE", "EQUAL", 0), true],
          [compare("c/a", "VERSION", "LESS"), false],
          [compare("c/none", "VERSION", "EQUAL", 0), true],
          [compare("c/none", "MOD", "LESS", 1), true],
          [compare("c/none", "VALUE", "EQUAL", ""), false],
          [compare("c/none", "VALUE", "NOT_EQUAL", "x"), false],
          [compare("c/", "VERSION", "GREATER", 0, "c0"), true],
          [compare("c/", "VALUE", "NOT_EQUAL", "m", "c0"), false],
          [compare("c/x", "CREATE", "EQUAL", 0, "c/y"), true],
        ];
        for (const [condition, expected] of table) assert.equal(await holds(condition), expected, `${condition.key.toString()} ${condition.target} ${condition.result}`);
        assert.equal(await holds(compare("c/a", "VERSION", "EQUAL", 1), compare("c/a", "VERSION", "EQUAL", 2)), false);
      });

      it("runs its operations in order, in one revision, each seeing those before", async () => {
        await etcd.kv.put(put({ key: "t/a", value: "1" }));
        const base = await etcd.current();
        const response = await etcd.kv.txn(
          txn({ success: [opRange({ key: "t/a" }), opPut({ key: "t/b", value: "2" }), opRange({ key: "t/", rangeEnd: "t0" }), opDelete({ key: "t/a", prevKv: true }), opDelete({ key: "t/none" }), opRange({ key: "t/", rangeEnd: "t0", countOnly: true })] }),
        );
        assert.equal(response.header?.revision, base + 1n);
        const now = base + 1n;
        assert.deepEqual(answers(response), [`responseRange ${base}`, `responsePut ${now}`, `responseRange ${now}`, `responseDeleteRange ${now}`, `responseDeleteRange ${now}`, `responseRange ${now}`]);
        const counts = response.responses.map(({ response: op }) => (op?.$case === "responseRange" ? op.value.count : undefined));
        assert.deepEqual(counts, [1n, undefined, 2n, undefined, undefined, 1n]);
      });

      it("takes no revision when it changes nothing", async () => {
        const base = await etcd.current();
        const failed = await etcd.kv.txn(txn({ compare: [compare("t/none", "VERSION", "GREATER", 0)], success: [opPut({ key: "t/none" })], failure: [opRange({ key: "t/none" }), opDelete({ key: "t/none" })] }));
        assert.deepEqual([failed.succeeded, failed.header?.revision, failed.responses.length], [false, base, 2]);
        assert.deepEqual(answers(failed), [`responseRange ${base}`, `responseDeleteRange ${base}`]);
      });

      it("judges nested conditions on the state before, and answers nested", async () => {
        const base = await etcd.current();
        const response = await etcd.kv.txn(
          txn({
            success: [
              opPut({ key: "n/a", value: "1" }),
              opTxn({ compare: [compare("n/a", "VERSION", "EQUAL", 0)], success: [opPut({ key: "n/b", value: "2" }), opRange({ key: "n/a" })], failure: [opPut({ key: "n/b", value: "3" })] }),
            ],
          }),
        );
        const inner = response.responses[1]?.response;
        assert.ok(inner?.$case === "responseTxn");
        assert.deepEqual([inner.value.succeeded, inner.value.header?.revision, answers(inner.value)], [true, 0n, [`responsePut ${base + 1n}`, `responseRange ${base + 1n}`]]);
        assert.deepEqual(await etcd.texts({ key: "n/", rangeEnd: "n0" }), ["n/a=1", "n/b=2"]);
      });

      it("refuses a key written twice, wherever it stands", async () => {
        const a = opPut({ key: "w/a" });
        const refusedLists = [
          [a, a],
          [a, opDelete({ key: "w/a" })],
          [opDelete({ key: "w/", rangeEnd: "w0" }), a],
          [a, opTxn({ success: [a] })],
          [opTxn({ success: [a] }), opTxn({ failure: [a] })],
          [opDelete({ key: "w/a" }), opTxn({ success: [a] })],
          [opTxn({ failure: [opDelete({ key: "w/a" })] }), a],
          [opTxn({ success: [opDelete({ key: "w/a" })] }), opTxn({ success: [a] })],
        ];
        for (const success of refusedLists) await assert.rejects(etcd.kv.txn(txn({ success })), DUPLICATE);
        for (const failure of refusedLists) await assert.rejects(etcd.kv.txn(txn({ failure })), DUPLICATE);
        await etcd.kv.txn(txn({ success: [opTxn({ success: [a], failure: [a] })] }));
        await etcd.kv.txn(txn({ success: [opDelete({ key: "w/" , rangeEnd: "w0" }), opDelete({ key: "w/a" })] }));
      });

      it("deletes in one nested Txn what another one put: twice in one revision", async () => {
        await etcd.kv.put(put({ key: "twice", value: "0" }));
        const base = await etcd.current();
        await etcd.kv.txn(txn({ success: [opTxn({ success: [opPut({ key: "twice", value: "1" })] }), opTxn({ success: [opDelete({ key: "twice", prevKv: true })] })] }));
        assert.deepEqual(await etcd.texts({ key: "twice" }), []);
        assert.deepEqual(await etcd.texts({ key: "twice", revision: base }), ["twice=0"]);
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "twice", startRevision: base + 1n, prevKv: true }));
        assert.deepEqual(await tap.events(2), [`PUT twice=1 @${base + 1n} was 0@${base}`, `DELETE twice @${base + 1n} was 0@${base}`]);
        tap.close();
      });

      it("takes a deletion without end for no deletion of what is put beside it", async () => {
        await etcd.kv.txn(txn({ success: [opDelete({ key: "zz/a", rangeEnd: "\0" }), opPut({ key: "zz/b", value: "1" })] }));
        assert.deepEqual(await etcd.texts({ key: "zz/b" }), ["zz/b=1"]);
      });

      it("limits operations per level", async () => {
        const many = (count: number) => Array.from({ length: count }, (_, index) => opPut({ key: `m/${index}` }));
        const tooMany = refused(RpcCode.INVALID_ARGUMENT, "too many operations in txn request");
        await etcd.kv.txn(txn({ success: many(128) }));
        await assert.rejects(etcd.kv.txn(txn({ success: many(129) })), tooMany);
        await assert.rejects(etcd.kv.txn(txn({ failure: many(129) })), tooMany);
        await assert.rejects(etcd.kv.txn(txn({ success: [...many(27), opTxn({ success: many(128).slice(27) })] })), tooMany);
        await etcd.kv.txn(txn({ success: [...many(27), opTxn({ success: many(127).slice(27) })] }));
      });

      it("names the first refusal in the order of the operations, nested ones in their place", async () => {
        const noLease = opPut({ key: "x/first", lease: 999_999 });
        const noKey = opPut({ key: "x/none", ignoreValue: true });
        const nested = (op: RequestOp): RequestOp => opTxn({ success: [op] });
        await assert.rejects(etcd.kv.txn(txn({ success: [nested(noLease), noKey] })), NO_LEASE);
        await assert.rejects(etcd.kv.txn(txn({ success: [nested(noKey), noLease] })), refused(RpcCode.INVALID_ARGUMENT, "key not found"));
        await assert.rejects(etcd.kv.txn(txn({ success: [noKey, nested(noLease)] })), refused(RpcCode.INVALID_ARGUMENT, "key not found"));
      });

      it("validates before it changes anything", async () => {
        const base = await etcd.current();
        const bad: [ReturnType<typeof opPut>, (error: unknown) => boolean][] = [
          [opPut({ key: "v/b", lease: 999 }), NO_LEASE],
          [opPut({ key: "v/b", ignoreValue: true }), KEY_NOT_FOUND],
          [opRange({ key: "v/b", revision: base + 5n }), FUTURE],
          [opPut({}), EMPTY_KEY],
          [opPut({ key: "v", value: "1", ignoreValue: true }), refused(RpcCode.INVALID_ARGUMENT, "value is provided")],
          [{ request: undefined }, KEY_NOT_FOUND],
          [opTxn({ compare: [compare("", "VERSION", "EQUAL", 0)] }), EMPTY_KEY],
          [opTxn({ success: [opPut({ key: "v/c", lease: 999 })] }), NO_LEASE],
        ];
        for (const [op, expected] of bad) await assert.rejects(etcd.kv.txn(txn({ success: [opPut({ key: "v/a", value: "1" }), op] })), expected);
        // The path that is not taken is not validated against the store.
        await etcd.kv.txn(txn({ failure: [opPut({ key: "v/b", lease: 999 })] }));
        assert.equal(await etcd.current(), base);
        assert.deepEqual(await etcd.texts({ key: "v/", rangeEnd: "v0" }), []);
      });
    });

    describe("Compact", () => {
      it("moves the point forward only, and keeps the point itself readable", async () => {
        const old = (await etcd.kv.put(put({ key: "k", value: "1" }))).header?.revision ?? 0n;
        await etcd.kv.put(put({ key: "k", value: "2" }));
        await etcd.kv.put(put({ key: "k", value: "3" }));
        const { header } = await etcd.kv.compact({ revision: old + 1n, physical: true });
        assert.equal(header?.revision, old + 2n);
        await assert.rejects(etcd.kv.range(range({ key: "k", revision: old })), COMPACTED);
        assert.deepEqual(await etcd.texts({ key: "k", revision: old + 1n }), ["k=2"]);
        await assert.rejects(etcd.kv.compact({ revision: old + 1n, physical: false }), COMPACTED);
        await assert.rejects(etcd.kv.compact({ revision: old + 100n, physical: false }), FUTURE);
        await assert.rejects(etcd.kv.txn(txn({ success: [opRange({ key: "k", revision: old })] })), COMPACTED);
        await assert.rejects(etcd.kv.txn(txn({ success: [opPut({ key: "k" }), opRange({ key: "k", revision: old })] })), COMPACTED);
      });
    });
  });
}
