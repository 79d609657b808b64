import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import { vmFacts } from "../events/event-log.js";
import type { Journal } from "../placement/journal.js";
import { recordKey } from "../store/keyspace.js";
import { moref } from "../inventory/moref.js";
import type { Migrations } from "./migrations.js";
import { vmShape } from "../drs/vm-shape.js";
import type { HostChoice } from "../placement/host-choice.js";
import type { VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import { ignoring, type VmTasks, type VmWork } from "./vm-tasks.js";

/** The tasks of this noun. */
export const POWER_TASKS = ["VirtualMachine.powerOn", "VirtualMachine.powerOff", "VirtualMachine.reset", "VirtualMachine.destroy"] as const;

/** A VM to destroy. */
export interface DestroyWish {
  readonly vm: VmRecord;
  /** Power a running one off first. */
  readonly powerOff: boolean;
  /** BIOS uuid it must have; any when empty. */
  readonly uuid: string;
}

/**
 * Power and end of VMs that exist: each a task that holds the VM. What the VM should be and the task are durable before HostD is called,
 * so a vCenter that starts meanwhile takes the task up.
 */
export class VmLifecycle {
  readonly #vmTasks: VmTasks;
  readonly #choice: HostChoice;
  readonly #migrations: Migrations;
  readonly #journal: Journal;

  constructor(vmTasks: VmTasks, choice: HostChoice, migrations: Migrations, journal: Journal) {
    this.#vmTasks = vmTasks;
    this.#migrations = migrations;
    this.#choice = choice;
    this.#journal = journal;
  }

  /** PowerOnVM_Task: admitted like a placement on its own host. */
  async powerOn(vm: VmRecord): Promise<TaskInfo> {
    const { tasks } = this.#vmTasks.options;
    tasks.requireFree(vm.moid);
    if (vm.isOn) throw VimFault.invalidPowerState("poweredOn", "poweredOn");
    if (!vm.wantedOn) this.#admit(vm);
    return this.powerOnAt(vm, vm.host, undefined);
  }

  /**
   * Powers a free VM on at a host that was found to have room for it, after a move there if it is registered elsewhere. It claims its place
   * before this returns to the caller's turn, so that the next one to look sees it taken.
   */
  async powerOnAt(vm: VmRecord, host: string, parent: TaskInfo | undefined): Promise<TaskInfo> {
    const draft = this.#vmTasks.draft("VirtualMachine.powerOn", vm, { host, parent });
    if (host === vm.host) return this.#vmTasks.run(await this.#vmTasks.intend(draft, vm, { ...vm, wantedOn: true }), this.#poweringOn(draft, vm.moid, vm.wantedOn));
    const cancel = new AbortController();
    await this.#vmTasks.intend(draft, vm, { ...vm, migration: { source: vm.host, target: host, powerOn: true } }, cancel);
    return this.#vmTasks.run(draft, this.#poweringOn(draft, vm.moid, vm.wantedOn, cancel));
  }

  /**
   * Powers a VM on that should run and does not, because its host rebooted. It holds its capacity still, so nothing is admitted, and it
   * should be on already, so nothing is stored.
   */
  powerOnAgain(vm: VmRecord): TaskInfo {
    const { tasks } = this.#vmTasks.options;
    const task = tasks.add(this.#vmTasks.draft("VirtualMachine.powerOn", vm));
    return this.#vmTasks.run(task, { work: () => this.switchOn(vm.moid), undo: async () => undefined });
  }

  /** PowerOffVM_Task. A pod's VM whose guest died and that would be powered on again counts as on: its pod may be over. */
  async powerOff(vm: VmRecord): Promise<TaskInfo> {
    const { tasks } = this.#vmTasks.options;
    tasks.requireFree(vm.moid);
    const comesOn = vm.wantedOn && vm.config.ownerUid !== "";
    if (!vm.isOn && !comesOn) throw VimFault.invalidPowerState("poweredOff", "poweredOff");
    const task = await this.#vmTasks.intend(this.#vmTasks.draft("VirtualMachine.powerOff", vm), vm, { ...vm, wantedOn: false });
    return this.#vmTasks.run(task, this.#poweringOff(task, vm.moid, vm.wantedOn));
  }

  /** ResetVM_Task: the VM keeps its place and what it claims. */
  async reset(vm: VmRecord): Promise<TaskInfo> {
    const { tasks } = this.#vmTasks.options;
    if (vm.config.guestId === POD_GUEST_ID) throw VimFault.notSupported(`${vm.moid} is a vSphere Pod; its containers are restarted by Kubernetes`);
    tasks.requireFree(vm.moid);
    if (!vm.isOn) throw VimFault.invalidPowerState("poweredOn", "poweredOff");
    const task = await this.#vmTasks.intend(this.#vmTasks.draft("VirtualMachine.reset", vm), vm, vm);
    return this.#vmTasks.run(task, this.#resetting(task, vm.moid));
  }

  /**
   * Destroy_Task. D4: HostD powers the VM off and removes it; a VM it does not have is as good as removed. D5: the records of VM and
   * owner go in one Txn, and its capacity is free.
   */
  async destroy({ vm, powerOff, uuid }: DestroyWish): Promise<TaskInfo> {
    const { tasks } = this.#vmTasks.options;
    if (uuid !== "" && uuid !== vm.config.uuid) {
      throw new VimFault(`${vm.moid} has BIOS uuid ${vm.config.uuid}, not ${uuid}.`, {
        $case: "ownerMismatch",
        value: { vm: moref("VirtualMachine", vm.moid), requestedOwnerUid: vm.config.ownerUid, existingOwnerUid: vm.config.ownerUid },
      });
    }
    tasks.requireFree(vm.moid);
    if (vm.isOn && !powerOff) throw VimFault.invalidPowerState("poweredOff", "poweredOn");
    const draft = this.#vmTasks.draft("VirtualMachine.destroy", vm);
    // Who wants a pod's VM gone asks again until it is, so that its task need not be stored.
    const task = vm.config.ownerUid === "" ? await this.#vmTasks.intend(draft, vm, vm) : tasks.add(draft);
    return this.#vmTasks.run(task, this.#destroying(task, vm.moid));
  }

  /** Takes up a task of the vCenter before this one, one of POWER_TASKS. */
  resume(task: TaskInfo, vm: VmRecord): void {
    const cancel = vm.migration === undefined ? undefined : new AbortController();
    this.#vmTasks.run(this.#vmTasks.options.tasks.add(task, cancel), this.#resumed(task, vm, cancel));
  }

  /** Has the VM's host power it on; one that runs already is as good. */
  async switchOn(moid: string): Promise<undefined> {
    const { inventory, closing } = this.#vmTasks.options;
    const vm = inventory.vm(moid);
    await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("invalidPowerState", daemon.powerOnVm(host.spec.name, vm.config.instanceUuid, closing)));
    inventory.putVm({ ...inventory.vm(moid), isOn: true, onHost: true });
  }

  #resumed(task: TaskInfo, vm: VmRecord, cancel: AbortController | undefined): VmWork {
    switch (task.descriptionId) {
      case "VirtualMachine.powerOn":
        return this.#poweringOn(task, vm.moid, false, cancel);
      case "VirtualMachine.powerOff":
        return this.#poweringOff(task, vm.moid, true);
      case "VirtualMachine.reset":
        return this.#resetting(task, vm.moid);
      default:
        return this.#destroying(task, vm.moid);
    }
  }

  #poweringOn(task: TaskInfo, moid: string, wantedBefore: boolean, cancel = new AbortController()): VmWork {
    const { inventory, tasks, closing } = this.#vmTasks.options;
    const key = moidOf(task);
    const underWay = inventory.vm(moid);
    const { migration } = underWay;
    const signal = AbortSignal.any([closing, cancel.signal]);
    const work = async (): Promise<undefined> => {
      if (migration !== undefined) await this.#vmTasks.keep(await this.#migrations.move(moid, key, signal));
      tasks.progress(key, 90);
      await this.switchOn(moid);
      await this.#vmTasks.conclude(key);
    };
    const undo = async (): Promise<void> => {
      tasks.pastCancel(key);
      await this.#revert(task, moid, wantedBefore);
      this.#migrations.lookAfter(underWay);
    };
    const turn = migration === undefined ? undefined : <T>(begin: () => Promise<T>): Promise<T> => this.#migrations.turn(migration, signal, begin);
    return { work, undo, turn };
  }

  #poweringOff(task: TaskInfo, moid: string, wantedBefore: boolean): VmWork {
    const { inventory, closing } = this.#vmTasks.options;
    const work = async (): Promise<undefined> => {
      const vm = inventory.vm(moid);
      await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("invalidPowerState", daemon.powerOffVm(host.spec.name, vm.config.instanceUuid, closing)));
      inventory.putVm({ ...inventory.vm(moid), isOn: false });
      await this.#vmTasks.conclude(moidOf(task));
    };
    return { work, undo: () => this.#revert(task, moid, wantedBefore) };
  }

  #resetting(task: TaskInfo, moid: string): VmWork {
    const { inventory, closing } = this.#vmTasks.options;
    const work = async (): Promise<undefined> => {
      const vm = inventory.vm(moid);
      // A reset that is asked for again after a crash is the same one, not a second one.
      const requestId = `${vm.config.instanceUuid}/${moidOf(task)}`;
      await this.#vmTasks.call(vm.host, (daemon, host) => daemon.resetVm(host.spec.name, vm.config.instanceUuid, requestId, closing));
      await this.#vmTasks.conclude(moidOf(task));
    };
    return { work, undo: () => this.#vmTasks.conclude(moidOf(task)) };
  }

  #destroying(task: TaskInfo, moid: string): VmWork {
    const { inventory, closing } = this.#vmTasks.options;
    const vm = inventory.vm(moid);
    const step = { podUid: vm.config.ownerUid, name: vm.config.name, namespace: inventory.pool(vm.pool).namespace, subject: vm.moid } as const;
    const startMs = this.#journal.nowMs();
    const work = async (): Promise<undefined> => {
      await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("managedObjectNotFound", daemon.destroyVm(host.spec.name, vm.config.instanceUuid, closing)));
      this.#journal.record({ ...step, step: 104, startMs, outcome: "ok", message: `${vm.moid} is gone from its host` });
      const txnMs = this.#journal.nowMs();
      const etcdRevision = await this.#vmTasks.commit({ deletes: [...inventory.keysOf(vm), recordKey("tasks", moidOf(task))] });
      inventory.removeVm(vm.moid);
      this.#journal.record({ ...step, step: 105, startMs: txnMs, etcdRevision, outcome: "ok", message: `the records of ${vm.moid} and its owner are gone` });
    };
    const undo = async (fault: VimFault): Promise<void> => {
      this.#journal.record({ ...step, step: 104, startMs, outcome: "failed", message: fault.message });
      if (vm.config.ownerUid === "") await this.#vmTasks.conclude(moidOf(task));
    };
    return { work, undo };
  }

  #admit(vm: VmRecord): void {
    try {
      this.#choice.admitToPool(vm.pool, vmShape(vm.config).reserved);
      this.#choice.admit({ moid: vm.moid, config: vm.config, runs: true }, vm.host);
    } catch (error) {
      if (error instanceof VimFault) this.#vmTasks.options.events.post("VmFailedToPowerOnEvent", { vm: vmFacts(vm), reason: error.methodFault });
      throw error;
    }
  }

  /** Stores again what was wanted before a task that failed. */
  async #revert(task: TaskInfo, moid: string, wantedOn: boolean): Promise<void> {
    await this.#vmTasks.conclude(moidOf(task), { ...(await this.#migrations.stayed(moid)), wantedOn });
  }
}

function moidOf(task: TaskInfo): string {
  return task.task?.value ?? "";
}
