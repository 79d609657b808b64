import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AlarmRequest, WatchCreateRequest_FilterType } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { served } from "./served.js";
import { cancel, connect, type Connection, create, del, eventTexts, NO_LEASE, opPut, progress, put, refused, txn, WatchTap } from "./wire.js";

/** What differs between the etcd versions that may stand behind the contract; version-differences.json says since when, and who says so. */
export interface WatchTraits {
  /** A watch still gets a deletion made at the compaction point; difference `deletion-at-compaction`. */
  readonly keepsDeletionAtCompaction: boolean;
  /** A watch from a revision below 0 is refused at once, as compacted; difference `negative-start`. */
  readonly refusesNegativeStart: boolean;
  /** Progress is told only when there are watches and all have caught up; difference `progress-only-when-caught-up`. */
  readonly progressWaitsForWatches: boolean;
}

/**
 * The etcd v3 wire contract of Lease, Watch and the plain calls of Maintenance and Cluster, written once and run against every server that
 * claims it. Each case uses its own keys.
 */
export function watchContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: WatchTraits): void {
  describe(`etcd contract of leases and watches: ${name}`, { skip }, () => {
    let etcd: Connection;

    served(start, connect, (connection) => void (etcd = connection));


    describe("Lease", () => {
      it("grants at least two seconds, an id of its own or the wanted one", async () => {
        const short = await etcd.grant(1);
        assert.ok(short.ID > 0n);
        assert.equal(short.TTL, 2n);
        assert.deepEqual([(await etcd.grant(60, 4711n)).ID], [4711n]);
        await assert.rejects(etcd.grant(60, 4711n), refused(RpcCode.FAILED_PRECONDITION, "lease already exists"));
        await assert.rejects(etcd.grant(9_000_000_001), refused(RpcCode.OUT_OF_RANGE, "too large lease TTL"));
        await etcd.lease.leaseRevoke({ ID: 4711n });
      });

      it("deletes its keys in one revision, in key order", async () => {
        const { ID } = await etcd.grant(60);
        for (const key of ["lk/b", "lk/a", "lk/c"]) await etcd.kv.put(put({ key, value: "1", lease: ID }));
        await etcd.kv.put(put({ key: "lk/c", value: "2" }));
        const facts = await etcd.timeToLive(ID);
        assert.deepEqual([facts.grantedTTL, facts.keys.map(String).sort()], [60n, ["lk/a", "lk/b"]]);
        assert.ok(facts.TTL === 59n || facts.TTL === 60n);
        const base = await etcd.current();
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "lk/", rangeEnd: "lk0" }));
        await tap.next();
        const revoked = await etcd.lease.leaseRevoke({ ID });
        assert.equal(revoked.header?.revision, base + 1n);
        assert.deepEqual(eventTexts(await tap.next()), [`DELETE lk/a @${base + 1n}`, `DELETE lk/b @${base + 1n}`]);
        tap.close();
        assert.deepEqual(await etcd.texts({ key: "lk/", rangeEnd: "lk0" }), ["lk/c=2"]);
        await assert.rejects(etcd.lease.leaseRevoke({ ID }), NO_LEASE);
        const gone = await etcd.timeToLive(ID);
        assert.deepEqual([gone.ID, gone.TTL, gone.grantedTTL], [ID, -1n, 0n]);
      });

      it("renews what exists and says 0 for what does not", async () => {
        const { ID } = await etcd.grant(60);
        const stream = etcd.lease.leaseKeepAlive();
        await stream.write({ ID });
        await stream.write({ ID: 42n });
        const seen: [bigint, bigint][] = [];
        for await (const answer of stream) if (seen.push([answer.ID, answer.TTL]) === 2) break;
        assert.deepEqual(seen, [[ID, 60n], [42n, 0n]]);
      });

      it("lists leases, the next to end first", async () => {
        const long = await etcd.grant(3000);
        const longer = await etcd.grant(9000);
        const ids = (await etcd.lease.leaseLeases({})).leases.map(({ ID }) => ID);
        assert.ok(ids.includes(long.ID) && ids.indexOf(long.ID) < ids.indexOf(longer.ID));
      });

      it("takes a lifetime without sense for the shortest one", async () => {
        assert.deepEqual([(await etcd.grant(0)).TTL, (await etcd.grant(-5)).TTL], [2n, 2n]);
      });

      it("hangs a key on one lease, that of the last put", async () => {
        const [first, second] = [(await etcd.grant(60)).ID, (await etcd.grant(60)).ID];
        await etcd.kv.put(put({ key: "lm", lease: first }));
        await etcd.kv.put(put({ key: "lm", lease: second }));
        const keysOf = async (id: bigint): Promise<string[]> => (await etcd.timeToLive(id)).keys.map(String);
        assert.deepEqual([await keysOf(first), await keysOf(second)], [[], ["lm"]]);
        const base = await etcd.current();
        // Nothing is deleted, so no revision is taken.
        assert.equal((await etcd.lease.leaseRevoke({ ID: first })).header?.revision, base);
        assert.deepEqual(await etcd.texts({ key: "lm" }), ["lm="]);
        await etcd.lease.leaseRevoke({ ID: second });
        assert.deepEqual(await etcd.texts({ key: "lm" }), []);
      });

      it("shows the end of a lease to a watch as deletions of one revision", async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "ln/", rangeEnd: "ln0", prevKv: true }));
        await tap.next();
        const { ID } = await etcd.grant(2);
        const last = (await etcd.kv.txn(txn({ success: [opPut({ key: "ln/b", lease: ID }), opPut({ key: "ln/a", lease: ID })] }))).header?.revision ?? 0n;
        assert.deepEqual(await tap.events(2), [`PUT ln/b= @${last}`, `PUT ln/a= @${last}`]);
        assert.deepEqual(eventTexts(await tap.next()), [`DELETE ln/a @${last + 1n} was @${last}`, `DELETE ln/b @${last + 1n} was @${last}`]);
        assert.equal((await etcd.timeToLive(ID)).TTL, -1n);
        await assert.rejects(etcd.kv.put(put({ key: "ln/c", lease: ID })), NO_LEASE);
        tap.close();
      });
    });

    describe("Watch", () => {
      it("answers created first and then what happens, old and new", async () => {
        const first = (await etcd.kv.put(put({ key: "wa/1", value: "1" }))).header?.revision ?? 0n;
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wa/", rangeEnd: "wa0", startRevision: first }));
        const created = await tap.next();
        assert.deepEqual([created.created, created.watchId, created.header?.revision, created.events.length], [true, 0n, first, 0]);
        assert.deepEqual(await tap.events(1), [`PUT wa/1=1 @${first}`]);
        await etcd.kv.put(put({ key: "wa/2", value: "2" }));
        await etcd.kv.deleteRange(del({ key: "wa/", rangeEnd: "wa0" }));
        assert.deepEqual(await tap.events(3), [`PUT wa/2=2 @${first + 1n}`, `DELETE wa/1 @${first + 2n}`, `DELETE wa/2 @${first + 2n}`]);
        tap.close();
      });

      it("keeps many watches on one stream apart", async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wb" }));
        await tap.send(create({ key: "wb", watchId: 7n, filters: [WatchCreateRequest_FilterType.NOPUT] }));
        await tap.send(create({ key: "wb", watchId: 7n }));
        const opened = [await tap.next(), await tap.next(), await tap.next()].map(({ watchId, created, canceled, cancelReason }) => [watchId, created, canceled, cancelReason]);
        assert.deepEqual(opened, [[0n, true, false, ""], [7n, true, false, ""], [-1n, true, true, "mvcc: duplicate watch ID provided on the WatchStream"]]);
        await etcd.kv.put(put({ key: "wb", value: "1" }));
        const live = await tap.next();
        assert.deepEqual([live.watchId, live.events.length], [0n, 1]);
        await tap.send(cancel(0n));
        const cancelled = await tap.next();
        assert.deepEqual([cancelled.watchId, cancelled.canceled, cancelled.compactRevision], [0n, true, 0n]);
        await tap.send(cancel(99n));
        await etcd.kv.deleteRange(del({ key: "wb" }));
        assert.deepEqual((await tap.next()).watchId, 7n);
        tap.close();
      });

      it("gives previous pairs where asked, and filters kinds", async () => {
        const base = await etcd.current();
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wc", prevKv: true }));
        await tap.send(create({ key: "wc", filters: [WatchCreateRequest_FilterType.NODELETE] }));
        await Promise.all([tap.next(), tap.next()]);
        await etcd.kv.put(put({ key: "wc", value: "1" }));
        await etcd.kv.put(put({ key: "wc", value: "2" }));
        await etcd.kv.deleteRange(del({ key: "wc" }));
        const byWatch: Record<string, string[]> = { "0": [], "1": [] };
        while ((byWatch["0"]?.length ?? 0) + (byWatch["1"]?.length ?? 0) < 5) {
          const response = await tap.next();
          byWatch[String(response.watchId)]?.push(...eventTexts(response));
        }
        assert.deepEqual(byWatch["0"], [`PUT wc=1 @${base + 1n}`, `PUT wc=2 @${base + 2n} was 1@${base + 1n}`, `DELETE wc @${base + 3n} was 2@${base + 2n}`]);
        assert.deepEqual(byWatch["1"], [`PUT wc=1 @${base + 1n}`, `PUT wc=2 @${base + 2n}`]);
        tap.close();
      });

      it("waits for a future revision and shows nothing before it", async () => {
        const base = await etcd.current();
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wd", startRevision: base + 2n }));
        await tap.next();
        await etcd.kv.put(put({ key: "wd", value: "early" }));
        await etcd.kv.put(put({ key: "wd", value: "due" }));
        assert.deepEqual(await tap.events(1), [`PUT wd=due @${base + 2n}`]);
        tap.close();
      });

      it("refuses an empty range and cancels a compacted start", async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "we/b", rangeEnd: "we/a" }));
        const empty = await tap.next();
        assert.deepEqual([empty.watchId, empty.created, empty.canceled, empty.cancelReason], [-1n, true, true, "mvcc: watcher range is empty"]);
        const old = (await etcd.kv.put(put({ key: "we", value: "1" }))).header?.revision ?? 0n;
        await etcd.kv.put(put({ key: "we", value: "2" }));
        await etcd.kv.put(put({ key: "we", value: "3" }));
        await etcd.kv.compact({ revision: old + 1n, physical: true });
        await tap.send(create({ key: "we", startRevision: old }));
        assert.equal((await tap.next()).created, true);
        const compacted = await tap.next();
        assert.deepEqual([compacted.canceled, compacted.compactRevision, compacted.events.length], [true, old + 1n, 0]);
        await tap.send(create({ key: "we", startRevision: old + 1n, prevKv: true }));
        assert.equal((await tap.next()).created, true);
        assert.deepEqual(await tap.events(2), [`PUT we=2 @${old + 1n}`, `PUT we=3 @${old + 2n} was 2@${old + 1n}`]);
        tap.close();
      });

      it("still shows a deletion at the compaction point to a watch from it", { skip: !traits.keepsDeletionAtCompaction && "etcd before 3.4.36 and 3.5.18 loses it" }, async () => {
        await etcd.kv.put(put({ key: "wf", value: "1" }));
        const gone = (await etcd.kv.deleteRange(del({ key: "wf" }))).header?.revision ?? 0n;
        await etcd.kv.compact({ revision: gone, physical: true });
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wf", startRevision: gone }));
        await tap.next();
        assert.deepEqual(await tap.events(1), [`DELETE wf @${gone}`]);
        tap.close();
      });

      it("says on request how far the stream is", async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wg" }));
        await tap.next();
        await etcd.kv.put(put({ key: "wg", value: "1" }));
        const [event] = await tap.events(1);
        await tap.send(progress);
        const notice = await tap.next();
        assert.deepEqual([notice.watchId, notice.events.length, notice.created, notice.canceled], [-1n, 0, false, false]);
        assert.ok((notice.header?.revision ?? 0n) >= BigInt(event?.split("@")[1] ?? "0"));
        tap.close();
      });

      it("splits what is large where fragments are welcome", async () => {
        const tap = new WatchTap(etcd);
        const base = await etcd.current();
        for (let index = 0; index < 5; index += 1) await etcd.kv.put(put({ key: `wh/${index}`, value: "x".repeat(700_000) }));
        await etcd.kv.deleteRange(del({ key: "wh/", rangeEnd: "wh0" }));
        await tap.send(create({ key: "wh/", rangeEnd: "wh0", startRevision: base + 6n, prevKv: true, fragment: true }));
        await tap.next();
        const pieces: [number, boolean][] = [];
        do {
          const { events, fragment } = await tap.next();
          pieces.push([events.length, fragment]);
        } while (pieces[pieces.length - 1]?.[1]);
        assert.ok(pieces.length > 1, JSON.stringify(pieces));
        assert.equal(pieces.reduce((sum, [count]) => sum + count, 0), 5);
        await tap.send(create({ key: "wh/", rangeEnd: "wh0", startRevision: base + 6n, prevKv: true }));
        await tap.next();
        const whole = await tap.next();
        assert.deepEqual([whole.events.length, whole.fragment], [5, false]);
        tap.close();
      });

      it("takes an empty key for the lowest one, and an end of one zero byte for no end", async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({}));
        await tap.send(create({ rangeEnd: "\0" }));
        await Promise.all([tap.next(), tap.next()]);
        const { header } = await etcd.kv.put(put({ key: "wi", value: "1" }));
        const answer = await tap.next();
        assert.deepEqual([answer.watchId, eventTexts(answer)], [1n, [`PUT wi=1 @${header?.revision}`]]);
        await etcd.kv.put(put({ key: "\0", value: "1" }));
        assert.equal((await tap.next()).watchId + (await tap.next()).watchId, 1n);
        await etcd.kv.deleteRange(del({ key: "\0" }));
        tap.close();
      });

      it("counts ids per stream and leaves out those in use", async () => {
        const tap = new WatchTap(etcd);
        for (const watchId of [1n, 0n, 0n, 0n]) await tap.send(create({ key: "wj", watchId }));
        const ids: bigint[] = [];
        for (let index = 0; index < 4; index += 1) ids.push((await tap.next()).watchId);
        assert.deepEqual(ids, [1n, 0n, 2n, 3n]);
        await tap.send(cancel(2n));
        assert.deepEqual([(await tap.next()).canceled], [true]);
        await tap.send(create({ key: "wj", watchId: 2n }));
        assert.deepEqual([(await tap.next()).created], [true]);
        const other = new WatchTap(etcd);
        await other.send(create({ key: "wj" }));
        assert.equal((await other.next()).watchId, 0n);
        for (const each of [tap, other]) each.close();
      });

      it("refuses a start below 0 as compacted", { skip: !traits.refusesNegativeStart && "this etcd begins it" }, async () => {
        const tap = new WatchTap(etcd);
        await tap.send(create({ key: "wk", startRevision: -1n }));
        const { watchId, created, canceled, cancelReason, compactRevision } = await tap.next();
        assert.deepEqual([watchId, created, canceled, cancelReason, compactRevision], [-1n, true, true, "etcdserver: mvcc: required revision has been compacted", 0n]);
        tap.close();
      });

      it("tells a revision whole and in the order of its changes, with its number in the header; history with the store's", async () => {
        const all = { key: "wl/", rangeEnd: "wl0" };
        const tap = new WatchTap(etcd);
        await tap.send(create(all));
        await tap.next();
        const changes = txn({ success: [opPut({ key: "wl/c", value: "1" }), opPut({ key: "wl/a", value: "1" }), opPut({ key: "wl/b", value: "1" })] });
        const first = (await etcd.kv.txn(changes)).header?.revision ?? 0n;
        const live = await tap.next();
        assert.deepEqual([live.header?.revision, eventTexts(live)], [first, [`PUT wl/c=1 @${first}`, `PUT wl/a=1 @${first}`, `PUT wl/b=1 @${first}`]]);
        await etcd.kv.deleteRange(del({ ...all, key: "wl/b" }));
        assert.deepEqual(eventTexts(await tap.next()), [`DELETE wl/b @${first + 1n}`, `DELETE wl/c @${first + 1n}`]);
        const last = (await etcd.kv.put(put({ key: "elsewhere" }))).header?.revision ?? 0n;
        await tap.send(create({ ...all, startRevision: first }));
        await tap.next();
        const past = await tap.next();
        assert.deepEqual([past.header?.revision, eventTexts(past)], [last, [...eventTexts(live), `DELETE wl/b @${first + 1n}`, `DELETE wl/c @${first + 1n}`]]);
        tap.close();
      });

      it("tells no progress of a stream without watches", { skip: !traits.progressWaitsForWatches && "etcd before 3.4.25 does" }, async () => {
        const tap = new WatchTap(etcd);
        await tap.send(progress);
        await tap.send(create({ key: "wm" }));
        assert.equal((await tap.next()).created, true);
        await tap.send(progress);
        assert.equal((await tap.next()).watchId, -1n);
        tap.close();
      });
    });

    describe("Maintenance and Cluster", () => {
      it("describes itself as one member that leads", async () => {
        const status = await etcd.maintenance.status({});
        assert.match(status.version, /^3\.\d+\.\d+/);
        assert.equal(status.leader, status.header?.memberId);
        assert.ok(status.raftTerm >= 1n && status.raftIndex >= 1n && status.dbSize > 0n);
        const { members } = await etcd.cluster.memberList({ linearizable: true });
        assert.deepEqual(members.map(({ ID, isLearner }) => [ID, isLearner]), [[status.leader, false]]);
        assert.equal(members[0]?.clientURLs.length, 1);
        assert.deepEqual((await etcd.maintenance.alarm(AlarmRequest.create())).alarms, []);
      });
    });
  });
}
