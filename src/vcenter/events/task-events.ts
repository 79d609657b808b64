import { type TaskInfo, TaskReason, TaskState } from "../../gen/spheresim/vim/v1/task.js";
import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Inventory } from "../inventory/inventory.js";
import type { TaskObserver } from "../tasks/task-registry.js";
import type { EventFacts, EventLog } from "./event-log.js";
import type { EventType } from "./event-type.js";
import type { ToldBefore } from "./told-before.js";

/** What was so when a task began, for the event of its end. */
interface Before {
  readonly config: VirtualMachineConfigSpec | undefined;
  readonly wantedOn: boolean;
  readonly isOn: boolean;
  /** Where a VM that migrates came from. */
  readonly source: string | undefined;
}

/** What a task is called. vim25: TaskManager.description, the label. */
const LABELS: Readonly<Record<string, string>> = {
  "ClusterComputeResource.applyRecommendation": "Apply recommendations",
  "Datacenter.powerOnVm": "Initialize powering On",
  "ResourcePool.createVm": "Create virtual machine",
  "ResourcePool.moveInto": "Move into resource pool",
  "VirtualMachine.powerOn": "Power On virtual machine",
  "VirtualMachine.powerOff": "Power Off virtual machine",
  "VirtualMachine.reset": "Reset virtual machine",
  "VirtualMachine.reconfigure": "Reconfigure virtual machine",
  "VirtualMachine.migrate": "Migrate virtual machine",
  "VirtualMachine.destroy": "Delete virtual machine",
  "HostSystem.enterMaintenanceMode": "Enter maintenance mode",
  "HostSystem.exitMaintenanceMode": "Exit maintenance mode",
  "HostSystem.enterStandbyMode": "Enter standby mode",
  "HostSystem.exitStandbyMode": "Exit standby mode",
};

/** The events of a task about a VM: at its beginning, at its end, and at its failure. */
interface VmTaskEvents {
  readonly begun?: (before: Before) => readonly EventType[];
  readonly done?: (before: Before, facts: { readonly byDrs: boolean; readonly config: VirtualMachineConfigSpec | undefined }) => readonly EventType[];
  readonly failed?: (before: Before) => readonly EventType[];
}

const poweredOn = (byDrs: boolean): EventType => (byDrs ? "DrsVmPoweredOnEvent" : "VmPoweredOnEvent");

/** In the order in which a real vCenter raises them. */
const EVENTS: Readonly<Record<string, VmTaskEvents>> = {
  "ResourcePool.createVm": {
    begun: () => ["VmBeingCreatedEvent", "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent"],
    done: ({ wantedOn }, { byDrs }) => (wantedOn ? ["VmCreatedEvent", "VmStartingEvent", poweredOn(byDrs)] : ["VmCreatedEvent"]),
    failed: ({ wantedOn }) => (wantedOn ? ["VmFailedToPowerOnEvent"] : []),
  },
  "VirtualMachine.powerOn": { begun: () => ["VmStartingEvent"], done: (_before, { byDrs }) => [poweredOn(byDrs)], failed: () => ["VmFailedToPowerOnEvent"] },
  "VirtualMachine.powerOff": { begun: () => ["VmStoppingEvent"], done: () => ["VmPoweredOffEvent"], failed: () => ["VmFailedToPowerOffEvent"] },
  "VirtualMachine.reset": { done: () => ["VmResettingEvent"], failed: () => ["VmFailedToResetEvent"] },
  "VirtualMachine.reconfigure": {
    done: ({ config: before }, { config }) => (sameAllocations(before, config) ? ["VmReconfiguredEvent"] : ["VmReconfiguredEvent", "VmResourceReallocatedEvent"]),
  },
  "VirtualMachine.migrate": {
    begun: ({ isOn }) => [isOn ? "VmBeingHotMigratedEvent" : "VmBeingMigratedEvent"],
    failed: () => ["VmFailedMigrateEvent"],
  },
  "VirtualMachine.destroy": { begun: ({ isOn }) => (isOn ? ["VmStoppingEvent"] : []), done: ({ isOn }) => (isOn ? ["VmPoweredOffEvent", "VmRemovedEvent"] : ["VmRemovedEvent"]) },
};

