import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RpcError } from "../../base/rpc-error.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import type { TaskInfo, TaskReason } from "../../gen/spheresim/vim/v1/task.js";
import { faultOf } from "../errors.js";
import type { EventLog } from "../events/event-log.js";
import { callHost, type HostDaemon, type HostDaemons } from "../hosts/host-daemon.js";
import type { Inventory } from "../inventory/inventory.js";
import type { MoidCounters } from "../inventory/moid-counters.js";
import { recordKey } from "../store/keyspace.js";
import { moref } from "../inventory/moref.js";
import { type HostRecord, taskEntry, vmEntry, type VmRecord } from "../store/records.js";
import type { Store } from "../store/store.js";
import type { Write } from "../store/write-groups.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import { VimFault } from "../vim-fault.js";
import { firstDiskUuid } from "./vm-config.js";

/** Takes the fault that says "it is so already" for success. */
export async function ignoring(fault: VimFault["fault"]["$case"], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (faultOf(error)?.fault.$case !== fault) throw error;
  }
}

/** What every task about a VM works with. */
export interface VmTasksOptions {
  readonly inventory: Inventory;
  readonly tasks: TaskRegistry;
  readonly events: EventLog;
  readonly store: Store;
  readonly counters: MoidCounters;
  readonly daemons: HostDaemons;
  readonly monotonic: Clock;
  readonly log: Logger;
  /** How long HostD may be out of reach before a task ends with HostNotReachable. */
  readonly hostWindowMs: number;
  /** Aborts when vCenter stops; tasks then end without a word and are resumed at the next start. */
  readonly closing: AbortSignal;
}

/** What a task says beside the VM it is about. */
export interface DraftOptions {
  /** Its moid; the next one when absent. */
  readonly moid?: string;
  /** The host the work goes to; the VM's own when absent. */
  readonly host?: string;
  /** The task that starts it. */
  readonly parent?: TaskInfo | undefined;
  /** Who asked for it; a caller unless stated. */
  readonly reason?: TaskReason | undefined;
}

/** How a task about a VM goes. */
export interface VmWork {
  /** Its result ends the task well, a VimFault ends it with an error after `undo`. */
  readonly work: () => Promise<ManagedObjectReference | undefined>;
  readonly undo: (fault: VimFault) => Promise<void>;
  /** Waits for the task's turn; until then it is queued. It begins at once when absent. */
  readonly turn?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
}

/** The frame of every task about a VM: its TaskInfo, its calls of HostD, and its end when vCenter stops. */
export class VmTasks {
  readonly options: VmTasksOptions;
  readonly #running = new Map<string, Promise<void>>();
  #onWantedAgain: (vm: VmRecord) => void = () => undefined;

  constructor(options: VmTasksOptions) {
    this.options = options;
  }

  /** A task about a VM, not registered yet. */
  draft(descriptionId: string, vm: VmRecord, { moid = this.options.counters.next("Task"), host = vm.host, parent, reason }: DraftOptions = {}): TaskInfo {
    return this.options.tasks.draft({
      moid,
      descriptionId,
      entity: moref("VirtualMachine", vm.moid),
      entityName: vm.config.name,
      ownerUid: vm.config.ownerUid,
      vmUuid: vm.config.uuid,
      host: moref("HostSystem", host),
      parent,
      reason,
      ephemeralDiskUuid: vm.config.ownerUid === "" ? "" : firstDiskUuid(vm.config),
    });
  }

  /** A task above those of several VMs, about what they all belong to; stored. */
  async above(descriptionId: string, entity: ManagedObjectReference, entityName: string): Promise<TaskInfo> {
    const { tasks, counters } = this.options;
    const moid = counters.next("Task");
    const parent = tasks.draft({ moid, descriptionId, entity, entityName, ownerUid: "", vmUuid: "", host: undefined, ephemeralDiskUuid: "" });
    tasks.add(parent);
    try {
      await this.commit({ puts: [taskEntry(parent)] });
    } catch (error) {
      tasks.withdraw(moid);
      throw error;
    }
    return parent;
  }

  /** Writes all or nothing; resolves with the revision when it is durable. */
  commit(write: Write): Promise<bigint> {
    return this.options.store.commit(write);
  }

