import { monotonicClock } from "../base/clock.js";
import { Dice } from "../base/seeded-random.js";
import type { Logger } from "../base/log.js";
import type { ReadyLine } from "../base/ready-line.js";
import { type Cluster, type Host, HostConnectionState, type Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import { isConditionTrue } from "../kubernetes/condition.js";
import type { Node } from "../kubernetes/node.js";
import { nodes } from "../kubernetes/resource-type.js";
import { taintKeys } from "../kubernetes/taint.js";
import { RestClient } from "../kubernetes/rest-client.js";
import { type Channel, openChannel } from "../rpc/channel.js";
import { apiserverAccess, grpcTls } from "./credentials.js";
import { addRules, applySettings } from "./fill-cluster.js";
import { haveHost } from "./fill-hosts.js";
import { addResourcePools, addVirtualMachines, taken } from "./fill-workloads.js";
import { KnownHosts } from "./known-hosts.js";
import type { PlanePlan } from "./plane-plan.js";
import { type Rack, rackAt } from "./rack.js";
import { RefusedEntry } from "./refused-entry.js";
import { type Limit, until } from "./until.js";

const limitMs = 30_000;

/**
 * Fills vCenter with the inventory through its own API and waits until a pod could be placed: every host connected, every Node Ready, but for
 * those that cannot come, and the resource pool of the namespace that is always there. What is there already, or was taken away by a person, stays as it is, so every start may do it.
 */
export async function populate(plans: readonly PlanePlan[], log: Logger, stop?: AbortSignal): Promise<ReadyLine["hosts"]> {
  const rooms = new Set(plans.flatMap((plan) => plan.rooms));
  const plan = plans[0];
  if (plan === undefined || !rooms.has("vcenter")) return [];
  const limit = { deadlineMs: monotonicClock().nowMs() + limitMs, limitMs, stop };
  const channel = openChannel({ address: plan.addresses.vcenter, tls: grpcTls(plan) });
  try {
    const rack = rooms.has("hostd") ? await until(limit, "HostD did not tell of its hosts", () => rackAt(plan)) : undefined;
    const before = await until(limit, "vCenter did not answer", () => channel.client(InventoryServiceClient).getInventory({}));
    // Found out once: a fill that is tried again finds a cluster, and not yet every host.
    const removed = new KnownHosts(plan.options.dataDir).removed(before);
    const hosts = await until(limit, "vCenter did not take the inventory", () => fill(channel, plan, { before, removed, rack }, limit));
    if (rack !== undefined) await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts, rack));
    if (rooms.has("spherelet") && rooms.has("apiserver")) await nodesReady(plan, rack, limit);
    if (rooms.has("controllers") && rooms.has("apiserver")) await until(limit, "no resource pool stood for namespace default", () => namespaceStands(channel));
    return hosts.map((host) => ({ moid: host.ref?.value ?? "", name: host.spec?.name ?? "" }));
  } catch (error) {
    log.debug({ error: (error as Error).stack }, "population failed");
    throw error instanceof RefusedEntry ? error.in(plan.options.inventory) : error;
  } finally {
    channel.close();
  }
}

/** What former starts and people left. */
interface Found {
  readonly before: Inventory;
  /** Hosts that a person removed. */
  readonly removed: ReadonlySet<string>;
  readonly rack: Rack | undefined;
}

