import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { DrsBehavior, HostConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type Event, EventFilter, type EventUpdate } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { CreateResourcePoolRequest, UpdateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { EventLog, MAX_EVENTS } from "../../src/vcenter/events/event-log.js";
import { EVENT_TYPES, type EventType, formatEvent } from "../../src/vcenter/events/event-type.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { showObject } from "../../src/vcenter/inventory/inventory-view.js";
import { eventually } from "../support/eventually.js";
import { insufficientMemory } from "../support/fake-esxi.js";
import { refusal } from "./refusal.js";
import { hostKey, hostName, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

async function query(filter: Partial<EventFilter> = {}): Promise<Event[]> {
  const events: Event[] = [];
  for (let pageToken = ""; ; ) {
    const page = await world.events.queryEvents({ filter: { ...EventFilter.create(), ...filter }, pageSize: 7, pageToken });
    events.push(...page.events);
    pageToken = page.nextPageToken;
    if (pageToken === "") return events;
  }
}

async function types(filter: Partial<EventFilter> = {}): Promise<string[]> {
  return (await query(filter)).map((event) => event.type);
}

async function create(name: string, powerOn: boolean, host = 1): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb: 1024, memoryAllocation: { reservation: 1024 } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn }));
  return task.result ?? assert.fail();
}

async function drs(enabled: boolean, defaultVmBehavior = DrsBehavior.MANUAL): Promise<void> {
  const drsConfig = { enabled, defaultVmBehavior, migrationThreshold: 0, consumedMemoryMetric: false };
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
}

const CREATED = ["TaskEvent", "VmBeingCreatedEvent", "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent", "VmCreatedEvent", "VmStartingEvent", "DrsVmPoweredOnEvent"];

test("a pod VM's life in events, in order, all of one task by its chain, each with its sentence", async () => {
  world = await World.start(1);
  const task = await world.deploy("uid-1");
  const events = await query({ eventChainId: task.eventChainId });
  assert.deepEqual(events.map((event) => event.type), CREATED);
  const [started, being, , , , , on] = events;
  assert.deepEqual([started?.task?.value, started?.fullFormattedMessage], [task.task?.value, "Task: Create virtual machine"]);
  assert.equal(being?.fullFormattedMessage, `Creating pod-uid-1 on host ${hostName(1)} in dc-01`);
  assert.deepEqual(on?.baseTypes, ["VmPoweredOnEvent", "VmEvent"]);
  assert.deepEqual([on?.vm, on?.host, on?.computeResource?.name], [{ ref: task.result, name: "pod-uid-1" }, { ref: { type: "HostSystem", value: "host-21" }, name: hostName(1) }, "supervisor-01"]);
  const gone = await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "ownerUid", value: "uid-1" }, powerOff: true, uuid: "" }));
  const last = await query({ eventChainId: gone.eventChainId });
  assert.deepEqual(last.map((event) => event.type), ["TaskEvent", "VmStoppingEvent", "VmPoweredOffEvent", "VmRemovedEvent"]);
  assert.equal(last.at(-1)?.fullFormattedMessage, `Removed pod-uid-1 on ${hostName(1)} from dc-01`);
});

