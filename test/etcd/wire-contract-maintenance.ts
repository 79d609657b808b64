import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { AlarmRequest, AlarmRequest_AlarmAction, AlarmType, DowngradeRequest_DowngradeAction, type SnapshotResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { served } from "./served.js";
import { outcome, services } from "./signed-in.js";
import { connect, type Connection, compare, del, opDelete, opPut, opRange, put, range, refused, txn } from "./wire.js";

/** What differs between the etcd versions that may stand behind the contract. */
export interface MaintenanceTraits {
  /** Maintenance.Downgrade came with 3.5. */
  readonly knowsDowngrade: boolean;
  /** An alarm of no kind is not raised (3.5); before, it was, and without a member's id it ended the server. */
  readonly raisesKindsOnly: boolean;
}

const NO_SPACE = refused(RpcCode.RESOURCE_EXHAUSTED, "mvcc: database space exceeded");
const CORRUPT = refused(RpcCode.DATA_LOSS, "corrupt cluster");

const { GET, ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction;

/** Small quota, in bytes, of the servers under this contract. */
export const QUOTA_BYTES = 256 * 1024;

/** Far beyond the quota of the servers under test, 16 KiB each. */
const MOST_PUTS = 5_000;

/** Alarms, quota, snapshots and what else keeps a store in order; `start` gives a server with a quota of QUOTA_BYTES. */
export function maintenanceContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: MaintenanceTraits): void {
  describe(`etcd maintenance contract: ${name}`, { skip }, () => {
    let etcd: Connection;
    let address = "";
    let memberId = 0n;

    served(start, connect, async (connection, { address: at }) => {
      etcd = connection;
      address = at;
      memberId = (await etcd.maintenance.status({})).leader;
    });

    const alarm = async (action: AlarmRequest_AlarmAction, kind = AlarmType.NONE, memberID = memberId): Promise<string[]> =>
      (await etcd.maintenance.alarm(AlarmRequest.create({ action, alarm: kind, memberID }))).alarms.map((each) => `${each.memberID === memberId ? "me" : each.memberID} ${AlarmType[each.alarm]}`);
    const errors = async (): Promise<string[]> => (await etcd.maintenance.status({})).errors;

    it("has alarms that are raised, listed by kind, told in Status, and turned off", async () => {
      assert.deepEqual(await alarm(GET), []);
      assert.deepEqual(await alarm(DEACTIVATE, AlarmType.NOSPACE), []);
      assert.deepEqual(await alarm(ACTIVATE, AlarmType.NOSPACE), ["me NOSPACE"]);
      assert.deepEqual(await alarm(ACTIVATE, AlarmType.NOSPACE), ["me NOSPACE"]);
      assert.deepEqual(await alarm(GET), ["me NOSPACE"]);
      assert.deepEqual(await alarm(GET, AlarmType.CORRUPT), []);
      assert.deepEqual(await errors(), [`memberID:${memberId} alarm:NOSPACE `]);
      assert.deepEqual(await alarm(DEACTIVATE, AlarmType.NOSPACE), ["me NOSPACE"]);
      assert.deepEqual(await errors(), []);
    });

    it("takes no write that adds something while NOSPACE is on, whoever raised it", async () => {
      await etcd.kv.put(put({ key: "n/a", value: "1" }));
      await etcd.grant(60, 41n);
      assert.deepEqual(await alarm(ACTIVATE, AlarmType.NOSPACE, 7n), ["7 NOSPACE"]);
      await assert.rejects(etcd.kv.put(put({ key: "n/b", value: "1" })), NO_SPACE);
      await assert.rejects(etcd.kv.put(put({})), refused(RpcCode.INVALID_ARGUMENT, "key is not provided"));
      await assert.rejects(etcd.kv.txn(txn({ failure: [opPut({ key: "n/b", value: "1" })] })), NO_SPACE);
      await assert.rejects(etcd.grant(60, 42n), NO_SPACE);
      assert.equal((await etcd.kv.range(range({ key: "n/a" }))).kvs.length, 1);
      assert.equal((await etcd.kv.txn(txn({ compare: [compare("n/a", "VERSION", "EQUAL", 1)], success: [opDelete({ key: "n/a" }), opRange({ key: "n/a" })] }))).succeeded, true);
      await etcd.kv.deleteRange(del({ key: "n/a" }));
      await etcd.lease.leaseRevoke({ ID: 41n });
      assert.deepEqual(await alarm(DEACTIVATE, AlarmType.NOSPACE, 7n), ["7 NOSPACE"]);
      await etcd.kv.put(put({ key: "n/b", value: "1" }));
    });

    it("gives no lock and elects nobody while NOSPACE is on, and says so at /health", async () => {
      const named = services(address);
      const { ID } = await etcd.grant(60, 45n);
      await alarm(ACTIVATE, AlarmType.NOSPACE);
      const full = "UNKNOWN etcdserver: mvcc: database space exceeded";
      assert.equal(await outcome(named.lock.lock({ name: Buffer.from("lock"), lease: ID })), full);
      assert.equal(await outcome(named.lock.lock({ name: Buffer.from("lock"), lease: 0n })), full);
      assert.equal(await outcome(named.election.campaign({ name: Buffer.from("elect"), lease: ID, value: Buffer.from("me") })), full);
      const health = async (): Promise<[number, string]> => {
        const answer = await fetch(`http://${address}/health`);
        return [answer.status, ((await answer.json()) as { health: string }).health];
      };
      assert.deepEqual(await health(), [503, "false"]);
      await alarm(DEACTIVATE, AlarmType.NOSPACE);
      assert.deepEqual(await health(), [200, "true"]);
      assert.equal(await outcome(named.lock.lock({ name: Buffer.from("lock"), lease: ID })), "ok");
      await etcd.lease.leaseRevoke({ ID });
      named.close();
    });

    it("raises and names a kind it does not know, and raises nothing for no kind", async () => {
      const unknown: number = 9;
      await etcd.maintenance.alarm(AlarmRequest.create({ action: ACTIVATE, alarm: unknown, memberID: 5n }));
      assert.deepEqual(await errors(), ["memberID:5 alarm:9 "]);
      await etcd.maintenance.alarm(AlarmRequest.create({ action: DEACTIVATE, alarm: unknown, memberID: 5n }));
      assert.deepEqual(await errors(), []);
      if (!traits.raisesKindsOnly) return;
      for (const memberID of [0n, 5n]) assert.deepEqual(await alarm(ACTIVATE, AlarmType.NONE, memberID), []);
      assert.deepEqual(await alarm(GET), []);
    });

    it("changes nothing while CORRUPT is on, and still answers plain reads", async () => {
      await etcd.kv.put(put({ key: "c/a", value: "1" }));
      await etcd.grant(60, 43n);
      await alarm(ACTIVATE, AlarmType.CORRUPT);
      await assert.rejects(etcd.kv.put(put({ key: "c/b", value: "1" })), CORRUPT);
      await assert.rejects(etcd.kv.deleteRange(del({ key: "c/a" })), CORRUPT);
      await assert.rejects(etcd.kv.txn(txn({ success: [opDelete({ key: "c/a" })] })), CORRUPT);
      await assert.rejects(etcd.kv.compact({ revision: 2n, physical: false }), CORRUPT);
      await assert.rejects(etcd.grant(60, 44n), CORRUPT);
      await assert.rejects(etcd.lease.leaseRevoke({ ID: 43n }), CORRUPT);
      assert.equal((await etcd.kv.range(range({ key: "c/a" }))).kvs.length, 1);
      assert.deepEqual(await errors(), [`memberID:${memberId} alarm:CORRUPT `]);
      await alarm(DEACTIVATE, AlarmType.CORRUPT);
      await etcd.kv.put(put({ key: "c/b", value: "1" }));
    });

    it("raises NOSPACE itself when the quota is reached, and takes writes again after compaction, defragmentation and disarming", async () => {
      const value = "v".repeat(16 * 1024);
      let puts = 0;
      // etcd looks at the size its last batch had, up to 100 ms ago: a fast machine writes a good deal more until then.
      await assert.rejects(async () => {
        for (; puts < MOST_PUTS; puts += 1) await etcd.kv.put(put({ key: "q/large", value: `${value}${puts}` }));
      }, NO_SPACE);
      assert.ok(puts > 2 && puts < MOST_PUTS, `${puts} puts`);
      assert.deepEqual(await alarm(GET), ["me NOSPACE"]);
      await assert.rejects(etcd.kv.put(put({ key: "q/small", value: "1" })), NO_SPACE);
      await etcd.kv.deleteRange(del({ key: "q/large" }));
      const { header } = await etcd.kv.range(range({ key: "q/large" }));
      await etcd.kv.compact({ revision: header?.revision ?? 0n, physical: true });
      await etcd.maintenance.defragment({});
      await alarm(DEACTIVATE, AlarmType.NOSPACE);
      await etcd.kv.put(put({ key: "q/small", value: "1" }));
      assert.deepEqual(await alarm(GET), []);
    });

    it("tells sizes and indexes that hold together", async () => {
      const before = await etcd.maintenance.status({});
      await etcd.kv.put(put({ key: "status", value: "1" }));
      const later = await etcd.maintenance.status({});
      assert.ok(later.raftIndex > before.raftIndex && later.raftAppliedIndex <= later.raftIndex && later.raftTerm === before.raftTerm);
      assert.ok(later.dbSize > 0n && later.dbSizeInUse > 0n && later.dbSizeInUse <= later.dbSize, `${later.dbSizeInUse} of ${later.dbSize}`);
      assert.deepEqual([later.leader, later.isLearner], [later.header?.memberId, false]);
    });

    it("hashes everything and the history", async () => {
      const [first, second] = [await etcd.maintenance.hash({}), await etcd.maintenance.hash({})];
      assert.equal(first.hash, second.hash);
      const kv = await etcd.maintenance.hashKv({ revision: 0n });
      await etcd.kv.put(put({ key: "hash", value: "1" }));
      assert.notEqual((await etcd.maintenance.hash({})).hash, first.hash);
      assert.notEqual((await etcd.maintenance.hashKv({ revision: 0n })).hash, kv.hash);
    });

    it("streams a snapshot in blobs of 32 KiB with what remains, and its SHA-256 last", async () => {
      await etcd.kv.put(put({ key: "snapshot", value: "s".repeat(100_000) }));
      const messages: SnapshotResponse[] = [];
      for await (const message of etcd.maintenance.snapshot({})) messages.push(message);
      const sha = messages.pop();
      const bytes = Buffer.concat(messages.map(({ blob }) => blob));
      assert.deepEqual([sha?.remainingBytes, sha?.blob.toString("hex")], [0n, createHash("sha256").update(bytes).digest("hex")]);
      let remaining = BigInt(bytes.length);
      for (const [index, message] of messages.entries()) {
        if (index < messages.length - 1) assert.equal(message.blob.length, 32 * 1024);
        remaining -= BigInt(message.blob.length);
        assert.equal(message.remainingBytes, remaining);
      }
      assert.ok(messages.length > 3 && bytes.length % 4096 === 0);
    });

    it("leads already, and knows nobody else who could", async () => {
      await etcd.maintenance.moveLeader({ targetID: memberId });
      await assert.rejects(etcd.maintenance.moveLeader({ targetID: 1n }), refused(RpcCode.FAILED_PRECONDITION, "bad leader transferee"));
    });

    it("goes down one minor version, one job at a time, until that is cancelled", { skip: !traits.knowsDowngrade && "etcd before 3.5 does not know it" }, async () => {
      const downgrade = async (action: DowngradeRequest_DowngradeAction, version: string): Promise<string> => (await etcd.maintenance.downgrade({ action, version })).version;
      const { VALIDATE, ENABLE, CANCEL, UNRECOGNIZED } = DowngradeRequest_DowngradeAction;
      const [badFormat, badTarget] = [refused(RpcCode.INVALID_ARGUMENT, "wrong downgrade target version format"), refused(RpcCode.INVALID_ARGUMENT, "invalid downgrade target version")];
      const underWay = refused(RpcCode.FAILED_PRECONDITION, "cluster has a downgrade job in progress");
      const none = refused(RpcCode.FAILED_PRECONDITION, "no inflight downgrade job");
      for (const action of [VALIDATE, ENABLE]) {
        for (const version of ["three", "3", "", "v3.4"]) await assert.rejects(downgrade(action, version), badFormat, version);
        for (const version of ["3.2.0", "3.2", "3.5", "3.5.0", "3.6", "4.4"]) await assert.rejects(downgrade(action, version), badTarget, version);
      }
      await assert.rejects(downgrade(CANCEL, ""), none);
      for (const version of ["3.4", "3.4.0", "3.4.23", "3.4.0-rc.1"]) assert.equal(await downgrade(VALIDATE, version), "3.5.0");
      await assert.rejects(downgrade(CANCEL, ""), none);
      assert.equal(await downgrade(ENABLE, "3.4.0"), "3.5.0");
      await assert.rejects(downgrade(VALIDATE, "3.4"), underWay);
      await assert.rejects(downgrade(ENABLE, "3.4"), underWay);
      await assert.rejects(downgrade(ENABLE, "3.2"), badTarget);
      assert.equal(await downgrade(CANCEL, "any"), "3.5.0");
      assert.equal(await downgrade(VALIDATE, "3.4"), "3.5.0");
      assert.equal(await outcome(downgrade(UNRECOGNIZED, "3.4")), "UNKNOWN etcdserver: unknown method");
    });

    it("tells a raft index that grows with every change, revision or not", async () => {
      const index = async (): Promise<bigint> => {
        const status = await etcd.maintenance.status({});
        assert.ok(status.raftAppliedIndex <= status.raftIndex && status.raftTerm > 0n);
        return status.raftIndex;
      };
      const { auth, close } = services(address);
      const steps: [string, () => Promise<unknown>][] = [
        ["put", () => etcd.kv.put(put({ key: "ri", value: "1" }))],
        ["lease grant", () => etcd.grant(60, 77n)],
        ["alarm", () => alarm(ACTIVATE, AlarmType.NOSPACE)],
        ["alarm off", () => alarm(DEACTIVATE, AlarmType.NOSPACE)],
        ["lease revoke", () => etcd.lease.leaseRevoke({ ID: 77n })],
        ["role", () => auth.roleAdd({ name: "ri" })],
        ["role gone", () => auth.roleDelete({ role: "ri" })],
      ];
      for (const [name, step] of steps) {
        const before = await index();
        await step();
        assert.ok((await index()) > before, name);
      }
      close();
    });
  });
}
