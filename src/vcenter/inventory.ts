import type { Cluster, Datacenter, Host, HostUsage, Inventory as InventoryMessage, InventoryUpdate, ResourcePool, VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { HostPowerState } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { HostKey } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { ChangeFeed } from "./change-feed.js";
import { activeUse, predictedDemand } from "./drs/demand.js";
import type { HostCandidate } from "./drs/host-candidate.js";
import { type Claim, Ledger } from "./drs/ledger.js";
import { NOTHING } from "./drs/amount.js";
import { vmShape } from "./drs/vm-shape.js";
import { moidNumber } from "./moid-counters.js";
import { type MoType, moref } from "./moref.js";
import { poolAllocation } from "./pool-allocation.js";
import { hostMessage, type HostRecord, type OwnerRecord, poolMessage, type PoolRecord, reachOf, vmMessage, type VmRecord } from "./records.js";
import { VimFault } from "./vim-fault.js";

type InventoryObject = NonNullable<InventoryUpdate["object"]>;

/** A host in memory: its record, and what DRS would otherwise compute at every placement. */
interface HostEntry {
  readonly record: HostRecord;
  readonly datastores: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
}

/**
 * The inventory in memory, rebuilt from etcd at every start, with the ledger of who claims what. It changes nothing by itself: who
 * changes it has committed first.
 */
export class Inventory {
  readonly feed: ChangeFeed<InventoryObject>;
  readonly ledger: Ledger;
  readonly #datacenters = new Map<string, Datacenter>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #pools = new Map<string, PoolRecord>();
  readonly #poolsByNamespace = new Map<string, string>();
  readonly #hosts = new Map<string, HostEntry>();
  readonly #hostsByName = new Map<string, string>();
  readonly #vms = new Map<string, VmRecord>();
  readonly #vmsByInstanceUuid = new Map<string, string>();
  readonly #vmsByHost = new Map<string, Set<string>>();
  readonly #owners = new Map<string, OwnerRecord>();

  constructor(epoch: bigint) {
    this.feed = new ChangeFeed<InventoryObject>(epoch, (moid) => this.#object(moid));
    this.ledger = new Ledger((host, pool) => {
      this.feed.changed(host);
      for (let above = this.#pools.get(pool); above !== undefined; above = above.parent === undefined ? undefined : this.#pools.get(above.parent)) this.feed.changed(above.moid);
    });
  }

  // Reading.

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
    return [...this.#hosts.values()].map((entry) => entry.record);
  }

  get vms(): readonly VmRecord[] {
    return [...this.#vms.values()];
  }

  get owners(): readonly OwnerRecord[] {
    return [...this.#owners.values()];
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
    return found(this.#hosts.get(moid)?.record, "HostSystem", moid);
  }

  vm(moid: string): VmRecord {
    return found(this.#vms.get(moid), "VirtualMachine", moid);
  }

  findVm(moid: string): VmRecord | undefined {
    return this.#vms.get(moid);
  }

  findHost(moid: string): HostRecord | undefined {
    return this.#hosts.get(moid)?.record;
  }

  hostByName(name: string): HostRecord | undefined {
    const moid = this.#hostsByName.get(name);
    return moid === undefined ? undefined : this.#hosts.get(moid)?.record;
  }

  /** The host a key names; undefined for an unknown one. */
  hostByKey(key: HostKey | undefined): HostRecord | undefined {
    switch (key?.key?.$case) {
      case "ref":
        return this.#hosts.get(key.key.value.value)?.record;
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
    const moid = this.#vmsByInstanceUuid.get(uuid);
    return moid === undefined ? undefined : this.#vms.get(moid);
  }

  owner(uid: string): OwnerRecord | undefined {
    return this.#owners.get(uid);
  }

  vmsOn(host: string): readonly VmRecord[] {
    return [...(this.#vmsByHost.get(host) ?? [])].flatMap((moid) => this.#vms.get(moid) ?? []);
  }

  childPools(moid: string): readonly PoolRecord[] {
    return this.pools.filter((pool) => pool.parent === moid);
  }

  /** The cluster a pool belongs to. */
  clusterOfPool(moid: string): Cluster {
    let pool = this.pool(moid);
    while (pool.parent !== undefined) pool = this.pool(pool.parent);
    return found(this.clusters.find((cluster) => cluster.rootPool?.value === pool.moid), "ClusterComputeResource", `of ${moid}`);
  }

  /** A host as DRS looks at it. */
  candidate(moid: string): HostCandidate {
    const { record, datastores, networks } = found(this.#hosts.get(moid), "HostSystem", moid);
    return {
      moid,
      name: record.spec.name,
      cores: record.spec.numCpuCores,
      coreMhz: record.spec.cpuMhz,
      memoryMb: record.spec.memoryMb,
      reach: reachOf(record),
      poweredOn: record.powerState === HostPowerState.POWERED_ON,
      inMaintenanceMode: record.inMaintenanceMode,
      inQuarantineMode: record.inQuarantineMode,
      datastores,
      networks,
      account: this.ledger.host(moid),
    };
  }

  // Messages of the contract.

  hostMessage(moid: string): Host {
    return { ...hostMessage(this.host(moid)), usage: this.#hostUsage(moid) };
  }

  poolMessage(moid: string): ResourcePool {
    const used = this.ledger.pools.used(moid);
    const unreserved = this.ledger.pools.unreserved(moid);
    return {
      ...poolMessage(this.pool(moid)),
      usage: {
        reservationUsedCpuMhz: used.cpuMhz,
        reservationUsedMemoryMb: used.memoryMb,
        unreservedCpuMhz: finite(unreserved.cpuMhz),
        unreservedMemoryMb: finite(unreserved.memoryMb),
      },
    };
  }

  vmMessage(moid: string): VirtualMachine {
    const vm = this.vm(moid);
    return vmMessage(vm, this.findHost(vm.host));
  }

  /** Everything, each kind in order of moid. */
  message(): InventoryMessage {
    return {
      datacenters: [...this.#datacenters.values()],
      clusters: [...this.#clusters.values()],
      resourcePools: inOrder(this.#pools.keys()).map((moid) => this.poolMessage(moid)),
      hosts: inOrder(this.#hosts.keys()).map((moid) => this.hostMessage(moid)),
      virtualMachines: inOrder(this.#vms.keys()).map((moid) => this.vmMessage(moid)),
    };
  }

  // Changing.

  putDatacenter(datacenter: Datacenter): void {
    this.#datacenters.set(moidOf(datacenter), datacenter);
    this.feed.changed(moidOf(datacenter));
  }

  putCluster(cluster: Cluster, rootPool: PoolRecord): void {
    this.#clusters.set(moidOf(cluster), cluster);
    this.#pools.set(rootPool.moid, rootPool);
    this.ledger.addRootPool(rootPool.moid);
    this.feed.changed(moidOf(cluster));
    this.feed.changed(rootPool.moid);
  }

  /** A new pool, or new settings or name of one. The ledger books its reservation. */
  putPool(pool: PoolRecord): void {
    const known = this.#pools.has(pool.moid);
    this.#pools.set(pool.moid, pool);
    if (pool.namespace !== "") this.#poolsByNamespace.set(pool.namespace, pool.moid);
    const allocation = poolAllocation(pool.config);
    if (known) this.ledger.pools.configure(pool.moid, allocation);
    else this.ledger.addPool(pool.moid, pool.parent ?? "", allocation);
    this.feed.changed(pool.moid);
    if (pool.parent !== undefined) this.feed.changed(pool.parent);
  }

  removePool(moid: string): void {
    const pool = this.pool(moid);
    this.#pools.delete(moid);
    if (pool.namespace !== "") this.#poolsByNamespace.delete(pool.namespace);
    this.ledger.pools.remove(moid);
    this.feed.removed(moid);
    if (pool.parent !== undefined) this.feed.changed(pool.parent);
  }

  /** A new host, or a change of one. */
  putHost(record: HostRecord): void {
    if (!this.#hosts.has(record.moid)) {
      const capacity = { cpuMhz: record.spec.numCpuCores * record.spec.cpuMhz, memoryMb: record.spec.memoryMb };
      this.ledger.addHost(record.moid, capacity, this.cluster(record.cluster).rootPool?.value ?? "");
    }
    this.#hosts.set(record.moid, { record, datastores: new Set(record.spec.datastores), networks: new Set(record.spec.networks) });
    this.#hostsByName.set(record.spec.name, record.moid);
    // A host that merely does not answer for a moment keeps its place in the cluster's capacity; its VMs still hold theirs.
    this.ledger.countHost(record.moid, !record.disconnected && !record.inMaintenanceMode && record.powerState !== HostPowerState.POWERED_OFF);
    this.feed.changed(record.moid);
    for (const vm of this.vmsOn(record.moid)) this.feed.changed(vm.moid);
  }

  removeHost(moid: string): void {
    const host = this.host(moid);
    this.ledger.removeHost(moid);
    this.#hosts.delete(moid);
    this.#hostsByName.delete(host.spec.name);
    this.feed.removed(moid);
  }

  /** A new VM, or a change of one. Its claim follows: a VM that runs or should run claims its reservation, another one nothing. */
  putVm(vm: VmRecord): void {
    this.#vms.set(vm.moid, vm);
    this.#vmsByInstanceUuid.set(vm.config.instanceUuid, vm.moid);
    const onHost = this.#vmsByHost.get(vm.host) ?? new Set<string>();
    this.#vmsByHost.set(vm.host, onHost.add(vm.moid));
    if (vm.wantedOn || vm.isOn) this.ledger.claim(vm.moid, this.claimOf(vm));
    else this.ledger.release(vm.moid);
    this.feed.changed(vm.moid);
  }

  removeVm(moid: string): void {
    const vm = this.vm(moid);
    this.#vms.delete(moid);
    this.#vmsByInstanceUuid.delete(vm.config.instanceUuid);
    this.#vmsByHost.get(vm.host)?.delete(moid);
    this.ledger.release(moid);
    this.feed.removed(moid);
  }

  putOwner(owner: OwnerRecord): void {
    this.#owners.set(owner.uid, owner);
  }

  removeOwner(uid: string): void {
    this.#owners.delete(uid);
  }

  /** What a VM claims of its host and pool. */
  claimOf(vm: Pick<VmRecord, "config" | "host" | "pool" | "isOn">): Claim {
    const shape = vmShape(vm.config);
    const coreMhz = this.host(vm.host).spec.cpuMhz;
    return {
      host: vm.host,
      pool: vm.pool,
      reserved: shape.reserved,
      active: vm.isOn ? activeUse(shape) : NOTHING,
      demand: predictedDemand(shape, coreMhz),
      poweredOn: vm.isOn,
    };
  }

  #hostUsage(moid: string): HostUsage {
    const account = this.ledger.host(moid);
    return {
      reservedCpuMhz: account.reserved.cpuMhz,
      reservedMemoryMb: account.reserved.memoryMb,
      activeCpuMhz: Math.round(account.active.cpuMhz),
      activeMemoryMb: Math.round(account.active.memoryMb),
      poweredOnVms: account.poweredOnVms,
    };
  }

  #object(moid: string): InventoryObject | undefined {
    if (this.#vms.has(moid)) return { $case: "virtualMachine", value: this.vmMessage(moid) };
    if (this.#hosts.has(moid)) return { $case: "host", value: this.hostMessage(moid) };
    if (this.#pools.has(moid)) return { $case: "resourcePool", value: this.poolMessage(moid) };
    const cluster = this.#clusters.get(moid);
    if (cluster !== undefined) return { $case: "cluster", value: cluster };
    const datacenter = this.#datacenters.get(moid);
    return datacenter === undefined ? undefined : { $case: "datacenter", value: datacenter };
  }
}

/** Moids in order of their number. */
export function inOrder(moids: Iterable<string>): string[] {
  return [...moids].toSorted((left, right) => moidNumber(left) - moidNumber(right));
}

function moidOf(object: Datacenter | Cluster): string {
  return object.ref?.value ?? "";
}

function found<T>(object: T | undefined, type: MoType, moid: string): T {
  if (object === undefined) throw VimFault.notFound(moref(type, moid));
  return object;
}

/** Unlimited is -1 in vim25. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : -1;
}
