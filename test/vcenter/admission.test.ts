import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcCode } from "../../src/base/rpc-error.js";
import { HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type HostVerdict, HostSet, type PlacementResult, PlaceVmsRequest, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceClient } from "../../src/gen/spheresim/vcenter/v1/placement_service.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import type { VirtualDevice, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { openChannel } from "../../src/rpc/channel.js";
import { eventually } from "../support/eventually.js";
import { sizings } from "./drs/goldens.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, onHosts, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** What was said of a host: `chosen`, `feasible`, or the name of its fault. */
function said(verdict: HostVerdict | undefined): string {
  return verdict?.verdict?.$case === "fault" ? (verdict.verdict.value.fault?.$case ?? "") : (verdict?.verdict?.$case ?? "");
}

function byHost(result: PlacementResult): Record<string, string> {
  return Object.fromEntries(result.verdicts.map((verdict) => [verdict.hostName, said(verdict)]));
}

function config(change: Partial<VirtualMachineConfigSpec>): VirtualMachineConfigSpec {
  return { ...(podSpec("uid-1").config ?? assert.fail()), ...change };
}

test("the curated list, all but some, and the whole cluster are each looked at and nothing else", async () => {
  world = await World.start(3);
  const names = async (hosts: HostSet | undefined): Promise<string[]> => (await world.place("uid-1", { hosts })).verdicts.map((verdict) => verdict.hostName).toSorted();
  assert.deepEqual(await names(onHosts(1, 3)), [1, 3].map(hostName));
  assert.deepEqual(await names(HostSet.fromPartial({ set: { $case: "allExcept", value: { hosts: [hostKey(2)] } } })), [1, 3].map(hostName));
  assert.deepEqual(await names(HostSet.fromPartial({ set: { $case: "all", value: {} } })), [1, 2, 3].map(hostName));
  assert.deepEqual(await names(HostSet.fromPartial({ cluster: world.cluster ?? {} })), [1, 2, 3].map(hostName));
  assert.deepEqual(await names(undefined), [1, 2, 3].map(hostName));
  const moids = (await world.inventory.getInventory({})).hosts.slice(1).map((host) => ({ key: { $case: "ref" as const, value: host.ref ?? assert.fail() } }));
  assert.deepEqual(await names(HostSet.fromPartial({ set: { $case: "hosts", value: { hosts: moids } } })), [2, 3].map(hostName));
});

test("verdicts come as asked for: none, a line each, every part of the score", async () => {
  world = await World.start(2);
  await world.maintain(2);
  const ask = (verdictDetail: VerdictDetail) => world.placement.placeVm({ requestId: "", spec: podSpec("uid-1"), holdFor: undefined, verdictDetail });
  assert.deepEqual((await ask(VerdictDetail.NONE)).verdicts, []);
  for (const detail of [VerdictDetail.UNSPECIFIED, VerdictDetail.SUMMARY, VerdictDetail.FULL]) {
    const { verdicts } = await ask(detail);
    assert.deepEqual(verdicts.map(said), ["chosen", "invalidState"]);
    const [chosen, out] = verdicts;
    if (chosen?.verdict?.$case !== "chosen" || out?.verdict?.$case !== "fault") return assert.fail();
    const { total, parts } = chosen.verdict.value;
    assert.match(out.verdict.value.localizedMessage, /esxi-02\.spheresim\.test is in maintenance mode/);
    assert.equal(parts.length, detail === VerdictDetail.FULL ? 5 : 0);
    if (parts.length > 0) assert.ok(Math.abs(parts.reduce((sum, part) => sum + part.value * part.weight, 0) - total) < 1e-9, "the parts make the total");
  }
  const recorded = world.steps.filter((step) => step.step === 4).at(-1);
  assert.deepEqual(recorded?.hostVerdicts.map(said), ["chosen", "invalidState"]);
  const batch = PlaceVmsRequest.fromPartial({ specs: [podSpec("uid-2")] });
  await world.placement.placeVms(batch);
  const wires = [recorded, world.steps.at(-1)].map((step) => step?.wire);
  assert.deepEqual(wires, ["PlaceVm", "PlaceVms"].map((method) => `spheresim.vcenter.v1.PlacementService/${method}`), "the journal names the method that was called");
  assert.equal(recorded?.hostVerdicts[0]?.verdict?.$case === "chosen" ? recorded.hostVerdicts[0].verdict.value.parts.length : 0, 5, "the journal has every part, whatever was asked for");
});

