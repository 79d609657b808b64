import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { ownWatch } from "../../src/etcd/recipes/own-watch.js";
import { Store } from "../../src/etcd/kv/store.js";
import { WatchHub } from "../../src/etcd/watch/watch-hub.js";
import { CampaignRequest } from "../../src/gen/etcd/v3electionpb/v3election.js";
import { LockRequest } from "../../src/gen/etcd/v3lockpb/v3lock.js";
import { eventually } from "../support/eventually.js";
import { newUser, outcome, permission, services, signedIn } from "./signed-in.js";
import { put, range } from "./wire.js";

const name = (text: string) => ({ name: Buffer.from(text) });

describe("lock and election", () => {
  it("lose a place whose lease of 60 s ends during the wait, for nobody keeps it alive", async () => {
    const clock = new ManualClock();
    const server = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock, log: silentLogger });
    const etcd = services(server.address);
    const { ID } = await etcd.lease.leaseGrant({ TTL: 3600n, ID: 0n });
    const { key } = await etcd.lock.lock(LockRequest.create({ ...name("door"), lease: ID }));
    const waiting = outcome(etcd.lock.lock(LockRequest.create(name("door"))));
    const inQueue = async (): Promise<bigint> => (await etcd.kv.range(range({ key: "door/", rangeEnd: "door0" }))).count;
    await eventually("two in the queue", async () => (await inQueue()) === 2n);
    await clock.advance(61_000);
    await eventually("one in the queue", async () => (await inQueue()) === 1n);
    await etcd.lock.unlock({ key });
    assert.equal(await waiting, "UNKNOWN mutex: session is expired");
    etcd.close();
    await server.close();
  });

  it("go by what their caller may do", async () => {
    const server = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: new ManualClock(), log: silentLogger });
    const etcd = services(server.address);
    await etcd.auth.userAdd(newUser("root"));
    await etcd.auth.userGrantRole({ user: "root", role: "root" });
    await etcd.auth.userAdd(newUser("alice"));
    await etcd.auth.roleAdd({ name: "locks" });
    await etcd.auth.roleGrantPermission({ name: "locks", perm: permission("READWRITE", "mine/", "mine0") });
    await etcd.auth.userGrantRole({ user: "alice", role: "locks" });
    await etcd.auth.authEnable({});
    const [root, alice] = [await signedIn(etcd, "root"), await signedIn(etcd, "alice")];
    const lock = (of: string, who?: typeof alice, signal?: AbortSignal) => etcd.lock.lock(LockRequest.create(name(of)), { ...who, signal });
    const denied = "UNKNOWN etcdserver: permission denied";
    assert.equal(await outcome(lock("yours", alice)), denied);
    assert.equal(await outcome(lock("mine")), "UNKNOWN etcdserver: user name is empty");
    const { key } = await lock("mine", alice);
    const abort = new AbortController();
    const waiting = outcome(lock("mine", alice, abort.signal));
    const count = async (): Promise<bigint> => (await etcd.kv.range(range({ key: "mine/", rangeEnd: "mine0" }), root)).count;
    await eventually("two in the queue", async () => (await count()) === 2n);
    abort.abort();
    assert.match(await waiting, /^CANCELLED/);
    await eventually("one in the queue", async () => (await count()) === 1n);
    assert.equal(await outcome(etcd.lock.unlock({ key })), "UNKNOWN etcdserver: user name is empty");
    assert.equal(await outcome(etcd.lock.unlock({ key }, alice)), "ok");
    assert.equal(await outcome(etcd.election.campaign(CampaignRequest.create({ ...name("yours"), value: Buffer.from("a") }), alice)), denied);
    assert.equal(await outcome(etcd.election.leader(name("yours"), alice)), denied);
    // An observer who may see nothing is not told so.
    const seen: unknown[] = [];
    for await (const sighting of etcd.election.observe(name("yours"), alice)) seen.push(sighting);
    assert.deepEqual(seen, []);
    etcd.close();
    await server.close();
  });

  it("are refused where a value is too large, and end with the server", async () => {
    const server = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: new ManualClock(), log: silentLogger });
    const etcd = services(server.address);
    const large = CampaignRequest.create({ ...name("x"), value: Buffer.alloc(1536 * 1024) });
    assert.equal(await outcome(etcd.election.campaign(large)), "UNKNOWN etcdserver: request is too large");
    await etcd.lock.lock(LockRequest.create(name("door")));
    const waiting = outcome(etcd.lock.lock(LockRequest.create(name("door"))));
    await eventually("two in the queue", async () => (await etcd.kv.range(range({ key: "door/", rangeEnd: "door0" }))).count === 2n);
    const observe = async (): Promise<void> => {
      for await (const _ of etcd.election.observe(name("nobody"))) assert.fail("nobody leads");
    };
    const observing = outcome(observe());
    await etcd.kv.put(put({ key: "x" }));
    await server.close();
    assert.match(await waiting, /^UNAVAILABLE /);
    assert.match(await observing, /^UNAVAILABLE /);
    etcd.close();
  });
});

describe("a watch of the server's own", () => {
  it("leaves in the log what its reader does not take", async () => {
    const store = await Store.open(new MemoryTable(), { onFailure: assert.fail });
    const hub = new WatchHub(store);
    const headerAt = (revision: number) => ({ clusterId: 1n, memberId: 1n, revision: BigInt(revision), raftTerm: 1n });
    const abort = new AbortController();
    const watch = ownWatch({ hub, clock: new ManualClock(), headerAt }, { key: Buffer.from("k") }, abort.signal);
    const first = await watch.next();
    assert.equal(first.done === true ? undefined : first.value.created, true);
    for (let value = 0; value < 1_000; value += 1) await store.write((txn) => txn.put("k", Buffer.from(String(value)), 0n));
    const values: string[] = [];
    while (values.length < 1_000) {
      const { value } = await watch.next();
      for (const event of value?.events ?? []) values.push(event.kv?.value.toString() ?? "");
    }
    assert.deepEqual(values, Array.from({ length: 1_000 }, (_, value) => String(value)));
    const end = watch.next();
    const aborted = once(abort.signal, "abort");
    abort.abort();
    await aborted;
    assert.equal((await end).done, true);
    hub.close();
    await store.close();
  });
});
