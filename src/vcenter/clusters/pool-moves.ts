import type { MoveIntoResourcePoolRequest } from "../../gen/spheresim/vcenter/v1/resource_pool.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { poolFault } from "../drs/decision-tree.js";
import { type EventLog, vmFacts } from "../events/event-log.js";
import { moref } from "../inventory/moref.js";
import { poolEntry, type PoolRecord, vmEntry } from "../store/records.js";
import type { Serial } from "../store/serial.js";
import { VimFault } from "../vim-fault.js";
import { levelsBelow, requireDepth } from "./pool-depth.js";
import type { VmTasks } from "../machines/vm-tasks.js";

const MAX_LIST = 100;

/**
 * Pools and VMs that change their pool (vim25: MoveIntoResourcePool). What they reserve must be unreserved in the new place once they are
 * out of the old one. As elsewhere the ledger books first and the commit follows.
 */
export class PoolMoves {
  readonly #vmTasks: VmTasks;
  readonly #serial: Serial;
  readonly #events: EventLog;

  constructor(vmTasks: VmTasks, serial: Serial, events: EventLog) {
    this.#vmTasks = vmTasks;
    this.#serial = serial;
    this.#events = events;
  }

  /** Moves one after the other; the first that cannot be moved ends it. */
  moveInto(request: MoveIntoResourcePoolRequest): Promise<void> {
    return this.#serial.run(async () => {
      const { list } = request;
      if (request.pool === undefined) throw VimFault.invalidArgument("pool", "is required");
      if (list.length === 0 || list.length > MAX_LIST) throw VimFault.invalidArgument("list", `must name 1 to ${MAX_LIST} objects, names ${list.length}`);
      const target = this.#vmTasks.options.inventory.pool(request.pool.value);
      for (const [index, ref] of list.entries()) await this.#move(ref, target, `list[${index}]`);
    });
  }

  async #move(ref: ManagedObjectReference, target: PoolRecord, field: string): Promise<void> {
    if (ref.type === "ResourcePool") await this.#movePool(ref.value, target, field);
    else if (ref.type === "VirtualMachine") await this.#moveVm(ref.value, target, field);
    else throw VimFault.invalidArgument(field, `a ${ref.type} cannot be in a resource pool`);
  }

  async #movePool(moid: string, target: PoolRecord, field: string): Promise<void> {
    const { inventory, store } = this.#vmTasks.options;
    const pool = inventory.pool(moid);
    if (pool.parent === undefined) throw VimFault.notSupported(`${moid} is the root pool of a cluster, which cannot be moved`);
    if (pool.namespace !== "") throw VimFault.notSupported(`${moid} is the pool of namespace "${pool.namespace}", which cannot be moved`);
    for (let above: PoolRecord | undefined = target; above !== undefined; above = above.parent === undefined ? undefined : inventory.pool(above.parent)) {
      if (above.moid === moid) throw VimFault.invalidArgument(field, `pool ${target.moid} is ${target.moid === moid ? "the pool itself" : "below it"}`);
    }
    this.#requireSameCluster(pool.moid, target, field);
    if (pool.parent === target.moid) return;
    const sibling = inventory.childPools(target.moid).find((other) => other.name === pool.name);
    if (sibling !== undefined) throw VimFault.duplicateName(pool.name, moref("ResourcePool", sibling.moid));
    requireDepth(inventory, target, levelsBelow(inventory, moid));
    const shortage = inventory.ledger.pools.moveShortage(moid, target.moid);
    if (shortage !== undefined) throw poolFault(target.name, shortage);
    const moved = { ...pool, parent: target.moid };
    inventory.putPool(moved);
    try {
      await store.commit({ puts: [poolEntry(moved)] });
    } catch (error) {
      inventory.putPool(pool);
      throw error;
    }
    const cluster = inventory.clusterOfPool(moid).ref?.value;
    this.#events.post("ResourcePoolMovedEvent", { pool: { moid, name: pool.name }, cluster, words: { oldParent: inventory.findPool(pool.parent)?.name ?? "", parent: target.name } });
  }

  /** A change of the VM's record, so it holds the VM like every task while it is stored. */
  async #moveVm(moid: string, target: PoolRecord, field: string): Promise<void> {
    const { inventory, tasks } = this.#vmTasks.options;
    const vm = inventory.vm(moid);
    if (vm.config.ownerUid !== "") throw VimFault.notSupported(`${moid} is a vSphere Pod, which stays in the pool of its namespace`);
    this.#requireSameCluster(vm.pool, target, field);
    if (vm.pool === target.moid) return;
    tasks.requireFree(moid);
    const claim = inventory.ledger.get(moid);
    inventory.ledger.release(moid);
    const shortage = claim === undefined ? undefined : inventory.ledger.poolShortage(target.moid, claim.reserved);
    if (claim !== undefined) inventory.ledger.claim(moid, claim);
    if (shortage !== undefined) throw poolFault(target.name, shortage);
    const moved = { ...vm, pool: target.moid };
    const task = tasks.add(this.#vmTasks.draft("ResourcePool.moveInto", vm));
    inventory.putVm(moved);
    try {
      await this.#vmTasks.commit({ puts: [vmEntry(moved)] });
    } catch (error) {
      this.#vmTasks.show(vm);
      tasks.withdraw(task.task?.value ?? "");
      throw error;
    }
    const { eventChainId: chainId } = tasks.succeed(task.task?.value ?? "", undefined);
    const words = { oldPool: inventory.findPool(vm.pool)?.name ?? "" };
    this.#events.post("VmResourcePoolMovedEvent", { vm: vmFacts(moved), pool: { moid: target.moid, name: target.name }, chainId, words });
  }

  #requireSameCluster(pool: string, target: PoolRecord, field: string): void {
    const { inventory } = this.#vmTasks.options;
    const cluster = inventory.clusterOfPool(target.moid).ref?.value;
    if (inventory.clusterOfPool(pool).ref?.value !== cluster) throw VimFault.invalidArgument(field, `is in another cluster than pool ${target.moid}`);
  }
}