test("an ordinary VM: created off, powered, reset, reconfigured, migrated, moved, removed", async () => {
  world = await World.start(2);
  await drs(false);
  const vm = await create("db", false);
  const target = { $case: "vm", value: vm } as const;
  const pool = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold" }));
  const lastOf = async (call: Promise<TaskInfo>): Promise<string[]> => {
    const task = await world.ended(await call);
    assert.equal(task.state, TaskState.SUCCESS);
    return (await types({ eventChainId: task.eventChainId })).slice(1);
  };
  assert.deepEqual((await types({ entity: vm })).slice(0, 5), CREATED.slice(0, 5));
  assert.deepEqual(await lastOf(world.machines.powerOnVm({ requestId: "", vm })), ["VmStartingEvent", "VmPoweredOnEvent"]);
  assert.deepEqual(await lastOf(world.machines.resetVm({ requestId: "", vm })), ["VmResettingEvent"]);
  const reconfigure = { requestId: "", vm, name: undefined, numCpus: undefined, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: undefined };
  assert.deepEqual(await lastOf(world.machines.reconfigureVm({ ...reconfigure, name: "database" })), ["VmReconfiguredEvent"]);
  const cpuAllocation = { reservation: 100, expandableReservation: undefined, limit: undefined, shares: undefined };
  assert.deepEqual(await lastOf(world.machines.reconfigureVm({ ...reconfigure, cpuAllocation })), ["VmReconfiguredEvent", "VmResourceReallocatedEvent"]);
  const migration = await world.ended(await world.machines.migrateVm({ requestId: "", vm, host: hostKey(2) }));
  const [, being, migrated] = await query({ eventChainId: migration.eventChainId });
  assert.deepEqual([being?.type, migrated?.type, migrated?.sourceHost?.name, migrated?.host?.name], ["VmBeingHotMigratedEvent", "VmMigratedEvent", hostName(1), hostName(2)]);
  assert.equal(migrated?.fullFormattedMessage, `Migration of virtual machine database from ${hostName(1)} to ${hostName(2)} completed`);
  await world.pools.moveIntoResourcePool({ requestId: "", pool: pool.ref, list: [vm] });
  const moved = (await query({ types: ["VmResourcePoolMovedEvent"] })).at(-1);
  assert.equal(moved?.fullFormattedMessage, "Moved database from resource pool Resources to gold in dc-01");
  assert.notEqual(moved?.chainId, 0);
  assert.deepEqual(await lastOf(world.machines.powerOffVm({ requestId: "", vm })), ["VmStoppingEvent", "VmPoweredOffEvent"]);
  assert.deepEqual(await lastOf(world.machines.migrateVm({ requestId: "", vm, host: hostKey(1) })), ["VmBeingMigratedEvent", "VmMigratedEvent"]);
  assert.deepEqual(await lastOf(world.machines.destroyVm({ requestId: "", target, powerOff: false, uuid: "" })), ["VmRemovedEvent"]);
});

test("failures tell their reason: refused at admission, refused by the host, a migration that fails", async () => {
  world = await World.start(2);
  const vm = await create("db", false);
  await world.maintain(1);
  await refusal(world.machines.powerOnVm({ requestId: "", vm }));
  await world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(1) });
  world.esxi.before = (method) => {
    if (method === "powerOnVm" || method === "receiveVm") throw insufficientMemory(1, 2);
  };
  await world.ended(await world.machines.powerOnVm({ requestId: "", vm }));
  await world.ended(await world.machines.migrateVm({ requestId: "", vm, host: hostKey(2) }));
  const failed = await query({ types: ["VmFailedToPowerOnEvent", "VmFailedMigrateEvent"] });
  assert.deepEqual(
    failed.map(({ type, reason }) => [type, reason?.fault?.$case]),
    [
      ["VmFailedToPowerOnEvent", "invalidState"],
      ["VmFailedToPowerOnEvent", "insufficientHostMemoryCapacityFault"],
      ["VmFailedMigrateEvent", "insufficientHostMemoryCapacityFault"],
    ],
  );
  assert.match(failed[0]?.fullFormattedMessage ?? "", /^Cannot power On db on esxi-01\S+ in dc-01\. Reason: The host esxi-01\S+ is in maintenance mode\.$/);
});

test("evacuation: the moves are DRS's, in chains of their own; what did not become durable is not told", async () => {
  world = await World.start(2);
  const vm = await create("db", true);
  const task = await world.ended(await world.enterMaintenance(1));
  assert.deepEqual(await types({ eventChainId: task.eventChainId }), ["TaskEvent", "EnteringMaintenanceModeEvent", "EnteredMaintenanceModeEvent"]);
  assert.equal((await query({ types: ["DrsVmMigratedEvent"] }))[0]?.fullFormattedMessage, `DRS migrated db from ${hostName(1)} to ${hostName(2)} in cluster supervisor-01 in dc-01`);
  const before = (await query()).length;
  world.kv.before = () => {
    throw new Error("the disk is full");
  };
  await assert.rejects(world.machines.powerOffVm({ requestId: "", vm }));
  await assert.rejects(world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(1) }));
  await assert.rejects(world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold" })));
  await assert.rejects(drs(false));
  world.kv.before = undefined;
  assert.equal((await query()).length, before);
});

