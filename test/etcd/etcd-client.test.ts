import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { type Etcd, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { EtcdClient, EtcdCompactedError, type EtcdWatchBatch, type EtcdWatchOptions, prefixEnd } from "../../src/rpc/etcd-client.js";
import { skipWithout } from "../support/external-program.js";
import { type ServerUnderTest, startRealEtcd } from "../support/real-etcd.js";

const startOurs = (dataDir = new MemoryTable(), listen = "127.0.0.1:0"): Promise<Etcd> => startEtcd({ listen, dataDir, clock: monotonicClock(), log: silentLogger });

/** Collects a watch until `count` events are there. */
async function take(client: EtcdClient, count: number, options: EtcdWatchOptions, started?: () => void): Promise<string[]> {
  const seen: string[] = [];
  if (count === 0) return seen;
  const watch = client.watch({ progress: true, ...options });
  for (let next = watch.next(); ; next = watch.next()) {
    started?.();
    const batch = (await next).value as EtcdWatchBatch;
    seen.push(...batch.events.map(({ type, key, revision, pair }) => `${type} ${key}${pair === undefined ? "" : `=${pair.value.toString()}`} @${revision}`));
    if (seen.length >= count) break;
  }
  await watch.return();
  return seen;
}

/** What the client promises, whichever etcd it talks to. */
function clientContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>): void {
  describe(`etcd client on ${name}`, { skip }, () => {
    it("puts, reads, compares, watches, leases", async () => {
      const server = await start();
      const client = new EtcdClient({ endpoints: [`http://${server.address}`] });
      try {
        const first = await client.put("/a/1", "one");
        const created = await client.txn({ compare: [{ key: "/a/2", exists: false }], success: [{ put: "/a/2", value: Buffer.from("two") }, { get: { prefix: "/a/" } }] });
        assert.deepEqual([created.succeeded, created.revision, created.gets[1]?.pairs.map(({ key }) => key)], [true, first + 1, ["/a/1", "/a/2"]]);
        const again = await client.txn({ compare: [{ key: "/a/2", modRevision: 0 }], success: [{ put: "/a/2", value: "no" }], failure: [{ get: { key: "/a/2" } }] });
        assert.deepEqual([again.succeeded, again.revision, again.gets[0]?.pairs[0]?.value.toString()], [false, first + 1, "two"]);
        const conditions = [{ key: "/a/1", value: "one" }, { key: "/a/1", version: 1 }, { key: "/a/1", createRevision: first }, { key: "/a/1", modRevision: first }, { key: "/a/1", exists: true }];
        assert.equal((await client.txn({ compare: conditions, success: [{ delete: { key: "/a/1" } }] })).succeeded, true);
        assert.equal(await client.get("/a/1"), undefined);
        assert.equal((await client.range({ prefix: "/a/", revision: first + 1, keysOnly: true })).pairs.length, 2);
        assert.deepEqual(await take(client, 3, { prefix: "/a/", fromRevision: first }), [`put /a/1=one @${first}`, `put /a/2=two @${first + 1}`, `delete /a/1 @${first + 2}`]);
        assert.equal((await client.delete({ prefix: "/a/" })).deleted, 1);

        const { id, ttlSeconds } = await client.grantLease(30);
        await client.put("/a/leased", "x", id);
        assert.deepEqual([await client.keepLease(id), (await client.get("/a/leased"))?.lease], [ttlSeconds, id]);
        await client.revokeLease(id);
        assert.deepEqual([await client.get("/a/leased"), await client.keepLease(id)], [undefined, 0]);
        await assert.rejects(client.put("/a/leased", "x", id), (error) => RpcError.is(error, RpcCode.NOT_FOUND));
        assert.match((await client.status()).version, /^3\./);
      } finally {
        client.close();
        await server.close();
      }
    });

    it("lists more than a page at one revision", async () => {
      const server = await start();
      const client = new EtcdClient({ endpoints: [server.address] });
      try {
        for (let page = 0; page < 21; page += 1) {
          await client.txn({ success: Array.from({ length: 100 }, (_, index) => ({ put: `/l/${String(page * 100 + index).padStart(4, "0")}`, value: "v" })) });
        }
        const { pairs, revision } = await client.list("/l/");
        assert.deepEqual([pairs.length, pairs[0]?.key, pairs[2_099]?.key, revision], [2_100, "/l/0000", "/l/2099", (await client.range({ key: "/" })).revision]);
      } finally {
        client.close();
        await server.close();
      }
    });

    it("reports compaction as what it is", async () => {
      const server = await start();
      const client = new EtcdClient({ endpoints: [server.address] });
      try {
        await client.put("/c", "1");
        await client.put("/c", "2");
        const revision = await client.put("/c", "3");
        await client.compact(revision, true);
        await assert.rejects(take(client, 1, { prefix: "/", fromRevision: revision - 1 }), (error) => error instanceof EtcdCompactedError && error.compactRevision === revision);
        assert.deepEqual(await take(client, 1, { prefix: "/", fromRevision: revision }), [`put /c=3 @${revision}`]);
      } finally {
        client.close();
        await server.close();
      }
    });
  });
}

clientContract("spheresim", false, () => startOurs());
clientContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd);

describe("a connection that is lost", () => {
  it("leaves no hole and no repetition in a watch, and tries reads and unsent writes again", async () => {
    const table = new MemoryTable();
    let server = await startOurs(table);
    const { address } = server;
    const client = new EtcdClient({ endpoints: [address] });
    await client.put("/x/0", "0");
    const watched = take(client, 5, { prefix: "/x/", fromRevision: 2 });
    await client.put("/x/1", "1");
    await client.put("/x/2", "2");
    await server.close();
    server = await startOurs(table, address);
    await client.put("/x/3", "3");
    await client.delete({ key: "/x/0" });
    assert.deepEqual(await watched, ["put /x/0=0 @2", "put /x/1=1 @3", "put /x/2=2 @4", "put /x/3=3 @5", "delete /x/0 @6"]);
    client.close();
    await server.close();
  });

  it("moves on to the next endpoint", async () => {
    const server = await startOurs();
    // Port 1 is reserved and nobody listens there.
    const client = new EtcdClient({ endpoints: ["127.0.0.1:1", server.address] });
    assert.equal(await client.put("/k", "v"), 2);
    assert.deepEqual(await take(client, 1, { key: "/k", fromRevision: 2 }), ["put /k=v @2"]);
    client.close();
    await server.close();
  });

  it("ends a watch quietly when told to, and calls with an error when nobody answers in time", async () => {
    const server = await startOurs();
    const client = new EtcdClient({ endpoints: [server.address] });
    const stop = new AbortController();
    const watch = client.watch({ prefix: "/", signal: stop.signal });
    const next = watch.next();
    await client.get("/");
    stop.abort();
    assert.equal((await next).done, true);
    client.close();
    await server.close();
    const alone = new EtcdClient({ endpoints: [server.address], deadlineMs: 200 });
    await assert.rejects(alone.get("/"), (error) => RpcError.is(error));
    alone.close();
  });
});

it("knows the end of a prefix", () => {
  assert.equal(prefixEnd(Buffer.from("a")).toString(), "b");
  assert.equal(prefixEnd(Buffer.from([0x61, 0xff])).toString("hex"), "62");
  assert.equal(prefixEnd(Buffer.from([0xff, 0xff])).toString("hex"), "00");
  assert.equal(prefixEnd(Buffer.alloc(0)).toString("hex"), "00");
});
