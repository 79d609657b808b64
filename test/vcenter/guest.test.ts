import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually, settled } from "../support/eventually.js";
import { hostName, World } from "./world.js";

const { GRAY, GREEN, YELLOW, RED } = ManagedEntityStatus;
let world: World;
afterEach(() => world.close());

/** Sentences of the VM's events after the first ones, which tell of its creation. */
async function told(vm: ManagedObjectReference, after: number): Promise<string[]> {
  const { events } = await world.events.queryEvents({ filter: EventFilter.fromPartial({ entity: vm }), pageSize: 1000, pageToken: "" });
  return events.slice(after).map((event) => `${event.type}: ${event.fullFormattedMessage}`);
}

const EVENTS_OF_CREATION = 7;

test("a VM shows the heartbeat its host tells, and an event says when that turns bad and good", async () => {
  world = await World.start(1);
  const { result: vm = assert.fail() } = await world.deploy("uid-1");
  const uuid = world.esxi.vms[0]?.config?.instanceUuid ?? "";
  const becomes = async (status: ManagedEntityStatus, change = {}): Promise<void> => {
    world.esxi.happen(uuid, { guestHeartbeatStatus: status, ...change });
    await eventually(`is ${ManagedEntityStatus[status]}`, async () => (await world.machines.getVm({ target: { $case: "vm", value: vm } })).guestHeartbeatStatus === status);
  };
  for (const status of [GREEN, YELLOW, RED, GREEN, RED]) await becomes(status);
  assert.deepEqual(await told(vm, EVENTS_OF_CREATION), [
    "AlarmStatusChangedEvent: Alarm 'Virtual machine heartbeat' on pod-uid-1 changed from Green to Yellow",
    "AlarmStatusChangedEvent: Alarm 'Virtual machine heartbeat' on pod-uid-1 changed from Yellow to Red",
    "AlarmStatusChangedEvent: Alarm 'Virtual machine heartbeat' on pod-uid-1 changed from Red to Green",
    "AlarmStatusChangedEvent: Alarm 'Virtual machine heartbeat' on pod-uid-1 changed from Green to Red",
  ]);
  assert.equal(world.esxi.count("powerOffVm") + world.esxi.count("resetVm"), 0, "VM monitoring is off by default: a guest that hangs is left alone");
});

test("a guest that died: its last words, the power-off, and the power-on again, at once at first and then with growing waits", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  world = await World.start(1, { clock });
  const { result: vm = assert.fail() } = await world.deploy("uid-1");
  const uuid = world.esxi.vms[0]?.config?.instanceUuid ?? "";
  const lastFault = MethodFault.create({ localizedMessage: "The guest died: kernel panic", fault: { $case: "invalidState", value: {} } });
  const dies = async (): Promise<void> => {
    world.esxi.happen(uuid, { powerState: VirtualMachinePowerState.POWERED_OFF, phase: VmPhase.OFF, guestHeartbeatStatus: GRAY, lastFault });
    await settled();
  };
  const isOn = async (): Promise<boolean> => (await world.machines.getVm({ target: { $case: "vm", value: vm } })).powerState === VirtualMachinePowerState.POWERED_ON;
  await dies();
  await eventually("on again", () => world.esxi.count("powerOnVm") === 1);
  await eventually("known", isOn);
  assert.deepEqual(await told(vm, EVENTS_OF_CREATION), [
    `VmMessageErrorEvent: Error message on pod-uid-1 on ${hostName(1)} in dc-01: The guest died: kernel panic`,
    `VmPoweredOffEvent: pod-uid-1 on ${hostName(1)} in dc-01 is powered off`,
    "TaskEvent: Task: Power On virtual machine",
    `VmStartingEvent: pod-uid-1 on host ${hostName(1)} in dc-01 is starting`,
    `DrsVmPoweredOnEvent: DRS powered On pod-uid-1 on ${hostName(1)} in dc-01`,
  ]);
  await settled();
  await dies();
  await eventually("off", async () => !(await isOn()));
  await clock.advance(9_999);
  await settled();
  assert.equal(world.esxi.count("powerOnVm"), 1);
  await clock.advance(1);
  await eventually("on once more", () => world.esxi.count("powerOnVm") === 2);
});
