import { type Command, InvalidArgumentError } from "commander";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import type { HostHardware } from "../gen/spheresim/hostd/v1/hardware.js";
import { HostServiceClient } from "../gen/spheresim/hostd/v1/host_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { clusterOption, wholeNumber } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { figures, type Hardware, haveHost, inVcenter, requireCluster } from "./host-in-vcenter.js";
import { recovery } from "./host-recovery.js";
import { hardwareTroubles, Rack } from "./rack.js";
import { moid, type Vsphere, withVsphere } from "./vsphere.js";

interface AddFlags extends ConnectionOptions {
  readonly address?: string;
  readonly cluster?: string;
  readonly cpuCores?: number;
  readonly cpuMhz?: number;
  readonly memoryMb?: number;
  readonly datastore: readonly string[];
  readonly network: readonly string[];
  readonly label: Readonly<Record<string, string>>;
}

/** A host of which nothing is said is like those of the default inventory. */
const DEFAULTS: Hardware = { numCpuCores: 16, cpuMhz: 2600, memoryMb: 65_536 };

/** `spheresim host add`: puts a host into the rack of an ESXi process, unless it is there, and into vCenter's cluster. */
export function addHostAdd(host: Command): void {
  const add = host
    .command("add")
    .description("add a host to the cluster: a new one, put into the rack of the ESXi process, or one that the process has")
    .argument("<name>", "its full name, lower case")
    .option("--address <host:port>", "where its HostD answers (default: this emulator's ESXi process)")
    .option("--cpu-cores <n>", "its cores (default: 16, or what it has)", wholeNumber(1))
    .option("--cpu-mhz <mhz>", "speed of its cores (default: 2600, or what it has)", wholeNumber(1))
    .option("--memory-mb <mb>", "its memory (default: 65536, or what it has)", wholeNumber(1))
    .option("--datastore <names...>", "datastores it mounts", ["datastore-01"])
    .option("--network <names...>", "networks it has", ["workload-01"])
    .option("--label <key=value>", "label of its Node; may be given several times", label, {})
    .addOption(clusterOption());
  addConnectionOptions(add).action((name: string, flags: AddFlags) => withVsphere(flags, (vsphere) => addOne(vsphere, name, flags)));
}

function label(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [key = "", value] = text.split(/=(.*)/s, 2);
  if (key === "" || value === undefined) throw new InvalidArgumentError("It must be key=value.");
  return { ...before, [key]: value };
}

async function addOne(vsphere: Vsphere, name: string, flags: AddFlags): Promise<void> {
  const address = flags.address ?? vsphere.connection.info.endpoints["esxi"];
  if (address === undefined) throw new UserError("usage", "this emulator runs no ESXi process", "name the HostD that has the host with --address");
  const known = await inVcenter(vsphere, name);
  const cluster = known === undefined || flags.cluster !== undefined ? await clusterOf(vsphere, flags) : known.cluster;
  if (known !== undefined) requireCluster(known, cluster);
  if (known !== undefined && flags.address === undefined && known.address !== address) throw new UserError("failed", `vCenter has ${name} already, at ${known.address}`, "name another address with --address, or remove it first: spheresim host remove");
  const { numCpuCores, cpuMhz, memoryMb } = await racked(vsphere, name, address, flags);
  const spec = { name, numCpuCores, cpuMhz, memoryMb, datastores: [...flags.datastore], networks: [...flags.network], labels: { ...flags.label } };
  const added = await haveHost(vsphere, { cluster, spec, address }, known);
  const works = await recovery(vsphere, { name, address, moid: moid(added.ref) });
  process.stdout.write(`${name} is ${moid(added.ref)}: ${figures(spec)}, at ${address}; ${works}${known?.address === address ? "; it was there already" : ""}\n`);
}

async function clusterOf(vsphere: Vsphere, flags: AddFlags): Promise<ManagedObjectReference> {
  const { clusters } = await vsphere.inventory();
  const cluster = (await vsphere.cluster(flags.cluster)) ?? (clusters.length === 1 ? clusters[0]?.ref : undefined);
  if (cluster === undefined) throw new UserError("usage", `there are ${clusters.length} clusters`, `choose one with --cluster: ${clusters.map((each) => each.name).join(", ")}`);
  return cluster;
}

/** The host's hardware, which a process that does not have it gets. */
async function racked(vsphere: Vsphere, name: string, address: string, flags: AddFlags): Promise<Hardware> {
  const rack = new Rack(vsphere, address);
  const hosts = await rack.hosts();
  if (hosts === undefined) return checked(name, await foreignHost(vsphere, name, address), flags);
  const present = hosts.find((each) => each.name === name);
  if (present !== undefined) return checked(name, working(present), flags);
  const { cpuCores: numCpuCores = DEFAULTS.numCpuCores, cpuMhz = DEFAULTS.cpuMhz, memoryMb = DEFAULTS.memoryMb, label: labels } = flags;
  return rack.client.addHardware({ requestId: "", name, numCpuCores, cpuMhz, memoryMb, labels: { ...labels } });
}

/** A host that cannot answer vCenter is refused before vCenter has it. */
function working(host: HostHardware): HostHardware {
  const troubles = hardwareTroubles(host).filter((each) => each !== "spherelet down");
  if (troubles.length > 0) throw new UserError("failed", `${host.name} cannot answer vCenter: ${troubles.join(", ")}`, "mend it first: spheresim host power, network or service");
  return host;
}

/** Refuses flags that say otherwise than the host is. */
function checked(name: string, has: Hardware, flags: AddFlags): Hardware {
  for (const [flag, asked, figure] of [["--cpu-cores", flags.cpuCores, has.numCpuCores], ["--cpu-mhz", flags.cpuMhz, has.cpuMhz], ["--memory-mb", flags.memoryMb, has.memoryMb]] as const) {
    if (asked !== undefined && asked !== figure) throw new UserError("failed", `${name} has ${flag.slice(2)} ${figure}, not ${asked}`, `leave ${flag} out, or give the new host another name`);
  }
  return has;
}

/** What a HostD of another make, which takes no hardware, says of the host; the whole refusal on one line when it has none of that name. */
async function foreignHost({ connection }: Vsphere, name: string, address: string): Promise<Hardware> {
  const next = "it takes no new hosts over the wire: give it the host where it runs";
  try {
    const info = await connection.openAt(address).client(HostServiceClient).getHost({}, { authority: name, deadlineMs: 5_000 });
    // A process with one host answers for it to every name that is none of a host.
    if (info.name !== name) throw new UserError("failed", `the ESXi process at ${address} has no host ${name}; it has ${info.name}`, next);
    return info;
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (RpcError.is(error, RpcCode.INVALID_ARGUMENT)) throw new UserError("failed", `the ESXi process at ${address} has no host ${name}; it has${(error as Error).message.replace(/^.*one of:/s, ":")}`, next);
    throw new UserError("failed", `no HostD answers at ${address}: ${(error as Error).message}`, next);
  }
}
