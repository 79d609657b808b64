import { RpcError } from "../../base/rpc-error.js";
import { DrsBehavior } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { ClusterRecommendation } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { AttemptedPowerOn, NotAttemptedPowerOn, PowerOnVmsResponse } from "../../gen/spheresim/vcenter/v1/virtual_machine.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { POD_GUEST_ID, vmShape } from "../drs/vm-shape.js";
import type { ChosenHost, HostChoice } from "../placement/host-choice.js";
import { moref } from "../inventory/moref.js";
import { reachOf, type VmRecord } from "../store/records.js";
import { MAX_BATCH } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";
import type { PowerOnRecommendations } from "./power-on-recommendations.js";
import type { VmLifecycle } from "./vm-lifecycle.js";
import type { VmTasks } from "./vm-tasks.js";

/** vim25's description of the task above those of the VMs. */
export const POWER_ON_VMS_TASK = "Datacenter.powerOnVm";

/** A VM that may go on, and the best host for it; it keeps the place it claims where none is named. */
interface Chosen {
  readonly vm: VmRecord;
  readonly host: ChosenHost | undefined;
}

/** How the cluster of the VMs lets DRS act. */
interface Powers {
  /** Whether DRS chooses hosts at all; each VM stays where it is otherwise. */
  readonly chooses: boolean;
  /** Whether it only recommends. */
  readonly recommends: boolean;
}

/**
 * Datacenter.PowerOnMultiVM_Task: each VM goes on where DRS finds best for it at that moment, after a move there if it is registered
 * elsewhere. A vSphere Pod never moves, nor does a VM whose host does not answer: their own host is the only one.
 */
export class MultiPowerOn {
  readonly #vmTasks: VmTasks;
  readonly #lifecycle: VmLifecycle;
  readonly #choice: HostChoice;
  readonly #recommendations: PowerOnRecommendations;

  constructor(vmTasks: VmTasks, lifecycle: VmLifecycle, choice: HostChoice, recommendations: PowerOnRecommendations) {
    this.#vmTasks = vmTasks;
    this.#lifecycle = lifecycle;
    this.#choice = choice;
    this.#recommendations = recommendations;
  }

  async powerOn(refs: readonly ManagedObjectReference[], override: boolean): Promise<PowerOnVmsResponse> {
    const cluster = this.#clusterOf(refs);
    const parent = await this.#parent(cluster);
    try {
      return await this.#begin(refs, parent, this.#powers(cluster, override));
    } catch (error) {
      const work = async (): Promise<never> => {
        throw error;
      };
      this.#vmTasks.run(parent, { work, undo: () => this.#vmTasks.conclude(parent.task?.value ?? "") });
      throw error;
    }
  }