test("each state of a host has its fault, and only the host that is well is chosen", async () => {
  world = await World.start(4);
  await world.maintain(1);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected: false });
  await world.addHost(5);
  const result = await world.place("uid-1");
  const states = byHost(result);
  assert.deepEqual([states[hostName(1)], states[hostName(2)], states[hostName(5)]], ["invalidState", "hostNotConnected", "hostNotReachable"]);
  assert.deepEqual(new Set([states[hostName(3)], states[hostName(4)]]), new Set(["chosen", "feasible"]));
});

test("a host that is powered off, as its record says, is ruled out by its power state and gives the cluster nothing", async () => {
  world = await World.start(2);
  const key = world.kv.keys("/spheresim/vcenter/hosts/")[0] ?? assert.fail();
  await world.stopVcenter();
  world.kv.map.set(key, JSON.stringify({ ...(JSON.parse(world.kv.map.get(key) ?? "") as object), powerState: "HOST_POWER_STATE_POWERED_OFF" }));
  await world.startVcenter();
  await world.connected(2);
  const { hosts, resourcePools } = await world.inventory.getInventory({});
  assert.equal(hosts[0]?.powerState, HostPowerState.POWERED_OFF);
  assert.equal(resourcePools[0]?.usage?.unreservedMemoryMb, HOST.memoryMb);
  assert.deepEqual(byHost(await world.place("uid-1")), { [hostName(1)]: "invalidPowerState", [hostName(2)]: "chosen" });
});

test("each incompatibility has its fault", async () => {
  world = await World.start(1);
  world.esxi.addHost(hostName(2), 64 * 1000, 65_536);
  await world.addHost(2, { numCpuCores: 64, cpuMhz: 1000, memoryMb: 65_536, datastores: ["vsan", "nfs"], networks: ["workload", "dmz"] });
  await world.connected(2);
  const disk = (datastore: string): VirtualDevice => ({ key: 1, backing: { $case: "disk", value: { capacityKb: 1024n, uuid: "", datastore, controller: "pvscsi" } } });
  const card = (network: string): VirtualDevice => ({ key: 2, backing: { $case: "ethernetCard", value: { cardType: "vmxnet3", macAddress: "", network } } });
  const cases: readonly [string, Partial<VirtualMachineConfigSpec>][] = [
    ["notEnoughCpus", { numCpus: HOST.cores + 1 }],
    ["memorySizeNotSupported", { memoryMb: HOST.memoryMb, memoryAllocation: { reservation: 0, shares: undefined } }],
    ["cannotAccessDatastore", { devices: [disk("nfs")] }],
    ["cannotAccessNetwork", { devices: [card("dmz")] }],
    ["insufficientHostCpuCapacityFault", { cpuAllocation: { reservation: HOST.cores * HOST.coreMhz + 1, shares: undefined } }],
    ["insufficientHostMemoryCapacityFault", { memoryMb: 16_000 }],
  ];
  // What is held on the first host leaves it less than the last VM needs.
  await world.place("uid-0", { hosts: onHosts(1) });
  for (const [fault, change] of cases) {
    const memoryAllocation = { reservation: change.memoryMb ?? 1024, shares: undefined };
    const result = await world.place("uid-1", { config: config({ memoryAllocation, ...change }) });
    assert.deepEqual(byHost(result), { [hostName(1)]: fault, [hostName(2)]: "chosen" }, fault);
    await world.placement.cancelRecommendation({ requestId: "", key: "", ownerUid: "uid-1" });
  }
});

test("a pod is sized, placed and booked with its overhead as the published figures say", async () => {
  world = await World.start(1);
  for (const golden of sizings) {
    const { config: sized } = await world.placement.sizePod({ name: "pod", ownerUid: "uid-1", namespace: "", containers: golden.containers.map((container, index) => ({ name: `c${index}`, ...container })), initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n });
    assert.deepEqual([sized?.numCpus, sized?.memoryMb, sized?.overheadMemoryMb], [golden.numCpus, golden.memoryMb, golden.overheadMemoryMb], golden.name);
    await world.place("uid-1", { config: sized });
    const { usage } = (await world.inventory.getInventory({})).hosts[0] ?? {};
    const reservedMhz = Math.ceil((golden.reservedCpuMilli * HOST.coreMhz) / 1000);
    assert.deepEqual([usage?.reservedCpuMhz, usage?.reservedMemoryMb], [reservedMhz, golden.reservedMemoryMb + golden.overheadMemoryMb], golden.name);
    await world.placement.cancelRecommendation({ requestId: "", key: "", ownerUid: "uid-1" });
  }
});