test("hosts and their VMs: added, connected, lost, connected again, disconnected, orphaned, removed", async () => {
  world = await World.start(1);
  const vm = await create("db", true);
  await world.esxi.stop();
  const told = (type: EventType): Promise<unknown> => eventually(type, async () => (await types()).includes(type));
  await told("HostConnectionLostEvent");
  await world.esxi.start();
  await told("VmConnectedEvent");
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
  world.esxi.hosts.get(hostName(1))?.vms.clear();
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true });
  await told("VmOrphanedEvent");
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm }, powerOff: true, uuid: "" }));
  const host = (await world.inventory.getInventory({})).hosts[0]?.ref;
  await world.inventory.removeHost({ requestId: "", host: hostKey(1) });
  const hosts = ["HostAddedEvent", "HostConnectedEvent", "HostConnectionLostEvent", "HostConnectedEvent", "HostDisconnectedEvent", "HostConnectedEvent", "HostRemovedEvent"];
  assert.deepEqual(await types({ types: ["HostEvent"], entity: host }), hosts);
  const connection: EventType[] = ["VmDisconnectedEvent", "VmConnectedEvent", "VmOrphanedEvent"];
  assert.deepEqual(await types({ entity: vm, types: connection }), ["VmDisconnectedEvent", "VmConnectedEvent", "VmDisconnectedEvent", "VmOrphanedEvent"]);
});

test("a guest that its host powers off and on tells so, without a task", async () => {
  world = await World.start(1);
  const vm = await create("db", true);
  await world.esxi.stop();
  world.esxi.loseGuests();
  await world.esxi.start();
  await eventually("it is powered on again", async () => (await types({ entity: vm, types: ["VmPoweredOnEvent"] })).length === 2);
  assert.deepEqual(await types({ entity: vm, types: ["VmPoweredOnEvent", "VmPoweredOffEvent"] }), ["DrsVmPoweredOnEvent", "VmPoweredOffEvent", "DrsVmPoweredOnEvent"]);
});

test("pools and clusters: created, reconfigured, moved, destroyed, DRS off and on", async () => {
  world = await World.start(1);
  const gold = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold" }));
  const inner = await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "inner" }));
  await world.pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: inner.ref ?? {}, name: "inside" }));
  await world.pools.moveIntoResourcePool({ requestId: "", pool: gold.ref, list: [inner.ref ?? assert.fail()] });
  await world.pools.destroyResourcePool({ requestId: "", pool: inner.ref });
  const sentences = (await query({ types: ["ResourcePoolEvent"], entity: inner.ref })).map((event) => event.fullFormattedMessage);
  assert.deepEqual(sentences, [
    "Created resource pool inner in compute-resource supervisor-01 in dc-01",
    "Updated configuration for inside in compute-resource supervisor-01 in dc-01",
    "Moved resource pool inside from Resources to gold on supervisor-01 in dc-01",
    "Removed resource pool inside on supervisor-01 in dc-01",
  ]);
  await drs(false);
  await drs(false);
  await drs(true, DrsBehavior.PARTIALLY_AUTOMATED);
  const clusters = await query({ types: ["ClusterEvent"] });
  assert.deepEqual(clusters.map((event) => event.type), ["ClusterCreatedEvent", "ClusterReconfiguredEvent", "DrsDisabledEvent", "ClusterReconfiguredEvent", "ClusterReconfiguredEvent", "DrsEnabledEvent"]);
  assert.equal(clusters.at(-1)?.fullFormattedMessage, "Enabled DRS on supervisor-01 with automation level partiallyAutomated in dc-01");
});