  /** Has a task begin for each VM that can go on, and the parent end with the last of them. */
  async #begin(refs: readonly ManagedObjectReference[], parent: TaskInfo, powers: Powers): Promise<PowerOnVmsResponse> {
    const { tasks } = this.#vmTasks.options;
    const beginnings: { readonly vm: ManagedObjectReference; readonly task: Promise<TaskInfo> }[] = [];
    const notAttempted: NotAttemptedPowerOn[] = [];
    const recommendations: ClusterRecommendation[] = [];
    // No pause in between: what a VM claims is booked when the next one is looked at.
    for (const ref of refs) {
      try {
        // What was recommended for it before must not stand in its way now.
        const before = this.#recommendations.withdraw(ref.value);
        const chosen = this.#choose(ref, powers);
        if (powers.recommends) recommendations.push(this.#recommendations.recommend(chosen.vm, chosen.host, before));
        else beginnings.push({ vm: ref, task: this.#lifecycle.powerOnAt(chosen.vm, chosen.host?.moid ?? chosen.vm.host, parent) });
      } catch (error) {
        notAttempted.push(this.#notBegun(ref, error));
      }
    }
    const attempted: AttemptedPowerOn[] = [];
    const outcomes = await Promise.allSettled(beginnings.map(({ task }) => task));
    outcomes.forEach((outcome, index) => {
      const vm = beginnings[index]?.vm;
      if (outcome.status === "fulfilled") attempted.push({ vm, task: outcome.value.task });
      else notAttempted.push(this.#notBegun(vm, outcome.reason));
    });
    this.#follow(parent, attempted.map(({ task }) => task?.value ?? ""));
    return { task: tasks.get(parent.task?.value ?? "") ?? parent, attempted, notAttempted, recommendations };
  }

  /** Why a VM does not go on. What nobody foresaw is one VM's matter too: the tasks of others may have begun, and the caller must hear of them. */
  #notBegun(vm: ManagedObjectReference | undefined, reason: unknown): NotAttemptedPowerOn {
    const foreseen = reason instanceof VimFault || reason instanceof RpcError;
    if (!foreseen) this.#vmTasks.options.log.error({ err: reason, vm: vm?.value }, "a power-on could not begin for an unforeseen reason");
    const fault = reason instanceof VimFault ? reason : VimFault.invalidState(reason instanceof Error ? reason.message : String(reason));
    return { vm, fault: fault.methodFault };
  }

  /** Takes up the task above those of the VMs, which are taken up by themselves. */
  resume(parent: TaskInfo): void {
    const { tasks } = this.#vmTasks.options;
    tasks.add(parent);
    this.#follow(parent, tasks.childrenOf(parent.task?.value ?? "").map(({ task }) => task?.value ?? ""));
  }

  /** The one cluster of the VMs; refuses what cannot be asked for. */
  #clusterOf(refs: readonly ManagedObjectReference[]): string {
    const { inventory } = this.#vmTasks.options;
    if (refs.length === 0) throw VimFault.invalidArgument("vms", "names no virtual machine");
    if (refs.length > MAX_BATCH) throw VimFault.invalidArgument("vms", `names ${refs.length} virtual machines, at most ${MAX_BATCH} are taken`);
    const seen = new Map<string, number>();
    const clusters = refs.map(({ value }, index) => {
      const before = seen.get(value);
      if (value === "") throw VimFault.invalidArgument(`vms[${index}]`, "is required");
      if (before !== undefined) throw VimFault.invalidArgument(`vms[${index}]`, `names ${value}, as vms[${before}] does`);
      seen.set(value, index);
      return inventory.host(inventory.vm(value).host).cluster;
    });
    const other = clusters.findIndex((cluster) => cluster !== clusters[0]);
    if (other !== -1) throw VimFault.invalidArgument(`vms[${other}]`, `is in cluster ${clusters[other]}, vms[0] is in ${clusters[0]}`);
    return clusters[0] ?? "";
  }

  #powers(cluster: string, override: boolean): Powers {
    const { drsConfig } = this.#vmTasks.options.inventory.cluster(cluster);
    const chooses = drsConfig?.enabled !== false;
    return { chooses, recommends: chooses && drsConfig?.defaultVmBehavior === DrsBehavior.MANUAL && !override };
  }

  #parent(cluster: string): Promise<TaskInfo> {
    const { inventory } = this.#vmTasks.options;
    const datacenter = inventory.cluster(cluster).datacenter?.value ?? "";
    return this.#vmTasks.above(POWER_ON_VMS_TASK, moref("Datacenter", datacenter), inventory.datacenter(datacenter).name);
  }

  #choose({ value }: ManagedObjectReference, { chooses }: Powers): Chosen {
    const { inventory, tasks } = this.#vmTasks.options;
    const vm = inventory.vm(value);
    tasks.requireFree(vm.moid);
    if (vm.isOn) throw VimFault.invalidPowerState("poweredOn", "poweredOn");
    if (vm.wantedOn) return { vm, host: undefined };
    this.#choice.admitToPool(vm.pool, vmShape(vm.config).reserved);
    const host = inventory.host(vm.host);
    const movable = chooses && vm.config.guestId !== POD_GUEST_ID && reachOf(host) === "connected";
    const candidate = { moid: vm.moid, config: vm.config, runs: true };
    return { vm, host: movable ? this.#choice.best(candidate, host.cluster) : this.#choice.only(candidate, vm.host) };
  }

  /** The parent is as far as its children are, and ends well with the last of them, however they end: vim25's result tells of each VM's own task, which says how that one ended. */
  #follow(parent: TaskInfo, children: readonly string[]): void {
    const { tasks } = this.#vmTasks.options;
    const moid = parent.task?.value ?? "";
    let ended = 0;
    const work = async (): Promise<undefined> => {
      await Promise.all(
        children.map(async (child) => {
          await this.#vmTasks.ended(child);
          ended += 1;
          tasks.progress(moid, Math.floor((100 * ended) / children.length));
        }),
      );
      this.#vmTasks.options.closing.throwIfAborted();
      await this.#vmTasks.conclude(moid);
    };
    this.#vmTasks.run(parent, { work, undo: () => this.#vmTasks.conclude(moid) });
  }
}