/**
 * Raises the events of tasks. A task begins when what it intends is durable and ends when what it did is, so its events tell facts; all of
 * one task carry its chain id.
 */
export class TaskEvents implements TaskObserver {
  readonly #log: EventLog;
  readonly #inventory: Inventory;
  readonly #toldBefore: ToldBefore;
  /** By task, while it is at work; undefined for one that is not about a VM. */
  readonly #before = new Map<string, Before | undefined>();

  constructor(log: EventLog, inventory: Inventory, toldBefore: ToldBefore) {
    this.#log = log;
    this.#inventory = inventory;
    this.#toldBefore = toldBefore;
  }

  began(task: TaskInfo): void {
    const { vm, ...facts } = this.#facts(task);
    const isTold = this.#toldBefore.has(task.eventChainId, "TaskEvent", vm?.moid);
    if (!isTold) this.#log.post("TaskEvent", { ...facts, vm, task: task.task?.value, words: { task: LABELS[task.descriptionId] ?? task.descriptionId } });
    if (vm === undefined) return void this.#before.set(task.task?.value ?? "", undefined);
    const record = this.#inventory.findVm(vm.moid);
    const before: Before = { config: record?.config, wantedOn: record?.wantedOn === true, isOn: record?.isOn === true, source: record?.migration?.source };
    this.#before.set(task.task?.value ?? "", before);
    if (isTold) return;
    const words = { instanceUuid: record?.config.instanceUuid ?? "", uuid: record?.config.uuid ?? "" };
    for (const type of EVENTS[task.descriptionId]?.begun?.(before) ?? []) this.#log.post(type, { ...facts, vm, sourceHost: before.source, words });
  }

  ended(task: TaskInfo): void {
    const key = task.task?.value ?? "";
    if (!this.#before.has(key)) this.began(task);
    const before = this.#before.get(key);
    this.#before.delete(key);
    const events = EVENTS[task.descriptionId];
    if (before === undefined || events === undefined) return;
    const facts = { ...this.#facts(task), sourceHost: before.source, reason: task.error };
    for (const type of this.#endOf(task, events, before)) this.#log.post(type, facts);
  }

  #endOf(task: TaskInfo, events: VmTaskEvents, before: Before): readonly EventType[] {
    if (task.state === TaskState.ERROR) return events.failed?.(before) ?? [];
    if (task.descriptionId === "VirtualMachine.migrate") return [task.parentTaskKey === "" && task.reason !== TaskReason.SYSTEM ? "VmMigratedEvent" : "DrsVmMigratedEvent"];
    const cluster = this.#inventory.clusters.find((each) => each.ref?.value === this.#inventory.findHost(task.host?.value ?? "")?.cluster);
    return events.done?.(before, { byDrs: cluster?.drsConfig?.enabled !== false, config: this.#inventory.findVm(task.entity?.value ?? "")?.config }) ?? [];
  }

  #facts(task: TaskInfo): EventFacts {
    const host = task.host?.value;
    const entity = task.entity?.value ?? "";
    const vm = task.entity?.type === "VirtualMachine" ? { moid: entity, name: task.entityName, host: host ?? "" } : undefined;
    return { host: host === "" ? undefined : host, vm, chainId: task.eventChainId };
  }
}

function sameAllocations(before: VirtualMachineConfigSpec | undefined, after: VirtualMachineConfigSpec | undefined): boolean {
  const parts = (config: VirtualMachineConfigSpec | undefined): string =>
    [config?.cpuAllocation, config?.memoryAllocation].map((info) => [info?.reservation, info?.limit, info?.shares?.level, info?.shares?.shares].join("/")).join(" ");
  return before === undefined || parts(before) === parts(after);
}
