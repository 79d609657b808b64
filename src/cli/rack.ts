import { RpcCode, RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import { type HostHardware, HostServiceKey } from "../gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient, type HardwareServiceService } from "../gen/spheresim/hostd/v1/hardware_service.js";
import type { PromiseClient } from "../rpc/channel.js";
import { named } from "./named.js";
import { allPages, moid, PAGE_SIZE, type Vsphere } from "./vsphere.js";

/** Services of a host by the words of the command line. */
export const serviceKeys = { hostd: HostServiceKey.HOSTD, spherelet: HostServiceKey.SPHERELET } as const;

/** How long a rack may take to answer. */
const DEADLINE_MS = 5_000;

/** The hosts of one ESXi process as things in a rack, at its HostD's address. */
export class Rack {
  readonly address: string;
  readonly client: PromiseClient<typeof HardwareServiceService>;

  constructor(vsphere: Vsphere, address: string) {
    this.address = address;
    this.client = vsphere.connection.openAt(address).client(HardwareServiceClient);
  }

  /** Every host of the rack; undefined where the process there tells nothing of hardware, as a HostD of another make. Throws a UserError where none answers. */
  async hosts(): Promise<readonly HostHardware[] | undefined> {
    try {
      return await allPages((pageToken) => this.client.listHardware({ pageSize: PAGE_SIZE, pageToken }, { deadlineMs: DEADLINE_MS }), ({ hosts }) => hosts);
    } catch (error) {
      if (RpcError.is(error, RpcCode.UNIMPLEMENTED)) return undefined;
      throw new UserError("failed", `no HostD answers at ${this.address}: ${(error as Error).message}`, "look at the emulators that run with: spheresim status");
    }
  }

  /** One host; undefined where the rack does not have it. */
  async host(name: string): Promise<HostHardware | undefined> {
    return (await this.hosts())?.find((each) => each.name === name);
  }
}

/** What is wrong with a host as a thing in a rack, each in a word or two; empty when nothing is. */
export function hardwareTroubles({ poweredOn, networkConnected, stoppedServices }: HostHardware): string[] {
  const down = poweredOn ? Object.entries(serviceKeys).filter(([, key]) => stoppedServices.includes(key)) : [];
  return [...(poweredOn ? [] : ["no power"]), ...(networkConnected ? [] : ["no network"]), ...down.map(([service]) => `${service} down`)];
}

/** A host that vCenter or this emulator's rack has. */
export interface RackedHost {
  readonly name: string;
  /** Where its HostD answers. */
  readonly address: string;
  /** Its moid; undefined when vCenter does not have it. */
  readonly moid: string | undefined;
}

/** The host of a name, in vCenter or only in the rack of this emulator's ESXi process. */
export async function rackedHost(vsphere: Vsphere, name: string): Promise<RackedHost> {
  const { hosts } = await vsphere.inventory();
  const all: RackedHost[] = hosts.map(({ ref, spec, address }) => ({ name: spec?.name ?? "", address, moid: moid(ref) }));
  const own = vsphere.connection.info.endpoints["esxi"];
  if (own !== undefined) {
    const known = new Set(all.map((each) => each.name));
    for (const each of (await new Rack(vsphere, own).hosts()) ?? []) if (!known.has(each.name)) all.push({ name: each.name, address: own, moid: undefined });
  }
  return named("host", name, all, (each) => ({ name: each.name, id: each.moid ?? "" }));
}

/** What the racks of vCenter's hosts say of them, by name; nothing of a rack that does not answer. */
export async function knownHardware(vsphere: Vsphere): Promise<ReadonlyMap<string, HostHardware>> {
  const { hosts } = await vsphere.inventory();
  const addresses = [...new Set(hosts.map(({ address }) => address))];
  const racks = await Promise.all(addresses.map((address) => new Rack(vsphere, address).hosts().catch(() => undefined)));
  return new Map(racks.flatMap((rack) => rack ?? []).map((each) => [each.name, each]));
}