test("filters: entity, type with base types, time, chain; bad ones are refused by their field", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(2, { clock });
  const vm = await create("first", true);
  await clock.advance(10_000);
  await create("second", true, 2);
  assert.deepEqual(await types({ types: ["VmPoweredOnEvent"] }), ["DrsVmPoweredOnEvent", "DrsVmPoweredOnEvent"]);
  assert.equal((await types({ types: ["VmEvent"], entity: vm })).length, 6);
  assert.equal((await types({ entity: { type: "HostSystem", value: "host-22" }, types: ["VmEvent"] })).length, 6);
  assert.equal((await types({ entity: world.cluster, types: ["VmEvent"] })).length, 12);
  assert.equal((await types({ types: ["VmEvent"], beginTime: { seconds: 1_700_000_010n, nanos: 0 } })).length, 6);
  assert.equal((await types({ types: ["VmEvent"], endTime: { seconds: 1_700_000_009n, nanos: 0 } })).length, 6);
  assert.equal((await types({ types: ["Event"] })).length, (await types()).length);
  const bad = async (filter: Partial<EventFilter>): Promise<readonly string[]> =>
    (await refusal(world.events.queryEvents({ filter: { ...EventFilter.create(), ...filter }, pageSize: 0, pageToken: "" }))).fields;
  assert.deepEqual(await bad({ types: ["VmEvent", "VmExplodedEvent"] }), ["filter.types[1]"]);
  assert.deepEqual(await bad({ entity: { type: "VirtualMachine", value: "" } }), ["filter.entity"]);
  assert.deepEqual(await bad({ beginTime: { seconds: 5n, nanos: 0 }, endTime: { seconds: 4n, nanos: 0 } }), ["filter.end_time"]);
  assert.deepEqual((await refusal(world.events.queryEvents({ filter: undefined, pageSize: 1001, pageToken: "" }))).fields, ["page_size"]);
});

test("a watch tells what is kept, then what comes, and goes on by its token; a token of another life is refused", async () => {
  world = await World.start(1);
  await create("first", true);
  const filter = EventFilter.fromPartial({ types: ["VmEvent"] });
  const seen: EventUpdate[] = [];
  for await (const update of world.events.watchEvents({ filter, resumeToken: "" })) {
    seen.push(update);
    if (update.update?.$case === "synced") await create("second", true);
    if (seen.length === 10) break;
  }
  assert.deepEqual(seen.map(({ update }) => (update?.$case === "event" ? update.value.type : update?.$case)), [...CREATED.slice(1), "synced", ...CREATED.slice(1, 4)]);
  const later: EventUpdate[] = [];
  for await (const update of world.events.watchEvents({ filter, resumeToken: seen.at(-1)?.resumeToken ?? "" })) {
    later.push(update);
    if (later.length === 4) break;
  }
  assert.deepEqual(later.map(({ update }) => (update?.$case === "event" ? update.value.type : update?.$case)), [...CREATED.slice(4), "synced"]);
  const follow = async (resumeToken: string): Promise<void> => {
    for await (const update of world.events.watchEvents({ filter: undefined, resumeToken })) return void update;
  };
  await world.stopVcenter();
  await world.startVcenter();
  assert.equal((await refusal(follow(seen.at(-1)?.resumeToken ?? ""))).reason, "InvalidCollectorVersion");
  assert.deepEqual((await refusal(follow("x"))).fields, ["resume_token"]);
  const unknown = async (): Promise<void> => {
    for await (const update of world.events.watchEvents({ filter: EventFilter.fromPartial({ types: ["No"] }), resumeToken: "" })) return void update;
  };
  assert.deepEqual((await refusal(unknown())).fields, ["filter.types[0]"]);
});

test("a rule that is broken is told of each VM that breaks it, and so is the end of it", async () => {
  world = await World.start(2);
  const vms = [await create("a", true), await create("b", true)];
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: { key: 0, name: "apart", enabled: true, mandatory: false, rule: { $case: "antiAffinity", value: { vms } }, inCompliance: false, disabledReason: "", ruleUuid: "" } });
  await eventually("both violate it", async () => (await types({ types: ["DrsRuleViolationEvent"] })).length === 2);
  await world.ended(await world.machines.migrateVm({ requestId: "", vm: vms[0], host: hostKey(2) }));
  await eventually("both comply", async () => (await types({ types: ["DrsRuleComplianceEvent"] })).length === 2);
  assert.equal((await query({ types: ["DrsRuleViolationEvent"] }))[0]?.fullFormattedMessage, `Virtual machine a on ${hostName(1)} is violating the DRS rule apart`);
});

