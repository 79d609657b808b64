import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { type Etcd, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { EtcdKeyValue } from "../../src/vcenter/client.js";
import { refusal } from "./refusal.js";
import { World } from "./world.js";

let world: World;
let etcd: Etcd;
let kv: EtcdKeyValue;
afterEach(async () => {
  await world.close();
  kv.close();
  await etcd.close();
});

/** A vCenter without hosts that keeps its records in an etcd behind a socket. */
async function start(): Promise<void> {
  etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
  kv = new EtcdKeyValue({ endpoints: [etcd.address], tls: undefined, clock: monotonicClock() });
  world = await World.start(0, { keyValue: kv });
}

test("a vCenter that has nothing to write stops as soon as another one takes over", async () => {
  await start();
  const first = world.vcenter;
  await world.startVcenter(kv);
  assert.match((await first.ended).message, /epoch 2 has taken over from epoch 1/);
});

test("a record that etcd never takes is refused, and keeps nothing behind it waiting", async () => {
  await start();
  const refused = await refusal(world.addHost(1, { labels: { note: "x".repeat(3_000_000) } }));
  assert.equal(refused.code, RpcCode.RESOURCE_EXHAUSTED);
  assert.match(refused.message, /^Received message larger than max \(\d+ vs 2097152\)$/);
  assert.deepEqual((await world.inventory.listHosts({ pageSize: 0, pageToken: "" })).hosts, []);
  await world.inventory.createDatacenter({ requestId: "", name: "next" });
});