async function fill(channel: Channel, plan: PlanePlan, { before, removed, rack }: Found, limit: Limit): Promise<Host[]> {
  const service = channel.client(InventoryServiceClient);
  const { inventory } = plan;
  // Read anew for each try: what the one before made is there.
  const there = await service.getInventory({});
  const present = new Map(there.hosts.map((host) => [host.spec?.name ?? "", host]));
  const datacenter = there.datacenters.find(({ name }) => name === inventory.datacenter) ?? (await service.createDatacenter({ requestId: "", name: inventory.datacenter }));
  const isTheCluster = ({ name, datacenter: of }: Cluster): boolean => name === inventory.cluster && of?.value === datacenter.ref?.value;
  const cluster = there.clusters.find(isTheCluster) ?? (await service.createCluster({ requestId: "", datacenter: datacenter.ref, name: inventory.cluster }));
  const hosts: Host[] = [];
  // One after the other: moids follow the order of the inventory, on every machine alike.
  for (const [index, host] of inventory.hosts.entries()) {
    if (removed.has(host.name)) continue;
    const spec = { name: host.name, numCpuCores: host.cores, cpuMhz: host.cpuMhz, memoryMb: host.memoryMb, datastores: host.datastores, networks: host.networks, labels: host.labels };
    const had = haveHost(service, { cluster: cluster.ref, spec, address: plan.addresses.hostd }, present.get(host.name));
    hosts.push(await taken(`host ${host.name}`, had, ["hosts", index]));
  }
  // Those that were added to the rack are known to vCenter with all that a person said of them; where their HostD answers may be new.
  for (const { spec, cluster: of } of before.hosts) {
    if (spec !== undefined && rack?.added.has(spec.name) === true) hosts.push(await haveHost(service, { cluster: of, spec, address: plan.addresses.hostd }, present.get(spec.name)));
  }
  new KnownHosts(plan.options.dataDir).remember(inventory.hosts.map(({ name }) => name));
  if (inventory.resourcePools.length > 0 || inventory.virtualMachines.length > 0) {
    // What hosts that are not connected have is not there to be reserved.
    await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts, rack));
    const pools = await addResourcePools(channel, inventory, cluster.rootPool);
    await addVirtualMachines(channel, inventory, (pool) => (pool === undefined ? cluster.rootPool : pools.get(pool)), limit);
  }
  await addRules(channel, inventory, cluster);
  await applySettings(channel, inventory, cluster);
  return hosts;
}

/** Whether vCenter speaks to every host, but for those that cannot come and those that a person disconnected in a former start. */
async function allConnected(channel: Channel, wanted: readonly Host[], rack: Rack | undefined): Promise<true | undefined> {
  const { hosts } = await channel.client(InventoryServiceClient).getInventory({});
  const names = new Set(wanted.map((host) => host.spec?.name ?? "").filter((name) => rack?.unreachable.has(name) !== true));
  const settled = hosts.filter(({ spec, connectionState }) => names.has(spec?.name ?? "") && (connectionState === HostConnectionState.CONNECTED || connectionState === HostConnectionState.DISCONNECTED));
  return settled.length >= names.size ? true : undefined;
}

/** Whether the default namespace has its pool, as far as one page of pools tells: of an inventory with more of them it is not waited for. */
async function namespaceStands(channel: Channel): Promise<true | undefined> {
  const { resourcePools, nextPageToken } = await channel.client(ResourcePoolServiceClient).listResourcePools({ pageSize: 1000, pageToken: "" });
  return nextPageToken !== "" || resourcePools.some(({ namespace }) => namespace === "default") ? true : undefined;
}

/** Ready, and rid of the taint that the node lifecycle controller takes off a moment later: a pod placed in between would wait a turn. */
function takesPods({ spec, status }: Node): boolean {
  return isConditionTrue(status?.conditions, "Ready") && spec?.taints?.some((taint) => taint.key === taintKeys.notReady || taint.key === taintKeys.unreachable) !== true;
}

async function nodesReady(plan: PlanePlan, rack: Rack | undefined, limit: Limit): Promise<void> {
  const client = new RestClient({ ...apiserverAccess(plan, "admin"), userAgent: "spheresim-daemon", clock: monotonicClock(), dice: new Dice(plan.options.seed) });
  try {
    const all = [...plan.inventory.hosts.map((host) => host.name), ...(rack?.added ?? [])];
    const wanted = new Set(all.filter((name) => rack?.silent.has(name) !== true));
    await until(limit, "not every Node became Ready", async () => {
      const { items } = await client.list(nodes);
      const ready = items.filter((node) => wanted.has(node.metadata.name) && takesPods(node));
      return ready.length === wanted.size ? true : undefined;
    });
  } finally {
    await client.close();
  }
}
