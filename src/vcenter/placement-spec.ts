import type { HostSet, PlacementSpec } from "../gen/spheresim/vcenter/v1/placement.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { POD_GUEST_ID } from "./drs/vm-shape.js";
import type { Inventory } from "./inventory.js";
import { inOrder } from "./inventory.js";
import { moref } from "./moref.js";
import type { HostRecord, PoolRecord } from "./records.js";
import { VimFault } from "./vim-fault.js";
import { completeVmConfig } from "./vm-config.js";

/** A placement spec with everything it names found. */
export interface ResolvedSpec {
  readonly config: VirtualMachineConfigSpec;
  readonly ownerUid: string;
  readonly pool: PoolRecord;
  readonly namespace: string;
  /** Moids of the hosts that may be chosen. */
  readonly hosts: readonly string[];
}

/** Checks a spec and finds what it names. `field` is its path in the request. Throws InvalidArgument and ManagedObjectNotFound. */
export function resolveSpec(spec: PlacementSpec | undefined, field: string, inventory: Inventory): ResolvedSpec {
  if (spec === undefined) throw VimFault.invalidArgument(field, "is required");
  const { ownerUid } = spec;
  if (ownerUid.length > 253 || ownerUid.includes("/")) throw VimFault.invalidArgument(`${field}.owner_uid`, "is no UID");
  const config = completeVmConfig(spec.config, `${field}.config`);
  if (config.ownerUid !== "" && config.ownerUid !== ownerUid) throw VimFault.invalidArgument(`${field}.config.owner_uid`, `is "${config.ownerUid}", but ${field}.owner_uid is "${ownerUid}"`);
  const guestId = config.guestId === "" && ownerUid !== "" ? POD_GUEST_ID : config.guestId;
  if ((guestId === POD_GUEST_ID) !== (ownerUid !== "")) {
    throw VimFault.invalidArgument(`${field}.owner_uid`, ownerUid === "" ? `a ${POD_GUEST_ID} needs an owner` : `only a ${POD_GUEST_ID} has an owner, not a ${guestId}`);
  }
  const cluster = clusterOf(spec, field, inventory);
  const pool = poolOf(spec, field, cluster, inventory);
  return { config: { ...config, guestId, ownerUid }, ownerUid, pool, namespace: spec.namespace === "" ? pool.namespace : spec.namespace, hosts: hostsOf(spec.hosts, `${field}.hosts`, cluster, inventory) };
}

/** The cluster of a request: the one named, else the pool's, else the only one. */
function clusterOf(spec: PlacementSpec, field: string, inventory: Inventory): string {
  const named = spec.hosts?.cluster?.value;
  if (named !== undefined) return inventory.cluster(named).ref?.value ?? "";
  if (spec.pool !== undefined) return inventory.clusterOfPool(spec.pool.value).ref?.value ?? "";
  return onlyCluster(`${field}.hosts.cluster`, inventory);
}

/** The only cluster there is; InvalidArgument when there are several or none. */
export function onlyCluster(field: string, inventory: Inventory): string {
  const { clusters } = inventory;
  if (clusters.length === 0) throw VimFault.invalidState("There is no cluster yet.");
  if (clusters.length > 1) throw VimFault.invalidArgument(field, `is required: there are ${clusters.length} clusters`);
  return clusters[0]?.ref?.value ?? "";
}

function poolOf(spec: PlacementSpec, field: string, cluster: string, inventory: Inventory): PoolRecord {
  if (spec.pool !== undefined) {
    const pool = inventory.pool(spec.pool.value);
    if (spec.namespace !== "" && pool.namespace !== spec.namespace) throw VimFault.invalidArgument(`${field}.namespace`, `pool ${pool.moid} does not stand for namespace "${spec.namespace}"`);
    return inCluster(pool, `${field}.pool`, cluster, inventory);
  }
  if (spec.namespace === "") return inventory.pool(inventory.cluster(cluster).rootPool?.value ?? "");
  const pool = inventory.poolByNamespace(spec.namespace);
  if (pool === undefined) {
    throw new VimFault(`No resource pool stands for namespace "${spec.namespace}" yet.`, { $case: "managedObjectNotFound", value: { obj: moref("ResourcePool", `namespace:${spec.namespace}`) } });
  }
  return inCluster(pool, `${field}.namespace`, cluster, inventory);
}

function inCluster(pool: PoolRecord, field: string, cluster: string, inventory: Inventory): PoolRecord {
  if (inventory.clusterOfPool(pool.moid).ref?.value === cluster) return pool;
  throw VimFault.invalidArgument(field, `pool ${pool.moid} is not in cluster ${cluster}`);
}

function hostsOf(set: HostSet | undefined, field: string, cluster: string, inventory: Inventory): readonly string[] {
  const all = (): string[] => inOrder(inventory.hosts.filter((host) => host.cluster === cluster).map((host) => host.moid));
  switch (set?.set?.$case) {
    case undefined:
    case "all":
      return all();
    case "hosts": {
      const { hosts } = set.set.value;
      if (hosts.length === 0) throw VimFault.invalidArgument(`${field}.hosts.hosts`, "names no host");
      return listed(set.set.value.hosts, `${field}.hosts.hosts`, cluster, inventory);
    }
    case "allExcept": {
      const except = new Set(listed(set.set.value.hosts, `${field}.all_except.hosts`, cluster, inventory));
      return all().filter((moid) => !except.has(moid));
    }
    case "registered":
      throw VimFault.notSupported(`${field}.registered (registered host sets are not emulated yet)`);
  }
}

type HostKeys = readonly Parameters<Inventory["hostByKey"]>[0][];

function listed(keys: HostKeys, field: string, cluster: string, inventory: Inventory): string[] {
  const moids = new Set(keys.map((key, index) => requireHost(key, `${field}[${index}]`, inventory, cluster).moid));
  return [...moids];
}

/** The host a key names; InvalidArgument for an unknown one, and for one outside `cluster`. */
export function requireHost(key: HostKeys[number], field: string, inventory: Inventory, cluster?: string): HostRecord {
  const how = key?.key?.$case;
  if (how === undefined) throw VimFault.invalidArgument(field, "names no host: set ref or name");
  const host = inventory.hostByKey(key);
  const shown = key?.key?.$case === "name" ? key.key.value : key?.key?.value.value;
  if (host === undefined) throw VimFault.invalidArgument(`${field}.${how}`, `no host "${shown}" in the inventory`);
  if (cluster !== undefined && host.cluster !== cluster) throw VimFault.invalidArgument(`${field}.${how}`, `host "${shown}" is not in cluster ${cluster}`);
  return host;
}
