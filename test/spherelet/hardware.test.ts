import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { FIRST, RackWorld, SECOND, THIRD } from "./rack-world.js";

let world: RackWorld;
afterEach(() => world.close());

test("a host without power: its Lease is renewed no more, the other's is; with power again its pods run once more", async () => {
  world = await RackWorld.start();
  await world.runPod(1, FIRST);
  await world.runPod(2, SECOND);
  await world.inTime("both pods are ready", () => world.isReady(1) && world.isReady(2));
  const bootId = world.node(FIRST)?.status?.nodeInfo?.bootID;

  await world.power(FIRST, false);
  await world.pass(500);
  const [dead, alive] = [world.renewTime(FIRST), world.renewTime(SECOND)];
  const calls = world.cluster.calls.length;
  await world.pass(60_000);
  assert.equal(world.renewTime(FIRST), dead);
  assert.notEqual(world.renewTime(SECOND), alive);
  assert.equal(world.callsAbout("/web-1/status", calls), 0, "nothing is said of the pod of a dead host");

  await world.power(FIRST, true);
  await world.host.powerOnVm({ requestId: "", vm: { key: { $case: "vmId", value: "1" } } }, { authority: FIRST });
  await world.inTime("the pod runs again", () => world.isReady(1) && world.restartCount(1) === 1);
  assert.notEqual(world.renewTime(FIRST), dead);
  assert.notEqual(world.node(FIRST)?.status?.nodeInfo?.bootID, bootId, "a new boot");
  assert.equal(world.restartCount(2), 0, "the other host's pod ran on");
});

test("a host added at run time becomes a Node with a Spherelet; taken out it is none any more", async () => {
  world = await RackWorld.start();
  await world.addHardware(THIRD);
  await world.inTime("the node is there", () => world.node(THIRD)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true);
  assert.equal(world.node(THIRD)?.status?.capacity?.["cpu"], "8");
  assert.equal(world.node(THIRD)?.metadata.labels?.["topology.kubernetes.io/zone"], "c");
  await world.runPod(3, THIRD);
  await world.inTime("its pod is ready", () => world.isReady(3));

  await world.power(THIRD, false);
  await world.hardware.removeHardware({ requestId: "", name: THIRD });
  await world.inTime("the node is gone", () => world.node(THIRD) === undefined);
  await world.pass(20_000);
  assert.equal(world.node(THIRD), undefined, "and stays so");
});

test("a Spherelet that is stopped: its Lease runs out, containers run on; started again it goes on, and nothing runs twice", async () => {
  world = await RackWorld.start();
  await world.runPod(1, FIRST);
  await world.runPod(2, SECOND);
  await world.inTime("both pods are ready", () => world.isReady(1) && world.isReady(2));
  await world.service(FIRST, HostServiceKey.SPHERELET, false);
  await world.pass(500);
  const [dead, alive] = [world.renewTime(FIRST), world.renewTime(SECOND)];
  await world.pass(60_000);
  assert.equal(world.renewTime(FIRST), dead);
  assert.notEqual(world.renewTime(SECOND), alive);
  await world.service(FIRST, HostServiceKey.SPHERELET, true);
  await world.inTime("it lives", () => world.renewTime(FIRST) !== dead);
  await world.pass(5_000);
  assert.deepEqual([world.isReady(1), world.restartCount(1)], [true, 0]);
  assert.equal((await world.getVm(1, FIRST)).powerOnCount, 1);
});