  /**
   * Registers a task about a VM and stores it with the VM as it shall be, in one Txn; where that cannot be stored, everything is as before.
   * From the first moment on the VM is held and claims what `wanted` claims.
   */
  async intend(task: TaskInfo, vm: VmRecord, wanted: VmRecord, cancel?: AbortController): Promise<TaskInfo> {
    const { inventory, tasks } = this.options;
    const registered = tasks.add(task, cancel);
    if (wanted !== vm) inventory.putVm(wanted);
    try {
      await this.commit({ puts: [...(wanted === vm ? [] : [vmEntry(wanted)]), taskEntry(task)] });
    } catch (error) {
      if (wanted !== vm) this.show(vm);
      tasks.withdraw(task.task?.value ?? "");
      throw error;
    }
    return registered;
  }

  /** Stores that a task is over, and with it, in the same Txn, a VM as it is now. */
  async conclude(moid: string, vm?: VmRecord): Promise<void> {
    await this.#store([recordKey("tasks", moid)], vm);
  }

  /** Stores a VM as it is now. */
  async keep(vm: VmRecord): Promise<void> {
    await this.#store([], vm);
  }

  async #store(deletes: readonly string[], vm: VmRecord | undefined): Promise<void> {
    await this.commit({ puts: vm === undefined ? [] : [vmEntry(vm)], deletes });
    if (vm !== undefined) this.show(vm);
  }

  /** Has the inventory show a VM as etcd has it by now. What its host said since the record was read is newer, and stays. */
  show(vm: VmRecord): void {
    const { isOn, onHost, heartbeat, wantedOn } = this.options.inventory.vm(vm.moid);
    this.options.inventory.putVm({ ...vm, isOn, onHost, heartbeat });
    if (vm.wantedOn && !wantedOn && !isOn) this.#onWantedAgain(vm);
  }

  /** Who is told of VMs that are to run after all, and fell while they were not. */
  set onWantedAgain(listener: (vm: VmRecord) => void) {
    this.#onWantedAgain = listener;
  }

  /** Runs the work of a registered task; answers the task as it is then. When vCenter stops, the task stays as it is. */
  run(task: TaskInfo, how: VmWork): TaskInfo {
    const moid = task.task?.value ?? "";
    this.#running.set(moid, this.#attempt(moid, how).finally(() => this.#running.delete(moid)));
    return this.options.tasks.get(moid) ?? task;
  }

  /** Every operation on a VM begins here, at `begin`, and ends here, at `succeed` or `fail`. */
  async #attempt(moid: string, { work, undo, turn = (begin) => begin() }: VmWork): Promise<void> {
    const { tasks, log, closing } = this.options;
    try {
      const result = await turn(() => {
        tasks.begin(moid);
        return work();
      });
      tasks.succeed(moid, result);
    } catch (error) {
      if (closing.aborted) return;
      const fault = error instanceof VimFault ? error : VimFault.invalidState(error instanceof Error ? error.message : String(error));
      if (!(error instanceof VimFault) && !(error instanceof RpcError)) log.error({ err: error, task: moid }, "a task failed for an unforeseen reason");
      try {
        await undo(fault);
      } catch (undoError) {
        if (closing.aborted) return;
        log.error({ err: undoError, task: moid }, "a failed task could not be undone");
      }
      tasks.fail(moid, fault);
    }
  }

  /** Calls the HostD of a host until it answers; finds the host's address anew for each try. */
  call<T>(host: string, attempt: (daemon: HostDaemon, record: HostRecord) => Promise<T>, signal: AbortSignal = this.options.closing): Promise<T> {
    const { inventory, daemons, monotonic, hostWindowMs } = this.options;
    const record = inventory.host(host);
    if (record.disconnected) throw VimFault.hostNotConnected(record.spec.name);
    const once = (): Promise<T> => {
      const now = inventory.host(host);
      return attempt(daemons.at(now.address), now);
    };
    return callHost(once, { host: record.spec.name, monotonic, windowMs: hostWindowMs, signal });
  }

  /** Resolves when a task has ended. */
  async ended(moid: string): Promise<void> {
    await this.#running.get(moid);
  }

  /** Resolves when no task is at work any more; called after `closing`. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}
