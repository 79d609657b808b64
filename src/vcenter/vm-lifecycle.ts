import type { ActivityProfile } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { checkActivity } from "./activity.js";
import { faultOf } from "./errors.js";
import type { Journal } from "./journal.js";
import { moref } from "./moref.js";
import type { Placements } from "./placements.js";
import { vmEntry, type VmRecord } from "./records.js";
import { VimFault } from "./vim-fault.js";
import type { VmTasks } from "./vm-tasks.js";

/** A VM to destroy. */
export interface DestroyWish {
  readonly vm: VmRecord;
  /** Power a running one off first. */
  readonly powerOff: boolean;
  /** BIOS uuid it must have; any when empty. */
  readonly uuid: string;
}

/** Power and end of VMs that exist: each a task that holds the VM. */
export class VmLifecycle {
  readonly #vmTasks: VmTasks;
  readonly #placements: Placements;
  readonly #journal: Journal;

  constructor(vmTasks: VmTasks, placements: Placements, journal: Journal) {
    this.#vmTasks = vmTasks;
    this.#placements = placements;
    this.#journal = journal;
  }

  /** PowerOnVM_Task: admitted like a placement on its own host. What it should be is durable before HostD is called. */
  async powerOn(vm: VmRecord): Promise<TaskInfo> {
    const { tasks } = this.#vmTasks.options;
    tasks.requireFree(vm.moid);
    if (vm.isOn) throw VimFault.invalidPowerState("poweredOn", "poweredOn");
    if (!vm.wantedOn) this.#placements.admit(vm.config, vm.host, vm.pool);
    const task = await this.#change("VirtualMachine.powerOn", vm, { ...vm, wantedOn: true });
    this.#vmTasks.run(task, () => this.#switchOn(vm), () => this.#revert(vm));
    return task;
  }

