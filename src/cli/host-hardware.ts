import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { recovery } from "./host-recovery.js";
import { oneOf } from "./one-of.js";
import { Rack, type RackedHost, rackedHost, serviceKeys } from "./rack.js";
import { type Vsphere, withVsphere } from "./vsphere.js";

interface HardwareFlags extends ConnectionOptions {
  /** False with --no-wait. */
  readonly wait: boolean;
}

/** `spheresim host power`, `network` and `service`: what somebody in front of the rack does to a host. */
export function addHostHardware(host: Command): void {
  addWaitOptions(host.command("power").description("pull a host's plug (off), put it in again (on), or both (reset)").argument("<name>").argument("<change>", "off, on or reset", oneOf("off", "on", "reset")))
    .action((name: string, change: "off" | "on" | "reset", flags: HardwareFlags) => withVsphere(flags, (vsphere) => power(vsphere, name, change, flags)));
  addWaitOptions(host.command("network").description("pull a host's network cable (cut), or plug it in again (restore); what runs there runs on").argument("<name>").argument("<change>", "cut or restore", oneOf("cut", "restore")))
    .action((name: string, change: "cut" | "restore", flags: HardwareFlags) => withVsphere(flags, (vsphere) => network(vsphere, name, change === "restore", flags)));
  addWaitOptions(
    host
      .command("service")
      .description("kill a host's HostD or Spherelet (stop), start it again, or both (restart); what runs there runs on")
      .argument("<name>")
      .argument("<service>", "hostd or spherelet", oneOf("hostd", "spherelet"))
      .argument("<change>", "stop, start or restart", oneOf("stop", "start", "restart")),
  ).action((name: string, service: keyof typeof serviceKeys, change: "stop" | "start" | "restart", flags: HardwareFlags) => withVsphere(flags, (vsphere) => serve(vsphere, name, service, change, flags)));
}

function addWaitOptions(command: Command): Command {
  return addConnectionOptions(command.option("--no-wait", "do not wait until the host works again"));
}

async function power(vsphere: Vsphere, name: string, change: "off" | "on" | "reset", flags: HardwareFlags): Promise<void> {
  const { host, rack } = await found(vsphere, name);
  if (change !== "on") await rack.client.setPower({ requestId: "", name: host.name, poweredOn: false });
  if (change === "off") return say(`${host.name} has no power: its VMs are off`);
  await rack.client.setPower({ requestId: "", name: host.name, poweredOn: true });
  return say(`${host.name} ${change === "on" ? "has power" : "was reset"}: ${await recovered(vsphere, host, flags)}`);
}

async function network(vsphere: Vsphere, name: string, connected: boolean, flags: HardwareFlags): Promise<void> {
  const { host, rack } = await found(vsphere, name);
  await rack.client.setNetwork({ requestId: "", name: host.name, connected });
  return say(connected ? `${host.name} is on the network: ${await recovered(vsphere, host, flags)}` : `${host.name} is cut off: its VMs run on`);
}

async function serve(vsphere: Vsphere, name: string, service: keyof typeof serviceKeys, change: "stop" | "start" | "restart", flags: HardwareFlags): Promise<void> {
  const { host, rack } = await found(vsphere, name);
  const set = (running: boolean) => rack.client.setService({ requestId: "", name: host.name, service: serviceKeys[service], running });
  if (change !== "start") await set(false);
  if (change === "stop") return say(`${service} of ${host.name} is down: its VMs run on`);
  await set(true);
  return say(`${service} of ${host.name} ${change === "start" ? "runs" : "was restarted"}: ${await recovered(vsphere, host, flags)}`);
}

async function found(vsphere: Vsphere, name: string): Promise<{ readonly host: RackedHost; readonly rack: Rack }> {
  const host = await rackedHost(vsphere, name);
  const rack = new Rack(vsphere, host.address);
  if ((await rack.host(host.name)) === undefined) throw new UserError("failed", `the process at ${host.address} says nothing of ${host.name} as hardware`, "it must be an ESXi process of spheresim, and have that host");
  return { host, rack };
}

function recovered(vsphere: Vsphere, host: RackedHost, { wait }: HardwareFlags): Promise<string> {
  return wait ? recovery(vsphere, host) : Promise.resolve("it comes back");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
