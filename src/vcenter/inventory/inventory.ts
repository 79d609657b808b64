import type { Clock } from "../../base/clock.js";
import type { Cluster, Datacenter, InventoryUpdate } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { HostKey } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { ActivityMeter, type Metered } from "../activity/activity-meter.js";
import { ChangeFeed } from "./change-feed.js";
import { activeUse, predictedDemand } from "../drs/demand.js";
import type { HostPower } from "../drs/host-candidate.js";
import { type Claim, Ledger } from "../drs/ledger.js";
import { isSame, largest, NOTHING } from "../drs/amount.js";
import { vmShape } from "../drs/vm-shape.js";
import { DrsUsage } from "../drs-running/drs-usage.js";
import { INVENTORY_LIMITS, type InventoryLimits } from "./inventory-limits.js";
import { type MoType, moref } from "./moref.js";
import { poolAllocation } from "../clusters/pool-allocation.js";
import { type CreationRecord, type HostRecord, type OwnerRecord, isClosed, type PoolRecord, reachOf, type VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import { claimsOf, otherClaimId } from "../machines/vm-claims.js";
import { VmTable } from "./vm-table.js";

const POWER: Readonly<Partial<Record<HostPowerState, HostPower>>> = { [HostPowerState.POWERED_OFF]: "poweredOff", [HostPowerState.STAND_BY]: "standBy" };

/** An object of the inventory as watches tell it. */
export type InventoryObject = NonNullable<InventoryUpdate["object"]>;

/**
 * The inventory in memory, rebuilt from etcd at every start, with the ledger of who claims what. It changes nothing by itself: who
 * changes it has committed first.
 */
export class Inventory {
  readonly feed: ChangeFeed<InventoryObject>;
  readonly ledger: Ledger;
  readonly meter: ActivityMeter;
  readonly usage = new DrsUsage();
  readonly limits: InventoryLimits;
  readonly #datacenters = new Map<string, Datacenter>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #pools = new Map<string, PoolRecord>();
  readonly #poolsByNamespace = new Map<string, string>();
  readonly #clusterByRootPool = new Map<string, string>();
  readonly #hosts = new Map<string, HostRecord>();
  readonly #hostsByName = new Map<string, string>();
  readonly #vms = new VmTable();

  /** `show` makes what watches tell of an object, as it is now (inventory-view.ts); `clock` is the emulated one. */
  constructor(epoch: bigint, show: (inventory: Inventory, moid: string) => InventoryObject | undefined, clock: Clock, limits: InventoryLimits = INVENTORY_LIMITS) {
    this.limits = limits;
    this.meter = new ActivityMeter(clock);
    this.feed = new ChangeFeed<InventoryObject>(epoch, (moid) => show(this, moid));
    this.ledger = new Ledger((host, pool) => {
      this.feed.changed(host);
      for (let above = pool === undefined ? undefined : this.#pools.get(pool); above !== undefined; above = above.parent === undefined ? undefined : this.#pools.get(above.parent)) this.feed.changed(above.moid);
    });
  }

  // Reading.

  /** How many there are of a kind. */
  count(kind: keyof InventoryLimits): number {
    const kinds = { datacenters: this.#datacenters, clusters: this.#clusters, hosts: this.#hosts, resourcePools: this.#pools, virtualMachines: this.#vms };
    return kinds[kind].size;
  }

  get datacenters(): readonly Datacenter[] {
    return [...this.#datacenters.values()];
  }

  get clusters(): readonly Cluster[] {
    return [...this.#clusters.values()];
  }

  get pools(): readonly PoolRecord[] {
    return [...this.#pools.values()];
  }

  get hosts(): readonly HostRecord[] {
    return [...this.#hosts.values()];
  }

  get vms(): readonly VmRecord[] {
    return this.#vms.all;
  }

  get owners(): readonly OwnerRecord[] {
    return this.#vms.owners;
  }

  get creations(): readonly CreationRecord[] {
    return this.#vms.creations;
  }

  datacenter(moid: string): Datacenter {
    return found(this.#datacenters.get(moid), "Datacenter", moid);
  }

  cluster(moid: string): Cluster {
    return found(this.#clusters.get(moid), "ClusterComputeResource", moid);
  }

  pool(moid: string): PoolRecord {
    return found(this.#pools.get(moid), "ResourcePool", moid);
  }

  host(moid: string): HostRecord {
    return found(this.#hosts.get(moid), "HostSystem", moid);
  }

  vm(moid: string): VmRecord {
    return found(this.#vms.get(moid), "VirtualMachine", moid);
  }

  findVm(moid: string): VmRecord | undefined {
    return this.#vms.get(moid);
  }

  findPool(moid: string): PoolRecord | undefined {
    return this.#pools.get(moid);
  }

  findHost(moid: string): HostRecord | undefined {
    return this.#hosts.get(moid);
  }

  hostByName(name: string): HostRecord | undefined {
    const moid = this.#hostsByName.get(name);
    return moid === undefined ? undefined : this.#hosts.get(moid);
  }

  /** The host a key names; undefined for an unknown one. */
  hostByKey(key: HostKey | undefined): HostRecord | undefined {
    switch (key?.key?.$case) {
      case "ref":
        return this.#hosts.get(key.key.value.value);
      case "name":
        return this.hostByName(key.key.value);
      case undefined:
        return undefined;
    }
  }

  poolByNamespace(namespace: string): PoolRecord | undefined {
    const moid = this.#poolsByNamespace.get(namespace);
    return moid === undefined ? undefined : this.#pools.get(moid);
  }

  vmByInstanceUuid(uuid: string): VmRecord | undefined {
    return this.#vms.byInstanceUuid(uuid);
  }

  /** Ordinary VMs of this name, and those that get it, in every datacenter. */
  vmsNamed(name: string): readonly VmRecord[] {
    return this.#vms.named(name);
  }

  owner(uid: string): OwnerRecord | undefined {
    return this.#vms.owner(uid);
  }

  /** The creation of an ordinary VM by this request id. */
  creation(requestId: string): CreationRecord | undefined {
    return this.#vms.creation(requestId);
  }

  /** The host on which a VM runs or is to run again; undefined for one that is off or unknown. */
  runsOn(moid: string): string | undefined {
    const vm = this.#vms.get(moid);
    return vm !== undefined && (vm.isOn || vm.wantedOn) ? vm.host : undefined;
  }

  /** The hosts to reckon with a VM on: where it runs and, last, where it is going; none for one that is off and stays off, or is unknown. */
  hostsOf(moid: string): readonly string[] {
    const migration = this.#vms.get(moid)?.migration;
    if (migration?.powerOn === true) return [migration.target];
    const host = this.runsOn(moid);
    if (host === undefined) return [];
    return migration === undefined || migration.target === host ? [host] : [host, migration.target];
  }

  vmsOn(host: string): readonly VmRecord[] {
    return this.#vms.on(host);
  }

  /** VMs that migrate from or to the host. */
  migratingBy(host: string): readonly VmRecord[] {
    return this.#vms.migrating.filter(({ migration }) => migration?.source === host || migration?.target === host);
  }

  /** The keys of every record that ends with a VM. */
  keysOf(vm: VmRecord): string[] {
    return this.#vms.keysOf(vm);
  }

  childPools(moid: string): readonly PoolRecord[] {
    return this.pools.filter((pool) => pool.parent === moid);
  }

  /** The cluster a pool belongs to. */
  clusterOfPool(moid: string): Cluster {
    let pool = this.pool(moid);
    while (pool.parent !== undefined) pool = this.pool(pool.parent);
    return found(this.#clusters.get(this.#clusterByRootPool.get(pool.moid) ?? ""), "ClusterComputeResource", `of ${moid}`);
  }

  // Changing.

  putDatacenter(datacenter: Datacenter): void {
    this.#datacenters.set(moidOf(datacenter), datacenter);
    this.feed.changed(moidOf(datacenter));
  }

  /** New settings of a cluster. */
  changeCluster(cluster: Cluster): void {
    this.#clusters.set(moidOf(cluster), cluster);
    this.feed.changed(moidOf(cluster));
  }

  putCluster(cluster: Cluster, rootPool: PoolRecord): void {
    this.#clusters.set(moidOf(cluster), cluster);
    this.#clusterByRootPool.set(rootPool.moid, moidOf(cluster));
    this.#pools.set(rootPool.moid, rootPool);
    this.ledger.addRootPool(rootPool.moid);
    this.feed.changed(moidOf(cluster));
    this.feed.changed(rootPool.moid);
  }

  /** A new pool, or new settings, name or parent of one. The ledger books its reservation. */
  putPool(pool: PoolRecord): void {
    const known = this.#pools.get(pool.moid);
    this.#pools.set(pool.moid, pool);
    if (pool.namespace !== "") this.#poolsByNamespace.set(pool.namespace, pool.moid);
    const allocation = poolAllocation(pool.config);
    if (known !== undefined) {
      this.ledger.pools.configure(pool.moid, allocation);
      if (pool.parent !== undefined && known.parent !== pool.parent) this.ledger.pools.move(pool.moid, pool.parent);
    } else this.ledger.addPool(pool.moid, pool.parent ?? "", allocation);
    this.feed.changed(pool.moid);
    for (const parent of new Set([pool.parent, known?.parent])) if (parent !== undefined) this.feed.changed(parent);
  }

  removePool(moid: string): void {
    const pool = this.pool(moid);
    this.#pools.delete(moid);
    if (pool.namespace !== "") this.#poolsByNamespace.delete(pool.namespace);
    this.ledger.pools.remove(moid);
    this.usage.forget(moid);
    this.feed.removed(moid);
    if (pool.parent !== undefined) this.feed.changed(pool.parent);
  }

  /** A new host, or a change of one. */
  putHost(record: HostRecord): void {
    if (!this.#hosts.has(record.moid)) {
      const capacity = { cpuMhz: record.spec.numCpuCores * record.spec.cpuMhz, memoryMb: record.spec.memoryMb };
      this.ledger.addHost(record.moid, capacity, this.cluster(record.cluster).rootPool?.value ?? "");
    }
    this.#hosts.set(record.moid, record);
    this.#hostsByName.set(record.spec.name, record.moid);
    const { name, numCpuCores: cores, cpuMhz: coreMhz, memoryMb, datastores, networks } = record.spec;
    const { moid, cluster, inQuarantineMode } = record;
    this.ledger.describeHost({ moid, name, cluster, cores, coreMhz, memoryMb, reach: reachOf(record), power: POWER[record.powerState] ?? "poweredOn", inMaintenanceMode: isClosed(record), inQuarantineMode, datastores, networks });
    // A host that merely does not answer for a moment keeps its place in the cluster's capacity; its VMs still hold theirs.
    this.ledger.countHost(record.moid, !record.disconnected && !record.inMaintenanceMode && record.powerState !== HostPowerState.POWERED_OFF);
    this.feed.changed(record.moid);
    for (const vm of this.vmsOn(record.moid)) this.feed.changed(vm.moid);
  }

  removeHost(moid: string): void {
    const host = this.host(moid);
    this.ledger.removeHost(moid);
    this.usage.forget(moid);
    this.#hosts.delete(moid);
    this.#hostsByName.delete(host.spec.name);
    this.feed.removed(moid);
  }

  /** A new VM, or a change of one. Its claims follow. */
  putVm(vm: VmRecord): void {
    const before = this.#vms.get(vm.moid);
    if (before !== undefined && before.config.activity !== vm.config.activity) this.meter.changes(before);
    this.#vms.put(vm);
    if (!vm.isOn) this.meter.forget(vm.moid);
    const [own, other] = claimsOf(vm, (as) => this.claimOf(as));
    if (own === undefined) this.ledger.release(vm.moid);
    else this.ledger.claim(vm.moid, own);
    if (other === undefined) this.ledger.release(otherClaimId(vm.moid));
    else this.ledger.claim(otherClaimId(vm.moid), other);
    this.feed.changed(vm.moid);
  }

  /** Forgets a VM, whose it was and what made it, and frees what it claimed. */
  removeVm(moid: string): void {
    this.#vms.remove(this.vm(moid));
    this.meter.forget(moid);
    this.ledger.release(moid);
    this.ledger.release(otherClaimId(moid));
    this.feed.removed(moid);
  }

  putOwner(owner: OwnerRecord): void {
    this.#vms.putOwner(owner);
  }

  putCreation(creation: CreationRecord): void {
    this.#vms.putCreation(creation);
  }

  /** Has the ledger know what a running VM uses by now. */
  readUse(moid: string): void {
    const vm = this.vm(moid);
    const shape = vmShape(vm.config, this.meter.read(vm));
    const { cpuMhz } = this.host(vm.host).spec;
    const active = activeUse(shape, cpuMhz);
    const demand = predictedDemand(shape, cpuMhz);
    const claim = this.ledger.get(moid);
    if (claim !== undefined && !(isSame(claim.active, active) && isSame(claim.demand, demand))) this.ledger.use(moid, active, demand);
  }

  /** What a VM claims of its host and pool; while it is reconfigured the larger of what it reserves before and after. */
  claimOf(vm: Metered & Pick<VmRecord, "host" | "pool" | "reconfiguringTo">): Claim {
    const shape = vmShape(vm.config, this.meter.read(vm));
    const next = vm.reconfiguringTo === undefined ? undefined : vmShape(vm.reconfiguringTo);
    const coreMhz = this.host(vm.host).spec.cpuMhz;
    return {
      host: vm.host,
      pool: vm.pool,
      reserved: next === undefined ? shape.reserved : largest(shape.reserved, next.reserved),
      active: vm.isOn ? activeUse(shape, coreMhz) : NOTHING,
      demand: predictedDemand(shape, coreMhz),
      poweredOn: vm.isOn,
    };
  }
}

function moidOf(object: Datacenter | Cluster): string {
  return object.ref?.value ?? "";
}

function found<T>(object: T | undefined, type: MoType, moid: string): T {
  if (object === undefined) throw VimFault.notFound(moref(type, moid));
  return object;
}
