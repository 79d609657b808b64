import type { Command } from "commander";
import { type Cluster, type Host, Inventory, type ResourcePool, type VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { bar } from "./bar.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { hostTroubles } from "./host-state.js";
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

/** A line of the tree and those below it. */
interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** The inventory as a tree with bars in MHz and MB. */
export function inventoryTree(inventory: Inventory, wide: boolean): string {
  const datacenters = inventory.datacenters.map((datacenter): Branch => {
    const clusters = inventory.clusters.filter((cluster) => cluster.datacenter?.value === datacenter.ref?.value);
    return { text: `${datacenter.name}  ${datacenter.ref?.value}`, below: clusters.map((cluster) => clusterBranch(inventory, cluster, wide)) };
  });
  return datacenters.flatMap(({ text, below }) => [text, ...lines(below)]).map((line) => `${line}\n`).join("");
}

/**
 * Worked example: `[{text: "a", below: [{text: "b", below: []}]}, {text: "c", below: []}]` is `├─ a`, `│  └─ b`, `└─ c`.
 */
export function lines(branches: readonly Branch[]): string[] {
  return branches.flatMap(({ text, below }, index) => {
    const isLast = index === branches.length - 1;
    return [`${isLast ? "└─" : "├─"} ${text}`, ...lines(below).map((line) => `${isLast ? "  " : "│ "} ${line}`)];
  });
}

function clusterBranch(inventory: Inventory, cluster: Cluster, wide: boolean): Branch {
  const root = inventory.resourcePools.filter((pool) => pool.ref?.value === cluster.rootPool?.value);
  const hosts = inventory.hosts.filter((host) => host.cluster?.value === cluster.ref?.value);
  return { text: `${cluster.name}  ${cluster.ref?.value}`, below: [...root.map((pool) => poolBranch(inventory, pool)), ...hosts.map((host) => hostBranch(inventory, host, wide))] };
}

function hostBranch(inventory: Inventory, host: Host, wide: boolean): Branch {
  const vms = inventory.virtualMachines.filter((vm) => vm.host?.value === host.ref?.value);
  return { text: hostText(host), below: vms.map((vm) => ({ text: vmText(vm, wide), below: [] })) };
}

function poolBranch(inventory: Inventory, pool: ResourcePool): Branch {
  const { config, usage } = pool;
  const limits = [limitText(config?.cpuAllocation?.limit, "MHz"), limitText(config?.memoryAllocation?.limit, "MB")].filter((text) => text !== "");
  const text = [
    `pool ${pool.name}`,
    pool.ref?.value ?? "",
    `reserves ${config?.cpuAllocation?.reservation ?? 0} MHz ${config?.memoryAllocation?.reservation ?? 0} MB`,
    `used ${usage?.reservationUsedCpuMhz ?? 0} MHz ${usage?.reservationUsedMemoryMb ?? 0} MB`,
    `unreserved ${usage?.unreservedCpuMhz ?? 0} MHz ${usage?.unreservedMemoryMb ?? 0} MB`,
    ...limits,
    ...(pool.namespace === "" ? [] : [`namespace ${pool.namespace}`]),
  ].join("  ");
  const below = inventory.resourcePools.filter((each) => each.parent !== undefined && each.parent.value === pool.ref?.value);
  return { text, below: below.map((each) => poolBranch(inventory, each)) };
}

function limitText(limit: number | undefined, unit: string): string {
  return limit === undefined || limit < 0 ? "" : `limit ${limit} ${unit}`;
}

function hostText(host: Host): string {
  const cpu = (host.spec?.numCpuCores ?? 0) * (host.spec?.cpuMhz ?? 0);
  const memory = host.spec?.memoryMb ?? 0;
  const usage = host.usage;
  return [
    host.spec?.name ?? "",
    host.ref?.value ?? "",
    `${bar({ reserved: usage?.reservedCpuMhz, active: usage?.activeCpuMhz, capacity: cpu }, barWidth)} ${usage?.reservedCpuMhz ?? 0} reserved, ${usage?.activeCpuMhz ?? 0} active of ${cpu} MHz`,
    `${bar({ reserved: usage?.reservedMemoryMb, active: usage?.activeMemoryMb, capacity: memory }, barWidth)} ${usage?.reservedMemoryMb ?? 0} reserved, ${usage?.activeMemoryMb ?? 0} active of ${memory} MB`,
    ...hostTroubles(host),
  ].join("  ");
}

function vmText(vm: VirtualMachine, wide: boolean): string {
  const power = vm.powerState === VirtualMachinePowerState.POWERED_ON ? "on" : "off";
  const text = `${vm.config?.name}  ${vm.ref?.value}  ${power}  ${vm.config?.numCpus} vCPU ${vm.config?.memoryMb} MB`;
  return wide ? `${text}  ${vm.config?.uuid}  owner ${vm.ownerUid || "-"}` : text;
}