test("sizes beyond every machine are refused by their field, and those beyond every host here find no host", async () => {
  world = await World.start(1);
  for (const [field, change] of [
    ["spec.config.num_cpus", { numCpus: 2_147_483_647 }],
    ["spec.config.memory_mb", { memoryMb: 2_147_483_644 }],
  ] as const) {
    const refused = await refusal(world.place("uid-1", { config: config(change) }));
    assert.deepEqual([refused.code, refused.fields], [RpcCode.INVALID_ARGUMENT, [field]]);
  }
  const huge = config({ numCpus: 65_536, memoryMb: 1_073_741_824, cpuAllocation: { reservation: 2_147_483_647, shares: undefined }, memoryAllocation: { reservation: 1_073_741_824, shares: undefined } });
  assert.equal((await world.place("uid-1", { config: huge })).drsFault?.fault?.fault?.$case, "insufficientCpuResourcesFault");
  const wide = config({ numCpus: 65_536, memoryMb: 1_073_741_824, cpuAllocation: undefined, memoryAllocation: undefined });
  assert.equal((await world.place("uid-1", { config: wide })).drsFault?.fault?.fault?.$case, "insufficientMemoryResourcesFault");
});

test("a pool that is not expandable lends its VMs only what it reserves", async () => {
  world = await World.start(1);
  const memory = (reservation: number, expandableReservation: boolean) => ({
    cpuAllocation: undefined,
    memoryAllocation: { reservation, expandableReservation, shares: undefined },
    scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED,
  });
  const fixed = await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "fixed", namespace: "", config: memory(1060, false) });
  assert.equal((await world.place("uid-1", { pool: fixed.ref })).recommendations.length, 1);
  const { drsFault } = await world.place("uid-2", { pool: fixed.ref });
  assert.deepEqual(drsFault?.fault?.fault, { $case: "insufficientMemoryResourcesFault", value: { unreserved: 10, requested: 1050, host: undefined } });
  await world.pools.updateResourcePool({ requestId: "", pool: fixed.ref, name: "", config: memory(1060, true) });
  assert.equal((await world.place("uid-2", { pool: fixed.ref })).recommendations.length, 1);
});

test("vCenter is one and answers by any authority; a host whose HostD does not know its name never connects", async () => {
  world = await World.start(1);
  const channel = openChannel({ address: world.vcenter.address });
  try {
    const { placeVm } = channel.client(PlacementServiceClient);
    const request = { requestId: "", spec: podSpec("uid-1"), holdFor: undefined, verdictDetail: VerdictDetail.NONE };
    for (const authority of [undefined, "vcenter.spheresim.test", "nobody.example"]) assert.equal((await placeVm(request, { authority })).recommendations.length, 1);
  } finally {
    channel.close();
  }
  await world.addHost(7);
  await eventually("HostD is asked by the name", () => world.esxi.calls.some((call) => call.method === "getHost" && call.host === hostName(7)));
  assert.equal(byHost(await world.place("uid-2"))[hostName(7)], "hostNotReachable");
  const task = await world.placement.applyRecommendation({ requestId: "", key: "", ownerUid: "uid-3", spec: podSpec("uid-3", { hosts: onHosts(7) }) });
  assert.deepEqual([task.state, task.error?.fault?.$case], [TaskState.ERROR, "hostNotReachable"]);
  assert.equal(world.esxi.count("createVm"), 0);
});

test("a cluster never gets more than an int32 can say, and an address has a port that exists", async () => {
  world = await World.start(1);
  const of = async (change: Partial<HostSpec>): Promise<string> => (await refusal(world.addHost(2, change))).fields.join();
  assert.equal(await of({ numCpuCores: 1, cpuMhz: 2_147_483_647 }), "spec.cpu_mhz");
  assert.equal(await of({ memoryMb: 2_147_483_647 }), "spec.memory_mb");
  const spec = HostSpec.fromPartial({ name: hostName(2), numCpuCores: 1, cpuMhz: 1, memoryMb: 4 });
  for (const address of ["127.0.0.1", "127.0.0.1:65536", "a b:1", ":1", ""]) {
    assert.deepEqual((await refusal(world.inventory.addHost({ requestId: "", cluster: world.cluster, spec, address }))).fields, ["address"], address);
  }
  assert.equal((await world.inventory.getInventory({})).hosts.length, 1);
});
