import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { NodeKeeper } from "../../src/spherelet/node/node-keeper.js";
import { readHosts } from "../../src/spherelet/node/host.js";
import { startSpherelets } from "../../src/spherelet/index.js";
import { startFakeAgents } from "../support/fake-agents.js";
import { startFakeApiServer } from "../support/fake-api-server.js";
import { eventually } from "../support/eventually.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { startFakeHostD } from "../support/fake-hostd.js";
import { metricsOf } from "../support/metrics.js";
import { NodeRegistry } from "./node-registry.js";
import { PodHarness } from "./pod-harness.js";
import { inTime, withSpherelets } from "./spherelet-world.js";

function hostsNamed(count: number) {
  return Array.from({ length: count }, (_, index) => ({ name: `esxi-${String(index + 1).padStart(4, "0")}.spheresim.test`, cores: 16, memoryMb: 65_536 }));
}

/** Hosts whose Nodes are registered and which have nothing else to do. */
async function idleHosts(count: number) {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const monotonic = new ManualClock();
  const registry = new NodeRegistry();
  const keeper = new NodeKeeper({ informer: registry.informer, clock, monotonic, log: silentLogger });
  keeper.start();
  for (const host of readHosts(hostsNamed(count), "127.0.0.1").values()) keeper.add({ host, api: registry.api, kubeletPort: undefined, bootId: "boot", events: { written: () => undefined } });
  while (registry.nodesReady < count) await monotonic.advance(1_000);
  // The first turn of renewals meets those of the start.
  await monotonic.advance(10_000);
  return { registry, monotonic, keeper };
}

test("a thousand idle hosts renew their Leases, a hundred a second at an even pace, write their status once in five minutes, and do nothing else", async () => {
  const { registry, monotonic, keeper } = await idleHosts(1_000);
  try {
    registry.calls.clear();
    const perSecond: number[] = [];
    for (let second = 0; second < 300; second += 1) {
      const before = registry.calls.get("patch leases") ?? 0;
      await monotonic.advance(1_000);
      perSecond.push((registry.calls.get("patch leases") ?? 0) - before);
    }
    assert.deepEqual(Object.fromEntries(registry.calls), { "patch leases": 30_000, "patch nodes/status": 1_000 });
    assert.deepEqual([Math.min(...perSecond), Math.max(...perSecond)], [100, 100]);
  } finally {
    await keeper.close();
  }
});

test("one timer serves all hosts of a process", async () => {
  const [few, many] = [await idleHosts(10), await idleHosts(500)];
  try {
    assert.equal(many.monotonic.waiting, few.monotonic.waiting);
  } finally {
    await few.keeper.close();
    await many.keeper.close();
  }
});

test("the Spherelets of two hundred hosts share one watch of each kind, one stream of VMs and one connection", async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const monotonic = new ManualClock();
  const cluster = new FakeCluster(clock);
  const apiserver = await startFakeApiServer(cluster);
  const agents = await startFakeAgents(clock);
  const hostd = await startFakeHostD(agents.address, (uuid) => agents.boot(uuid));
  const spherelets = await startSpherelets({
    hosts: hostsNamed(200),
    apiserver: { server: apiserver.url },
    nodeTls: () => assert.fail("so many hosts write under one identity"),
    hostdAddress: hostd.address,
    log: silentLogger,
    clock,
    monotonic,
    dice: new Dice(1),
  });
  try {
    await eventually("all hosts have Nodes and Leases", () => cluster.calls.filter(({ verb, path }) => verb === "create" && path.includes("/leases/")).length === 200);
    const watches = cluster.calls.filter(({ verb }) => verb === "watch").map(({ path }) => path);
    assert.deepEqual(watches.sort(), ["/api/v1/nodes", "/api/v1/pods", "/api/v1/services", watches.find((path) => path.endsWith("/images"))]);
    assert.equal(apiserver.sessionsSeen(), 1);
    const started = [...(await metricsOf(hostd.address))].filter(([sample]) => sample.startsWith("grpc_server_started_total") && sample.includes('grpc_method="WatchVms"'));
    assert.deepEqual(started.map(([, count]) => count), [1]);
  } finally {
    await spherelets.close();
    await Promise.all([hostd.close(), agents.close(), apiserver.close()]);
  }
});

test("pods that run take no timer: forty leave as many waiting as five do, one of each clock for all", async () => {
  await withSpherelets(async (world) => {
    const run = async (names: readonly string[]): Promise<readonly [number, number]> => {
      for (const name of names) await world.configure(await world.createPod(name));
      await inTime(world, "the pods run", () => names.every((name) => world.pod(name)?.status?.phase === "Running"));
      await inTime(world, "their events are written", () => names.every((name) => world.events(name).some(({ reason }) => reason === "Started")));
      // What belongs to calls that were made is over.
      await world.monotonic.advance(60_000);
      // The fewest within a while: heartbeats are calls as well, whose deadlines wait as long as they are under way.
      let fewest = world.monotonic.waiting;
      for (let turn = 0; turn < 20; turn += 1) {
        await world.monotonic.advance(500);
        for (let more = 0; more < 20; more += 1) await nextTurn();
        fewest = Math.min(fewest, world.monotonic.waiting);
      }
      return [world.clock.waiting, fewest];
    };
    const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    const few = await run(named("few", 5));
    const many = await run(named("many", 35));
    assert.deepEqual(many, few);
  });
});

test("inside the VM of a pod without probes nothing waits for a time", async () => {
  const harness = new PodHarness({});
  await harness.boot();
  assert.equal(harness.pod.status?.phase, "Running");
  assert.equal(harness.clock.waiting, 0);
});
