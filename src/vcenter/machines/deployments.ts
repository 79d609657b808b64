import { TaskState, type TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { ApplyRecommendationRequest } from "../../gen/spheresim/vcenter/v1/placement.js";
import { type VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Clock } from "../../base/clock.js";
import type { Dice } from "../../base/seeded-random.js";
import { toTimestamp } from "../../base/timestamp.js";
import { started } from "../activity/activity.js";
import type { DrsRule } from "../drs/rules/rule.js";
import type { Holds } from "../placement/holds.js";
import type { Journal } from "../placement/journal.js";
import { recordKey } from "../store/keyspace.js";
import { requireRoomFor } from "../inventory/inventory-limits.js";
import { moref } from "../inventory/moref.js";
import type { Placements } from "../placement/placements.js";
import type { ResolvedSpec } from "../placement/placement-spec.js";
import { creationEntry, type CreationRecord, ownerEntry, type OwnerRecord, type RequestRecord, taskEntry, vmEntry, type VmRecord } from "../store/records.js";
import { KeyTaken } from "../store/store.js";
import { VimFault } from "../vim-fault.js";
import { requireFreeName } from "./free-name.js";
import { identify } from "./vm-config.js";
import type { VmTasks } from "./vm-tasks.js";

/** What deploying needs beside the frame of a task. */
export interface DeploymentsOptions {
  readonly vmTasks: VmTasks;
  readonly placements: Placements;
  readonly holds: Holds;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly dice: Dice;
  /** Moves an ordinary VM to a host, admitting it there before it first waits. */
  readonly migrate: (vm: VmRecord, host: string) => Promise<TaskInfo>;
  /** Told when a VM's record went away although its host may have the VM. */
  readonly onAbandoned: (vm: VmRecord) => void;
}

/** A VM to be created. */
interface Wish {
  readonly config: VirtualMachineConfigSpec;
  readonly host: string;
  readonly pool: string;
  readonly powerOn: boolean;
  /** The hold whose capacity it takes over. */
  readonly holdKey?: string;
  /** Rules stated for it. */
  readonly rules?: readonly DrsRule[];
  /** The request it is stored with, so that a repetition finds it. */
  readonly request?: RequestRecord | undefined;
}

/** By what an existing VM is found again. */
type Provenance = Pick<OwnerRecord, "vm" | "task">;

export const CREATE_TASK = "ResourcePool.createVm";

/**
 * Step 7: creates a VM on its host and powers it on.
 *
 * Two durable commits per VM. The first, before HostD is called, writes the VM, its owner (which must have none) or the request, and the task; vCenter has
 * chosen every id by then, so the call can be repeated after a crash and makes the same VM. The second, when HostD has answered,
 * removes the task. If HostD refuses, or cannot be reached for long, one Txn removes all of it.
 */
export class Deployments {
  readonly #options: DeploymentsOptions;

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  /** ApplyRecommendation. Resolves with the task as soon as it is durable. */
  async apply(request: ApplyRecommendationRequest): Promise<TaskInfo> {
    const { holds, vmTasks } = this.#options;
    const { inventory } = vmTasks.options;
    const owner = request.ownerUid === "" ? undefined : inventory.owner(request.ownerUid);
    if (owner !== undefined) {
      const task = this.#taskOf(owner);
      holds.dropOwner(owner.uid);
      return task;
    }

    const move = this.#move(request);
    if (move !== undefined) return move;
    const wish = this.#wish(request);
    if (wish.holdKey !== undefined) return this.#start({ ...wish, powerOn: true });
    // The owner's hold on another host must not count against it; what is applied without its hold is applied once all the same.
    holds.dropOwner(request.ownerUid);
    holds.drop(request.key);
    try {
      this.#options.placements.admit(wish.config, wish.host, wish.pool, wish.rules);
    } catch (error) {
      if (error instanceof VimFault) return this.#refused(wish, error);
      throw error;
    }
    return this.#start({ ...wish, powerOn: true });
  }

  /** The task of the VM that a request made already, whatever became of its host since; undefined where it made none. Throws RequestIdReused. */
  madeBy(request: RequestRecord | undefined): TaskInfo | undefined {
    const known = request === undefined ? undefined : this.#options.vmTasks.options.inventory.creation(request.requestId);
    if (known === undefined) return undefined;
    if (known.bodyHash !== request?.bodyHash) throw VimFault.requestIdReused(known.requestId);
    return this.#taskOf(known);
  }

  /** Creates an ordinary VM; with `powerOn` it is admitted first. */
  async create(config: VirtualMachineConfigSpec, host: string, pool: string, powerOn: boolean, request?: RequestRecord): Promise<TaskInfo> {
    if (powerOn) this.#options.placements.admit(config, host, pool);
    return this.#start({ config, host, pool, powerOn, request });
  }

  /** Takes up what was under way when the vCenter before this one ended. */
  resume(task: TaskInfo, vm: VmRecord): void {
    const { tasks } = this.#options.vmTasks.options;
    const cancel = new AbortController();
    this.#run(vm, tasks.add(task, cancel), cancel);
  }

  /** Carries out the recommendation to move a VM that exists; undefined where the request stands for another one. */
  #move({ key, spec }: ApplyRecommendationRequest): Promise<TaskInfo> | undefined {
    const { holds, vmTasks, migrate } = this.#options;
    if (spec?.vm !== undefined) throw VimFault.invalidArgument("spec.vm", "a virtual machine that exists is moved by the key of its recommendation");
    const recommended = key === "" ? undefined : holds.find(key)?.recommended;
    if (recommended?.vm === undefined) return undefined;
    if (recommended.powerOn === true) throw VimFault.invalidArgument("key", `"${key}" recommends a power-on, which DrsService.ApplyRecommendations carries out`);
    const vm = vmTasks.options.inventory.vm(recommended.vm);
    // Admitted anew before anything else can run, so what was held for it is free to be used by it.
    holds.drop(key);
    return migrate(vm, recommended.host);
  }

  /** The VM, host and pool a request stands for, and its hold if that is still there. */
  #wish(request: ApplyRecommendationRequest): Omit<Wish, "powerOn"> {
    const { holds, vmTasks } = this.#options;
    const { inventory } = vmTasks.options;
    const spec = request.spec === undefined ? undefined : this.#ownSpec(request);
    const held = request.key === "" ? holds.ofOwner(request.ownerUid) : undefined;
    const found = held === undefined ? holds.find(request.key) : { recommended: held, held: true };
    if (found !== undefined && found.recommended.ownerUid !== request.ownerUid) throw VimFault.ownerMismatch(undefined, request.ownerUid, found.recommended.ownerUid);
    // A bound pod says where it must run; a hold elsewhere is of no use to it.
    const stated = spec === undefined ? undefined : inventory.ledger.hosts.moid(spec.hosts[0] ?? 0);
    const fits = found !== undefined && (stated === undefined || stated === found.recommended.host);
    if (fits && found.held) return { ...found.recommended, holdKey: found.recommended.key };
    if (spec !== undefined) return { config: spec.config, host: stated ?? "", pool: spec.pool.moid, rules: spec.rules };
    if (found !== undefined && inventory.findHost(found.recommended.host) !== undefined) return found.recommended;
    if (request.key === "") throw VimFault.invalidArgument("key", "is required where neither a hold of the owner nor a spec says what to apply");
    throw VimFault.recommendationExpired(request.key);
  }

  #ownSpec(request: ApplyRecommendationRequest): ResolvedSpec {
    const spec = request.spec?.ownerUid === "" ? { ...request.spec, ownerUid: request.ownerUid } : request.spec;
    const resolved = this.#options.placements.resolve(spec, "spec");
    if (resolved.ownerUid !== request.ownerUid) throw VimFault.invalidArgument("spec.owner_uid", `is "${resolved.ownerUid}", but owner_uid is "${request.ownerUid}"`);
    if (resolved.hosts.length !== 1) throw VimFault.invalidArgument("spec.hosts", `must name the one host to use, names ${resolved.hosts.length}`);
    return resolved;
  }

  /** The task by which a VM came. */
  #taskOf(origin: Provenance): TaskInfo {
    const { tasks, inventory } = this.#options.vmTasks.options;
    const holder = tasks.holderOf(origin.vm);
    // A VM that is being destroyed is none to hand out.
    if (holder !== undefined && holder !== origin.task) tasks.requireFree(origin.vm);
    return tasks.get(origin.task) ?? this.finishedTask(origin, inventory.vm(origin.vm));
  }

  /** The task of a VM that was finished in an earlier life of vCenter, as far as the VM's record tells. */
  finishedTask(origin: Provenance, vm: VmRecord): TaskInfo {
    const draft = this.#options.vmTasks.draft(CREATE_TASK, vm, { moid: origin.task });
    const times = { queueTime: vm.createDate, startTime: vm.createDate, completeTime: vm.createDate };
    return { ...draft, ...times, state: TaskState.SUCCESS, progress: undefined, result: moref("VirtualMachine", vm.moid) };
  }

  /** A task that ends at once, because the host or the pool no longer admits the VM. */
  #refused(wish: Omit<Wish, "powerOn">, fault: VimFault): TaskInfo {
    const { tasks, counters } = this.#options.vmTasks.options;
    const moid = counters.next("Task");
    const task = tasks.draft({
      moid,
      descriptionId: CREATE_TASK,
      entity: moref("ResourcePool", wish.pool),
      entityName: wish.config.name,
      ownerUid: wish.config.ownerUid,
      vmUuid: "",
      host: moref("HostSystem", wish.host),
      ephemeralDiskUuid: "",
    });
    tasks.add(task);
    return tasks.fail(moid, fault);
  }

  async #start(wish: Wish): Promise<TaskInfo> {
    const { vmTasks, holds, clock, dice } = this.#options;
    const { inventory, counters, tasks } = vmTasks.options;
    const host = inventory.host(wish.host);
    if (wish.config.ownerUid === "") requireFreeName(wish.config.name, host.cluster, inventory);
    requireRoomFor("virtualMachines", inventory);
    const moid = counters.next("VirtualMachine");
    const vm: VmRecord = {
      moid,
      config: identify({ ...wish.config, activity: started(wish.config.activity, clock.nowMs()) }, moid, dice, host.spec.datastores[0] ?? ""),
      host: wish.host,
      pool: wish.pool,
      createDate: toTimestamp(clock.nowMs()),
      wantedOn: wish.powerOn,
      isOn: false,
      onHost: undefined,
    };
    const draft = vmTasks.draft(CREATE_TASK, vm);
    const owner: OwnerRecord | undefined = vm.config.ownerUid === "" ? undefined : { uid: vm.config.ownerUid, vm: moid, task: draft.task?.value ?? "" };
    const creation: CreationRecord | undefined = wish.request === undefined ? undefined : { ...wish.request, vm: moid, task: draft.task?.value ?? "" };

    // Memory first and without a pause: from here on no other call gets the capacity or the owner.
    const cancel = new AbortController();
    const task = tasks.add(draft, cancel);
    if (wish.holdKey !== undefined) holds.become(wish.holdKey, moid, inventory.claimOf(vm));
    inventory.putVm(vm);
    if (owner !== undefined) inventory.putOwner(owner);
    if (creation !== undefined) inventory.putCreation(creation);
    try {
      const puts = [vmEntry(vm), taskEntry(draft), ...(owner === undefined ? [] : [ownerEntry(owner)]), ...(creation === undefined ? [] : [creationEntry(creation)])];
      await vmTasks.commit({ puts, absent: owner === undefined ? [] : [recordKey("owners", owner.uid)] });
    } catch (error) {
      inventory.removeVm(moid);
      tasks.withdraw(draft.task?.value ?? "");
      // Only by a foreign hand: what this vCenter and those before it wrote is in memory.
      if (error instanceof KeyTaken) throw VimFault.invalidState(`The owner "${vm.config.ownerUid}" has a virtual machine on record that this vCenter has not read.`);
      throw error;
    }
    return this.#run(vm, task, cancel);
  }

  #run(vm: VmRecord, task: TaskInfo, cancel: AbortController): TaskInfo {
    const { vmTasks, journal } = this.#options;
    const { inventory, tasks, closing } = vmTasks.options;
    const moid = task.task?.value ?? "";
    const startMs = journal.nowMs();
    const hostName = inventory.host(vm.host).spec.name;
    const step = { podUid: vm.config.ownerUid, name: vm.config.name, namespace: inventory.pool(vm.pool).namespace, step: 7, startMs, subject: `${hostName}/${vm.moid}` } as const;
    const signal = AbortSignal.any([closing, cancel.signal]);

    const work = async (): Promise<ReturnType<typeof moref>> => {
      const { powerState } = await vmTasks.call(vm.host, (daemon, host) => daemon.createVm(host.spec.name, vm.config, vm.wantedOn, signal), signal);
      tasks.pastCancel(moid);
      // Before the commit: what the host says while that waits is newer.
      inventory.putVm({ ...inventory.vm(vm.moid), isOn: powerState === VirtualMachinePowerState.POWERED_ON, onHost: true });
      const etcdRevision = await vmTasks.commit({ deletes: [recordKey("tasks", moid)] });
      journal.record({ ...step, outcome: "ok", etcdRevision, message: `${vm.moid} was created and powered on by HostD of ${hostName}` });
      return moref("VirtualMachine", vm.moid);
    };
    const undo = async (fault: VimFault): Promise<void> => {
      tasks.pastCancel(moid);
      const etcdRevision = await vmTasks.commit({ deletes: [...inventory.keysOf(vm), recordKey("tasks", moid)] });
      inventory.removeVm(vm.moid);
      journal.record({ ...step, outcome: "failed", etcdRevision, message: fault.message });
      this.#options.onAbandoned(vm);
    };
    return vmTasks.run(task, { work, undo });
  }
}

