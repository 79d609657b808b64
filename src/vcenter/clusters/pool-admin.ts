import type { ResourcePool } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { CreateResourcePoolRequest, UpdateResourcePoolRequest } from "../../gen/spheresim/vcenter/v1/resource_pool.js";
import type { Inventory } from "../inventory/inventory.js";
import { requireRoomFor } from "../inventory/inventory-limits.js";
import { showPool } from "../inventory/inventory-view.js";
import { checkName } from "../inventory/inventory-admin.js";
import { poolFault } from "../drs/decision-tree.js";
import type { EventLog } from "../events/event-log.js";
import type { EventType } from "../events/event-type.js";
import { recordKey } from "../store/keyspace.js";
import type { MoidCounters } from "../inventory/moid-counters.js";
import { moref } from "../inventory/moref.js";
import { onlyCluster } from "../placement/placement-spec.js";
import { completeConfig, poolAllocation } from "./pool-allocation.js";
import { requireDepth } from "./pool-depth.js";
import { poolEntry, type PoolRecord } from "../store/records.js";
import type { Serial } from "../store/serial.js";
import type { Store } from "../store/store.js";
import type { Write } from "../store/write-groups.js";
import { VimFault } from "../vim-fault.js";

/** The pool above all pools of Supervisor namespaces. */
export const NAMESPACES_POOL = "Namespaces";

/** What administering pools needs. */
export interface PoolAdminOptions {
  readonly inventory: Inventory;
  readonly store: Store;
  readonly counters: MoidCounters;
  readonly serial: Serial;
  readonly events: EventLog;
}

/**
 * Resource pools. A reservation is admitted by the parent before it is stored. The ledger books it first and the commit follows, so no
 * placement takes in between what the pool was promised.
 */
export class PoolAdmin {
  readonly #options: PoolAdminOptions;

  constructor(options: PoolAdminOptions) {
    this.#options = options;
  }

