import type { Clock } from "../../base/clock.js";
import type { ResourceAllocationInfo } from "../../gen/spheresim/vim/v1/resource.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { ActivityProfile, VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { ReconfigureVmRequest } from "../../gen/spheresim/vcenter/v1/virtual_machine.js";
import { checkActivity, started } from "../activity/activity.js";
import { minus, largest, NOTHING } from "../drs/amount.js";
import { admissionFault } from "../drs/host-admission.js";
import { POD_GUEST_ID, vmShape } from "../drs/vm-shape.js";
import type { HostChoice } from "../placement/host-choice.js";
import type { VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import { requireFreeName } from "./free-name.js";
import { sharingParts } from "./config-parts.js";
import { completeVmConfig } from "./vm-config.js";
import type { VmTasks, VmWork } from "./vm-tasks.js";

/** What of an ordinary VM can be changed; what is absent stays. */
export type Change = Pick<ReconfigureVmRequest, "name" | "numCpus" | "memoryMb" | "cpuAllocation" | "memoryAllocation">;

/**
 * ReconfigVM_Task. The record names what the VM becomes before HostD is called, and claims the larger of before and after until HostD has
 * answered; a vCenter that starts meanwhile goes on with it.
 */
export class Reconfigurations {
  readonly #vmTasks: VmTasks;
  readonly #choice: HostChoice;
  readonly #clock: Clock;

  constructor(vmTasks: VmTasks, choice: HostChoice, clock: Clock) {
    this.#vmTasks = vmTasks;
    this.#choice = choice;
    this.#clock = clock;
  }

  async reconfigure(vm: VmRecord, change: Change): Promise<TaskInfo> {
    const { inventory, tasks } = this.#vmTasks.options;
    if (vm.config.guestId === POD_GUEST_ID) throw VimFault.notSupported(`${vm.moid} is a vSphere Pod, whose size is its pod's`);
    const config = changed(vm.config, change);
    requireWithinCpus(config, inventory.host(vm.host).spec.cpuMhz);
    tasks.requireFree(vm.moid);
    if (config.name !== vm.config.name) requireFreeName(config.name, inventory.host(vm.host).cluster, inventory, vm.moid);
    const resized = config.numCpus !== vm.config.numCpus || config.memoryMb !== vm.config.memoryMb;
    if (resized && vm.isOn) throw VimFault.invalidPowerState("poweredOff", "poweredOn");
    if (vm.isOn || vm.wantedOn) this.#admitGrowth(vm, config);
    const task = await this.#vmTasks.intend(this.#vmTasks.draft("VirtualMachine.reconfigure", vm), vm, { ...vm, reconfiguringTo: config });
    return this.#vmTasks.run(task, this.#reconfiguring(task, vm.moid));
  }

  /** Takes up a reconfiguration of the vCenter before this one. */
  resume(task: TaskInfo, vm: VmRecord): void {
    this.#vmTasks.run(this.#vmTasks.options.tasks.add(task), this.#reconfiguring(task, vm.moid));
  }

  /**
   * Sets what an ordinary VM uses; a pod VM's use is its containers'. It is a change of the VM's config, so it holds the VM like every
   * task while it is stored: two writers of one record could otherwise bring a destroyed VM back. HostD knows nothing of it.
   */
  async setActivity(vm: VmRecord, activity: ActivityProfile | undefined): Promise<void> {
    const { tasks } = this.#vmTasks.options;
    if (vm.config.guestId === POD_GUEST_ID) throw VimFault.notSupported(`${vm.moid} is a vSphere Pod; only ordinary virtual machines can be told their activity`);
    checkActivity(activity, vm.config.memoryMb, "activity");
    const draft = this.#vmTasks.draft("VirtualMachine.reconfigure", vm);
    const moid = draft.task?.value ?? "";
    const config = { ...vm.config, activity: started(activity, this.#clock.nowMs()) };
    tasks.add(draft);
    try {
      // One Txn, so there is nothing to take up after a crash.
      await this.#vmTasks.conclude(moid, { ...vm, config });
    } catch (error) {
      tasks.withdraw(moid);
      throw error;
    }
    tasks.succeed(moid, undefined);
  }

  #reconfiguring(task: TaskInfo, moid: string): VmWork {
    const { inventory, closing } = this.#vmTasks.options;
    const key = task.task?.value ?? "";
    const work = async (): Promise<undefined> => {
      const { host, reconfiguringTo: config } = inventory.vm(moid);
      if (config !== undefined) await this.#vmTasks.call(host, (daemon, { spec }) => daemon.reconfigureVm(spec.name, config, closing));
      const now = inventory.vm(moid);
      await this.#vmTasks.conclude(key, { ...now, config: config ?? now.config, reconfiguringTo: undefined });
    };
    const undo = (): Promise<void> => this.#vmTasks.conclude(key, { ...inventory.vm(moid), reconfiguringTo: undefined });
    return { work, undo };
  }

  /** Only what is reserved more has to be found, in the pool and the pools above it, and on the host. */
  #admitGrowth(vm: VmRecord, config: VirtualMachineConfigSpec): void {
    const growth = largest(NOTHING, minus(vmShape(config).reserved, vmShape(vm.config).reserved));
    this.#choice.admitToPool(vm.pool, growth);
    const fault = admissionFault(this.#vmTasks.options.inventory.ledger.hosts, vm.host, growth);
    if (fault !== undefined) throw VimFault.of(fault);
  }
}

/** The config after the change, complete again: shares of a level follow the size. Throws InvalidArgument with the path in the request. */
function changed(config: VirtualMachineConfigSpec, change: Change): VirtualMachineConfigSpec {
  const { activity } = config;
  const complete = completeVmConfig(
    {
      ...config,
      // A smaller VM is told to use what it was told; it uses no more than it has.
      activity: undefined,
      name: change.name ?? config.name,
      numCpus: change.numCpus ?? config.numCpus,
      memoryMb: change.memoryMb ?? config.memoryMb,
      cpuAllocation: changedAllocation(config.cpuAllocation, change.cpuAllocation),
      memoryAllocation: changedAllocation(config.memoryAllocation, change.memoryAllocation),
    },
    "",
  );
  return sharingParts({ ...complete, activity });
}

function changedAllocation(info: ResourceAllocationInfo | undefined, change: ResourceAllocationInfo | undefined): ResourceAllocationInfo {
  return {
    reservation: change?.reservation ?? info?.reservation,
    expandableReservation: info?.expandableReservation,
    limit: change?.limit ?? info?.limit,
    shares: change?.shares ?? info?.shares,
  };
}

/** Refuses a reservation of more CPU than the virtual CPUs have on a host with cores of `coreMhz`. */
export function requireWithinCpus({ numCpus, cpuAllocation }: VirtualMachineConfigSpec, coreMhz: number, field = "cpu_allocation.reservation"): void {
  const reservedMhz = cpuAllocation?.reservation ?? 0;
  if (reservedMhz > numCpus * coreMhz) throw VimFault.invalidArgument(field, `${reservedMhz} MHz is more than ${numCpus} virtual CPUs of ${coreMhz} MHz have`);
}
