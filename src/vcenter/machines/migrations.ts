import type { Clock } from "../../base/clock.js";
import type { Durations } from "../../base/latency-profile.js";
import type { TaskInfo, TaskReason } from "../../gen/spheresim/vim/v1/task.js";
import { VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { HostChoice } from "../placement/host-choice.js";
import type { HostDaemon } from "../hosts/host-daemon.js";
import { reachOf, vmEntry, type HostRecord, type Migration, type VmRecord } from "../store/records.js";
import { Turns } from "../store/turns.js";
import { VimFault } from "../vim-fault.js";
import { ignoring, type VmTasks } from "./vm-tasks.js";

/** What migrating needs beside the frame of a task. */
export interface MigrationsOptions {
  readonly vmTasks: VmTasks;
  readonly choice: HostChoice;
  /** Resolves when the VM is not being taken off the host any more. */
  readonly removed: (host: string, instanceUuid: string) => Promise<void>;
  /** Looks again at what a host says of a VM, and repairs what does not fit its record. */
  readonly look: (host: string, instanceUuid: string) => void;
  /** How long copying takes, on the emulated clock. */
  readonly durations: Pick<Durations, "vmotionMs" | "vmotionGbMs">;
  readonly clock: Clock;
}

/** Where a VM goes, and for whom. */
export interface MigrateWish {
  /** Moid of the host; DRS chooses when absent. */
  readonly host?: string | undefined;
  /** The task that moves it among others. */
  readonly parent?: TaskInfo | undefined;
  /** Who asked for it; a caller unless stated. */
  readonly reason?: TaskReason | undefined;
  /** Whether it goes ahead of VMs that a rule keeps together with it, which follow. */
  readonly goesAhead?: boolean | undefined;
}

/** Migrations of one host, as source or target, that go on at a time; vMotion allows as many on a 10 Gbit/s network. Others are queued. */
const MAX_PER_HOST = 8;
/** Progress of the task, in percent, when copying begins and ends. */
const COPYING = { from: 10, to: 50 } as const;
/** So often the task tells how far copying is. */
const COPYING_STEPS = 8;

/**
 * MigrateVM_Task: an ordinary VM goes to another host of its cluster, running or not.
 *
 * | step | record in etcd | source has it | target has it | claimed on |
 * |---|---|---|---|---|
 * | 1 intent committed | on source, way named | yes | no | both |
 * | 2 target received it | on source, way named | yes | yes | both |
 * | 3 switch committed | on target, way named | yes | yes | both |
 * | 4 source released it | on target, way named | no | yes | both |
 * | 5 end committed | on target | no | yes | target |
 *
 * A vCenter that starts between any two of them finds way and task on record and goes on; each call may be made twice. What fails before 3
 * leaves the VM on its source, and the target's half is released, now or when it reconnects; after 3 there is no way back, and a source
 * that is out of reach releases its half when it reconnects.
 *
 * Before 2 the memory of a VM that runs is copied, which takes the time of a vMotion; one that is off has nothing to copy. A vCenter that takes the
 * migration up before 2 copies anew.
 */
export class Migrations {
  readonly #options: MigrationsOptions;
  readonly #turns = new Map<string, Turns>();

  constructor(options: MigrationsOptions) {
    this.#options = options;
  }

  /** Checks, admits and claims without a pause, so that of two wishes the second sees the first; resolves with the task once it is durable. */
  async migrate(vm: VmRecord, { host, parent, reason, goesAhead }: MigrateWish): Promise<TaskInfo> {
    const { vmTasks } = this.#options;
    const { tasks } = vmTasks.options;
    requireMovable(vm);
    tasks.requireFree(vm.moid);
    this.requireReachable(vm.host);
    const target = this.#target(vm, host, goesAhead);
    const migration: Migration = { source: vm.host, target, powerOn: false };
    const cancel = new AbortController();
    const task = await vmTasks.intend(vmTasks.draft("VirtualMachine.migrate", vm, { host: target, parent, reason }), vm, { ...vm, migration }, cancel);
    return this.#run(task, vm.moid, cancel);
  }

  /** Takes up a migration of the vCenter before this one. */
  resume(task: TaskInfo, vm: VmRecord): void {
    const cancel = new AbortController();
    this.#run(this.#options.vmTasks.options.tasks.add(task, cancel), vm.moid, cancel);
  }

  /** Throws HostNotConnected or HostNotReachable: nothing moves away from a host that does not answer. */
  requireReachable(moid: string): void {
    const host = this.#options.vmTasks.options.inventory.host(moid);
    const reach = reachOf(host);
    if (reach === "disconnected") throw VimFault.hostNotConnected(host.spec.name);
    if (reach === "notResponding") throw VimFault.hostNotReachable(host.spec.name, "it does not respond.");
  }

  /**
   * Steps 2 to 4 for a VM whose way is on record, as part of a running task; answers the record that step 5 has to store. Up to the switch it
   * ends with the reason of `signal`.
   */
  async move(moid: string, task: string, signal: AbortSignal): Promise<VmRecord> {
    const { vmTasks, removed } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    const before = inventory.vm(moid);
    const { migration, config } = before;
    if (migration === undefined) return before;
    const { source, target } = migration;
    const { instanceUuid } = config;
    if (before.host === source) {
      const look = (): ReturnType<HostDaemon["getVm"]> => this.#call(source, signal, (daemon, { spec }) => daemon.getVm(spec.name, instanceUuid, signal));
      let there = await look();
      tasks.progress(task, COPYING.from);
      // It may have gone off meanwhile.
      if (there.powerState === VirtualMachinePowerState.POWERED_ON && (await this.#copy(config.memoryMb, task, signal))) there = await look();
      await removed(target, instanceUuid);
      const poweredOn = there.powerState === VirtualMachinePowerState.POWERED_ON;
      const received = await this.#call(target, signal, (daemon, { spec }) => daemon.receiveVm(spec.name, { config, poweredOn, powerOnCount: there.powerOnCount }, signal));
      signal.throwIfAborted();
      tasks.pastCancel(task);
      tasks.progress(task, 60);
      const switched = { ...inventory.vm(moid), host: target, wantedOn: before.wantedOn || migration.powerOn };
      await vmTasks.commit({ puts: [vmEntry(switched)] });
      inventory.putVm({ ...switched, isOn: received.powerState === VirtualMachinePowerState.POWERED_ON, onHost: true });
    } else {
      tasks.pastCancel(task);
    }
    tasks.progress(task, 80);
    await this.#release(source, instanceUuid, true);
    return { ...inventory.vm(moid), migration: undefined };
  }

  /**
   * The record of a VM whose move failed: it stays where the record says it is. The half that the target may have is released while capacity
   * is still kept for it; a target that cannot do that now is looked at later.
   */
  async stayed(moid: string): Promise<VmRecord> {
    const { inventory } = this.#options.vmTasks.options;
    const { host, migration, config } = inventory.vm(moid);
    if (migration !== undefined && host === migration.source && inventory.findHost(migration.target)?.responding === true) await this.#release(migration.target, config.instanceUuid, false);
    return { ...inventory.vm(moid), migration: undefined };
  }

  /** Has both hosts looked at once the way is off the record. */
  lookAfter({ config, migration }: VmRecord): void {
    if (migration === undefined) return;
    this.#options.look(migration.source, config.instanceUuid);
    this.#options.look(migration.target, config.instanceUuid);
  }

  /** Waits until both hosts have a place for one more migration; leaves the line when `signal` aborts. */
  async turn<T>({ source, target }: Migration, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    // Always in the same order, so that two that wait for each other's host cannot block each other.
    const [first, second] = [source, target].toSorted() as [string, string];
    return this.#take(first, signal, () => this.#take(second, signal, work));
  }

  /** Copies memory; false where that takes no time. Ends with the reason of `signal`. */
  async #copy(memoryMb: number, task: string, signal: AbortSignal): Promise<boolean> {
    const { durations, clock, vmTasks } = this.#options;
    const takesMs = durations.vmotionMs + (durations.vmotionGbMs * memoryMb) / 1024;
    if (takesMs <= 0) return false;
    for (let step = 1; step <= COPYING_STEPS; step += 1) {
      await clock.sleep(takesMs / COPYING_STEPS, signal);
      vmTasks.options.tasks.progress(task, COPYING.from + ((COPYING.to - COPYING.from) * step) / COPYING_STEPS);
    }
    return true;
  }

  #target(vm: VmRecord, wanted: string | undefined, goesAhead: boolean | undefined): string {
    const { vmTasks, choice } = this.#options;
    const { inventory } = vmTasks.options;
    const candidate = { moid: vm.moid, config: vm.config, runs: vm.wantedOn || vm.isOn, goesAhead };
    if (wanted === undefined) return choice.best(candidate, inventory.host(vm.host).cluster, vm.host).moid;
    if (wanted === vm.host) throw VimFault.invalidArgument("host", `${vm.moid} is on ${inventory.host(wanted).spec.name} already`);
    choice.admit(candidate, wanted);
    return wanted;
  }

  #run(task: TaskInfo, moid: string, cancel: AbortController): TaskInfo {
    const { vmTasks } = this.#options;
    const { inventory, tasks, closing } = vmTasks.options;
    const key = task.task?.value ?? "";
    const signal = AbortSignal.any([closing, cancel.signal]);
    const underWay = inventory.vm(moid);
    const { migration } = underWay;
    const work = async (): Promise<undefined> => {
      await vmTasks.conclude(key, await this.move(moid, key, signal));
    };
    const undo = async (): Promise<void> => {
      tasks.pastCancel(key);
      await vmTasks.conclude(key, await this.stayed(moid));
    };
    const turn = migration === undefined ? undefined : <T>(begin: () => Promise<T>): Promise<T> => this.turn(migration, signal, begin);
    const running = vmTasks.run(task, { work, undo, turn });
    void vmTasks.ended(key).then(() => this.lookAfter(underWay));
    return running;
  }

  /** Step 4, right after a commit (`committed`), or a retreat. A host that cannot release it now is looked at when the migration is over, or when it reconnects. */
  async #release(host: string, instanceUuid: string, committed: boolean): Promise<void> {
    const { closing, log, store } = this.#options.vmTasks.options;
    let tries = 0;
    try {
      await this.#call(host, closing, async (daemon, { spec }) => {
        tries += 1;
        // Another vCenter may have taken over since, for which the VM belongs on this host.
        if (!committed || tries > 1) await store.confirm();
        await ignoring("managedObjectNotFound", daemon.releaseVm(spec.name, instanceUuid, closing));
      });
    } catch (error) {
      if (closing.aborted || !(error instanceof VimFault)) throw error;
      log.warn({ host, instanceUuid, reason: error.message }, "a host of a migration could not release the virtual machine yet");
    }
  }

  #call<T>(host: string, signal: AbortSignal, attempt: (daemon: HostDaemon, record: HostRecord) => Promise<T>): Promise<T> {
    return this.#options.vmTasks.call(host, attempt, signal);
  }

  async #take<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(host) ?? new Turns(MAX_PER_HOST);
    this.#turns.set(host, turns);
    try {
      return await turns.take(work, signal);
    } finally {
      if (turns.idle) this.#turns.delete(host);
    }
  }
}

/** Throws NotSupported for a vSphere Pod. */
export function requireMovable(vm: VmRecord): void {
  if (vm.config.guestId === POD_GUEST_ID) throw VimFault.notSupported(`${vm.moid} is a vSphere Pod, which never moves`);
}
