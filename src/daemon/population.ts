import { monotonicClock } from "../base/clock.js";
import { Dice } from "../base/seeded-random.js";
import type { Logger } from "../base/log.js";
import type { ReadyLine } from "../base/ready-line.js";
import { type Host, HostConnectionState } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { isConditionTrue } from "../kubernetes/condition.js";
import type { Node } from "../kubernetes/node.js";
import { nodes } from "../kubernetes/resource-type.js";
import { taintKeys } from "../kubernetes/taint.js";
import { RestClient } from "../kubernetes/rest-client.js";
import { type Channel, openChannel } from "../rpc/channel.js";
import { grpcTls, userTls } from "./credentials.js";
import { addRules, applySettings } from "./fill-cluster.js";
import { addResourcePools, addVirtualMachines } from "./fill-workloads.js";
import type { PlanePlan } from "./plane-plan.js";
import { type Limit, until } from "./until.js";

const limitMs = 30_000;

/**
 * Fills vCenter with the inventory through its own API and waits until a pod could be placed: every host connected, every Node Ready.
 * What is there already stays as it is, so every start may do it.
 */
export async function populate(plans: readonly PlanePlan[], log: Logger, stop?: AbortSignal): Promise<ReadyLine["hosts"]> {
  const rooms = new Set(plans.flatMap((plan) => plan.rooms));
  const plan = plans[0];
  if (plan === undefined || !rooms.has("vcenter")) return [];
  const limit = { deadlineMs: monotonicClock().nowMs() + limitMs, limitMs, stop };
  const channel = openChannel({ address: plan.addresses.vcenter, tls: grpcTls(plan) });
  try {
    const hosts = await until(limit, "vCenter did not take the inventory", () => fill(channel, plan, limit));
    if (rooms.has("hostd")) await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts));
    if (rooms.has("spherelet") && rooms.has("apiserver")) await nodesReady(plan, limit);
    return hosts.map((host) => ({ moid: host.ref?.value ?? "", name: host.spec?.name ?? "" }));
  } catch (error) {
    log.debug({ error: (error as Error).stack }, "population failed");
    throw error;
  } finally {
    channel.close();
  }
}

async function fill(channel: Channel, plan: PlanePlan, limit: Limit): Promise<Host[]> {
  const service = channel.client(InventoryServiceClient);
  const { inventory } = plan;
  const datacenter = await service.createDatacenter({ requestId: "", name: inventory.datacenter });
  const cluster = await service.createCluster({ requestId: "", datacenter: datacenter.ref, name: inventory.cluster });
  const hosts: Host[] = [];
  // One after the other: moids follow the order of the inventory, on every machine alike.
  for (const host of inventory.hosts) {
    const spec = { name: host.name, numCpuCores: host.cores, cpuMhz: host.cpuMhz, memoryMb: host.memoryMb, datastores: host.datastores, networks: host.networks, labels: host.labels };
    hosts.push(await service.addHost({ requestId: "", cluster: cluster.ref, spec, address: plan.addresses.hostd }));
  }
  if (inventory.resourcePools.length > 0 || inventory.virtualMachines.length > 0) {
    // What hosts that are not connected have is not there to be reserved.
    await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts));
    const pools = await addResourcePools(channel, inventory, cluster.rootPool);
    await addVirtualMachines(channel, inventory, (pool) => (pool === undefined ? cluster.rootPool : pools.get(pool)), limit);
  }
  await addRules(channel, inventory, cluster);
  await applySettings(channel, inventory, cluster);
  return hosts;
}

/** Whether vCenter speaks to every host of the inventory, but for those that a person disconnected in a former start. */
async function allConnected(channel: Channel, wanted: readonly Host[]): Promise<true | undefined> {
  const { hosts } = await channel.client(InventoryServiceClient).getInventory({});
  const names = new Set(wanted.map((host) => host.spec?.name));
  const settled = hosts.filter(({ spec, connectionState }) => names.has(spec?.name) && (connectionState === HostConnectionState.CONNECTED || connectionState === HostConnectionState.DISCONNECTED));
  return settled.length >= names.size ? true : undefined;
}

/** Ready, and rid of the taint that the node lifecycle controller takes off a moment later: a pod placed in between would wait a turn. */
function takesPods({ spec, status }: Node): boolean {
  return isConditionTrue(status?.conditions, "Ready") && spec?.taints?.some((taint) => taint.key === taintKeys.notReady || taint.key === taintKeys.unreachable) !== true;
}

async function nodesReady(plan: PlanePlan, limit: Limit): Promise<void> {
  const client = new RestClient({ server: `https://${plan.addresses.apiserver}`, tls: userTls(plan, "admin"), userAgent: "spheresim-daemon", clock: monotonicClock(), dice: new Dice(plan.options.seed) });
  try {
    const wanted = new Set(plan.inventory.hosts.map((host) => host.name));
    await until(limit, "not every Node became Ready", async () => {
      const { items } = await client.list(nodes);
      const ready = items.filter((node) => wanted.has(node.metadata.name) && takesPods(node));
      return ready.length === wanted.size ? true : undefined;
    });
  } finally {
    await client.close();
  }
}
