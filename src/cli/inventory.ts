import type { Command } from "commander";
import { type Host, HostConnectionState, Inventory, type ResourcePool, type VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { type OutputForm, outputOption, print } from "./output.js";

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
      print(flags.output, Inventory.toJSON(inventory), (wide) => inventoryTree(inventory, wide));
    } finally {
      connection.close();
    }
  });
}

const barWidth = 12;

/** Reserved (█) and active (▒) parts of a capacity. */
export function bar(reserved: number, active: number, capacity: number): string {
  const cells = (amount: number): number => (capacity <= 0 ? 0 : Math.min(barWidth, Math.round((amount / capacity) * barWidth)));
  const full = cells(reserved);
  const used = Math.max(0, cells(active) - full);
  return `[${"█".repeat(full)}${"▒".repeat(used)}${"·".repeat(barWidth - full - used)}]`;
}

/** The inventory as a tree with bars in MHz and MB. */
export function inventoryTree(inventory: Inventory, wide: boolean): string {
  const lines: string[] = [];
  for (const datacenter of inventory.datacenters) {
    lines.push(`${datacenter.name}  ${datacenter.ref?.value}`);
    for (const cluster of inventory.clusters.filter((each) => each.datacenter?.value === datacenter.ref?.value)) {
      lines.push(`└─ ${cluster.name}  ${cluster.ref?.value}`);
      const pools = new Set(inventory.resourcePools.map((pool) => pool.ref?.value));
      const roots = inventory.resourcePools.filter((pool) => !pools.has(pool.parent?.value));
      for (const root of roots) lines.push(...poolLines(inventory, root, 0).map((line) => `   ├─ ${line}`));
      for (const host of inventory.hosts.filter((each) => each.cluster?.value === cluster.ref?.value)) {
        lines.push(`   ├─ ${hostText(host)}`);
        for (const vm of inventory.virtualMachines.filter((each) => each.host?.value === host.ref?.value)) lines.push(`   │  ├─ ${vmText(vm, wide)}`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

/** A pool and those below it. */
function poolLines(inventory: Inventory, pool: ResourcePool, depth: number): string[] {
  const { config, usage } = pool;
  const limits = [limitText(config?.cpuAllocation?.limit, "MHz"), limitText(config?.memoryAllocation?.limit, "MB")].filter((text) => text !== "");
  const line = [
    `${"  ".repeat(depth)}pool ${pool.name}`,
    pool.ref?.value ?? "",
    `reserves ${config?.cpuAllocation?.reservation ?? 0} MHz ${config?.memoryAllocation?.reservation ?? 0} MB`,
    `used ${usage?.reservationUsedCpuMhz ?? 0} MHz ${usage?.reservationUsedMemoryMb ?? 0} MB`,
    `unreserved ${usage?.unreservedCpuMhz ?? 0} MHz ${usage?.unreservedMemoryMb ?? 0} MB`,
    ...limits,
    ...(pool.namespace === "" ? [] : [`namespace ${pool.namespace}`]),
  ].join("  ");
  const below = inventory.resourcePools.filter((each) => each.parent !== undefined && each.parent.value === pool.ref?.value);
  return [line, ...below.flatMap((each) => poolLines(inventory, each, depth + 1))];
}

function limitText(limit: number | undefined, unit: string): string {
  return limit === undefined || limit < 0 ? "" : `limit ${limit} ${unit}`;
}

function hostText(host: Host): string {
  const cpu = (host.spec?.numCpuCores ?? 0) * (host.spec?.cpuMhz ?? 0);
  const memory = host.spec?.memoryMb ?? 0;
  const usage = host.usage;
  const states = [
    host.connectionState === HostConnectionState.CONNECTED ? "" : HostConnectionState[host.connectionState].toLowerCase().replaceAll("_", " "),
    host.inMaintenanceMode ? "maintenance" : "",
  ].filter((state) => state !== "");
  return [
    host.spec?.name ?? "",
    host.ref?.value ?? "",
    `${bar(usage?.reservedCpuMhz ?? 0, usage?.activeCpuMhz ?? 0, cpu)} ${usage?.reservedCpuMhz ?? 0} reserved, ${usage?.activeCpuMhz ?? 0} active of ${cpu} MHz`,
    `${bar(usage?.reservedMemoryMb ?? 0, usage?.activeMemoryMb ?? 0, memory)} ${usage?.reservedMemoryMb ?? 0} reserved, ${usage?.activeMemoryMb ?? 0} active of ${memory} MB`,
    ...states,
  ].join("  ");
}

function vmText(vm: VirtualMachine, wide: boolean): string {
  const power = vm.powerState === VirtualMachinePowerState.POWERED_ON ? "on" : "off";
  const text = `${vm.config?.name}  ${vm.ref?.value}  ${power}  ${vm.config?.numCpus} vCPU ${vm.config?.memoryMb} MB`;
  return wide ? `${text}  ${vm.config?.uuid}  owner ${vm.ownerUid || "-"}` : text;
}
