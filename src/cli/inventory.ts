import type { Command } from "commander";
import { type Cluster, type Host, Inventory, type ResourcePool, type VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { bar } from "./bar.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { folded } from "./folded.js";
import { hostTroubles } from "./host-state.js";
import { type OutputForm, outputOption, print } from "./output.js";
import { screen } from "./screen.js";

/** `spheresim inventory`: the vSphere side as a tree. */
export function addInventory(program: Command): void {
  const command = program
    .command("inventory")
    .description("the vSphere side as a tree: datacenter, cluster, pools, hosts, VMs")
    .addOption(outputOption());
  addConnectionOptions(command).action(async (flags: ConnectionOptions & { readonly output: OutputForm }) => {
    const connection = await connect(flags, process.env);
    try {
      const inventory = await connection.open("vcenter").client(InventoryServiceClient).getInventory({});
      print(flags.output, Inventory.toJSON(inventory), (wide) => inventoryTree(inventory, wide, screen().columns));
    } finally {
      connection.close();
    }
  });
}

const barWidth = 12;

/** An object of the tree, told in parts, and those below it. */
interface Branch {
  readonly parts: readonly string[];
  readonly below: readonly Branch[];
}

const GAP = "  ";
/** Parts are not broken into less than this. */
const LEAST_COLUMNS = 20;

/** The inventory as a tree with bars in MHz and MB, on a terminal of so many columns. */
export function inventoryTree(inventory: Inventory, wide: boolean, columns?: number): string {
  const datacenters = inventory.datacenters.map((datacenter): Branch => {
    const clusters = inventory.clusters.filter((cluster) => cluster.datacenter?.value === datacenter.ref?.value);
    return { parts: [datacenter.name, datacenter.ref?.value ?? ""], below: clusters.map((cluster) => clusterBranch(inventory, cluster, wide)) };
  });
  return datacenters.flatMap(({ parts, below }) => [...told(parts, columns), ...lines(below, columns)]).map((line) => `${line}\n`).join("");
}

/**
 * Worked example: `[{parts: ["a", "first"], below: [{parts: ["b"], below: []}]}, {parts: ["c"], below: []}]` is `├─ a  first`, `│  └─ b`, `└─ c`;
 * where there is no room for `first` beside it, `├─ a`, `│    first`, `│  └─ b`, `└─ c`.
 */
export function lines(branches: readonly Branch[], columns?: number): string[] {
  const room = columns === undefined ? undefined : columns - 3;
  return branches.flatMap(({ parts, below }, index) => {
    const isLast = index === branches.length - 1;
    const [first = "", ...others] = told(parts, room);
    return [`${isLast ? "└─" : "├─"} ${first}`, ...[...others, ...lines(below, room)].map((line) => `${isLast ? "  " : "│ "} ${line}`)];
  });
}

/** An object in as many lines as it takes; it is broken between its parts where that is enough. */
function told(parts: readonly string[], columns?: number): string[] {
  const room = columns === undefined ? undefined : Math.max(LEAST_COLUMNS, columns);
  const found: string[] = [];
  for (const part of parts) {
    const line = found.at(-1);
    if (line !== undefined && (room === undefined || line.length + GAP.length + part.length <= room)) found[found.length - 1] = line + GAP + part;
    else found.push(...folded(part, room, line === undefined ? "" : GAP, GAP).trimEnd().split("\n"));
  }
  return found;
}

function clusterBranch(inventory: Inventory, cluster: Cluster, wide: boolean): Branch {
  const root = inventory.resourcePools.filter((pool) => pool.ref?.value === cluster.rootPool?.value);
  const hosts = inventory.hosts.filter((host) => host.cluster?.value === cluster.ref?.value);
  return { parts: [cluster.name, cluster.ref?.value ?? ""], below: [...root.map((pool) => poolBranch(inventory, pool)), ...hosts.map((host) => hostBranch(inventory, host, wide))] };
}

function hostBranch(inventory: Inventory, host: Host, wide: boolean): Branch {
  const vms = inventory.virtualMachines.filter((vm) => vm.host?.value === host.ref?.value);
  return { parts: hostParts(host), below: vms.map((vm) => ({ parts: vmParts(vm, wide), below: [] })) };
}

function poolBranch(inventory: Inventory, pool: ResourcePool): Branch {
  const { config, usage } = pool;
  const limits = [limitText(config?.cpuAllocation?.limit, "MHz"), limitText(config?.memoryAllocation?.limit, "MB")].filter((text) => text !== "");
  const parts = [
    `pool ${pool.name}`,
    pool.ref?.value ?? "",
    `reserves ${config?.cpuAllocation?.reservation ?? 0} MHz ${config?.memoryAllocation?.reservation ?? 0} MB`,
    `used ${usage?.reservationUsedCpuMhz ?? 0} MHz ${usage?.reservationUsedMemoryMb ?? 0} MB`,
    `unreserved ${usage?.unreservedCpuMhz ?? 0} MHz ${usage?.unreservedMemoryMb ?? 0} MB`,
    ...limits,
    ...(pool.namespace === "" ? [] : [`namespace ${pool.namespace}`]),
  ];
  const below = inventory.resourcePools.filter((each) => each.parent !== undefined && each.parent.value === pool.ref?.value);
  return { parts, below: below.map((each) => poolBranch(inventory, each)) };
}

function limitText(limit: number | undefined, unit: string): string {
  return limit === undefined || limit < 0 ? "" : `limit ${limit} ${unit}`;
}

function hostParts(host: Host): string[] {
  const cpu = (host.spec?.numCpuCores ?? 0) * (host.spec?.cpuMhz ?? 0);
  const memory = host.spec?.memoryMb ?? 0;
  const usage = host.usage;
  return [
    host.spec?.name ?? "",
    host.ref?.value ?? "",
    `${bar({ reserved: usage?.reservedCpuMhz, active: usage?.activeCpuMhz, capacity: cpu }, barWidth)} ${usage?.reservedCpuMhz ?? 0} reserved, ${usage?.activeCpuMhz ?? 0} active of ${cpu} MHz`,
    `${bar({ reserved: usage?.reservedMemoryMb, active: usage?.activeMemoryMb, capacity: memory }, barWidth)} ${usage?.reservedMemoryMb ?? 0} reserved, ${usage?.activeMemoryMb ?? 0} active of ${memory} MB`,
    ...hostTroubles(host),
  ];
}

function vmParts(vm: VirtualMachine, wide: boolean): string[] {
  const power = vm.powerState === VirtualMachinePowerState.POWERED_ON ? "on" : "off";
  const parts = [vm.config?.name ?? "", vm.ref?.value ?? "", power, `${vm.config?.numCpus} vCPU ${vm.config?.memoryMb} MB`];
  return wide ? [...parts, vm.config?.uuid ?? "", `owner ${vm.ownerUid || "-"}`] : parts;
}
