import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LeaseGrantRequest, LeaseTimeToLiveRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { CampaignRequest, type LeaderResponse } from "../../src/gen/etcd/v3electionpb/v3election.js";
import { LockRequest } from "../../src/gen/etcd/v3lockpb/v3lock.js";
import { eventually, settled } from "../support/eventually.js";
import type { ServerUnderTest } from "../support/real-etcd.js";
import { served } from "./served.js";
import { outcome, type Services, services } from "./signed-in.js";
import { del, put, range } from "./wire.js";

const NO_LEASE = "UNKNOWN etcdserver: requested lease not found";

/** What differs between the etcd versions that may stand behind the contract. */
export interface RecipeTraits {
  /** A lock is given only to who still stands in the queue (3.5). */
  readonly rechecksLock: boolean;
}

/** v3lock and v3election. Each case has a name of its own. */
export function recipesContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>, traits: RecipeTraits): void {
  describe(`etcd lock and election contract: ${name}`, { skip }, () => {
    let etcd: Services;

    served(start, services, (connection) => void (etcd = connection));

    const grant = async (): Promise<bigint> => (await etcd.lease.leaseGrant(LeaseGrantRequest.create({ TTL: 600n }))).ID;
    const lock = (of: string, lease: bigint, signal?: AbortSignal) => etcd.lock.lock(LockRequest.create({ name: Buffer.from(of), lease }), { signal });
    const campaign = (of: string, lease: bigint, value: string, signal?: AbortSignal) => etcd.election.campaign(CampaignRequest.create({ name: Buffer.from(of), lease, value: Buffer.from(value) }), { signal });
    const leader = (of: string) => etcd.election.leader({ name: Buffer.from(of) });
    const queue = async (of: string): Promise<string[]> => (await etcd.kv.range(range({ key: `${of}/`, rangeEnd: `${of}0` }))).kvs.map((kv) => kv.key.toString());
    const queued = (of: string, count: number) => eventually(`${count} in the queue of ${of}`, async () => (await queue(of)).length === count);
    const at = (of: string, lease: bigint): string => `${of}/${lease.toString(16)}`;
    const current = async (): Promise<bigint> => (await etcd.kv.range(range({ key: "current" }))).header?.revision ?? 0n;
    const leases = async (): Promise<number> => (await etcd.lease.leaseLeases({})).leases.length;
    /** Whether a call is still waiting after the server had every chance to answer. */
    const waits = async (call: Promise<unknown>): Promise<boolean> => {
      let answered = false;
      void call.then(() => (answered = true)).catch(() => (answered = true));
      await current();
      await settled();
      return !answered;
    };

    describe("Lock", () => {
      it("is held by a key named by lock and lease", async () => {
        const [lease, base] = [await grant(), await current()];
        const held = await lock("door", lease);
        assert.deepEqual([held.key.toString(), held.header?.revision], [at("door", lease), base + 1n]);
        assert.ok(held.header !== undefined && held.header.clusterId !== 0n && held.header.memberId !== 0n && held.header.raftTerm > 0n);
        const pair = (await etcd.kv.range(range({ key: held.key }))).kvs[0];
        assert.deepEqual([pair?.lease, pair?.value.toString(), pair?.createRevision], [lease, "", base + 1n]);
        const again = await lock("door", lease);
        assert.deepEqual([again.key.toString(), again.header?.revision], [at("door", lease), base + 1n]);
        assert.equal((await etcd.lock.unlock({ key: held.key })).header?.revision, base + 2n);
        assert.equal((await etcd.lock.unlock({ key: held.key })).header?.revision, base + 2n);
        assert.deepEqual(await queue("door"), []);
      });

      it("gets a lease of 60 s when it brings none, and refuses one that does not exist", async () => {
        const { key } = await lock("leased", 0n);
        const lease = BigInt(`0x${key.toString().split("/")[1]}`);
        const { grantedTTL, keys } = await etcd.lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: lease, keys: true }));
        assert.deepEqual([grantedTTL, keys.map(String)], [60n, [key.toString()]]);
        assert.equal(await outcome(lock("leased", 4711n)), NO_LEASE);
        assert.equal(await outcome(lock("leased", -1n)), NO_LEASE);
        assert.equal((await lock("", lease)).key.toString(), `/${lease.toString(16)}`);
        assert.equal(await outcome(etcd.lock.unlock({ key: Buffer.alloc(0) })), "UNKNOWN etcdserver: key is not provided");
      });

      it("goes to who has waited longest", async () => {
        const [a, b, c] = [await grant(), await grant(), await grant()];
        const first = await lock("fair", a);
        const second = lock("fair", b);
        await queued("fair", 2);
        const third = lock("fair", c);
        await queued("fair", 3);
        assert.deepEqual([await waits(second), await waits(third)], [true, true]);
        const { header } = await etcd.lock.unlock({ key: first.key });
        const { key, header: since } = await second;
        assert.deepEqual([key.toString(), since?.revision], [at("fair", b), header?.revision]);
        assert.equal(await waits(third), true);
        await etcd.lease.leaseRevoke({ ID: b });
        assert.equal((await third).key.toString(), at("fair", c));
      });

      it("is not given to who lost the place in the queue (Jepsen)", { skip: !traits.rechecksLock && "etcd before 3.5 gives it" }, async () => {
        const [a, b, c] = [await grant(), await grant(), await grant()];
        const first = await lock("jepsen", a);
        const second = outcome(lock("jepsen", b));
        await queued("jepsen", 2);
        const third = lock("jepsen", c);
        await queued("jepsen", 3);
        await etcd.lease.leaseRevoke({ ID: b });
        assert.equal(await waits(third), true);
        await etcd.lock.unlock({ key: first.key });
        assert.equal(await second, "UNKNOWN mutex: session is expired");
        assert.equal((await third).key.toString(), at("jepsen", c));
      });

      it("is no longer waited for when the call is cancelled", async () => {
        const [a, b, c] = [await grant(), await grant(), await grant()];
        const first = await lock("cancel", a);
        const abort = new AbortController();
        const second = outcome(lock("cancel", b, abort.signal));
        await queued("cancel", 2);
        const third = lock("cancel", c);
        await queued("cancel", 3);
        abort.abort();
        assert.match(await second, /^CANCELLED /);
        await queued("cancel", 2);
        await etcd.lock.unlock({ key: first.key });
        assert.equal((await third).key.toString(), at("cancel", c));
      });

      it("counts a key that was deleted and made anew as a new one", async () => {
        const [a, b] = [await grant(), await grant()];
        const first = await lock("anew", a);
        const second = lock("anew", b);
        await queued("anew", 2);
        await etcd.kv.deleteRange(del({ key: first.key }));
        await etcd.kv.put(put({ key: first.key, lease: a }));
        assert.equal((await second).key.toString(), at("anew", b));
      });
    });

    describe("Election", () => {
      it("elects a candidate and tells who leads", async () => {
        assert.equal(await outcome(leader("post")), "UNKNOWN election: no leader");
        const [lease, base] = [await grant(), await current()];
        const { leader: won, header } = await campaign("post", lease, "a");
        assert.deepEqual([won?.name.toString(), won?.key.toString(), won?.rev, won?.lease, header?.revision], ["post", at("post", lease), base + 1n, lease, base + 1n]);
        const { kv, header: now } = await leader("post");
        assert.deepEqual([kv?.key.toString(), kv?.value.toString(), kv?.lease, now?.revision], [at("post", lease), "a", lease, base + 1n]);
        const proclaimed = await etcd.election.proclaim({ leader: won, value: Buffer.from("b") });
        assert.equal(proclaimed.header?.revision, base + 2n);
        const { kv: after } = await leader("post");
        assert.deepEqual([after?.value.toString(), after?.version, after?.createRevision, after?.lease], ["b", 2n, base + 1n, lease]);
        assert.equal((await etcd.election.resign({ leader: won })).header?.revision, base + 3n);
        assert.equal((await etcd.election.resign({ leader: won })).header?.revision, base + 3n);
        assert.equal(await outcome(leader("post")), "UNKNOWN election: no leader");
        assert.equal(await outcome(etcd.election.proclaim({ leader: won, value: Buffer.from("c") })), "UNKNOWN election: not leader");
      });

      it("refuses what names no leader or no lease", async () => {
        assert.equal(await outcome(etcd.election.proclaim({ leader: undefined, value: Buffer.from("x") })), 'UNKNOWN "leader" field must be provided');
        assert.equal(await outcome(etcd.election.resign({ leader: undefined })), 'UNKNOWN "leader" field must be provided');
        assert.equal(await outcome(campaign("leaseless", 4711n, "x")), NO_LEASE);
        const before = await leases();
        const { leader: won } = await campaign("leaseless", 0n, "x");
        assert.ok(won !== undefined);
        assert.equal(won.key.toString(), at("leaseless", won.lease));
        // Each call that names none makes one, even where it is of no use.
        await etcd.election.resign({ leader: { name: Buffer.from("leaseless"), key: Buffer.from("none"), rev: 1n, lease: 0n } });
        assert.equal(await outcome(etcd.election.proclaim({ leader: { ...won, rev: 1n, lease: 0n }, value: Buffer.from("y") })), "UNKNOWN election: not leader");
        assert.equal(await leases(), before + 3);
        await etcd.election.proclaim({ leader: { ...won, lease: 0n }, value: Buffer.from("z") });
        assert.notEqual((await leader("leaseless")).kv?.lease, won.lease);
      });

      it("takes the same lease again for the same candidate, with its new value", async () => {
        const [lease, base] = [await grant(), await current()];
        await campaign("again", lease, "a");
        const same = await campaign("again", lease, "a");
        assert.deepEqual([same.leader?.rev, same.header?.revision], [base + 1n, base + 1n]);
        const other = await campaign("again", lease, "b");
        assert.deepEqual([other.leader?.rev, other.header?.revision], [base + 1n, base + 1n]);
        assert.deepEqual([(await leader("again")).kv?.value.toString(), await current()], ["b", base + 2n]);
      });

      it("elects the next when the leader resigns", async () => {
        const [a, b, c] = [await grant(), await grant(), await grant()];
        const { leader: first } = await campaign("next", a, "a");
        const second = campaign("next", b, "b");
        await queued("next", 2);
        const entered = await current();
        const third = campaign("next", c, "c");
        await queued("next", 3);
        assert.deepEqual([await waits(second), await waits(third)], [true, true]);
        assert.equal((await leader("next")).kv?.value.toString(), "a");
        await etcd.election.resign({ leader: first });
        const { leader: won, header } = await second;
        // The head of the answer is from when the candidate entered.
        assert.deepEqual([won?.key.toString(), won?.rev, header?.revision], [at("next", b), entered, entered]);
        assert.equal((await leader("next")).kv?.value.toString(), "b");
        await etcd.lease.leaseRevoke({ ID: b });
        assert.equal((await third).leader?.key.toString(), at("next", c));
      });

      it("does not ask once more whether a candidate is still there", async () => {
        const [a, b] = [await grant(), await grant()];
        const { leader: first } = await campaign("ghost", a, "a");
        const second = campaign("ghost", b, "b");
        await queued("ghost", 2);
        await etcd.lease.leaseRevoke({ ID: b });
        await etcd.election.resign({ leader: first });
        assert.equal((await second).leader?.key.toString(), at("ghost", b));
        assert.equal(await outcome(leader("ghost")), "UNKNOWN election: no leader");
      });

      it("takes a candidate back when the call is cancelled", async () => {
        const [a, b] = [await grant(), await grant()];
        await campaign("back", a, "a");
        const abort = new AbortController();
        const second = outcome(campaign("back", b, "b", abort.signal));
        await queued("back", 2);
        abort.abort();
        assert.match(await second, /^CANCELLED /);
        await queued("back", 1);
      });

      it("shows every leader and every value to an observer", async () => {
        const [a, b] = [await grant(), await grant()];
        const stream = etcd.election.observe({ name: Buffer.from("seen") });
        const answers = stream[Symbol.asyncIterator]();
        const next = async (): Promise<string> => {
          const { kv, header } = (await answers.next()).value as LeaderResponse;
          return `${kv?.value.toString()} @${(header?.revision ?? 0n) - base}`;
        };
        const base = await current();
        const { leader: first } = await campaign("seen", a, "1");
        assert.equal(await next(), "1 @1");
        await etcd.election.proclaim({ leader: first, value: Buffer.from("2") });
        assert.equal(await next(), "2 @2");
        const second = campaign("seen", b, "3");
        await queued("seen", 2);
        await etcd.election.proclaim({ leader: first, value: Buffer.from("4") });
        assert.equal(await next(), "4 @4");
        await etcd.election.resign({ leader: first });
        const { leader: won } = await second;
        assert.equal(await next(), "3 @5");
        await etcd.election.resign({ leader: won });
        await campaign("seen", a, "5");
        assert.equal(await next(), "5 @7");
        // Who comes late sees the present leader at the present revision.
        await etcd.kv.put(put({ key: "unrelated" }));
        const late = etcd.election.observe({ name: Buffer.from("seen") });
        for await (const { kv, header } of late) {
          assert.deepEqual([kv?.value.toString(), header?.revision], ["5", base + 8n]);
          break;
        }
        stream.cancel();
      });
    });
  });
}
