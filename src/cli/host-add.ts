import { type Command, InvalidArgumentError } from "commander";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import type { HostInfo } from "../gen/spheresim/hostd/v1/host.js";
import { HostServiceClient } from "../gen/spheresim/hostd/v1/host_service.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { clusterOption, wholeNumber } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { type Vsphere, withVsphere } from "./vsphere.js";

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

/** `spheresim host add` and `remove`. As with a real vCenter the host is there first: an ESXi process has it, and its HostD answers. */
export function addHostAdd(host: Command): void {
  const add = host
    .command("add")
    .description("add a host that an ESXi process has (see: spheresim serve hostd); its hardware is asked of its HostD")
    .argument("<name>", "its full name, lower case")
    .option("--address <host:port>", "where its HostD answers (default: this emulator's ESXi process)")
    .option("--cpu-cores <n>", "cores it must have", wholeNumber(1))
    .option("--cpu-mhz <mhz>", "speed its cores must have", wholeNumber(1))
    .option("--memory-mb <mb>", "memory it must have", wholeNumber(1))
    .option("--datastore <names...>", "datastores it mounts", ["datastore-01"])
    .option("--network <names...>", "networks it has", ["workload-01"])
    .option("--label <key=value>", "label of its Node; may be given several times", label, {})
    .addOption(clusterOption());
  addConnectionOptions(add).action((name: string, flags: AddFlags) => withVsphere(flags, (vsphere) => addOne(vsphere, name, flags)));
  addConnectionOptions(host.command("remove").description("take a host out of the inventory; no VM may be left on it").argument("<name>"))
    .action((name: string, flags: ConnectionOptions) =>
      withVsphere(flags, async (vsphere) => {
        const key = await vsphere.hostKey(name);
        await vsphere.client(InventoryServiceClient).removeHost({ requestId: "", host: key });
        process.stdout.write(`${key.key?.value as string} removed\n`);
      }),
    );
}

function label(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [key = "", value] = text.split(/=(.*)/s, 2);
  if (key === "" || value === undefined) throw new InvalidArgumentError("It must be key=value.");
  return { ...before, [key]: value };
}

async function addOne(vsphere: Vsphere, name: string, flags: AddFlags): Promise<void> {
  const { connection } = vsphere;
  const address = flags.address ?? connection.info.endpoints["esxi"];
  if (address === undefined) throw new UserError("usage", "this emulator runs no ESXi process", "name the HostD that has the host with --address");
  const info = await hardwareOf(vsphere, name, address);
  for (const [flag, asked, has] of [["--cpu-cores", flags.cpuCores, info.numCpuCores], ["--cpu-mhz", flags.cpuMhz, info.cpuMhz], ["--memory-mb", flags.memoryMb, info.memoryMb]] as const) {
    if (asked !== undefined && asked !== has) throw new UserError("failed", `${name} has ${flag.slice(2)} ${has}, not ${asked}`, `leave ${flag} out, or change the inventory of its ESXi process`);
  }
  const { clusters } = await vsphere.inventory();
  const cluster = (await vsphere.cluster(flags.cluster)) ?? (clusters.length === 1 ? clusters[0]?.ref : undefined);
  if (cluster === undefined) throw new UserError("usage", `there are ${clusters.length} clusters`, `choose one with --cluster: ${clusters.map((each) => each.name).join(", ")}`);
  const spec = { name, numCpuCores: info.numCpuCores, cpuMhz: info.cpuMhz, memoryMb: info.memoryMb, datastores: [...flags.datastore], networks: [...flags.network], labels: { ...flags.label } };
  const added = await vsphere.client(InventoryServiceClient).addHost({ requestId: "", cluster, spec, address });
  process.stdout.write(`${added.spec?.name} is ${added.ref?.value}: ${info.numCpuCores} cores of ${info.cpuMhz} MHz, ${info.memoryMb} MB, at ${address}\n`);
}

/** What HostD says of the host; the whole refusal on one line when it has none of that name. */
async function hardwareOf({ connection }: Vsphere, name: string, address: string): Promise<HostInfo> {
  const next = "start an ESXi process that has it: spheresim serve hostd --inventory FILE --data-dir DIR --ports auto; then name its address with --address";
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
