import type { HostSet, PlacementSpec } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { DrsRule } from "../drs/rules/rule.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import { moref } from "../inventory/moref.js";
import type { PlacementRules } from "./placement-rules.js";
import type { HostRecord, PoolRecord, VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import { completeVmConfig } from "../machines/vm-config.js";

/** A placement spec with everything it names found. */
export interface ResolvedSpec {
  readonly config: VirtualMachineConfigSpec;
  readonly ownerUid: string;
  readonly cluster: string;
  readonly pool: PoolRecord;
  readonly namespace: string;
  /** Rows of the hosts that may be chosen, in the ledger's HostTable, in order of the hosts' names. */
  readonly hosts: Int32Array;
  /** The VM that is to move; undefined for one that is still to be created. */
  readonly vm: VmRecord | undefined;
  /** Rules stated with the placement. */
  readonly rules: readonly DrsRule[];
}

/** Checks a spec and finds what it names. `field` is its path in the request. Throws InvalidArgument and ManagedObjectNotFound. */
export function resolveSpec(spec: PlacementSpec | undefined, field: string, inventory: Inventory, rules?: PlacementRules): ResolvedSpec {
  if (spec === undefined) throw VimFault.invalidArgument(field, "is required");
  if (spec.vm !== undefined) return resolveMove(spec, spec.vm.value, field, inventory, rules);
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
  const namespace = spec.namespace === "" ? pool.namespace : spec.namespace;
  return { config: { ...config, guestId, ownerUid }, ownerUid, cluster, pool, namespace, hosts: hostsOf(spec.hosts, `${field}.hosts`, cluster, inventory), vm: undefined, rules: statedRules(spec, field, cluster, rules) };
}

/** A better host for an ordinary VM that exists: what it is and where it runs is on record, so the spec may say nothing of it. */
function resolveMove(spec: PlacementSpec, moid: string, field: string, inventory: Inventory, rules: PlacementRules | undefined): ResolvedSpec {
  for (const [name, isStated] of [["config", spec.config !== undefined], ["pool", spec.pool !== undefined], ["namespace", spec.namespace !== ""], ["owner_uid", spec.ownerUid !== ""]] as const) {
    if (isStated) throw VimFault.invalidArgument(`${field}.${name}`, `must be absent where ${field}.vm names a virtual machine that exists`);
  }
  const vm = inventory.vm(moid);
  if (vm.config.guestId === POD_GUEST_ID) throw VimFault.podStays(vm.config.name, vm.moid);
  const { cluster } = inventory.host(vm.host);
  if (spec.hosts?.cluster !== undefined && spec.hosts.cluster.value !== cluster) throw VimFault.invalidArgument(`${field}.hosts.cluster`, `${vm.moid} is in cluster ${cluster}`);
  const pool = inventory.pool(vm.pool);
  return { config: vm.config, ownerUid: "", cluster, pool, namespace: pool.namespace, hosts: hostsOf(spec.hosts, `${field}.hosts`, cluster, inventory), vm, rules: statedRules(spec, field, cluster, rules) };
}

function statedRules(spec: PlacementSpec, field: string, cluster: string, rules: PlacementRules | undefined): readonly DrsRule[] {
  return spec.rules.length === 0 || rules === undefined ? [] : rules.resolve(spec.rules, `${field}.rules`, cluster);
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

function hostsOf(set: HostSet | undefined, field: string, cluster: string, inventory: Inventory): Int32Array {
  const table = inventory.ledger.hosts;
  const all = table.rowsOf(cluster);
  switch (set?.set?.$case) {
    case undefined:
    case "all":
      return all;
    case "hosts": {
      const { hosts } = set.set.value;
      if (hosts.length === 0) throw VimFault.invalidArgument(`${field}.hosts.hosts`, "names no host");
      const listed = marked(hosts, `${field}.hosts.hosts`, cluster, inventory);
      return all.filter((row) => listed[row] === 1);
    }
    case "allExcept": {
      const except = marked(set.set.value.hosts, `${field}.all_except.hosts`, cluster, inventory);
      return all.filter((row) => except[row] !== 1);
    }
  }
}

type HostKeys = readonly Parameters<Inventory["hostByKey"]>[0][];

/** 1 in the rows of the hosts that are named: a list may be as long as the cluster, so a row is marked instead of searched. */
function marked(keys: HostKeys, field: string, cluster: string, inventory: Inventory): Uint8Array {
  const table = inventory.ledger.hosts;
  const marks = new Uint8Array(table.length);
  keys.forEach((key, index) => {
    const host = inventory.hostByKey(key);
    if (host?.cluster === cluster) marks[table.row(host.moid)] = 1;
    else requireHost(key, `${field}[${index}]`, inventory, cluster);
  });
  return marks;
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
