import type { Command } from "commander";
import type { VmUsage } from "../gen/spheresim/vcenter/v1/drs.js";
import { type Inventory, VirtualMachine, VirtualMachineConnectionState } from "../gen/spheresim/vcenter/v1/inventory.js";
import { ManagedEntityStatus } from "../gen/spheresim/vim/v1/managed_entity.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { activityText } from "./activity-option.js";
import { limitText, sharesText } from "./allocation-options.js";
import { addListOptions, type ListFlags } from "./command-options.js";
import { type FigureRow, figureTable } from "./figure-table.js";
import { shortHostName } from "./host-state.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { knownUsage } from "./vm-usage.js";
import { moid, withVsphere } from "./vsphere.js";

interface VmListFlags extends ListFlags {
  readonly host?: string;
  readonly pool?: string;
}

/** `spheresim vm list`. */
export function addVmList(vm: Command): void {
  addListOptions(vm.command("list").description("VMs, also those of pods, with what they reserve, are entitled to and use"))
    .option("--host <host>", "only those on this host")
    .option("--pool <pool>", "only those directly in this pool")
    .action((flags: VmListFlags) =>
      withVsphere(flags, async (vsphere) => {
        const inventory = await vsphere.inventory();
        const host = flags.host === undefined ? undefined : (await vsphere.host(flags.host)).ref;
        const pool = flags.pool === undefined ? undefined : (await vsphere.pool(flags.pool)).ref;
        const vms = inventory.virtualMachines.filter((each) => (host === undefined || moid(each.host) === host.value) && (pool === undefined || moid(each.pool) === pool.value));
        const usage = flags.output === "table" || flags.output === "wide" ? await knownUsage(vsphere) : new Map<string, VmUsage>();
        print(flags.output, vms.map((each) => VirtualMachine.toJSON(each)), (wide) => vmTable(inventory, vms, usage, wide));
      }),
    );
}

function vmTable(inventory: Inventory, vms: readonly VirtualMachine[], usage: ReadonlyMap<string, VmUsage>, wide: boolean): string {
  if (vms.length === 0) return "there is no VM; create one with: spheresim vm create\n";
  const columns = { name: "vm", about: ["power", "host", "pool"], figures: ["reserved", "entitled", "active", "of"], more: ["id", "kind", "cpus", "heartbeat", "score", "cpu limit", "cpu shares", "memory limit", "memory shares", "swap file MB", "activity", "uuid", "owner"] };
  return figureTable(columns, vms.map((vm) => vmRow(inventory, vm, usage.get(moid(vm.ref)))), { wide, screen: screen() });
}

function vmRow(inventory: Inventory, vm: VirtualMachine, usage: VmUsage | undefined): FigureRow {
  const { config } = vm;
  const host = inventory.hosts.find((each) => moid(each.ref) === moid(vm.host));
  const cpu = (config?.numCpus ?? 0) * (host?.spec?.cpuMhz ?? 0);
  const memory = config?.memoryMb ?? 0;
  const reservedCpu = config?.cpuAllocation?.reservation ?? 0;
  const reservedMemory = config?.memoryAllocation?.reservation ?? 0;
  const isOn = vm.powerState === VirtualMachinePowerState.POWERED_ON;
  const state = vm.connectionState === VirtualMachineConnectionState.CONNECTED ? (isOn ? "on" : "off") : VirtualMachineConnectionState[vm.connectionState].toLowerCase();
  const pool = inventory.resourcePools.find((each) => moid(each.ref) === moid(vm.pool))?.name ?? "";
  return {
    name: config?.name ?? "",
    about: [state, vm.hostName, pool],
    note: [state, shortHostName(vm.hostName), pool].join(", "),
    figures: [
      [reservedCpu, reservedMemory],
      [usage?.entitledCpuMhz, usage?.entitledMemoryMb],
      [usage?.activeCpuMhz, usage?.activeMemoryMb],
      [cpu, memory],
    ],
    bars: [
      { reserved: reservedCpu, entitled: usage?.entitledCpuMhz, active: usage?.activeCpuMhz, capacity: cpu },
      { reserved: reservedMemory, entitled: usage?.entitledMemoryMb, active: usage?.activeMemoryMb, capacity: memory },
    ],
    more: [
      moid(vm.ref),
      vm.ownerUid === "" ? "ordinary" : "pod",
      String(config?.numCpus ?? 0),
      ManagedEntityStatus[vm.guestHeartbeatStatus].toLowerCase(),
      usage === undefined ? "" : String(usage.drsScore),
      limitText(config?.cpuAllocation?.limit),
      sharesText(config?.cpuAllocation?.shares),
      limitText(config?.memoryAllocation?.limit),
      sharesText(config?.memoryAllocation?.shares),
      String(vm.swapFileMb),
      vm.ownerUid === "" ? activityText(vm.activity) : "",
      config?.uuid ?? "",
      vm.ownerUid,
    ],
  };
}
