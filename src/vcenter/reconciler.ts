import { Backoff } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { type HostVm } from "../gen/spheresim/hostd/v1/host.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { faultOf } from "./errors.js";
import type { HostFacts } from "./host-links.js";
import type { HostRecord, VmRecord } from "./records.js";
import { Turns } from "./turns.js";
import type { VmLifecycle } from "./vm-lifecycle.js";
import type { VmTasks } from "./vm-tasks.js";

/** What reconciling needs. */
export interface ReconcilerOptions {
  readonly vmTasks: VmTasks;
  readonly lifecycle: VmLifecycle;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly closing: AbortSignal;
}

const RETRY = { initialMs: 500, maxMs: 30_000 } as const;
/** After so many tries a VM is left as it is until its host says something about it again. */
const MAX_TRIES = 10;
/** So many repairs go on at a time. */
const MAX_REPAIRS = 32;

/**
 * Makes hosts fit the records, whenever a host says what it has.
 *
 * | record | on its host | then |
 * |---|---|---|
 * | yes | yes, other power state than recorded | the record shows what the host says |
 * | yes, should be on | powered off | powered on again: the host rebooted |
 * | yes | no | shown as orphaned |
 * | no | yes | destroyed, once it is sure that no other vCenter has taken over: no record, no right to run |
 *
 * VMs that a task holds are left to the task; what should be on is looked at again when the task has let go of it.
 */
export class Reconciler implements HostFacts {
  readonly #options: ReconcilerOptions;
  readonly #repairs = new Turns(MAX_REPAIRS);
  /** Instance uuids under repair. */
  readonly #atWork = new Set<string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  onConnected(host: HostRecord, vms: readonly HostVm[]): void {
    const { inventory } = this.#options.vmTasks.options;
    inventory.putHost({ ...host, responding: true });
    this.#options.log.info({ host: host.spec.name, address: host.address, vms: vms.length }, "host connected");
    const there = new Set(vms.map((vm) => vm.config?.instanceUuid ?? ""));
    for (const vm of inventory.vmsOn(host.moid)) if (!there.has(vm.config.instanceUuid)) this.onVmGone(host, vm.config.instanceUuid);
    for (const vm of vms) this.onVm(host, vm);
  }

  onLost(host: HostRecord): void {
    const { inventory } = this.#options.vmTasks.options;
    inventory.putHost({ ...host, responding: false });
    if (!this.#options.closing.aborted) this.#options.log.warn({ host: host.spec.name, address: host.address }, "host does not respond");
  }

  onVm(host: HostRecord, hostVm: HostVm): void {
    const { inventory } = this.#options.vmTasks.options;
    const instanceUuid = hostVm.config?.instanceUuid ?? "";
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (vm === undefined || vm.host !== host.moid) {
      this.#repair(instanceUuid, () => this.#destroyUnknown(host, hostVm));
      return;
    }
    const isOn = hostVm.powerState === VirtualMachinePowerState.POWERED_ON;
    if (vm.isOn !== isOn || vm.onHost !== true) inventory.putVm({ ...vm, isOn, onHost: true });
    if (vm.wantedOn && !isOn) this.#repair(instanceUuid, () => this.#powerOnAgain(vm.moid));
  }

  onVmGone(host: HostRecord, instanceUuid: string): void {
    const { inventory, tasks } = this.#options.vmTasks.options;
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (vm === undefined || vm.host !== host.moid || tasks.holderOf(vm.moid) !== undefined) return;
    inventory.putVm({ ...vm, isOn: false, onHost: false });
    this.#options.log.warn({ host: host.spec.name, vm: vm.moid }, "a host does not have a virtual machine that it should have");
  }

  /** The record of a VM went away although its host may have it: if the host has it, it is destroyed. */
  abandoned(vm: VmRecord, hostVm: HostVm | undefined): void {
    const host = this.#options.vmTasks.options.inventory.findHost(vm.host);
    if (host !== undefined && hostVm !== undefined) this.#repair(vm.config.instanceUuid, () => this.#destroyUnknown(host, hostVm));
  }

  /** Starts a repair unless one is under way for this VM. Tries again with growing waits; gives up after MAX_TRIES. */
  #repair(instanceUuid: string, attempt: () => Promise<boolean>): void {
    if (this.#atWork.has(instanceUuid)) return;
    this.#atWork.add(instanceUuid);
    const { monotonic, closing, log } = this.#options;
    const tries = async (): Promise<void> => {
      const backoff = new Backoff(RETRY);
      while (backoff.attempts < MAX_TRIES) {
        if (closing.aborted || (await this.#repairs.take(attempt))) return;
        await monotonic.sleep(backoff.nextMs(), closing);
      }
      log.error({ instanceUuid }, "a virtual machine could not be brought in line with its record");
    };
    void tries()
      .catch((error: unknown) => void (closing.aborted || log.error({ err: error, instanceUuid }, "a repair failed")))
      .finally(() => this.#atWork.delete(instanceUuid));
  }

  /** True when there is nothing left to do. */
  async #destroyUnknown(host: HostRecord, hostVm: HostVm): Promise<boolean> {
    const { vmTasks, closing, log } = this.#options;
    const { inventory } = vmTasks.options;
    const instanceUuid = hostVm.config?.instanceUuid ?? "";
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (vm !== undefined && vm.host === host.moid) return true;
    if (inventory.findHost(host.moid)?.responding !== true) return true;
    // A vCenter that was paused while another took over does not know the other's VMs.
    await vmTasks.options.store.confirm();
    log.warn({ host: host.spec.name, instanceUuid, name: hostVm.config?.name }, "destroying a virtual machine that has no record");
    try {
      await vmTasks.call(host.moid, (daemon, record) => daemon.destroyVm(record.spec.name, instanceUuid, closing));
      return true;
    } catch (error) {
      return faultOf(error)?.fault.$case === "managedObjectNotFound";
    }
  }

  async #powerOnAgain(moid: string): Promise<boolean> {
    const { vmTasks, lifecycle, log } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    const vm = inventory.findVm(moid);
    if (vm === undefined || !vm.wantedOn || vm.isOn) return true;
    if (inventory.findHost(vm.host)?.responding !== true) return true;
    if (tasks.holderOf(moid) !== undefined) return false;
    await vmTasks.options.store.confirm();
    if (tasks.holderOf(moid) !== undefined) return false;
    if (inventory.findVm(moid)?.wantedOn !== true) return true;
    log.info({ vm: moid, name: vm.config.name }, "powering a virtual machine on again after its host rebooted");
    const task = lifecycle.powerOnAgain(vm);
    await vmTasks.ended(task.task?.value ?? "");
    return inventory.findVm(moid)?.isOn !== false;
  }
}
