import { Bell } from "../../base/bell.js";
import type { Clock } from "../../base/clock.js";
import { RpcError } from "../../base/rpc-error.js";
import { HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import { type HostRecord, isClosed, reachOf, type VmRecord } from "../store/records.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import { VimFault } from "../vim-fault.js";
import { KeptVms, stayingText } from "./kept-vms.js";

/** Who moves VMs away. */
export interface Mover {
  /** Whether it does so by itself at this moment, without a person. */
  isAutomatic(host: HostRecord): boolean;
  /** Begins to move an ordinary VM to another host, as a child of `parent`; resolves once that is durable. Throws the VimFault that keeps it. */
  move(vm: VmRecord, parent: TaskInfo): Promise<TaskInfo>;
}

/** What evacuating needs. */
export interface EvacuationOptions {
  readonly inventory: Inventory;
  readonly tasks: TaskRegistry;
  readonly mover: Mover;
  /** Emulated time. */
  readonly clock: Clock;
}

/** Until when, and what for. */
export interface EvacuationOrder {
  readonly host: string;
  readonly task: TaskInfo;
  /** Emulated time in milliseconds; undefined waits for ever. */
  readonly deadlineMs: number | undefined;
  /** Whether powered-off VMs must leave too. */
  readonly poweredOffToo: boolean;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal;
  /** Told of a VM that cannot leave: at first, and when it is kept by something else than before. */
  readonly onKept?: ((vm: VmRecord, fault: VimFault) => void) | undefined;
}

/** A VM that could not leave is tried again with the next pass of DRS, which comes each minute of emulated time, or when a host comes (back). */
export const PASS_MS = 60_000;

/**
 * Waits until nothing runs on a host, and has what can be moved moved. Looks again whenever one of the VMs that stay, the host, its cluster
 * or a task on one of these VMs changes. Its task says who stays, and why.
 *
 * Example: database (running), pod (running) and archive (off) on a host of a fully automated cluster. The database is migrated at once; the
 * wait goes on until somebody deletes the pod; the archive stays unless `poweredOffToo`.
 */
export class Evacuation {
  readonly #options: EvacuationOptions;
  readonly #order: EvacuationOrder;
  /** When a VM may be tried next, emulated time in milliseconds. */
  readonly #nextTryMs = new Map<string, number>();
  readonly #kept = new KeptVms();
  #stay: ReadonlySet<string> = new Set();
  /** Hosts of the cluster to which VMs can go, as far as the hosts' own state says. */
  readonly #open = new Set<string>();
  #most = 0;

  constructor(options: EvacuationOptions, order: EvacuationOrder) {
    this.#options = options;
    this.#order = order;
  }

  /** Resolves when nothing stays. Throws Timedout, HostNotConnected, ManagedObjectNotFound, or the reason of the signal. */
  async done(): Promise<void> {
    const { inventory, tasks } = this.#options;
    const { host, signal } = this.#order;
    const bell = new Bell();
    const { cluster } = inventory.host(host);
    for (const other of inventory.hosts) if (other.cluster === cluster && takesVms(other)) this.#open.add(other.moid);
    const ends = [
      inventory.feed.observe((key) => void ((key === host || key === cluster || this.#stay.has(key) || this.#opens(key, cluster)) && bell.ring())),
      tasks.feed.observe((key) => {
        const task = tasks.get(key);
        const isOfStaying = this.#stay.has(task?.entity?.value ?? "");
        if (isOfStaying) this.#look(task);
        // One that could not be stored is there no more, and may have let go of a VM that stays.
        if (isOfStaying || task === undefined) bell.ring();
      }),
    ];
    try {
      for (;;) {
        signal.throwIfAborted();
        const record = inventory.host(host);
        if (record.disconnected) throw VimFault.hostNotConnected(record.spec.name);
        const staying = this.staying();
        if (staying.length === 0) return;
        this.#requireTime();
        this.#stay = new Set(staying.map((vm) => vm.moid));
        this.#kept.retain(this.#stay);
        this.#report(staying.length);
        if (record.responding && this.#options.mover.isAutomatic(record)) await this.#moveSome(staying);
        this.#describe();
        await this.#changeComes(bell);
      }
    } finally {
      for (const end of ends) end();
    }
  }

  /** Whether a host of the cluster can take VMs that could not a moment ago: then every VM may be tried at once. */
  #opens(key: string, cluster: string): boolean {
    const host = this.#options.inventory.findHost(key);
    if (host === undefined || host.cluster !== cluster || !takesVms(host)) {
      this.#open.delete(key);
      return false;
    }
    if (this.#open.has(key)) return false;
    this.#open.add(key);
    this.#nextTryMs.clear();
    return true;
  }

  /** The VMs that keep the host from being empty: they run, a task is about them, or they are on their way from or to it. */
  staying(): readonly VmRecord[] {
    const { inventory } = this.#options;
    const { host } = this.#order;
    return [...new Set([...inventory.vmsOn(host).filter((vm) => this.#stays(vm)), ...inventory.migratingBy(host)])];
  }

  #stays(vm: VmRecord): boolean {
    return this.#order.poweredOffToo || runs(vm) || this.#options.tasks.holderOf(vm.moid) !== undefined;
  }

  /** Has each ordinary VM moved whose turn it is and which no task holds. */
  async #moveSome(staying: readonly VmRecord[]): Promise<void> {
    const { inventory, tasks, mover, clock } = this.#options;
    const { task, signal } = this.#order;
    for (const moid of this.#nextTryMs.keys()) if (!this.#stay.has(moid)) this.#nextTryMs.delete(moid);
    for (const { moid } of staying) {
      // While those before it were stored it may have left by other hands, or gone off.
      const vm = inventory.findVm(moid);
      if (vm === undefined || !this.#stays(vm) || vm.host !== this.#order.host || tasks.holderOf(moid) !== undefined) continue;
      if (vm.config.guestId === POD_GUEST_ID) {
        this.#keep(vm, VimFault.podStays(vm.config.name, moid));
        continue;
      }
      if ((this.#nextTryMs.get(vm.moid) ?? 0) > clock.nowMs()) continue;
      signal.throwIfAborted();
      this.#requireTime();
      this.#nextTryMs.set(vm.moid, clock.nowMs() + PASS_MS);
      try {
        await mover.move(vm, task);
        this.#kept.free(vm.moid);
      } catch (error) {
        signal.throwIfAborted();
        // It may be able to go later: when another host has room again, or when fewer tasks run.
        if (!(error instanceof VimFault || error instanceof RpcError)) throw error;
        this.#keep(vm, error instanceof VimFault ? error : VimFault.invalidState(error.message));
      }
    }
  }

  #keep(vm: VmRecord, fault: VimFault): void {
    if (this.#kept.keep(vm.moid, fault)) this.#order.onKept?.(vm, fault);
  }

  /** A move that began and failed keeps its VM; its own event says so. */
  #look(task: TaskInfo | undefined): void {
    if (task?.error?.fault !== undefined && task.parentTaskKey === this.#order.task.task?.value) this.#kept.keep(task.entity?.value ?? "", VimFault.of(task.error));
  }

  /** Has the task say which VMs are not on their way, and why. */
  #describe(): void {
    const { inventory, tasks, mover } = this.#options;
    const record = inventory.host(this.#order.host);
    const general = record.responding ? (mover.isAutomatic(record) ? undefined : "DRS moves nothing by itself, as it is not fully automated") : `${record.spec.name} does not respond`;
    const staying = this.staying().flatMap((vm): (readonly [string, string])[] => {
      if (tasks.holderOf(vm.moid) !== undefined || vm.host !== record.moid) return [];
      const why = vm.config.guestId === POD_GUEST_ID ? "a vSphere Pod never moves" : (general ?? this.#kept.why(vm.moid)?.message);
      return why === undefined ? [] : [[vm.config.name, why]];
    });
    tasks.describe(this.#order.task.task?.value ?? "", stayingText(staying));
  }

  #requireTime(): void {
    const { deadlineMs } = this.#order;
    if (deadlineMs !== undefined && this.#options.clock.nowMs() >= deadlineMs) throw VimFault.timedout();
  }

  /** Percent of the most VMs that ever had to leave. */
  #report(left: number): void {
    this.#most = Math.max(this.#most, left);
    const moid = this.#order.task.task?.value ?? "";
    const percent = Math.floor((100 * (this.#most - left)) / this.#most);
    if (this.#options.tasks.get(moid)?.progress !== percent) this.#options.tasks.progress(moid, percent);
  }

  /** Waits for a ring of the bell, the deadline, or the time of the next try. What could have been tried by now waits for a ring. */
  async #changeComes(bell: Bell): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const untilMs = Math.min(this.#order.deadlineMs ?? Infinity, ...[...this.#nextTryMs.values()].filter((tryMs) => tryMs > nowMs));
    const timer = untilMs === Infinity ? undefined : clock.timer(Math.max(0, untilMs - nowMs), () => bell.ring());
    await bell.heard(this.#order.signal);
    timer?.cancel();
  }
}

function takesVms(host: HostRecord): boolean {
  return reachOf(host) === "connected" && !isClosed(host) && host.powerState === HostPowerState.POWERED_ON;
}

/** Whether a VM runs on its host, or is to run there again; an orphan does not. */
function runs(vm: VmRecord): boolean {
  return vm.isOn || (vm.wantedOn && vm.onHost !== false);
}
