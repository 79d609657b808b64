import type { Inventory, ResourcePool } from "../gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../gen/spheresim/vim/v1/resource.js";
import { limitText, sharesText, sharesWord } from "./allocation-options.js";
import { type FigureRow, figureTable } from "./figure-table.js";
import { screen } from "./screen.js";
import { moid } from "./vsphere.js";

/** The tree of pools: who lies below whom by indentation; figures are of what runs inside and below. */
export function poolTable(inventory: Inventory, wide: boolean): string {
  if (inventory.resourcePools.length === 0) return "there is no pool: there is no cluster\n";
  const roots = inventory.resourcePools.filter(({ parent }) => parent === undefined);
  const columns = {
    name: "pool",
    about: ["id", "namespace"],
    figures: ["reserved", "entitled", "active", "of"],
    more: ["reservation MHz", "reservation MB", "limit MHz", "limit MB", "cpu shares", "memory shares", "unreserved MHz", "unreserved MB", "expandable", "scalable shares"],
  };
  return figureTable(columns, roots.flatMap((root) => branch(inventory, root, 0)), { wide, screen: screen() });
}

function branch(inventory: Inventory, pool: ResourcePool, depth: number): FigureRow[] {
  const below = inventory.resourcePools.filter(({ parent }) => parent !== undefined && parent.value === moid(pool.ref));
  return [poolRow(inventory, pool, depth), ...below.flatMap((each) => branch(inventory, each, depth + 1))];
}

function poolRow(inventory: Inventory, pool: ResourcePool, depth: number): FigureRow {
  const { config, usage } = pool;
  const all = capacityAbove(inventory, pool);
  const most = (limit: number | undefined, capacity: number): number => (limit === undefined || limit < 0 ? capacity : limit);
  const cpu = most(config?.cpuAllocation?.limit, all.cpuMhz);
  const memory = most(config?.memoryAllocation?.limit, all.memoryMb);
  return {
    name: pool.name,
    depth,
    about: [moid(pool.ref), pool.namespace],
    note: settings(pool),
    figures: [
      [usage?.reservationUsedCpuMhz, usage?.reservationUsedMemoryMb],
      [usage?.entitledCpuMhz, usage?.entitledMemoryMb],
      [usage?.activeCpuMhz, usage?.activeMemoryMb],
      [cpu, memory],
    ],
    bars: [
      { reserved: usage?.reservationUsedCpuMhz, entitled: usage?.entitledCpuMhz, active: usage?.activeCpuMhz, capacity: cpu },
      { reserved: usage?.reservationUsedMemoryMb, entitled: usage?.entitledMemoryMb, active: usage?.activeMemoryMb, capacity: memory },
    ],
    more: [
      String(config?.cpuAllocation?.reservation ?? 0),
      String(config?.memoryAllocation?.reservation ?? 0),
      limitText(config?.cpuAllocation?.limit),
      limitText(config?.memoryAllocation?.limit),
      sharesText(config?.cpuAllocation?.shares, usage?.effectiveCpuShares),
      sharesText(config?.memoryAllocation?.shares, usage?.effectiveMemoryShares),
      limitText(usage?.unreservedCpuMhz),
      limitText(usage?.unreservedMemoryMb),
      expandable(pool),
      config?.scaleDescendantsShares === ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES ? "on" : "off",
    ],
  };
}

/** What somebody set of a pool, in short: `high shares, reserves 20000 MHz and 40960 MB`. */
function settings(pool: ResourcePool): string {
  const { name, namespace, config } = pool;
  const { cpuAllocation: cpu, memoryAllocation: memory } = config ?? {};
  const expands = expandable(pool);
  const reserved = [[cpu, "MHz"], [memory, "MB"]] as const;
  return [
    namespace === "" ? "" : namespace === name ? "namespace" : `namespace ${namespace}`,
    sharesNote(sharesWord(cpu?.shares), sharesWord(memory?.shares)),
    reserved.some(([of]) => (of?.reservation ?? 0) > 0) ? `reserves ${reserved.map(([of, unit]) => `${of?.reservation ?? 0} ${unit}`).join(" and ")}` : "",
    expands === "on" ? "" : expands === "off" ? "not expandable" : `expandable: ${expands}`,
  ].filter((each) => each !== "").join(", ");
}

/** Of which resource its reservation may grow from its parent's: `on` and `off` for both. */
function expandable({ config }: ResourcePool): string {
  const [cpu, memory] = [config?.cpuAllocation, config?.memoryAllocation].map((of) => of?.expandableReservation !== false);
  if (cpu === memory) return cpu === true ? "on" : "off";
  return cpu === true ? "CPU only" : "memory only";
}

function sharesNote(cpu: string, memory: string): string {
  if (cpu === memory) return cpu === "normal" ? "" : `${cpu} shares`;
  return `${cpu} CPU and ${memory} memory shares`;
}

/** What the hosts of the pool's cluster have: nothing inside can use more. */
function capacityAbove(inventory: Inventory, pool: ResourcePool): { readonly cpuMhz: number; readonly memoryMb: number } {
  const parent = inventory.resourcePools.find((each) => pool.parent !== undefined && moid(each.ref) === pool.parent.value);
  if (parent !== undefined) return capacityAbove(inventory, parent);
  const cluster = inventory.clusters.find((each) => moid(each.rootPool) === moid(pool.ref));
  const hosts = inventory.hosts.filter((host) => moid(host.cluster) === moid(cluster?.ref));
  return {
    cpuMhz: hosts.reduce((sum, { spec }) => sum + (spec?.numCpuCores ?? 0) * (spec?.cpuMhz ?? 0), 0),
    memoryMb: hosts.reduce((sum, { spec }) => sum + (spec?.memoryMb ?? 0), 0),
  };
}
