import { existsSync } from "node:fs";
import { monotonicClock } from "../base/clock.js";
import { Dice } from "../base/seeded-random.js";
import { UserError } from "../base/user-error.js";
import { type Host, HostConnectionState } from "../gen/spheresim/vcenter/v1/inventory.js";
import { isConditionTrue } from "../kubernetes/condition.js";
import { loadKubeconfig } from "../kubernetes/kubeconfig.js";
import { nodes } from "../kubernetes/resource-type.js";
import { RestClient } from "../kubernetes/rest-client.js";
import { isNotFound } from "../kubernetes/status.js";
import { taintKeys } from "../kubernetes/taint.js";
import { hardwareTroubles, Rack, type RackedHost } from "./rack.js";
import type { Vsphere } from "./vsphere.js";

/** How long a host may take to work, and how often it is looked at. */
const LIMIT_MS = 60_000;
const POLL_MS = 100;
/** How long its Node may take to go. */
const GONE_LIMIT_MS = 5_000;

/**
 * Waits until a host works as far as it can, and says how: `connected and Ready`. A host that lacks something is not waited for; what it lacks is
 * said instead. Throws a UserError when it takes too long.
 */
export async function recovery(vsphere: Vsphere, { name, address }: RackedHost): Promise<string> {
  const hardware = await new Rack(vsphere, address).host(name);
  const lacks = hardware === undefined ? [] : hardwareTroubles(hardware);
  if (lacks.length > 0) return `still ${lacks.join(", ")}`;
  const node = nodeOf(vsphere, address, name);
  try {
    const clock = monotonicClock();
    const deadlineMs = clock.nowMs() + LIMIT_MS;
    for (;;) {
      vsphere.forget();
      const host = (await vsphere.inventory()).hosts.find(({ spec }) => spec?.name === name);
      const isReady = node === undefined || (await node.isReady());
      if (isSettled(host) && isReady) return said(host, node !== undefined);
      if (clock.nowMs() >= deadlineMs) throw new UserError("time-out", `${name} is ${isSettled(host) ? "connected, but its Node is not Ready" : "not connected"} after ${LIMIT_MS / 1000} s`, "it goes on trying; see spheresim host list and kubectl get nodes");
      await clock.sleep(POLL_MS);
    }
  } finally {
    await node?.close();
  }
}

/** Whether nothing more is to come of vCenter's side: it answers, or vCenter does not ask it. */
function isSettled(host: Host | undefined): boolean {
  return host === undefined || host.connectionState === HostConnectionState.CONNECTED || host.connectionState === HostConnectionState.DISCONNECTED;
}

function said(host: Host | undefined, hasNode: boolean): string {
  const node = hasNode ? " and Ready" : "";
  if (host === undefined) return `not in vCenter${node === "" ? "" : ", its Node is Ready"}`;
  return host.connectionState === HostConnectionState.CONNECTED ? `connected${node}` : `disconnected${node === "" ? "" : ", its Node is Ready"}`;
}

/** The Node of a host. */
export interface HostNode {
  /** Ready, and rid of the taints that keep pods away from one that is not. */
  isReady(): Promise<boolean>;
  /** Resolves when it is gone, or has not gone in a while. */
  gone(): Promise<void>;
  close(): Promise<void>;
}

/** The Node of a host of this emulator's ESXi process; undefined where it has none, or the kubeconfig lies on another machine. */
export function nodeOf({ connection: { info } }: Vsphere, address: string, name: string): HostNode | undefined {
  const { endpoints, kubeconfig } = info;
  if (address !== endpoints["esxi"] || endpoints["apiserver"] === undefined || endpoints["spherelet"] === undefined || !existsSync(kubeconfig)) return undefined;
  const client = new RestClient({ ...loadKubeconfig(kubeconfig), userAgent: "spheresim", clock: monotonicClock(), dice: new Dice(name) });
  return {
    isReady: async () => {
      const node = await client.get(nodes, { name }).catch(unlessGone);
      return isConditionTrue(node?.status?.conditions, "Ready") && node?.spec?.taints?.some(({ key }) => key === taintKeys.notReady || key === taintKeys.unreachable) !== true;
    },
    gone: async () => {
      const clock = monotonicClock();
      const deadlineMs = clock.nowMs() + GONE_LIMIT_MS;
      while ((await client.get(nodes, { name }).catch(unlessGone)) !== undefined && clock.nowMs() < deadlineMs) await clock.sleep(POLL_MS);
    },
    close: () => client.close(),
  };
}

function unlessGone(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
