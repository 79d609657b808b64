import type { Clock } from "../../base/clock.js";
import { fromTimestamp, toTimestamp } from "../../base/timestamp.js";
import { type Host, type HostEvacuation, HostEvacuationPurpose, HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { HostKey } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { Evacuation, type EvacuationOrder, type Mover } from "./evacuation.js";
import { type EventLog, vmFacts } from "../events/event-log.js";
import type { EventType } from "../events/event-type.js";
import type { ToldBefore } from "../events/told-before.js";
import type { Holds } from "../placement/holds.js";
import { showHost } from "../inventory/inventory-view.js";
import { recordKey } from "../store/keyspace.js";
import { knownHost, powerName, requireReached } from "./known-host.js";
import { moref } from "../inventory/moref.js";
import { hostEntry, type HostRecord, taskEntry } from "../store/records.js";
import type { Serial } from "../store/serial.js";
import { VimFault } from "../vim-fault.js";
import type { VmTasks } from "../machines/vm-tasks.js";

/** What changing the modes of hosts needs. */
export interface HostModesOptions {
  readonly vmTasks: VmTasks;
  readonly holds: Holds;
  readonly events: EventLog;
  readonly toldBefore: Pick<ToldBefore, "has">;
  readonly serial: Serial;
  readonly mover: Mover;
  /** Emulated time: timeouts. */
  readonly clock: Clock;
}

/** How long a host may take to become empty, and what must leave it. */
export interface EvacuationWish {
  /** Emulated time; 0 or less waits for ever. */
  readonly timeoutMs: number;
  readonly poweredOffToo: boolean;
}

/** What a host is evacuated for: the task, its events, and what the host is afterwards. */
interface Way {
  readonly descriptionId: string;
  readonly begun: EventType;
  readonly done: EventType;
  readonly change: Partial<HostRecord>;
  /** Of a VM that runs and cannot leave; vim25 has none for standby. */
  readonly kept?: EventType;
}

const MAINTENANCE: Way = {
  descriptionId: "HostSystem.enterMaintenanceMode",
  begun: "EnteringMaintenanceModeEvent",
  done: "EnteredMaintenanceModeEvent",
  change: { inMaintenanceMode: true },
  kept: "NoMaintenanceModeDrsRecommendationForVM",
};
const STAND_BY: Way = {
  descriptionId: "HostSystem.enterStandbyMode",
  begun: "EnteringStandbyModeEvent",
  done: "EnteredStandbyModeEvent",
  change: { powerState: HostPowerState.STAND_BY },
};

/**
 * Maintenance, standby and quarantine mode of hosts.
 *
 * | host | on the way in | in | cancelled, timed out, disconnected on the way |
 * |---|---|---|---|
 * | `evacuation` | set, with its task, in one Txn before the call is answered | absent | absent |
 * | placed on it | nothing new, holds are dropped | nothing | as before |
 * | its capacity, for pools | counts | maintenance: does not count; standby: counts | counts |
 * | its capacity, for HA | does not count | does not count | counts |
 *
 * A vCenter that starts meanwhile finds host and task on record, and waits on.
 */
export class HostModes {
  readonly #options: HostModesOptions;

  constructor(options: HostModesOptions) {
    this.#options = options;
  }

  enterMaintenance(key: HostKey | undefined, wish: EvacuationWish): Promise<TaskInfo> {
    return this.#options.serial.run(async () => {
      const host = this.#reached(key);
      if (host.inMaintenanceMode) throw VimFault.invalidState(`The host ${host.spec.name} is in maintenance mode already.`);
      if (host.powerState !== HostPowerState.POWERED_ON) throw VimFault.invalidPowerState("poweredOn", powerName(host));
      return this.#evacuate(host, HostEvacuationPurpose.MAINTENANCE, wish);
    });
  }

  exitMaintenance(key: HostKey | undefined): Promise<TaskInfo> {
    return this.#options.serial.run(async () => {
      const host = this.#reached(key);
      if (!host.inMaintenanceMode) throw VimFault.invalidState(`The host ${host.spec.name} is not in maintenance mode.`);
      requireUnmoved(host);
      return this.#atOnce(host, "HostSystem.exitMaintenanceMode", { inMaintenanceMode: false }, ["ExitMaintenanceModeEvent"]);
    });
  }

  powerDownToStandBy(key: HostKey | undefined, wish: Pick<EvacuationWish, "timeoutMs">): Promise<TaskInfo> {
    return this.#options.serial.run(async () => {
      const host = this.#reached(key);
      if (host.powerState !== HostPowerState.POWERED_ON) throw VimFault.invalidPowerState("standBy", powerName(host));
      return this.#evacuate(host, HostEvacuationPurpose.STAND_BY, { ...wish, poweredOffToo: false });
    });
  }

  powerUpFromStandBy(key: HostKey | undefined): Promise<TaskInfo> {
    return this.#options.serial.run(async () => {
      const host = this.#reached(key);
      if (host.powerState !== HostPowerState.STAND_BY) throw VimFault.invalidPowerState("poweredOn", powerName(host));
      return this.#atOnce(host, "HostSystem.exitStandbyMode", { powerState: HostPowerState.POWERED_ON }, ["ExitingStandbyModeEvent", "ExitedStandbyModeEvent"]);
    });
  }

  setQuarantine(key: HostKey | undefined, inQuarantineMode: boolean): Promise<Host> {
    const { serial, vmTasks } = this.#options;
    const { inventory } = vmTasks.options;
    return serial.run(async () => {
      const host = knownHost(key, inventory);
      if (host.inQuarantineMode !== inQuarantineMode) await this.#store(host.moid, { inQuarantineMode });
      return showHost(inventory, host.moid);
    });
  }

  /** Takes up an evacuation of the vCenter before this one. */
  resume(task: TaskInfo): void {
    const { vmTasks } = this.#options;
    const { inventory, tasks, log } = vmTasks.options;
    const key = task.task?.value ?? "";
    const host = inventory.findHost(task.entity?.value ?? "");
    if (host?.evacuation?.task?.value === key) {
      const cancel = new AbortController();
      this.#run(host.moid, tasks.add(task, cancel), host.evacuation, cancel, false);
      return;
    }
    tasks.restore(task);
    tasks.fail(key, VimFault.invalidState("The task was under way when vCenter ended, and its host waits for it no more."));
    void vmTasks.conclude(key).catch((error: unknown) => log.error({ err: error, task: key }, "a stored task could not be removed"));
  }

  async #evacuate(host: HostRecord, purpose: HostEvacuationPurpose, { timeoutMs, poweredOffToo }: EvacuationWish): Promise<TaskInfo> {
    const { vmTasks, holds, clock } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    requireUnmoved(host);
    const draft = this.#draft(host, wayOf(purpose).descriptionId);
    const deadline = timeoutMs > 0 ? toTimestamp(clock.nowMs() + timeoutMs) : undefined;
    const evacuation: HostEvacuation = { task: draft.task, purpose, deadline, evacuatePoweredOffVms: poweredOffToo };
    const cancel = new AbortController();
    const task = tasks.add(draft, cancel);
    // Memory first: from here on nothing is placed on the host.
    inventory.putHost({ ...host, evacuation });
    holds.dropHost(host.moid);
    try {
      await vmTasks.commit({ puts: [hostEntry(inventory.host(host.moid)), taskEntry(draft)] });
    } catch (error) {
      this.#put(host.moid, { evacuation: undefined });
      tasks.withdraw(draft.task?.value ?? "");
      throw error;
    }
    return this.#run(host.moid, task, evacuation, cancel, true);
  }

  #run(host: string, task: TaskInfo, evacuation: HostEvacuation, cancel: AbortController, isNew: boolean): TaskInfo {
    const { vmTasks, events, toldBefore, clock, mover } = this.#options;
    const { inventory, tasks, closing } = vmTasks.options;
    const way = wayOf(evacuation.purpose);
    const order: EvacuationOrder = {
      host,
      task,
      deadlineMs: evacuation.deadline === undefined ? undefined : fromTimestamp(evacuation.deadline),
      poweredOffToo: evacuation.evacuatePoweredOffVms,
      signal: AbortSignal.any([closing, cancel.signal]),
      onKept: (vm, { methodFault }) => {
        if (way.kept === undefined || !vm.isOn || toldBefore.has(task.eventChainId, way.kept, vm.moid)) return;
        events.post(way.kept, { vm: vmFacts(vm), chainId: task.eventChainId, reason: methodFault });
      },
    };
    const work = async (): Promise<undefined> => {
      if (isNew) events.post(way.begun, { host, chainId: task.eventChainId });
      const leaving = new Evacuation({ inventory, tasks, mover, clock }, order);
      do await leaving.done();
      while (!(await this.#enter(task, leaving, order, way)));
    };
    return vmTasks.run(task, { work, undo: (fault) => this.#stay(task, host, fault) });
  }

  /** The end of the way in; false when a VM came up meanwhile. */
  #enter(task: TaskInfo, leaving: Evacuation, { host, signal }: EvacuationOrder, way: Way): Promise<boolean> {
    const { vmTasks, serial, events } = this.#options;
    const key = task.task?.value ?? "";
    return serial.finish(async () => {
      signal.throwIfAborted();
      if (leaving.staying().length > 0) return false;
      vmTasks.options.tasks.pastCancel(key);
      await this.#store(host, { ...way.change, evacuation: undefined }, { deletes: [recordKey("tasks", key)] });
      events.post(way.done, { host, chainId: task.eventChainId });
      return true;
    });
  }

  /** The host stays as it was. Moves that can still be called off are. */
  async #stay(task: TaskInfo, host: string, fault: VimFault): Promise<void> {
    const { vmTasks, serial, events } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    const key = task.task?.value ?? "";
    tasks.pastCancel(key);
    for (const child of tasks.childrenOf(key)) if (child.cancelable) tasks.cancel(child.task?.value ?? "");
    await serial.finish(async () => {
      const deletes = [recordKey("tasks", key)];
      if (inventory.findHost(host) === undefined) return void (await vmTasks.commit({ deletes }));
      await this.#store(host, { evacuation: undefined }, { deletes });
      if (fault.fault.$case === "requestCanceled") events.post("CanceledHostOperationEvent", { host, chainId: task.eventChainId });
      if (fault.fault.$case === "timedout") events.post("TimedOutHostOperationEvent", { host, chainId: task.eventChainId });
    });
  }

  /** A task that is done with one Txn, so that there is nothing to take up after a crash. */
  async #atOnce(host: HostRecord, descriptionId: string, change: Partial<HostRecord>, raised: readonly EventType[]): Promise<TaskInfo> {
    const { vmTasks, events } = this.#options;
    const { tasks } = vmTasks.options;
    const task = tasks.add(this.#draft(host, descriptionId));
    const key = task.task?.value ?? "";
    try {
      await this.#store(host.moid, change);
    } catch (error) {
      tasks.withdraw(key);
      throw error;
    }
    tasks.begin(key);
    for (const type of raised) events.post(type, { host: host.moid, chainId: task.eventChainId });
    return tasks.succeed(key, undefined);
  }

  /** Commits a change of a host and then shows it. What became known of the host meanwhile stays. */
  async #store(host: string, change: Partial<HostRecord>, { deletes = [] }: { readonly deletes?: readonly string[] } = {}): Promise<void> {
    const { vmTasks } = this.#options;
    await vmTasks.commit({ puts: [hostEntry({ ...vmTasks.options.inventory.host(host), ...change })], deletes });
    this.#put(host, change);
  }

  #put(host: string, change: Partial<HostRecord>): void {
    const { inventory } = this.#options.vmTasks.options;
    inventory.putHost({ ...inventory.host(host), ...change });
  }

  #draft(host: HostRecord, descriptionId: string): TaskInfo {
    const { tasks, counters } = this.#options.vmTasks.options;
    const entity = moref("HostSystem", host.moid);
    return tasks.draft({ moid: counters.next("Task"), descriptionId, entity, entityName: host.spec.name, ownerUid: "", vmUuid: "", host: entity, ephemeralDiskUuid: "" });
  }

  #reached(key: HostKey | undefined): HostRecord {
    const host = knownHost(key, this.#options.vmTasks.options.inventory);
    requireReached(host);
    return host;
  }
}

function wayOf(purpose: HostEvacuationPurpose): Way {
  return purpose === HostEvacuationPurpose.STAND_BY ? STAND_BY : MAINTENANCE;
}

/** Throws InvalidState while the host is on its way into another mode. */
function requireUnmoved({ spec, evacuation }: HostRecord): void {
  if (evacuation === undefined) return;
  const where = evacuation.purpose === HostEvacuationPurpose.STAND_BY ? "standby" : "maintenance mode";
  throw VimFault.invalidState(`The host ${spec.name} is on its way into ${where}: ${evacuation.task?.value} waits for it.`);
}
