import { RpcCode, RpcError } from "../base/rpc-error.js";
import { type HostHardware, HostServiceKey } from "../gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient } from "../gen/spheresim/hostd/v1/hardware_service.js";
import { openChannel } from "../rpc/channel.js";
import { grpcTls } from "./credentials.js";
import type { PlanePlan } from "./plane-plan.js";

/** What a start must know of the hosts of the ESXi process, by name. */
export interface Rack {
  /** Those that were added to a running emulator. */
  readonly added: ReadonlySet<string>;
  /** Those whose HostD cannot answer: no power, no network, or it was stopped. */
  readonly unreachable: ReadonlySet<string>;
  /** Those whose Spherelet cannot speak for its Node. */
  readonly silent: ReadonlySet<string>;
}

const PAGE_SIZE = 1000;

/** The hosts of the ESXi process as they came back from its disk. A HostD of another make tells nothing. */
export async function rackAt(plan: PlanePlan): Promise<Rack> {
  const channel = openChannel({ address: plan.addresses.hostd, tls: grpcTls(plan) });
  try {
    const service = channel.client(HardwareServiceClient);
    const all: HostHardware[] = [];
    for (let pageToken = ""; ; ) {
      const page = await service.listHardware({ pageSize: PAGE_SIZE, pageToken });
      all.push(...page.hosts);
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    const named = (matches: (host: HostHardware) => boolean): ReadonlySet<string> => new Set(all.filter(matches).map(({ name }) => name));
    const lacks = (key: HostServiceKey) => (host: HostHardware) => !host.poweredOn || !host.networkConnected || host.stoppedServices.includes(key);
    return { added: named(({ added }) => added), unreachable: named(lacks(HostServiceKey.HOSTD)), silent: named(lacks(HostServiceKey.SPHERELET)) };
  } catch (error) {
    if (RpcError.is(error, RpcCode.UNIMPLEMENTED)) return { added: new Set(), unreachable: new Set(), silent: new Set() };
    throw error;
  } finally {
    channel.close();
  }
}
