import { Backoff } from "../../base/backoff.js";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { type HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import { type VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import { faultOf } from "../errors.js";
import { type EventLog, vmFacts } from "../events/event-log.js";
import { GuestEvents } from "../events/guest-events.js";
import type { HostEvents } from "../events/host-events.js";
import { GuestRestarts } from "./guest-restarts.js";
import type { HostFacts } from "./host-facts.js";
import type { HostRecord, VmRecord } from "../store/records.js";
import { Turns } from "../store/turns.js";
import type { VmLifecycle } from "../machines/vm-lifecycle.js";
import type { VmTasks } from "../machines/vm-tasks.js";

/** What reconciling needs. */
export interface ReconcilerOptions {
  readonly vmTasks: VmTasks;
  readonly lifecycle: VmLifecycle;
  /** Emulated time. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly closing: AbortSignal;
  readonly events: EventLog;
  readonly hostEvents: HostEvents;
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
 * | yes, should be on | powered off | powered on again: the host rebooted, or, after a growing wait, the guest died |
 * | yes | no | shown as orphaned |
 * | yes, with other settings | yes | reconfigured to those of the record |
 * | yes, on another host | yes | released: what a migration left behind |
 * | no | yes | destroyed, once it is sure that no other vCenter has taken over: no record, no right to run |
 *
 * Both hosts of a migration under way are left to it. VMs that a task holds are left to the task; what should be on is looked at again when the task has let go of it.
 */
export class Reconciler implements HostFacts {
  readonly #options: ReconcilerOptions;
  readonly #repairs = new Turns(MAX_REPAIRS);
  /** Hosts and instance uuids under repair. */
  readonly #atWork = new Set<string>();
  /** VMs that are being taken off a host at this moment. */
  readonly #removals = new Map<string, Promise<unknown>>();
  readonly #guestEvents: GuestEvents;
  readonly #guestRestarts = new GuestRestarts();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#guestEvents = new GuestEvents(options.events);
    options.vmTasks.options.inventory.feed.observeRemovals((key) => this.#guestRestarts.forget(key));
  }

  onConnected(host: HostRecord, vms: readonly HostVm[]): void {
    const { inventory } = this.#options.vmTasks.options;
    inventory.putHost({ ...host, responding: true });
    this.#options.log.info({ host: host.spec.name, address: host.address, vms: vms.length }, "host connected");
    const there = new Set(vms.map((vm) => vm.config?.instanceUuid ?? ""));
    this.#options.hostEvents.connected(host, there);
    for (const vm of inventory.vmsOn(host.moid)) if (!there.has(vm.config.instanceUuid)) this.onVmGone(host, vm.config.instanceUuid);
    for (const vm of vms) this.onVm(host, vm);
  }

  onLost(host: HostRecord): void {
    const { inventory } = this.#options.vmTasks.options;
    inventory.putHost({ ...host, responding: false });
    if (!this.#options.closing.aborted) this.#options.hostEvents.lost(host);
    if (!this.#options.closing.aborted) this.#options.log.warn({ host: host.spec.name, address: host.address }, "host does not respond");
  }

  onVm(host: HostRecord, hostVm: HostVm): void {
    const { clock, vmTasks } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    const instanceUuid = hostVm.config?.instanceUuid ?? "";
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (belongsElsewhere(vm, host.moid)) {
      this.#repair(host, instanceUuid, () => this.#destroyUnknown(host, hostVm));
      return;
    }
    if (vm === undefined || vm.host !== host.moid) return;
    const isOn = hostVm.powerState === VirtualMachinePowerState.POWERED_ON;
    const heartbeat = hostVm.guestHeartbeatStatus === ManagedEntityStatus.UNSPECIFIED ? ManagedEntityStatus.GRAY : hostVm.guestHeartbeatStatus;
    if (vm.isOn !== isOn || vm.onHost !== true || vm.heartbeat !== heartbeat) inventory.putVm({ ...vm, isOn, onHost: true, heartbeat });
    this.#options.hostEvents.vmSeen(vm);
    this.#guestEvents.heartbeatChanged(vm, vm.heartbeat, heartbeat);
    // What a task does to the VM, the task tells.
    const byItself = vm.isOn !== isOn && tasks.holderOf(vm.moid) === undefined;
    const guestDied = byItself && !isOn && hostVm.lastFault !== undefined;
    if (guestDied) this.#guestEvents.died(vm, hostVm);
    if (byItself) this.#options.events.post(isOn ? "VmPoweredOnEvent" : "VmPoweredOffEvent", { vm: vmFacts(vm) });
    const waitMs = guestDied ? this.#guestRestarts.waitMs(vm.moid, clock.nowMs()) : 0;
    if (vm.wantedOn && !isOn) this.#repair(host, instanceUuid, () => this.#powerOnAgain(vm.moid), waitMs);
    else if (hostVm.config !== undefined && !isAsRecorded(vm, hostVm.config)) this.#repair(host, instanceUuid, () => this.#reconfigureAgain(vm.moid));
  }

  onVmGone(host: HostRecord, instanceUuid: string): void {
    const { inventory, tasks } = this.#options.vmTasks.options;
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (vm === undefined || vm.host !== host.moid || tasks.holderOf(vm.moid) !== undefined) return;
    inventory.putVm({ ...vm, isOn: false, onHost: false });
    if (vm.onHost !== false) this.#options.hostEvents.vmMissing(vm);
    this.#options.log.warn({ host: host.spec.name, vm: vm.moid }, "a host does not have a virtual machine that it should have");
  }

  /** The record of a VM went away although its host may have it: if the host has it, it is destroyed. */
  abandoned(vm: VmRecord, hostVm: HostVm | undefined): void {
    const host = this.#options.vmTasks.options.inventory.findHost(vm.host);
    if (host !== undefined && hostVm !== undefined) this.#repair(host, vm.config.instanceUuid, () => this.#destroyUnknown(host, hostVm));
  }

  /** Resolves when no VM of this uuid is being taken off the host: what arrives there must not be taken for what is leaving. */
  async removed(host: string, instanceUuid: string): Promise<void> {
    await this.#removals.get(keyOf(host, instanceUuid))?.catch(() => undefined);
  }

  /** Starts a repair, after a wait of emulated time, unless one is under way for this VM. Tries again with growing waits; gives up after MAX_TRIES. */
  #repair(host: HostRecord, instanceUuid: string, attempt: () => Promise<boolean>, waitMs = 0): void {
    const key = keyOf(host.moid, instanceUuid);
    if (this.#atWork.has(key)) return;
    this.#atWork.add(key);
    const { clock, monotonic, closing, log } = this.#options;
    const tries = async (): Promise<void> => {
      if (waitMs > 0) await clock.sleep(waitMs, closing);
      const backoff = new Backoff(RETRY);
      while (backoff.attempts < MAX_TRIES) {
        if (closing.aborted || (await this.#repairs.take(attempt))) return;
        await monotonic.sleep(backoff.nextMs(), closing);
      }
      log.error({ instanceUuid }, "a virtual machine could not be brought in line with its record");
    };
    void tries()
      .catch((error: unknown) => void (closing.aborted || log.error({ err: error, instanceUuid }, "a repair failed")))
      .finally(() => this.#atWork.delete(key));
  }

  /** True when there is nothing left to do. */
  async #destroyUnknown(host: HostRecord, hostVm: HostVm): Promise<boolean> {
    const { vmTasks, closing, log } = this.#options;
    const { inventory } = vmTasks.options;
    const instanceUuid = hostVm.config?.instanceUuid ?? "";
    if (inventory.findHost(host.moid)?.responding !== true) return true;
    // A vCenter that was paused while another took over does not know the other's VMs.
    await vmTasks.options.store.confirm();
    const vm = inventory.vmByInstanceUuid(instanceUuid);
    if (!belongsElsewhere(vm, host.moid)) return true;
    if (inventory.findHost(host.moid)?.responding !== true) return true;
    log.warn({ host: host.spec.name, instanceUuid, name: hostVm.config?.name }, vm === undefined ? "destroying a virtual machine that has no record" : "releasing a virtual machine that is on another host");
    const key = keyOf(host.moid, instanceUuid);
    const removal = vmTasks.call(host.moid, (daemon, { spec }) => (vm === undefined ? daemon.destroyVm(spec.name, instanceUuid, closing) : daemon.releaseVm(spec.name, instanceUuid, closing)));
    this.#removals.set(key, removal);
    try {
      await removal;
      return true;
    } catch (error) {
      return faultOf(error)?.fault.$case === "managedObjectNotFound";
    } finally {
      this.#removals.delete(key);
    }
  }

  /** A change that vCenter gave up, or that its host never heard of. */
  async #reconfigureAgain(moid: string): Promise<boolean> {
    const { vmTasks, closing, log } = this.#options;
    const { inventory, tasks } = vmTasks.options;
    await vmTasks.options.store.confirm();
    const vm = inventory.findVm(moid);
    if (vm === undefined || inventory.findHost(vm.host)?.responding !== true) return true;
    if (tasks.holderOf(moid) !== undefined) return false;
    log.warn({ vm: moid, name: vm.config.name }, "giving a virtual machine the settings of its record again");
    const task = tasks.add(vmTasks.draft("VirtualMachine.reconfigure", vm));
    let done = false;
    const work = async (): Promise<undefined> => {
      await vmTasks.call(vm.host, (daemon) => daemon.reconfigureVm(inventory.host(vm.host).spec.name, vm.config, closing));
      done = true;
    };
    vmTasks.run(task, { work, undo: async () => undefined });
    await vmTasks.ended(task.task?.value ?? "");
    return done;
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

function keyOf(host: string, instanceUuid: string): string {
  return `${host}/${instanceUuid}`;
}

/** Whether a VM that a host has is not its own by the records: it has none, or one that names other hosts. */
function belongsElsewhere(vm: VmRecord | undefined, host: string): boolean {
  return vm === undefined || (vm.host !== host && vm.migration?.source !== host && vm.migration?.target !== host);
}

/** Whether an ordinary VM has the settings of its record, as far as a reconfiguration changes them; a pod VM never changes. */
function isAsRecorded({ config, reconfiguringTo }: VmRecord, there: VirtualMachineConfigSpec): boolean {
  return config.guestId === POD_GUEST_ID || reconfiguringTo !== undefined || settings(config) === settings(there);
}

function settings({ name, numCpus, memoryMb, overheadMemoryMb, cpuAllocation, memoryAllocation }: VirtualMachineConfigSpec): string {
  const numbers = [cpuAllocation, memoryAllocation].flatMap((info) => [info?.reservation ?? 0, info?.limit ?? -1, info?.shares?.level ?? 0, info?.shares?.shares ?? 0]);
  return [name, numCpus, memoryMb, overheadMemoryMb, ...numbers].join("/");
}
