import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { KeyValueEntry } from "./key-value.js";
import { ABOUT_KEY, COUNTERS_KEY, readRecordKey } from "./keyspace.js";
import type { Inventory } from "../inventory/inventory.js";
import { readGroup, readRule } from "../clusters/rule-records.js";
import type { RuleTable } from "../clusters/rule-table.js";
import { type PoolRecord, readCluster, readCreation, readDatacenter, readHost, readOwner, readPool, readTask, readVm } from "./records.js";

/** What etcd held beside the inventory. */
export interface Loaded {
  readonly instanceUuid: string | undefined;
  readonly counters: string | undefined;
  /** Tasks that were under way. */
  readonly tasks: readonly TaskInfo[];
}

/** Fills an empty inventory, and an empty table of rules, from what was read, in an order in which everything finds what it refers to. */
export function loadInventory(entries: readonly KeyValueEntry[], inventory: Inventory, rules: RuleTable): Loaded {
  const records = entries.flatMap((entry) => {
    const key = readRecordKey(entry.key);
    return key === undefined ? [] : [{ ...key, value: entry.value }];
  });
  const of = (kind: (typeof records)[number]["kind"]): typeof records => records.filter((record) => record.kind === kind);

  for (const { value } of of("datacenters")) inventory.putDatacenter(readDatacenter(value));
  const pools = new Map(of("pools").map(({ id, value }) => [id, readPool(id, value)] as const));
  for (const { id, value } of of("clusters")) {
    const cluster = readCluster(value);
    const root = pools.get(cluster.rootPool?.value ?? "");
    if (root === undefined) throw new Error(`cluster ${id} has no root pool on record`);
    inventory.putCluster(cluster, root);
    pools.delete(root.moid);
  }
  // Hosts come before pools: pools' reservations are booked on what the hosts give.
  for (const { id, value } of of("hosts")) inventory.putHost(readHost(id, value));
  for (const pool of parentsFirst(pools)) inventory.putPool(pool);
  for (const { id, value } of of("vms")) inventory.putVm(readVm(id, value));
  for (const { id, value } of of("owners")) inventory.putOwner(readOwner(id, value));
  for (const { id, value } of of("creations")) inventory.putCreation(readCreation(id, value));

  for (const { id, value } of of("groups")) rules.putGroup(readGroup(id, value));
  for (const { id, value } of of("rules")) rules.putRule(readRule(id, value));

  const about = entries.find((entry) => entry.key === ABOUT_KEY)?.value;
  return {
    instanceUuid: about === undefined ? undefined : (JSON.parse(about) as { instanceUuid: string }).instanceUuid,
    counters: entries.find((entry) => entry.key === COUNTERS_KEY)?.value,
    tasks: of("tasks").map(({ value }) => readTask(value)),
  };
}

function parentsFirst(pools: ReadonlyMap<string, PoolRecord>): PoolRecord[] {
  const sorted: PoolRecord[] = [];
  const seen = new Set<string>();
  const visit = (pool: PoolRecord): void => {
    if (seen.has(pool.moid)) return;
    seen.add(pool.moid);
    const parent = pool.parent === undefined ? undefined : pools.get(pool.parent);
    if (parent !== undefined) visit(parent);
    sorted.push(pool);
  };
  for (const pool of pools.values()) visit(pool);
  return sorted;
}
