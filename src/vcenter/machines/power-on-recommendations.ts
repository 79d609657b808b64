import type { Clock } from "../../base/clock.js";
import { toTimestamp } from "../../base/timestamp.js";
import type { DrsRecommendation } from "../../gen/spheresim/vcenter/v1/drs.js";
import type { ClusterRecommendation } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { NOTHING } from "../drs/amount.js";
import { vmShape } from "../drs/vm-shape.js";
import { moref } from "../inventory/moref.js";
import type { Holds } from "../placement/holds.js";
import type { ChosenHost, HostChoice } from "../placement/host-choice.js";
import type { VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import type { VmLifecycle } from "./vm-lifecycle.js";
import type { VmTasks } from "./vm-tasks.js";

/** How long the place of a power-on is kept for a person to say yes, on the monotonic clock. Ours. */
const HOLD_MS = 300_000;
/** So many wait for a person at a time; beyond them PowerOnVms refuses. */
const MAX_KEPT = 1_000;

/** A power-on that DRS recommended, and what became of it. */
export interface PowerOnRecommendation {
  readonly key: string;
  readonly cluster: string;
  /** The VM as it was; another size or another host, and the recommendation is stale. */
  readonly vm: VmRecord;
  readonly target: string;
  readonly rating: number;
  readonly reasonText: string;
  readonly timeMs: number;
  /** `taken`: somebody carries it out, and nobody else can. */
  state: "open" | "taken";
  /** The task that carries it out, once that began. */
  task: string | undefined;
}

/** What recommending power-ons needs. */
export interface PowerOnRecommendationsOptions {
  readonly vmTasks: VmTasks;
  readonly lifecycle: Pick<VmLifecycle, "powerOnAt">;
  readonly choice: Pick<HostChoice, "admit" | "admitToPool">;
  readonly holds: Holds;
  readonly epoch: bigint;
  /** Emulated time. */
  readonly clock: Clock;
}

/**
 * What DRS recommends of PowerOnVms in manual mode: one for each VM at most, with its place held until it is applied or the time is up, so that
 * whatever else is placed meanwhile finds it taken. Kept in memory alone; a restart forgets them.
 *
 * Example: two VMs of half a host each, and a host of which half is free. For the first one a place is held; of the second one PowerOnVms says that
 * nothing has room. Applied, the hold becomes the first one's claim; after five minutes without a word it is free for the second.
 */
export class PowerOnRecommendations {
  readonly #options: PowerOnRecommendationsOptions;
  readonly #byVm = new Map<string, PowerOnRecommendation>();
  #made = 0;

  constructor(options: PowerOnRecommendationsOptions) {
    this.#options = options;
  }

  /** Takes back what is recommended for a VM, whose own hold must not stand in its way; answers it. Throws InvalidState while it is being carried out. */
  withdraw(vm: string): PowerOnRecommendation | undefined {
    const known = this.#byVm.get(vm);
    if (known === undefined) return undefined;
    if (known.state === "taken" && known.task === undefined) throw VimFault.invalidState(`The power-on of ${known.vm.config.name} is about to begin: its recommendation ${known.key} was applied.`);
    this.#forget(known);
    return known;
  }

  /** Keeps a place for a VM on the host that was chosen; the same place as `before` has the same key. Throws InvalidState beyond the limit. */
  recommend(vm: VmRecord, host: ChosenHost | undefined, before: PowerOnRecommendation | undefined): ClusterRecommendation {
    const { vmTasks, holds, clock, epoch } = this.#options;
    const { inventory } = vmTasks.options;
    if (this.#byVm.size >= MAX_KEPT) this.#prune(this.#byVm.values());
    if (this.#byVm.size >= MAX_KEPT) throw VimFault.invalidState(`${MAX_KEPT} power-ons are recommended and wait to be applied.`);
    const { moid: target, spec, cluster } = inventory.host(host?.moid ?? vm.host);
    const total = host?.score ?? 100;
    const isSame = before?.target === target;
    if (!isSame) this.#made += 1;
    const made: PowerOnRecommendation = {
      key: isSame ? before.key : `power-on-${epoch}.${this.#made}`,
      cluster,
      vm,
      target,
      rating: Math.min(5, Math.max(1, Math.ceil(total / 20))),
      reasonText: `Power on ${vm.config.name} on ${spec.name}${target === vm.host ? "" : ", after a move there"}: score ${total.toFixed(1)}.`,
      timeMs: clock.nowMs(),
      state: "open",
      task: undefined,
    };
    const claim = inventory.claimOf({ config: vm.config, host: target, pool: vm.pool, isOn: false });
    // One that vCenter wants on already claims its place itself.
    const held = vm.wantedOn ? { ...claim, pool: undefined, reserved: NOTHING, demand: NOTHING } : claim;
    holds.hold({ key: made.key, ownerUid: "", config: vm.config, host: target, pool: vm.pool, vm: vm.moid, powerOn: true }, held, HOLD_MS);
    this.#byVm.set(vm.moid, made);
    return {
      key: made.key,
      type: "V1",
      time: toTimestamp(made.timeMs),
      rating: made.rating,
      reason: "powerOnVm",
      reasonText: made.reasonText,
      actions: [{ targetHost: moref("HostSystem", target), targetHostName: spec.name, vm: moref("VirtualMachine", vm.moid) }],
      holdUntil: toTimestamp(made.timeMs + HOLD_MS),
    };
  }

  /** One that can be applied, by its key. */
  open(key: string): PowerOnRecommendation | undefined {
    for (const each of this.#byVm.values()) if (each.key === key) return this.#isOpen(each) ? each : undefined;
    return undefined;
  }

  /** Those of a cluster that can be applied or are being carried out, oldest first. */
  standing(cluster: string): DrsRecommendation[] {
    return [...this.#byVm.values()].filter((each) => each.cluster === cluster && this.#stands(each)).map((each) => this.#message(each));
  }

  /**
   * Powers the VM of one that was taken on; resolves once that is durable. Pool and host are asked once more, as they are now; what was held is
   * free for it, and for nobody else before. Throws the VimFault that keeps it off; the recommendation is gone then.
   */
  async begin(taken: PowerOnRecommendation, parent: TaskInfo): Promise<TaskInfo> {
    const { vmTasks, lifecycle, choice, holds } = this.#options;
    const { moid } = taken.vm;
    holds.drop(taken.key);
    try {
      const vm = vmTasks.options.inventory.vm(moid);
      vmTasks.options.tasks.requireFree(moid);
      if (vm.isOn) throw VimFault.invalidPowerState("poweredOn", "poweredOn");
      if (!vm.wantedOn) {
        choice.admitToPool(vm.pool, vmShape(vm.config).reserved);
        choice.admit({ moid, config: vm.config, runs: true }, taken.target);
      }
      const task = await lifecycle.powerOnAt(vm, taken.target, parent);
      taken.task = task.task?.value;
      return task;
    } catch (error) {
      this.#forget(taken);
      throw error;
    }
  }

  /** Some objects have changed: gives back what is held for VMs that are gone, on, elsewhere or of another size. */
  look(changed: ReadonlySet<string>): void {
    this.#prune([...this.#byVm.values()].filter(({ vm }) => changed.has(vm.moid)));
  }

  #prune(known: Iterable<PowerOnRecommendation>): void {
    for (const each of known) if (each.state === "open" ? !this.#isOfUse(each) : !this.#stands(each)) this.#forget(each);
  }

  #isOpen(known: PowerOnRecommendation): boolean {
    const { tasks, inventory } = this.#options.vmTasks.options;
    return known.state === "open" && this.#isOfUse(known) && inventory.cluster(known.cluster).drsConfig?.enabled !== false && tasks.holderOf(known.vm.moid) === undefined;
  }

  /** Whether its place is still held, for a VM that is as it was. */
  #isOfUse({ key, vm, state }: PowerOnRecommendation): boolean {
    const { vmTasks, holds } = this.#options;
    const now = vmTasks.options.inventory.findVm(vm.moid);
    return state === "open" && holds.ofVm(vm.moid)?.key === key && now !== undefined && !now.isOn && now.host === vm.host && now.migration === undefined && now.config === vm.config && now.pool === vm.pool;
  }

  #stands(known: PowerOnRecommendation): boolean {
    if (known.state === "open") return this.#isOpen(known);
    const task = known.task === undefined ? undefined : this.#options.vmTasks.options.tasks.get(known.task);
    // Without a task it is just being stored.
    return known.task === undefined || (task !== undefined && task.completeTime === undefined);
  }

  #forget(known: PowerOnRecommendation): void {
    this.#options.holds.drop(known.key);
    if (this.#byVm.get(known.vm.moid) === known) this.#byVm.delete(known.vm.moid);
  }

  #message({ key, rating, reasonText, vm, target, timeMs, task }: PowerOnRecommendation): DrsRecommendation {
    const { inventory } = this.#options.vmTasks.options;
    return {
      key,
      rating,
      reason: "powerOnVm",
      reasonText,
      vm: moref("VirtualMachine", vm.moid),
      vmName: vm.config.name,
      sourceHost: moref("HostSystem", vm.host),
      sourceHostName: inventory.findHost(vm.host)?.spec.name ?? "",
      targetHost: moref("HostSystem", target),
      targetHostName: inventory.findHost(target)?.spec.name ?? "",
      time: toTimestamp(timeMs),
      task: task === undefined ? undefined : moref("Task", task),
    };
  }
}