test("a rule that was broken before vCenter began is not told again", async () => {
  world = await World.start(1);
  const vms = [await create("a", true), await create("b", true)];
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: { key: 0, name: "apart", enabled: true, mandatory: false, rule: { $case: "antiAffinity", value: { vms } }, inCompliance: false, disabledReason: "", ruleUuid: "" } });
  const violations = async (): Promise<number> => (await types({ types: ["DrsRuleViolationEvent"] })).length;
  await eventually("both violate it", async () => (await violations()) === 2);
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  // The look that comes after the start is over when a new violation is told.
  const third = await create("c", true);
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: { key: 0, name: "apart too", enabled: true, mandatory: false, rule: { $case: "antiAffinity", value: { vms: [...vms.slice(0, 1), third] } }, inCompliance: false, disabledReason: "", ruleUuid: "" } });
  await eventually("the new one is violated", async () => (await violations()) >= 4);
  assert.equal(await violations(), 4);
});

test("a should rule is a soft violation", async () => {
  world = await World.start(2);
  const vm = await create("a", true);
  await world.rules.putGroup({ requestId: "", cluster: undefined, group: { name: "vms", members: { $case: "vms", value: { vms: [vm] } } } });
  await world.rules.putGroup({ requestId: "", cluster: undefined, group: { name: "hosts", members: { $case: "hosts", value: { hosts: [hostKey(2)] } } } });
  await world.rules.addRule({ requestId: "", cluster: undefined, rule: { key: 0, name: "should", enabled: true, mandatory: false, rule: { $case: "vmHost", value: { vmGroup: "vms", hostGroup: "hosts", affine: true } }, inCompliance: false, disabledReason: "", ruleUuid: "" } });
  await eventually("it is told", async () => (await types({ types: ["DrsSoftRuleViolationEvent"] })).length === 1);
});

test("a cluster that loses a host under its reservations turns yellow, and green again when it is back", async () => {
  world = await World.start(2);
  await world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: "gold", config: { memoryAllocation: { reservation: 20_000 } } }));
  const status = async (): Promise<number | undefined> => (await world.inventory.getInventory({})).clusters[0]?.overallStatus;
  assert.equal(await status(), 1);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected: false });
  assert.equal(await status(), 2);
  const changes = (): Promise<Event[]> => query({ types: ["ClusterStatusChangedEvent", "ClusterOvercommittedEvent"] });
  await eventually("yellow is told", async () => (await changes()).length === 2);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(2), connected: true });
  await eventually("green is told", async () => (await changes()).length === 3);
  assert.deepEqual((await changes()).map((event) => event.fullFormattedMessage), [
    "Configuration status on cluster supervisor-01 changed from green to yellow in dc-01",
    "Insufficient capacity in cluster supervisor-01 to satisfy resource configuration in dc-01",
    "Configuration status on cluster supervisor-01 changed from yellow to green in dc-01",
  ]);
  await world.deploy("uid-1", { hosts: onHosts(1) });
  const dasConfig = { enabled: true, admissionControlEnabled: true, cpuFailoverResourcesPercent: 100, memoryFailoverResourcesPercent: 0 };
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig: undefined, dasConfig, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
  assert.equal(await status(), 3, "HA cannot fail over");
  assert.equal((await world.inventory.getInventory({})).hosts[1]?.connectionState, HostConnectionState.CONNECTED);
});

test("the log keeps the newest events; the oldest are forgotten, and every sentence names what it needs", () => {
  const log = new EventLog(new ManualClock(), new Inventory(1n, showObject, new ManualClock()));
  for (let event = 1; event <= MAX_EVENTS + 3; event += 1) log.post("TaskEvent", { words: { task: String(event) } });
  assert.deepEqual([log.oldest, log.last, log.get(3), log.get(MAX_EVENTS + 4)], [4, MAX_EVENTS + 3, undefined, undefined]);
  assert.deepEqual([log.get(4)?.fullFormattedMessage, log.get(MAX_EVENTS + 3)?.fullFormattedMessage], ["Task: 4", `Task: ${MAX_EVENTS + 3}`]);
  assert.equal(formatEvent("VmOrphanedEvent", { vm: "a {host}", host: "$&" }), "a {host} does not exist on $& in {datacenter}");
  for (const [type, { extends: bases }] of Object.entries(EVENT_TYPES)) assert.ok(bases.length > 0 || type === "TaskEvent", type);
});
