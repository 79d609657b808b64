import type { Command } from "commander";
import { monotonicClock } from "../base/clock.js";
import { durationParts } from "../base/timestamp.js";
import { UserError } from "../base/user-error.js";
import type { HostHardware } from "../gen/spheresim/hostd/v1/hardware.js";
import type { VmUsage } from "../gen/spheresim/vcenter/v1/drs.js";
import { Host, HostConnectionState, type VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { addListOptions, addTaskOptions, type ListFlags, type TaskFlags } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { type FigureRow, figureTable } from "./figure-table.js";
import { addHostAdd } from "./host-add.js";
import { unlessEntering } from "./host-entering.js";
import { addHostHardware } from "./host-hardware.js";
import { addHostRemove } from "./host-remove.js";
import { whileStaying } from "./host-staying.js";
import { hostTroubles, memoryStateText } from "./host-state.js";
import { oneOf } from "./one-of.js";
import { print } from "./output.js";
import { hardwareTroubles, knownHardware } from "./rack.js";
import { screen } from "./screen.js";
import { durationOption } from "./seconds.js";
import { finish } from "./task-progress.js";
import { knownUsage } from "./vm-usage.js";
import { moid, type Vsphere, withVsphere } from "./vsphere.js";

interface EvacuationFlags extends TaskFlags {
  readonly timeout?: number;
  readonly evacuatePoweredOff?: boolean;
}

/** `spheresim host`: the hosts of the cluster, and what an architect does with them. */
export function addHost(program: Command): void {
  const host = program.command("host").description("ESXi hosts: list, maintenance, disconnect, connect, quarantine, standby, add, remove; their power, network and services");
  addListOptions(host.command("list").description("hosts with what is reserved, entitled and active of them")).action(listHosts);
  addEvacuationOptions(host.command("maintenance").description("enter maintenance mode (ends when no VM runs there any more), or exit it"))
    .option("--evacuate-powered-off", "move VMs away that are off, too")
    .action((name: string, change: "enter" | "exit", flags: EvacuationFlags) => withVsphere(flags, (vsphere) => maintenance(vsphere, name, change, flags)));
  addEvacuationOptions(host.command("standby").description("put a host to sleep when no VM runs there any more (enter), or wake it (exit)"))
    .action((name: string, change: "enter" | "exit", flags: EvacuationFlags) => withVsphere(flags, (vsphere) => standby(vsphere, name, change, flags)));
  addConnectionOptions(host.command("quarantine").description("keep new VMs off a host while another will do").argument("<name>").argument("<change>", "on or off", oneOf("on", "off")))
    .action((name: string, change: "on" | "off", flags: ConnectionOptions) => withVsphere(flags, (vsphere) => quarantine(vsphere, name, change === "on")));
  for (const [word, connected] of [["disconnect", false], ["connect", true]] as const) {
    addConnectionOptions(host.command(word).description(connected ? "have vCenter speak to a host again" : "have vCenter speak to a host no longer; what runs there runs on").argument("<name>"))
      .action((name: string, flags: ConnectionOptions) => withVsphere(flags, (vsphere) => setConnection(vsphere, name, connected)));
  }
  addHostAdd(host);
  addHostRemove(host);
  addHostHardware(host);
}

function addEvacuationOptions(command: Command): Command {
  return addTaskOptions(command.argument("<name>").argument("<change>", "enter or exit", oneOf("enter", "exit")))
    .option("--timeout <duration>", "give up, as before, after so long of emulated time: 90s, 15m, 2h", durationOption);
}

function listHosts(flags: ListFlags): Promise<void> {
  return withVsphere(flags, async (vsphere) => {
    const { hosts, virtualMachines } = await vsphere.inventory();
    const isTable = flags.output === "table" || flags.output === "wide";
    const usage = isTable ? await knownUsage(vsphere) : new Map<string, VmUsage>();
    const hardware = isTable ? await knownHardware(vsphere) : new Map<string, HostHardware>();
    print(flags.output, hosts.map((each) => Host.toJSON(each)), (wide) => hostTable(hosts, entitledByHost(virtualMachines, usage), hardware, wide));
  });
}

/**
 * What the VMs that run on each host now are entitled to, by its moid. A host's own figures are those of the last pass of DRS, which may be
 * from before a VM came or went.
 *
 * Worked example: a pass saw a VM of 4000 MHz on host-21; it has moved to host-22 since: nothing of host-21, 4000 MHz of host-22.
 */
export function entitledByHost(vms: readonly VirtualMachine[], usage: ReadonlyMap<string, VmUsage>): ReadonlyMap<string, readonly [cpuMhz: number, memoryMb: number]> {
  const sums = new Map<string, readonly [number, number]>();
  for (const { ref, host, powerState } of vms) {
    const of = powerState === VirtualMachinePowerState.POWERED_ON ? usage.get(moid(ref)) : undefined;
    const [cpuMhz, memoryMb] = sums.get(moid(host)) ?? [0, 0];
    if (of !== undefined) sums.set(moid(host), [cpuMhz + of.entitledCpuMhz, memoryMb + of.entitledMemoryMb]);
  }
  return sums;
}

function hostTable(hosts: readonly Host[], entitled: ReturnType<typeof entitledByHost>, hardware: ReadonlyMap<string, HostHardware>, wide: boolean): string {
  if (hosts.length === 0) return "there is no host; add one with: spheresim host add\n";
  const columns = { name: "host", about: ["state", "vms"], figures: ["reserved", "entitled", "active", "of"], more: ["id", "cores", "MHz a core", "demand MHz", "demand MB", "memory", "address", "datastores", "networks", "labels"] };
  return figureTable(columns, hosts.map((host) => hostRow(host, hardware.get(host.spec?.name ?? ""), entitled.get(moid(host.ref)))), { wide, screen: screen() });
}

function hostRow(host: Host, hardware: HostHardware | undefined, [entitledMhz, entitledMb]: readonly [number?, number?] = host.usage?.poweredOnVms === 0 ? [0, 0] : []): FigureRow {
  const { spec, usage } = host;
  const cpu = (spec?.numCpuCores ?? 0) * (spec?.cpuMhz ?? 0);
  const memory = spec?.memoryMb ?? 0;
  const troubles = [...hostTroubles(host), ...(hardware === undefined ? [] : hardwareTroubles(hardware))];
  return {
    name: spec?.name ?? "",
    about: [troubles.length === 0 ? "connected" : troubles.join(", "), `${usage?.poweredOnVms ?? 0} on`],
    figures: [
      [usage?.reservedCpuMhz, usage?.reservedMemoryMb],
      [entitledMhz, entitledMb],
      [usage?.activeCpuMhz, usage?.activeMemoryMb],
      [cpu, memory],
    ],
    bars: [
      { reserved: usage?.reservedCpuMhz, entitled: entitledMhz, active: usage?.activeCpuMhz, capacity: cpu },
      { reserved: usage?.reservedMemoryMb, entitled: entitledMb, active: usage?.activeMemoryMb, capacity: memory },
    ],
    more: [
      moid(host.ref),
      String(spec?.numCpuCores ?? 0),
      String(spec?.cpuMhz ?? 0),
      String(usage?.demandCpuMhz ?? 0),
      String(usage?.demandMemoryMb ?? 0),
      memoryStateText(host),
      host.address,
      spec?.datastores.join(",") ?? "",
      spec?.networks.join(",") ?? "",
      Object.entries(spec?.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(","),
    ],
  };
}

async function maintenance(vsphere: Vsphere, name: string, change: "enter" | "exit", flags: EvacuationFlags): Promise<void> {
  const service = vsphere.client(InventoryServiceClient);
  const host = await vsphere.hostKey(name);
  const called = host.key?.value as string;
  if (change === "exit") {
    const task = await unlessEntering(vsphere, called, service.exitMaintenanceMode({ requestId: "", host }));
    return finish(vsphere, task, flags, () => `${called} has left maintenance mode`);
  }
  const timeout = flags.timeout === undefined ? undefined : durationParts(flags.timeout);
  const task = await unlessEntering(vsphere, called, service.enterMaintenanceMode({ requestId: "", host, timeout, evacuatePoweredOffVms: flags.evacuatePoweredOff === true }));
  return whileStaying(vsphere, called, task, flags, () => finish(vsphere, task, flags, () => `${called} is in maintenance mode`));
}

async function standby(vsphere: Vsphere, name: string, change: "enter" | "exit", flags: EvacuationFlags): Promise<void> {
  const service = vsphere.client(InventoryServiceClient);
  const host = await vsphere.hostKey(name);
  const called = host.key?.value as string;
  if (change === "exit") {
    const task = await unlessEntering(vsphere, called, service.powerUpHostFromStandBy({ requestId: "", host }));
    return finish(vsphere, task, flags, () => `${called} is awake`);
  }
  const task = await unlessEntering(vsphere, called, service.powerDownHostToStandBy({ requestId: "", host, timeout: flags.timeout === undefined ? undefined : durationParts(flags.timeout) }));
  return whileStaying(vsphere, called, task, flags, () => finish(vsphere, task, flags, () => `${called} is in standby`));
}

async function quarantine(vsphere: Vsphere, name: string, on: boolean): Promise<void> {
  const changed = await vsphere.client(InventoryServiceClient).setQuarantineMode({ requestId: "", host: await vsphere.hostKey(name), inQuarantineMode: on });
  process.stdout.write(`${changed.spec?.name} is ${changed.inQuarantineMode ? "in" : "out of"} quarantine\n`);
}

/** How long a host may take to answer after it was connected, and how often it is looked at. */
const CONNECT_LIMIT_MS = 10_000;
const CONNECT_POLL_MS = 100;

async function setConnection(vsphere: Vsphere, name: string, connected: boolean): Promise<void> {
  const answered = await vsphere.client(InventoryServiceClient).setHostConnection({ requestId: "", host: await vsphere.hostKey(name), connected });
  const troubles = hostTroubles(connected ? await responding(vsphere, answered) : answered);
  process.stdout.write(`${answered.spec?.name}: ${troubles.length === 0 ? "connected" : troubles.join(", ")}\n`);
}

/** The host when it answers vCenter. */
async function responding(vsphere: Vsphere, host: Host): Promise<Host> {
  const clock = monotonicClock();
  const deadlineMs = clock.nowMs() + CONNECT_LIMIT_MS;
  let now = host;
  while (now.connectionState === HostConnectionState.NOT_RESPONDING) {
    if (clock.nowMs() > deadlineMs) throw new UserError("time-out", `${host.spec?.name} does not respond after ${CONNECT_LIMIT_MS / 1000} s`, "vCenter goes on trying; see spheresim host list");
    await clock.sleep(CONNECT_POLL_MS);
    vsphere.forget();
    now = await vsphere.host(host.spec?.name ?? "");
  }
  return now;
}
