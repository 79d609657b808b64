import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import type { Host, Inventory } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { HostSet, type PlacementSpec, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { ScaleSharesBehavior, SharesLevel } from "../../src/gen/spheresim/vim/v1/resource.js";
import { refusal } from "./refusal.js";
import { hostName, onHosts, podSpec, World } from "./world.js";

let world: World;
afterEach(() => world.close());

function reservedMb(inventory: Inventory): (number | undefined)[] {
  return inventory.hosts.map((host: Host) => host.usage?.reservedMemoryMb);
}

test("a hold keeps capacity, one per owner, and gives it back when cancelled or when its time is over", async () => {
  const monotonic = new ManualClock();
  world = await World.start(1, { monotonic });
  const overheadMb = 26;
  const first = await world.place("uid-1");
  assert.deepEqual(reservedMb(await world.inventory.getInventory({})), [1024 + overheadMb]);
  const second = await world.place("uid-1");
  assert.equal(second.recommendations[0]?.key, first.recommendations[0]?.key);
  const inventory = await world.inventory.getInventory({});
  assert.deepEqual(reservedMb(inventory), [1024 + overheadMb]);
  assert.deepEqual(
    inventory.holds.map((hold) => [hold.key, hold.ownerUid, hold.hostName, hold.reservedMemoryMb, hold.reservedCpuMhz]),
    [[first.recommendations[0]?.key, "uid-1", inventory.hosts[0]?.spec?.name, 1024 + overheadMb, inventory.hosts[0]?.usage?.reservedCpuMhz]],
  );
  await world.placement.cancelRecommendation({ requestId: "", key: first.recommendations[0]?.key ?? "", ownerUid: "" });
  await world.placement.cancelRecommendation({ requestId: "", key: "no such key", ownerUid: "" });
  assert.deepEqual(reservedMb(await world.inventory.getInventory({})), [0]);
  assert.deepEqual((await world.inventory.getInventory({})).holds, []);

  const held = await world.place("uid-2");
  await monotonic.advance(29_999);
  assert.deepEqual(reservedMb(await world.inventory.getInventory({})), [1024 + overheadMb]);
  await monotonic.advance(1);
  assert.deepEqual(reservedMb(await world.inventory.getInventory({})), [0]);
  // Its time is over, but there is room: it is admitted again.
  const task = await world.ended(await world.apply("uid-2", held.recommendations[0]?.key));
  assert.equal(task.state, TaskState.SUCCESS);
});

test("a recommendation whose hold ran out and whose capacity is gone ends its task with the host's fault", async () => {
  const monotonic = new ManualClock();
  world = await World.start(1, { monotonic });
  const late = await world.place("uid-late", {}, 12_288);
  await monotonic.advance(30_000);
  await world.place("uid-quick", {}, 12_288);
  const task = await world.apply("uid-late", late.recommendations[0]?.key);
  assert.equal(task.state, TaskState.ERROR);
  assert.equal(task.error?.fault?.$case, "insufficientMemoryResourcesFault");
  assert.equal(world.esxi.count("createVm"), 0);
});

test("a batch sees its own holds: four VMs of half a host fill two hosts, the fifth fits nowhere", async () => {
  world = await World.start(2);
  const specs = [1, 2, 3, 4, 5].map((number) => podSpec(`uid-${number}`, {}, 7_168));
  const { results } = await world.placement.placeVms({ requestId: "", specs, holdFor: undefined, verdictDetail: VerdictDetail.SUMMARY });
  const hosts = results.map((result) => result.recommendations[0]?.actions[0]?.targetHostName ?? "none");
  assert.deepEqual(hosts.toSorted(), [hostName(1), hostName(1), hostName(2), hostName(2), "none"].toSorted());
  assert.equal(hosts[4], "none");
  assert.equal(results[4]?.drsFault?.reason, "powerOnVm");
});

test("DRS prefers the idle host, weighing what an ordinary VM uses", async () => {
  world = await World.start(2);
  const config = VirtualMachineConfigSpec.fromPartial({ name: "busy", numCpus: 8, memoryMb: 8192, activity: { profile: { $case: "constant", value: { cpuMhz: 12_000, memoryMb: 8000 } } } });
  await world.ended(await world.machines.createVm({ requestId: "", config, host: { key: { $case: "name", value: hostName(1) } }, pool: undefined, powerOn: true }));
  const result = await world.place("uid-1");
  assert.equal(result.recommendations[0]?.actions[0]?.targetHostName, hostName(2));
  const [chosen, other] = result.verdicts;
  assert.equal(chosen?.verdict?.$case, "chosen");
  assert.equal(other?.verdict?.$case, "feasible");
  if (other?.verdict?.$case !== "feasible" || chosen?.verdict?.$case !== "chosen") return;
  assert.ok(chosen.verdict.value.total > other.verdict.value.total);
  assert.deepEqual(
    other.verdict.value.parts.map((part) => [part.name, part.unit]),
    [
      ["cpu use after placement", "MHz"],
      ["memory use after placement", "MB"],
      ["use of the tighter resource", "percent"],
      ["cpu unreserved after placement", "MHz"],
      ["memory unreserved after placement", "MB"],
    ],
  );
  const usage = (await world.inventory.getInventory({})).hosts[0]?.usage;
  assert.deepEqual([usage?.activeCpuMhz, usage?.activeMemoryMb, usage?.poweredOnVms], [12_000, 8000, 1]);
});

test("no host: an OK answer with drs_fault, one fault per host, and maintenance counts", async () => {
  world = await World.start(2);
  await world.maintain(1);
  const result = await world.place("uid-1", {}, 16_000 + 384);
  assert.equal(result.recommendations.length, 0);
  const fault = result.drsFault?.fault?.fault;
  // The cluster's pool has one host's memory: the reservation with overhead is more.
  assert.equal(fault?.$case, "insufficientMemoryResourcesFault");

  const small = await world.place("uid-1", { hosts: onHosts(1) });
  const none = small.drsFault?.fault?.fault;
  assert.equal(none?.$case, "noCompatibleHost");
  if (none?.$case === "noCompatibleHost") assert.deepEqual(none.value.error.map((error) => error.fault?.$case), ["invalidState"]);
  assert.equal((await world.place("uid-1")).recommendations[0]?.actions[0]?.targetHostName, hostName(2));
});

test("a namespace's pool refuses by its limit before any host is looked at", async () => {
  world = await World.start(1);
  const pool = await world.pools.createResourcePool({
    requestId: "",
    parent: undefined,
    name: "small",
    namespace: "small",
    config: { cpuAllocation: undefined, memoryAllocation: { limit: 2000, shares: undefined }, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED },
  });
  assert.equal((await world.place("uid-1", { namespace: "small" })).recommendations.length, 1);
  const result = await world.place("uid-2", { namespace: "small" });
  const fault = result.drsFault?.fault?.fault;
  assert.deepEqual(fault, { $case: "insufficientMemoryResourcesFault", value: { unreserved: 950, requested: 1050, host: undefined } });
  assert.equal(result.verdicts[0]?.verdict?.$case, "fault");
  const { resourcePools } = await world.pools.listResourcePools({ pageSize: 0, pageToken: "" });
  assert.deepEqual(resourcePools.map((each) => each.name), ["Resources", "Namespaces", "small"]);
  assert.equal(resourcePools[2]?.ref?.value, pool.ref?.value);
  assert.equal(resourcePools[1]?.usage?.reservationUsedMemoryMb, 1050);
});

test("a bound pod without a recommendation is applied by its spec, on the one host it names", async () => {
  world = await World.start(2);
  const spec = podSpec("uid-1", { hosts: onHosts(2) });
  const task = await world.ended(await world.placement.applyRecommendation({ requestId: "", key: "1.99", ownerUid: "uid-1", spec }));
  assert.equal(task.state, TaskState.SUCCESS);
  assert.equal(world.esxi.vms[0]?.hostName, hostName(2));

  // A hold elsewhere gives way to where the pod is bound.
  const held = await world.place("uid-2", { hosts: onHosts(1) });
  assert.equal(held.recommendations[0]?.actions[0]?.targetHostName, hostName(1));
  const bound = await world.ended(await world.placement.applyRecommendation({ requestId: "", key: "", ownerUid: "uid-2", spec: podSpec("uid-2", { hosts: onHosts(2) }) }));
  assert.equal(bound.state, TaskState.SUCCESS);
  assert.equal((await world.machines.getVm({ target: { $case: "ownerUid", value: "uid-2" } })).hostName, hostName(2));
  assert.equal((await world.inventory.getInventory({})).hosts[0]?.usage?.reservedMemoryMb, 0);
});

test("the same request id gets the same answer, another body is refused", async () => {
  world = await World.start(2);
  const request = { requestId: "r1", spec: podSpec("uid-1"), holdFor: undefined, verdictDetail: VerdictDetail.NONE };
  const [one, two] = await Promise.all([world.placement.placeVm(request), world.placement.placeVm(request)]);
  assert.deepEqual(one, two);
  const other = await refusal(world.placement.placeVm({ ...request, spec: podSpec("uid-2") }));
  assert.deepEqual([other.code, other.reason], [RpcCode.ALREADY_EXISTS, "RequestIdReused"]);
});

test("SizePod sizes by the slowest host", async () => {
  world = await World.start(1);
  world.esxi.addHost(hostName(2), 8000, 8192);
  await world.addHost(2, { cpuMhz: 1000, memoryMb: 8192 });
  const containers = [{ name: "c", requestCpuMilli: 1500, requestMemoryBytes: 1024n * 1024n * 1024n }];
  const { config, coreMhz } = await world.placement.sizePod({ name: "p", ownerUid: "u", namespace: "", containers, initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n });
  assert.equal(coreMhz, 1000);
  assert.deepEqual([config?.numCpus, config?.memoryMb, config?.cpuAllocation?.reservation, config?.overheadMemoryMb], [2, 1024, 1500, 30]);
});

test("bad input: each gets its vim25 fault and its field, and nothing changes", async () => {
  world = await World.start(2);
  const before = world.kv.txns.length;
  const config = podSpec("uid-1").config ?? assert.fail();
  const cases: readonly [string, Partial<PlacementSpec>, string][] = [
    ["unknown host", { hosts: onHosts(1, 9) }, "spec.hosts.hosts.hosts[1].name"],
    ["unknown host by moid", { hosts: HostSet.fromPartial({ set: { $case: "allExcept", value: { hosts: [{ key: { $case: "ref", value: { type: "HostSystem", value: "host-99" } } }] } } }) }, "spec.hosts.all_except.hosts[0].ref"],
    ["a key that names nothing", { hosts: HostSet.fromPartial({ set: { $case: "hosts", value: { hosts: [{}] } } }) }, "spec.hosts.hosts.hosts[0]"],
    ["empty list", { hosts: onHosts() }, "spec.hosts.hosts.hosts"],
    ["no config", { config: undefined }, "spec.config"],
    ["no name", { config: { ...config, name: "" } }, "spec.config.name"],
    ["no CPU", { config: { ...config, numCpus: 0 } }, "spec.config.num_cpus"],
    ["odd memory", { config: { ...config, memoryMb: 1023 } }, "spec.config.memory_mb"],
    ["negative memory", { config: { ...config, memoryMb: -4 } }, "spec.config.memory_mb"],
    ["negative reservation", { config: { ...config, cpuAllocation: { reservation: -1, shares: undefined } } }, "spec.config.cpu_allocation.reservation"],
    ["reservation over limit", { config: { ...config, cpuAllocation: { reservation: 2, limit: 1, shares: undefined } } }, "spec.config.cpu_allocation.reservation"],
    ["reservation over size", { config: { ...config, memoryAllocation: { reservation: 2000, shares: undefined } } }, "spec.config.memory_allocation.reservation"],
    ["negative shares", { config: { ...config, cpuAllocation: { shares: { level: SharesLevel.CUSTOM, shares: -1 } } } }, "spec.config.cpu_allocation.shares.shares"],
    ["a pod guest without owner", { ownerUid: "" }, "spec.owner_uid"],
    ["two owners", { config: { ...config, ownerUid: "uid-2" } }, "spec.config.owner_uid"],
  ];
  for (const [name, change, field] of cases) {
    const error = await refusal(world.place("uid-1", change));
    assert.deepEqual([error.code, error.reason, error.fields], [RpcCode.INVALID_ARGUMENT, "InvalidArgument", [field]], name);
    assert.deepEqual(error.fault.fault, { $case: "invalidArgument", value: { invalidProperty: field } }, name);
  }
  const { placement } = world;
  const of = (call: Promise<unknown>): Promise<string> => refusal(call).then(({ reason, fields }) => `${reason} ${fields.join()}`.trim());
  assert.equal(await of(placement.placeVm({ requestId: "", spec: undefined, holdFor: undefined, verdictDetail: VerdictDetail.UNSPECIFIED })), "InvalidArgument spec");
  assert.equal(await of(placement.placeVms({ requestId: "", specs: [], holdFor: undefined, verdictDetail: VerdictDetail.UNSPECIFIED })), "InvalidArgument specs");
  assert.equal(await of(placement.placeVms({ requestId: "", specs: [podSpec("uid-1"), podSpec("uid-2", { config: undefined })], holdFor: undefined, verdictDetail: VerdictDetail.UNSPECIFIED })), "InvalidArgument specs[1].config");
  assert.equal(await of(placement.placeVm({ requestId: "", spec: podSpec("uid-1"), holdFor: { seconds: 301n, nanos: 0 }, verdictDetail: VerdictDetail.UNSPECIFIED })), "InvalidArgument hold_for");
  assert.equal(await of(world.place("uid-1", { namespace: "nowhere" })), "ManagedObjectNotFound");
  assert.equal(await of(world.apply("uid-1", "1.7")), "RecommendationExpired");
  assert.equal(await of(world.apply("uid-1")), "InvalidArgument key");
  assert.equal(await of(placement.applyRecommendation({ requestId: "", key: "", ownerUid: "uid-1", spec: podSpec("uid-1") })), "InvalidArgument spec.hosts");
  assert.equal(await of(placement.cancelRecommendation({ requestId: "", key: "", ownerUid: "" })), "InvalidArgument key");
  assert.equal(await of(placement.sizePod({ name: "p", ownerUid: "", namespace: "", containers: [], initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n })), "InvalidArgument containers");
  const negative = { name: "p", ownerUid: "", namespace: "", containers: [{ name: "c", limitMemoryBytes: -1n }], initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n };
  assert.equal(await of(placement.sizePod(negative)), "InvalidArgument containers[0].limit_memory_bytes");
  const huge = { ...negative, containers: [{ name: "c", limitMemoryBytes: 2n ** 62n }] };
  assert.equal(await of(placement.sizePod(huge)), "InvalidArgument containers");
  assert.equal(world.kv.txns.length, before);
});

test("a recommendation belongs to its owner", async () => {
  world = await World.start(1);
  const result = await world.place("uid-1");
  const error = await refusal(world.apply("uid-2", result.recommendations[0]?.key));
  assert.equal(error.reason, "OwnerMismatch");
  assert.deepEqual(error.fault.fault, { $case: "ownerMismatch", value: { vm: undefined, requestedOwnerUid: "uid-2", existingOwnerUid: "uid-1" } });
});
