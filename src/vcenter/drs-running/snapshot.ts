import { nextTurn } from "../../base/clock.js";
import type { Amount } from "../drs/amount.js";
import { allocateClusterTree } from "../drs/entitlement/cluster-tree.js";
import type { PassInput } from "../drs/pass/pass-input.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import type { HostRecord, PoolRecord, VmRecord } from "../store/records.js";
import type { RuleTable } from "../clusters/rule-table.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import { givesAway, hostColumns } from "./host-rows.js";
import { LookbackRows } from "./lookback-rows.js";
import { Needs } from "./needs.js";
import { poolsOf, readPools } from "./pool-rows.js";
import { RuleRows } from "./rule-rows.js";
import { Stretches } from "./stretches.js";
import { movableColumns, readVm } from "./vm-rows.js";

/** Where snapshots are taken from. */
export interface SnapshotSource {
  readonly inventory: Inventory;
  readonly rules: RuleTable;
  readonly tasks: Pick<TaskRegistry, "holderOf">;
}

/** What the pass is asked beside the cluster itself. */
export interface PassWish {
  /** Migration threshold; 0 looks and moves nothing. */
  readonly threshold: number;
  readonly turn: number;
}

/** Whose figures stand in which row of a pass, and what of the cluster is not the pass's to find. */
export interface PassRows {
  readonly cluster: string;
  readonly threshold: number;
  /** What the hosts that count have, and what is reserved of it. */
  readonly capacity: Amount;
  readonly reserved: Amount;
  readonly hosts: readonly HostRecord[];
  /** The root pool first. */
  readonly pools: readonly PoolRecord[];
  /** VMs that run or are to run. */
  readonly vms: readonly VmRecord[];
  readonly totalVms: number;
  readonly poweredOffVms: number;
}

/** A cluster as a pass sees it. */
export interface Snapshot {
  /** Moved to the worker thread, and gone from here, when the pass runs. */
  readonly input: PassInput;
  readonly rows: PassRows;
}

/** So many VMs, hosts or pools are read at a stretch: about a millisecond, two on a busy machine. */
const AT_A_STRETCH = 250;
/** So many records are as quickly passed over as one is read. */
const PASSED_OVER_A_STEP = 10;
/** As much work as so many VMs is one that uses now more, now less, when time has leapt an hour since it was read. */
const LOOKED_BACK_STEPS = 30;

/**
 * Takes a snapshot, a stretch at a time. Records never change, they are replaced; so the list of them, taken at once, stays what it was while
 * their figures are read. What happens meanwhile is seen by the next pass, and each move is admitted anew before it begins.
 */
export async function takeSnapshot({ inventory, rules, tasks }: SnapshotSource, clusterMoid: string, { threshold, turn }: PassWish): Promise<Snapshot> {
  const cluster = inventory.cluster(clusterMoid);
  const all = inventory.vms;
  const hosts = inventory.hosts.filter((host) => host.cluster === clusterMoid);
  const pools = poolsOf(inventory, cluster);
  const root = cluster.rootPool?.value ?? "";
  const capacity = inventory.ledger.pools.allocation(root).reservation;
  const reserved = inventory.ledger.pools.used(root);
  const stretches = new Stretches(AT_A_STRETCH);
  const hostRows = new Map(hosts.map(({ moid }, row) => [moid, row]));
  const poolRows = new Map(pools.map(({ moid }, row) => [moid, row]));

  await nextTurn();
  const vms: VmRecord[] = [];
  let totalVms = 0;
  let poweredOffVms = 0;
  for (const [index, vm] of all.entries()) {
    const pause = index % PASSED_OVER_A_STEP === 0 ? stretches.step() : undefined;
    if (pause !== undefined) await pause;
    if (!hostRows.has(vm.host)) continue;
    totalVms += 1;
    if (!vm.isOn) poweredOffVms += 1;
    if (vm.isOn || vm.wantedOn) vms.push(vm);
  }

  await nextTurn();
  const needs = new Needs();
  const ruleRows = new RuleRows(rules.book(clusterMoid).inForce);
  const tree = allocateClusterTree(capacity, pools.length, vms.length);
  await nextTurn();
  const hostFigures = await hostColumns(inventory, hosts, needs, stretches);
  await readPools(tree, pools, poolRows, cluster, stretches);
  await ruleRows.listMembers(stretches);
  const columns = movableColumns(vms.length);
  const lookback = new LookbackRows(inventory.meter, threshold);
  let steps = 0;
  for (const [row, vm] of vms.entries()) {
    const pause = stretches.step(steps);
    if (pause !== undefined) await pause;
    steps = 1;
    const hostRow = hostRows.get(vm.host) ?? -1;
    const host = hosts[hostRow];
    if (host === undefined) continue;
    readVm(inventory, vm, host, tree, columns, row);
    if (tree.vms.poweredOn[row] === 1 && lookback.read(vm, row)) steps = LOOKED_BACK_STEPS;
    tree.vms.host[row] = hostRow;
    tree.vms.pool[row] = poolRows.get(vm.pool) ?? 0;
    columns.headsFor[row] = vm.migration === undefined ? hostRow : (hostRows.get(vm.migration.target) ?? hostRow);
    columns.need[row] = needs.needOf(vm.config.devices);
    const isMovable = vm.config.guestId !== POD_GUEST_ID && tree.vms.poweredOn[row] === 1 && givesAway(host) && vm.migration === undefined && tasks.holderOf(vm.moid) === undefined;
    columns.movable[row] = isMovable ? 1 : 0;
    ruleRows.found(vm.moid, row);
  }
  const input: PassInput = {
    tree,
    hosts: hostFigures,
    vms: columns,
    lookback: lookback.columns(tree, columns),
    compatible: needs.compatible(),
    offers: needs.offers,
    rules: await ruleRows.rules(hosts, stretches),
    threshold,
    memoryMetric: cluster.drsConfig?.consumedMemoryMetric === true ? "consumed" : "active",
    turn,
  };
  return { input, rows: { cluster: clusterMoid, threshold, capacity, reserved, hosts, pools, vms, totalVms, poweredOffVms } };
}
