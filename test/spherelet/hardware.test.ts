import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events as eventType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
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

test("a Node tells in events of its first start, of a Spherelet that starts again, and of a boot of its host", async () => {
  world = await RackWorld.start();
  const told = (): readonly string[] => world.cluster.peekAll(eventType).filter(({ involvedObject }) => involvedObject.kind === "Node" && involvedObject.uid === FIRST).map(({ type, reason, message, source }) => `${source?.component} ${type} ${reason}: ${message}`);
  const starting = "kubelet Normal Starting: Starting kubelet.";
  const ready = `kubelet Normal NodeReady: Node ${FIRST} status is now: NodeReady`;
  await world.inTime("the first start is told", () => told().length === 2);
  assert.deepEqual(told(), [starting, ready]);
  await world.service(FIRST, HostServiceKey.SPHERELET, false);
  await world.pass(1_000);
  await world.service(FIRST, HostServiceKey.SPHERELET, true);
  await world.inTime("the second start is told", () => told().length === 3);
  assert.deepEqual(told().slice(2), [starting]);
  await world.power(FIRST, false);
  await world.pass(1_000);
  await world.power(FIRST, true);
  await world.inTime("the boot is told", () => told().length === 5);
  assert.deepEqual(told().slice(3), [starting, `kubelet Warning Rebooted: Node ${FIRST} has been rebooted, boot id: ${world.node(FIRST)?.status?.nodeInfo?.bootID}`]);
  await world.pass(400_000);
  assert.equal(told().length, 5, "what stays as it is is not told");
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

test("cable out: nothing is said or heard, containers run on; cable in: what changed meanwhile is heard, and nothing ran twice", async () => {
  world = await RackWorld.start();
  for (const n of [1, 3, 4]) await world.runPod(n, FIRST);
  await world.runPod(2, SECOND);
  await world.inTime("all pods are ready", () => [1, 2, 3, 4].every((n) => world.isReady(n)));
  await world.network(FIRST, false);
  await world.pass(500);
  const [dead, alive, calls] = [world.renewTime(FIRST), world.renewTime(SECOND), world.cluster.calls.length];
  // Meanwhile: one pod is deleted, one is gone for good, one stays.
  await world.cluster.delete(podType, { namespace: "default", name: "web-3" }, { gracePeriodSeconds: 1 });
  await world.cluster.delete(podType, { namespace: "default", name: "web-4" }, { gracePeriodSeconds: 0 });
  await world.cluster.patch(podType, { namespace: "default", name: "web-4" }, { type: "merge", body: { metadata: { finalizers: null } } });
  await world.pass(60_000);
  assert.equal(world.renewTime(FIRST), dead);
  assert.notEqual(world.renewTime(SECOND), alive);
  for (const n of [1, 3, 4]) assert.equal(world.callsAbout(`/web-${n}/status`, calls), 0);
  await assert.rejects(world.configure(1, world.pod(1) as Pod), (error) => RpcError.is(error, RpcCode.UNAVAILABLE) && /its network cable is unplugged/.test(error.message));
  for (const n of [1, 3, 4]) assert.deepEqual(await world.containers(n), ["running"], "containers run on");

  await world.network(FIRST, true);
  await world.inTime("the deleted pod ends", () => world.pod(3)?.metadata.deletionGracePeriodSeconds === 0);
  await world.inTime("it lives", () => world.renewTime(FIRST) !== dead);
  await world.pass(2_000);
  assert.deepEqual([world.isReady(1), world.restartCount(1), await world.containers(1)], [true, 0, ["running"]]);
  for (const n of [3, 4]) assert.deepEqual(await world.containers(n), ["terminated"], "what nobody wants is stopped");
});

test("who calls a Spherelet that does not run is told so; the other one is asked as ever", async () => {
  world = await RackWorld.start();
  await world.service(FIRST, HostServiceKey.SPHERELET, false);
  await world.pass(500);
  // Not before: a Spherelet that still runs takes a pod on by itself.
  const pods = [await world.createPod(1, FIRST), await world.createPod(2, SECOND)] as const;
  await assert.rejects(world.configure(1, pods[0]), (error) => RpcError.is(error, RpcCode.UNAVAILABLE) && error.reason?.reason === "HostNotReachable" && /its Spherelet does not run/.test(error.message));
  await world.configure(2, pods[1]);
  await world.inTime("the other host's pod is ready", () => world.isReady(2));
  assert.equal(world.isReady(1), false);
});

test("a kubelet API closes with its Spherelet and opens where it was; a host added gets the next port, or a free one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-kubelets-"));
  try {
    const authority = await CertificateAuthority.open(directory);
    const serving = await authority.issue({ commonName: "kubelet", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });
    const asked: string[] = [];
    world = await RackWorld.start({
      kubeletPortBase: 0,
      kubeletTls: async (host) => {
        asked.push(host);
        // Of a host that was just added there may be no certificate yet.
        if (host === THIRD && asked.filter((each) => each === THIRD).length === 1) throw new Error("no certificate yet");
        return serving;
      },
    });
    const before = world.spherelets.kubelets.get(FIRST);
    assert.ok(before !== undefined);
    for (const away of [() => world.power(FIRST, false), () => world.network(FIRST, false), () => world.service(FIRST, HostServiceKey.SPHERELET, false)]) {
      await away();
      await world.inTime("it is closed", () => !world.spherelets.kubelets.has(FIRST));
      assert.ok(world.spherelets.kubelets.has(SECOND));
      await world.power(FIRST, true);
      await world.network(FIRST, true);
      await world.service(FIRST, HostServiceKey.SPHERELET, true);
      await world.inTime("it is open where it was", () => world.spherelets.kubelets.get(FIRST) === before);
    }
    await world.addHardware(THIRD);
    await world.inTime("the third has one", () => world.spherelets.kubelets.has(THIRD));
    assert.equal(asked.filter((host) => host === THIRD).length, 2, "a certificate that is not there is asked for again");
    await world.inTime("its node says where", () => world.node(THIRD)?.status?.daemonEndpoints?.kubeletEndpoint?.Port === Number(world.spherelets.kubelets.get(THIRD)?.split(":")[1]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