  create(request: CreateResourcePoolRequest): Promise<ResourcePool> {
    checkName(request.name, "name");
    const config = completeConfig(request.config, "config");
    return this.#options.serial.run(async () => {
      const { inventory } = this.#options;
      if (request.namespace !== "") {
        const known = inventory.poolByNamespace(request.namespace);
        if (known !== undefined) return showPool(inventory, known.moid);
      }
      const parent = request.namespace === "" ? this.#parent(request) : await this.#namespacesPool(request);
      const sibling = inventory.childPools(parent.moid).find((pool) => pool.name === request.name);
      if (sibling !== undefined) throw VimFault.duplicateName(request.name, moref("ResourcePool", sibling.moid));
      return this.#add(request.name, parent, config, request.namespace);
    });
  }

  update(request: UpdateResourcePoolRequest): Promise<ResourcePool> {
    if (request.name !== "") checkName(request.name, "name");
    const config = request.config === undefined ? undefined : completeConfig(request.config, "config");
    return this.#options.serial.run(async () => {
      const { inventory } = this.#options;
      const pool = this.#changeable(request.pool?.value, "changed");
      const name = request.name === "" ? pool.name : request.name;
      const sibling = inventory.childPools(pool.parent ?? "").find((other) => other.name === name && other.moid !== pool.moid);
      if (sibling !== undefined) throw VimFault.duplicateName(name, moref("ResourcePool", sibling.moid));
      const changed: PoolRecord = { ...pool, name, config: config ?? pool.config };
      this.#requireRoom(changed);
      inventory.putPool(changed);
      await this.#commit({ puts: [poolEntry(changed)] }, () => inventory.putPool(pool));
      this.#tell("ResourcePoolReconfiguredEvent", changed);
      return showPool(inventory, pool.moid);
    });
  }

  destroy(moid: string | undefined): Promise<void> {
    return this.#options.serial.run(async () => {
      const { inventory } = this.#options;
      const pool = this.#changeable(moid, "destroyed");
      const child = inventory.childPools(pool.moid)[0];
      if (child !== undefined) throw VimFault.resourceInUse("ResourcePool", pool.name, `pool ${child.moid} lies in it`);
      const vm = inventory.vms.find((each) => each.pool === pool.moid);
      if (vm !== undefined) throw VimFault.resourceInUse("ResourcePool", pool.name, `virtual machine ${vm.moid} runs in it`);
      const { cpuMhz, memoryMb } = inventory.ledger.pools.used(pool.moid);
      if (cpuMhz > 0 || memoryMb > 0) throw VimFault.resourceInUse("ResourcePool", pool.name, "capacity in it is held for a virtual machine to come");
      inventory.removePool(pool.moid);
      await this.#commit({ deletes: [recordKey("pools", pool.moid)] }, () => inventory.putPool(pool));
      this.#tell("ResourcePoolDestroyedEvent", pool);
    });
  }

  async #add(name: string, parent: PoolRecord, config: PoolRecord["config"], namespace: string): Promise<ResourcePool> {
    const { inventory, counters } = this.#options;
    requireDepth(inventory, parent);
    requireRoomFor("resourcePools", inventory);
    const allocation = poolAllocation(config);
    const shortage = inventory.ledger.poolShortage(parent.moid, allocation.reservation);
    if (shortage !== undefined) throw poolFault(parent.name, shortage);
    const pool: PoolRecord = { moid: counters.next("ResourcePool"), name, parent: parent.moid, config, namespace };
    inventory.putPool(pool);
    await this.#commit({ puts: [poolEntry(pool)] }, () => inventory.removePool(pool.moid));
    this.#tell("ResourcePoolCreatedEvent", pool);
    return showPool(inventory, pool.moid);
  }

  /** Of a pool that is gone the pool above says the cluster. */
  #tell(type: EventType, { moid, name, parent }: PoolRecord): void {
    const { events, inventory } = this.#options;
    events.post(type, { pool: { moid, name }, cluster: inventory.clusterOfPool(parent ?? moid).ref?.value });
  }

  #requireRoom(pool: PoolRecord): void {
    const { ledger } = this.#options.inventory;
    const allocation = poolAllocation(pool.config);
    const used = ledger.pools.used(pool.moid);
    if (allocation.limit.cpuMhz < used.cpuMhz) throw VimFault.invalidArgument("config.cpu_allocation.limit", `${allocation.limit.cpuMhz} MHz is below the ${used.cpuMhz} MHz reserved in the pool`);
    if (allocation.limit.memoryMb < used.memoryMb) throw VimFault.invalidArgument("config.memory_allocation.limit", `${allocation.limit.memoryMb} MB is below the ${used.memoryMb} MB reserved in the pool`);
    const shortage = ledger.pools.shortageOf(pool.moid, allocation);
    if (shortage !== undefined) throw poolFault(pool.name, shortage);
  }

  #parent(request: CreateResourcePoolRequest): PoolRecord {
    const { inventory } = this.#options;
    if (request.parent !== undefined) return inventory.pool(request.parent.value);
    return inventory.pool(inventory.cluster(onlyCluster("parent", inventory)).rootPool?.value ?? "");
  }

  /** The pool `Namespaces` below the root of the only cluster, made when missing. */
  async #namespacesPool(request: CreateResourcePoolRequest): Promise<PoolRecord> {
    const { inventory } = this.#options;
    const root = this.#parent({ ...request, parent: undefined });
    const known = inventory.childPools(root.moid).find((pool) => pool.name === NAMESPACES_POOL);
    if (known !== undefined) return known;
    const made = await this.#add(NAMESPACES_POOL, root, completeConfig(undefined, "config"), "");
    return inventory.pool(made.ref?.value ?? "");
  }

  #changeable(moid: string | undefined, how: string): PoolRecord {
    if (moid === undefined) throw VimFault.invalidArgument("pool", "is required");
    const pool = this.#options.inventory.pool(moid);
    if (pool.parent === undefined) throw VimFault.notSupported(`${moid} is the root pool of a cluster, which cannot be ${how}`);
    return pool;
  }

  async #commit(write: Write, undo: () => void): Promise<void> {
    try {
      await this.#options.store.commit(write);
    } catch (error) {
      undo();
      throw error;
    }
  }
}
