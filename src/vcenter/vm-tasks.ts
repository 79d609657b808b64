import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { RpcError } from "../base/rpc-error.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { callHost, type HostDaemon, type HostDaemons } from "./host-daemon.js";
import type { Inventory } from "./inventory.js";
import type { MoidCounters } from "./moid-counters.js";
import { moref } from "./moref.js";
import type { HostRecord, VmRecord } from "./records.js";
import type { Store, Write } from "./store.js";
import type { TaskRegistry } from "./task-registry.js";
import { VimFault } from "./vim-fault.js";
import { firstDiskUuid } from "./vm-config.js";

/** What every task about a VM works with. */
export interface VmTasksOptions {
  readonly inventory: Inventory;
  readonly tasks: TaskRegistry;
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

/** The frame of every task about a VM: its TaskInfo, its calls of HostD, and its end when vCenter stops. */
export class VmTasks {
  readonly options: VmTasksOptions;
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: VmTasksOptions) {
    this.options = options;
  }

  /** A task about a VM, not registered yet. */
  draft(descriptionId: string, vm: VmRecord, moid = this.options.counters.next("Task")): TaskInfo {
    return this.options.tasks.draft({
      moid,
      descriptionId,
      entity: moref("VirtualMachine", vm.moid),
      entityName: vm.config.name,
      ownerUid: vm.config.ownerUid,
      vmUuid: vm.config.uuid,
      host: moref("HostSystem", vm.host),
      ephemeralDiskUuid: vm.config.ownerUid === "" ? "" : firstDiskUuid(vm.config),
    });
  }

  /** Commits, with the moid counters where they are due. */
  commit(write: Write): Promise<bigint> {
    const { store, counters } = this.options;
    return store.commit({ ...write, puts: [...(write.puts ?? []), ...counters.due()] });
  }

  /**
   * Runs `work` as a registered task: its result ends the task well, a VimFault ends it with an error after `undo`. When vCenter stops,
   * the task stays as it is.
   */
  run(task: TaskInfo, work: () => Promise<ManagedObjectReference | undefined>, undo: (fault: VimFault) => Promise<void>): void {
    const moid = task.task?.value ?? "";
    this.#running.set(moid, this.#attempt(moid, work, undo).finally(() => this.#running.delete(moid)));
  }

  async #attempt(moid: string, work: () => Promise<ManagedObjectReference | undefined>, undo: (fault: VimFault) => Promise<void>): Promise<void> {
    const { tasks, log, closing } = this.options;
    try {
      const result = await work();
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
