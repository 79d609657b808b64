import assert from "node:assert/strict";
import { it } from "node:test";
import { LeaseGrantRequest, LeaseTimeToLiveRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { DENIED, NOBODY, type AuthUnderTest } from "./auth-under-test.js";
import { as, outcome, permission, watchAnswer } from "./signed-in.js";
import { compare, create, del, opDelete, opPut, opRange, opTxn, put, range, txn } from "./wire.js";

/** What the roles of a user let it do with keys, watches and leases. */
export function permissionCases(auth: AuthUnderTest): void {
  it("lets users read and write what their roles say", async () => {
    const { etcd, root, alice } = auth;
    await etcd.auth.roleAdd({ name: "ranges" }, root);
    for (const perm of [permission("READ", "m/a", "m/c"), permission("READ", "m/c", "m/e"), permission("READ", "m/g"), permission("READWRITE", "w/", "w0"), permission("WRITE", "secret"), permission("READ", "z", "\0")]) {
      await etcd.auth.roleGrantPermission({ name: "ranges", perm }, root);
    }
    await etcd.auth.userGrantRole({ user: "alice", role: "ranges" }, root);
    const ranges: [string, string, boolean][] = [
      ["m/a", "", true],
      ["m/b", "m/d", true],
      ["m/a", "m/e", true],
      ["m/a", "m/e\0", false],
      ["m/d", "m/h", false],
      ["m/e", "", false],
      ["m/g", "", true],
      ["m/g", "m/g\0", true],
      ["m/g", "m/h", false],
      ["m/g", "\0", false],
      ["w/", "w0", true],
      ["secret", "", false],
      ["z", "\0", true],
      ["zz", "", true],
      ["y", "\0", false],
      ["\0", "\0", false],
    ];
    for (const [key, rangeEnd, allowed] of ranges) assert.equal(await outcome(etcd.kv.range(range({ key, rangeEnd }), alice)), allowed ? "ok" : DENIED, `${key} to ${rangeEnd}`);
    const writes: [string, boolean][] = [["w/1", true], ["w0", false], ["secret", true], ["m/a", false], ["z", false]];
    for (const [key, allowed] of writes) assert.equal(await outcome(etcd.kv.put(put({ key }), alice)), allowed ? "ok" : DENIED, key);
    assert.equal(await outcome(etcd.kv.put(put({ key: "secret", prevKv: true }), alice)), DENIED);
    assert.equal(await outcome(etcd.kv.deleteRange(del({ key: "secret", prevKv: true }), alice)), DENIED);
    assert.equal(await outcome(etcd.kv.deleteRange(del({ key: "w/", rangeEnd: "w1" }), alice)), DENIED);
    assert.equal(await outcome(etcd.kv.deleteRange(del({ key: "w/", rangeEnd: "w0", prevKv: true }), alice)), "ok");
    assert.equal(await outcome(etcd.kv.deleteRange(del({ key: "secret" }), alice)), "ok");
    assert.equal(await outcome(etcd.kv.range(range({ key: "\0", rangeEnd: "\0" }), root)), "ok");
  });

  it("looks at every condition and operation of a Txn, whichever path it takes", async () => {
    const { etcd, alice } = auth;
    const run = (fields: Parameters<typeof txn>[0]): Promise<string> => outcome(etcd.kv.txn(txn(fields), alice));
    assert.equal(await run({ compare: [compare("w/1", "VERSION", "EQUAL", 0)], success: [opPut({ key: "w/1" })], failure: [opRange({ key: "m/a" })] }), "ok");
    assert.equal(await run({ compare: [compare("secret", "VERSION", "EQUAL", 0)] }), DENIED);
    assert.equal(await run({ compare: [compare("m/a", "VERSION", "EQUAL", 0, "m/z")] }), DENIED);
    assert.equal(await run({ success: [], failure: [opPut({ key: "m/a" })] }), DENIED);
    assert.equal(await run({ success: [opRange({ key: "secret" })] }), DENIED);
    assert.equal(await run({ success: [opDelete({ key: "secret", prevKv: true })] }), DENIED);
    assert.equal(await run({ success: [opPut({ key: "secret" }), opDelete({ key: "w/1", prevKv: true })] }), "ok");
    assert.equal(await outcome(etcd.kv.txn(txn({ success: [opRange({ key: "a/1" })] }))), NOBODY);
    assert.equal(await outcome(etcd.kv.txn(txn({ success: [opPut({ key: "a/1" })] }))), NOBODY);
    if (!auth.traits.hardened) return;
    assert.equal(await run({ success: [opPut({ key: "secret", prevKv: true })] }), DENIED);
    assert.equal(await run({ success: [opTxn({ success: [opPut({ key: "m/a" })] })] }), DENIED);
    assert.equal(await run({ success: [opTxn({ compare: [compare("secret", "VERSION", "EQUAL", 0)] })] }), DENIED);
    assert.equal(await run({ success: [opTxn({ failure: [opTxn({ success: [opRange({ key: "secret" })] })] })] }), DENIED);
    assert.equal(await run({ success: [opTxn({ compare: [compare("m/a", "VERSION", "EQUAL", 0)], success: [opPut({ key: "w/2" })] })] }), "ok");
  });

  it("refuses a watch by its answer, and sees the whole of an endless range", async () => {
    const { etcd, alice } = auth;
    const refused = async (fields: Parameters<typeof create>[0], who: ReturnType<typeof as> | undefined): Promise<unknown[]> => {
      const { watchId, created, canceled, cancelReason } = await watchAnswer(etcd, create(fields), who);
      return [watchId, created, canceled, cancelReason];
    };
    const denied = [-1n, true, true, "rpc error: code = PermissionDenied desc = etcdserver: permission denied"];
    assert.deepEqual(await refused({ key: "m/a", rangeEnd: "m/e" }, alice), [0n, true, false, ""]);
    assert.deepEqual(await refused({ key: "z", rangeEnd: "\0" }, alice), [0n, true, false, ""]);
    assert.deepEqual(await refused({ key: "secret" }, alice), denied);
    assert.deepEqual(await refused({ key: "m/a", rangeEnd: "m/z" }, alice), denied);
    assert.deepEqual(await refused({}, alice), denied);
    if (!auth.traits.hardened) return;
    // GHSA-xg4h-6gfc-h4m8: a permission for one key opened every key after it.
    assert.deepEqual(await refused({ key: "m/g", rangeEnd: "\0" }, alice), denied);
    assert.deepEqual(await refused({ key: "m/g" }, undefined), [-1n, true, true, "rpc error: code = InvalidArgument desc = etcdserver: user name is empty"]);
    assert.deepEqual(await refused({ key: "m/g" }, as("none.1")), [-1n, true, true, "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"]);
  });

  it("lets a lease be ended, and joined, by who may write its keys", async () => {
    const { etcd, root, alice } = auth;
    const lease = await etcd.lease.leaseGrant(LeaseGrantRequest.create({ TTL: 60n, ID: 4711n }), root);
    assert.equal(lease.ID, 4711n);
    await etcd.kv.put(put({ key: "top", lease: 4711 }), root);
    assert.equal(await outcome(etcd.lease.leaseRevoke({ ID: 4711n }, alice)), DENIED);
    assert.equal(await outcome(etcd.kv.put(put({ key: "w/1", lease: 4711 }), alice)), DENIED);
    assert.equal(await outcome(etcd.lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: 4711n, keys: true }), alice)), auth.traits.since35 ? DENIED : "ok");
    assert.equal(await outcome(etcd.lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: 4711n }), alice)), "ok");
    assert.deepEqual((await etcd.lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: 4711n, keys: true }), root)).keys.map(String), ["top"]);
    const renewal = etcd.lease.leaseKeepAlive(root);
    await renewal.write({ ID: 4711n });
    for await (const { TTL } of renewal) {
      assert.equal(TTL, 60n);
      break;
    }
    if (auth.traits.hardened) {
      const renew = async (who?: ReturnType<typeof as>): Promise<void> => {
        const stream = etcd.lease.leaseKeepAlive(who);
        await stream.write({ ID: 4711n });
        for await (const _ of stream) return;
      };
      assert.equal(await outcome(renew(alice)), DENIED);
      assert.equal(await outcome(renew()), NOBODY);
      assert.equal(await outcome(etcd.kv.txn(txn({ success: [opPut({ key: "w/1", lease: 4711 })] }), alice)), DENIED);
      assert.equal(await outcome(etcd.lease.leaseLeases({}, alice)), DENIED);
      assert.equal(await outcome(etcd.lease.leaseLeases({})), NOBODY);
      assert.equal(await outcome(etcd.lease.leaseGrant(LeaseGrantRequest.create({ TTL: 60n }))), NOBODY);
      assert.equal(await outcome(etcd.lease.leaseRevoke({ ID: 4711n })), NOBODY);
      assert.equal(await outcome(etcd.lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: 4711n }))), NOBODY);
    }
    assert.equal(await outcome(etcd.lease.leaseRevoke({ ID: 4711n }, root)), "ok");
    assert.equal(await outcome(etcd.lease.leaseRevoke({ ID: 4711n }, alice)), "NOT_FOUND etcdserver: requested lease not found");
    assert.equal((await etcd.kv.range(range({ key: "top" }), root)).count, 0n);
  });
}
