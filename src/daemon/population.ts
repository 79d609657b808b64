import { monotonicClock } from "../base/clock.js";
import { Dice } from "../base/seeded-random.js";
import type { Logger } from "../base/log.js";
import type { ReadyLine } from "../base/ready-line.js";
import { UserError } from "../base/user-error.js";
import { type Host, HostConnectionState } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { CreateResourcePoolRequest } from "../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import { CreateVmRequest } from "../gen/spheresim/vcenter/v1/virtual_machine.js";
import { VirtualMachineServiceClient } from "../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { type ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { nodes } from "../kubernetes/resource-type.js";
import { RestClient } from "../kubernetes/rest-client.js";
import { isTransient } from "../rpc/status.js";
import { type Channel, openChannel } from "../rpc/channel.js";
import { grpcTls, userTls } from "./credentials.js";
import type { PlanePlan } from "./plane-plan.js";

const limitMs = 30_000;
const pollMs = 20;

/** How long to try. */
interface Limit {
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly stop: AbortSignal | undefined;
}

/**
 * Fills vCenter with the inventory through its own API and waits until a pod could be placed: every host connected, every Node Ready.
 * What is there already stays as it is, so every start may do it.
 */
export async function populate(plans: readonly PlanePlan[], log: Logger, stop?: AbortSignal): Promise<ReadyLine["hosts"]> {
  const rooms = new Set(plans.flatMap((plan) => plan.rooms));
  const plan = plans[0];
  if (plan === undefined || !rooms.has("vcenter")) return [];
  const limit = { deadlineMs: monotonicClock().nowMs() + limitMs, stop };
  const channel = openChannel({ address: plan.addresses.vcenter, tls: grpcTls(plan) });
  try {
    const hosts = await until(limit, "vCenter did not take the inventory", () => fill(channel, plan, limit));
    if (rooms.has("hostd")) await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts.length));
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
    await until(limit, "not every host connected to vCenter", () => allConnected(channel, hosts.length));
    const pools = await addResourcePools(channel, plan, cluster.rootPool);
    await addVirtualMachines(channel, plan, (pool) => (pool === undefined ? cluster.rootPool : pools.get(pool)));
  }
  return hosts;
}

/** The pools by name. Those of a former start stay as they are. */
async function addResourcePools(channel: Channel, plan: PlanePlan, root: ManagedObjectReference | undefined): Promise<ReadonlyMap<string, ManagedObjectReference | undefined>> {
  const refs = new Map<string, ManagedObjectReference | undefined>();
  const { resourcePools } = await channel.client(InventoryServiceClient).getInventory({});
  for (const pool of plan.inventory.resourcePools) {
    const parent = pool.parent === undefined ? root : refs.get(pool.parent);
    const known = resourcePools.find((each) => each.name === pool.name && each.parent?.value === parent?.value);
    const allocation = (reservation: number, limit: number) => ({ reservation, limit, expandableReservation: pool.expandable });
    const config = { cpuAllocation: allocation(pool.reservationMhz, pool.limitMhz), memoryAllocation: allocation(pool.reservationMb, pool.limitMb) };
    const request = CreateResourcePoolRequest.fromPartial({ requestId: `inventory/pool/${pool.name}`, name: pool.name, config, ...(parent === undefined ? {} : { parent }) });
    const made = known ?? (await taken(`pool ${pool.name}`, channel.client(ResourcePoolServiceClient).createResourcePool(request)));
    refs.set(pool.name, made.ref);
  }
  return refs;
}

async function addVirtualMachines(channel: Channel, plan: PlanePlan, poolOf: (name: string | undefined) => ManagedObjectReference | undefined): Promise<void> {
  const known = new Set((await channel.client(InventoryServiceClient).getInventory({})).virtualMachines.map((vm) => vm.config?.name));
  for (const vm of plan.inventory.virtualMachines) {
    if (known.has(vm.name)) continue;
    const pool = poolOf(vm.pool);
    const request = CreateVmRequest.fromPartial({
      requestId: `inventory/${vm.name}`,
      host: { key: { $case: "name", value: vm.host } },
      ...(pool === undefined ? {} : { pool }),
      powerOn: true,
      config: {
        name: vm.name,
        guestId: "otherLinux64Guest",
        numCpus: vm.cpus,
        memoryMb: vm.memoryMb,
        cpuAllocation: { reservation: vm.reservationMhz },
        memoryAllocation: { reservation: vm.reservationMb },
        activity: { profile: { $case: "constant", value: { cpuMhz: vm.activeMhz, memoryMb: vm.activeMb } } },
      },
    });
    await taken(`virtual machine ${vm.name}`, channel.client(VirtualMachineServiceClient).createVm(request));
  }
}

/** What vCenter refuses of an inventory is the user's to mend. */
async function taken<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isTransient(error)) throw error;
    throw new UserError("cannot-start", `inventory: vCenter refuses ${what}: ${(error as Error).message}`, "change it in the inventory file");
  }
}

async function allConnected(channel: Channel, count: number): Promise<true | undefined> {
  const { hosts } = await channel.client(InventoryServiceClient).getInventory({});
  const connected = hosts.filter((host) => host.connectionState === HostConnectionState.CONNECTED);
  return connected.length >= count ? true : undefined;
}

async function nodesReady(plan: PlanePlan, limit: Limit): Promise<void> {
  const client = new RestClient({ server: `https://${plan.addresses.apiserver}`, tls: userTls(plan, "admin"), userAgent: "spheresim-daemon", clock: monotonicClock(), dice: new Dice(plan.options.seed) });
  try {
    const wanted = new Set(plan.inventory.hosts.map((host) => host.name));
    await until(limit, "not every Node became Ready", async () => {
      const { items } = await client.list(nodes);
      const ready = items.filter((node) => wanted.has(node.metadata.name) && node.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True"));
      return ready.length === wanted.size ? true : undefined;
    });
  } finally {
    await client.close();
  }
}

/** Tries until there is a result; transient failures are those of peers that are still starting. */
async function until<T>({ deadlineMs, stop }: Limit, failure: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const clock = monotonicClock();
  let last = "";
  for (;;) {
    stop?.throwIfAborted();
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      if (!isTransient(error) && !(error as { isTransport?: boolean }).isTransport) throw error;
      last = `: ${(error as Error).message}`;
    }
    if (clock.nowMs() >= deadlineMs) throw new UserError("time-out", `${failure} within ${limitMs / 1000} s${last}`, "look closer with --log-level info");
    await clock.sleep(pollMs);
  }
}