  /**
   * Powers a VM on that should run and does not, because its host rebooted. It holds its capacity still, so nothing is admitted, and it
   * should be on already, so nothing is stored.
   */
  powerOnAgain(vm: VmRecord): TaskInfo {
    const { tasks } = this.#vmTasks.options;
    const task = tasks.add(this.#vmTasks.draft("VirtualMachine.powerOn", vm));
    this.#vmTasks.run(task, () => this.#switchOn(vm), async () => undefined);
    return task;
  }

  /** PowerOffVM_Task. */
  async powerOff(vm: VmRecord): Promise<TaskInfo> {
    const { inventory, tasks } = this.#vmTasks.options;
    tasks.requireFree(vm.moid);
    if (!vm.isOn) throw VimFault.invalidPowerState("poweredOff", "poweredOff");
    const task = await this.#change("VirtualMachine.powerOff", vm, { ...vm, wantedOn: false });
    const work = async (): Promise<undefined> => {
      await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("invalidPowerState", daemon.powerOffVm(host.spec.name, vm.config.instanceUuid, this.#vmTasks.options.closing)));
      inventory.putVm({ ...inventory.vm(vm.moid), isOn: false });
    };
    this.#vmTasks.run(task, work, () => this.#revert(vm));
    return task;
  }

  /**
   * Destroy_Task. D4: HostD powers the VM off and removes it; a VM it does not have is as good as removed. D5: the records of VM and
   * owner go in one Txn, and its capacity is free.
   */
  destroy({ vm, powerOff, uuid }: DestroyWish): TaskInfo {
    const { inventory, tasks } = this.#vmTasks.options;
    if (uuid !== "" && uuid !== vm.config.uuid) {
      throw new VimFault(`${vm.moid} has BIOS uuid ${vm.config.uuid}, not ${uuid}.`, {
        $case: "ownerMismatch",
        value: { vm: moref("VirtualMachine", vm.moid), requestedOwnerUid: vm.config.ownerUid, existingOwnerUid: vm.config.ownerUid },
      });
    }
    tasks.requireFree(vm.moid);
    if (vm.isOn && !powerOff) throw VimFault.invalidPowerState("poweredOff", "poweredOn");
    const task = tasks.add(this.#vmTasks.draft("VirtualMachine.destroy", vm));
    const step = { podUid: vm.config.ownerUid, name: vm.config.name, namespace: inventory.pool(vm.pool).namespace, subject: vm.moid } as const;
    const startMs = this.#journal.nowMs();
    const work = async (): Promise<undefined> => {
      await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("managedObjectNotFound", daemon.destroyVm(host.spec.name, vm.config.instanceUuid, this.#vmTasks.options.closing)));
      this.#journal.record({ ...step, step: 104, startMs, outcome: "ok", message: `${vm.moid} is gone from its host` });
      const txnMs = this.#journal.nowMs();
      const etcdRevision = await this.#vmTasks.commit({ deletes: inventory.keysOf(vm) });
      inventory.removeVm(vm.moid);
      this.#journal.record({ ...step, step: 105, startMs: txnMs, etcdRevision, outcome: "ok", message: `the records of ${vm.moid} and its owner are gone` });
    };
    const undo = async (fault: VimFault): Promise<void> => this.#journal.record({ ...step, step: 104, startMs, outcome: "failed", message: fault.message });
    this.#vmTasks.run(task, work, undo);
    return task;
  }

  /**
   * Sets what an ordinary VM uses; a pod VM's use is its containers'. It is a change of the VM's config, so it holds the VM like every
   * task while it is stored (vim25: ReconfigVM_Task): two writers of one record could otherwise bring a destroyed VM back.
   */
  async setActivity(vm: VmRecord, activity: ActivityProfile | undefined): Promise<VmRecord> {
    const { inventory, tasks } = this.#vmTasks.options;
    if (vm.config.ownerUid !== "") throw VimFault.notSupported(`${vm.moid} is a vSphere Pod; only ordinary virtual machines can be told their activity`);
    checkActivity(activity, vm.config.memoryMb, "activity");
    const changed = { ...vm, config: { ...vm.config, activity } };
    const task = await this.#change("VirtualMachine.reconfigure", vm, changed);
    tasks.succeed(task.task?.value ?? "", undefined);
    return inventory.vm(vm.moid);
  }

  /** Registers the task and stores the VM as it should be; where it cannot be stored, everything is as before. */
  async #change(descriptionId: string, vm: VmRecord, wanted: VmRecord): Promise<TaskInfo> {
    const { inventory, tasks } = this.#vmTasks.options;
    const task = tasks.add(this.#vmTasks.draft(descriptionId, vm));
    inventory.putVm(wanted);
    try {
      await this.#vmTasks.commit({ puts: [vmEntry(wanted)] });
    } catch (error) {
      inventory.putVm(vm);
      tasks.withdraw(task.task?.value ?? "");
      throw error;
    }
    return task;
  }

  async #switchOn(vm: VmRecord): Promise<undefined> {
    const { inventory, closing } = this.#vmTasks.options;
    await this.#vmTasks.call(vm.host, (daemon, host) => ignoring("invalidPowerState", daemon.powerOnVm(host.spec.name, vm.config.instanceUuid, closing)));
    inventory.putVm({ ...inventory.vm(vm.moid), isOn: true, onHost: true });
  }

  /** Stores again what was wanted before a task that failed. */
  async #revert(vm: VmRecord): Promise<void> {
    const { inventory } = this.#vmTasks.options;
    const reverted = { ...inventory.vm(vm.moid), wantedOn: vm.wantedOn };
    await this.#vmTasks.commit({ puts: [vmEntry(reverted)] });
    inventory.putVm(reverted);
  }
}

/** Takes the fault that says "it is so already" for success. */
async function ignoring(fault: VimFault["fault"]["$case"], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (faultOf(error)?.fault.$case !== fault) throw error;
  }
}
