import { Burst } from "../../src/base/burst.js";
import { type Clock, monotonicClock, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { type EnterMaintenanceModeRequest, HostConnectionState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { EventServiceClient } from "../../src/gen/spheresim/vcenter/v1/event_service.js";
import { HostSet, PlacementSpec, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceClient } from "../../src/gen/spheresim/vcenter/v1/placement_service.js";
import { ResourcePoolServiceClient } from "../../src/gen/spheresim/vcenter/v1/resource_pool_service.js";
import { DrsServiceClient } from "../../src/gen/spheresim/vcenter/v1/drs_service.js";
import { ClusterServiceClient } from "../../src/gen/spheresim/vcenter/v1/cluster_service.js";
import { RuleServiceClient } from "../../src/gen/spheresim/vcenter/v1/rule_service.js";
import { TaskServiceClient } from "../../src/gen/spheresim/vcenter/v1/task_service.js";
import { VirtualMachineServiceClient } from "../../src/gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import type { TaskInfo } from "../../src/gen/spheresim/vim/v1/task.js";
import { type HostKey, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { type Channel, openChannel } from "../../src/rpc/channel.js";
import type { KeyValue } from "../../src/vcenter/store/key-value.js";
import { startVcenter, type Vcenter, type VcenterOptions } from "../../src/vcenter/index.js";
import { eventually } from "../support/eventually.js";
import { FakeEsxi } from "../support/fake-esxi.js";
import { MemoryKeyValue } from "./memory-key-value.js";

/** Capacity of each host of a test world. */
export const HOST = { cores: 8, coreMhz: 2000, memoryMb: 16_384 } as const;

/** A vCenter over real sockets with a fake ESXi process and etcd in memory, all of which can be stopped and started. */
export class World {
  readonly esxi = new FakeEsxi();
  readonly kv = new MemoryKeyValue();
  readonly steps: StepRecord[] = [];
  cluster: ManagedObjectReference | undefined;
  #vcenter: Vcenter | undefined;
  /** All that were started: a test may leave one behind as a crash would. */
  readonly #started: Vcenter[] = [];
  #channel: Channel | undefined;
  readonly #monotonic: Clock;
  readonly #options: Partial<VcenterOptions>;

  private constructor(options: Partial<VcenterOptions>) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? monotonicClock();
  }

  /** A world with hosts `esxi-01`, `esxi-02` ... in one cluster, all connected. */
  static async start(hosts: number, options: Partial<VcenterOptions> = {}): Promise<World> {
    const world = new World(options);
    for (let host = 1; host <= hosts; host += 1) world.esxi.addHost(hostName(host), HOST.cores * HOST.coreMhz, HOST.memoryMb);
    await world.esxi.start();
    await world.startVcenter(options.keyValue);
    const datacenter = await world.inventory.createDatacenter({ requestId: "", name: "dc-01" });
    const cluster = await world.inventory.createCluster({ requestId: "", datacenter: datacenter.ref, name: "supervisor-01" });
    world.cluster = cluster.ref;
    for (let host = 1; host <= hosts; host += 1) await world.addHost(host);
    await world.connected(hosts);
    return world;
  }

  get vcenter(): Vcenter {
    if (this.#vcenter === undefined) throw new Error("vCenter is stopped");
    return this.#vcenter;
  }

  async startVcenter(kv: KeyValue = this.kv): Promise<void> {
    this.#vcenter = await startVcenter({
      etcdEndpoints: [],
      log: silentLogger,
      clock: wallClock(),
      monotonic: this.#monotonic,
      dice: new Dice(1),
      hostWindowMs: 150,
      recorder: { record: (step) => void this.steps.push(step), dropped: 0, burst: new Burst(this.#monotonic), close: () => Promise.resolve() },
      ...this.#options,
      keyValue: kv,
    });
    this.#started.push(this.#vcenter);
    this.#channel?.close();
    this.#channel = openChannel({ address: this.#vcenter.address });
    await this.#vcenter.ready;
  }

  async stopVcenter(): Promise<void> {
    await this.#vcenter?.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((vcenter) => vcenter.close()));
    this.#channel?.close();
    await this.esxi.stop();
  }

  get #open(): Channel {
    if (this.#channel === undefined) throw new Error("no channel");
    return this.#channel;
  }

  get inventory() {
    return this.#open.client(InventoryServiceClient);
  }

  get placement() {
    return this.#open.client(PlacementServiceClient);
  }

  get pools() {
    return this.#open.client(ResourcePoolServiceClient);
  }

  get rules() {
    return this.#open.client(RuleServiceClient);
  }

  get clusters() {
    return this.#open.client(ClusterServiceClient);
  }

  get drs() {
    return this.#open.client(DrsServiceClient);
  }

  get machines() {
    return this.#open.client(VirtualMachineServiceClient);
  }

  get events() {
    return this.#open.client(EventServiceClient);
  }

  get tasks() {
    return this.#open.client(TaskServiceClient);
  }

  addHost(number: number, change: Partial<HostSpec> = {}) {
    const spec = HostSpec.fromPartial({ name: hostName(number), numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb, datastores: ["vsan"], networks: ["workload"], ...change });
    return this.inventory.addHost({ requestId: "", cluster: this.cluster, spec, address: this.esxi.address });
  }

  /** Asks for maintenance mode, without a timeout unless one is given. */
  enterMaintenance(host: number, change: Partial<EnterMaintenanceModeRequest> = {}): Promise<TaskInfo> {
    return this.inventory.enterMaintenanceMode({ requestId: "", host: hostKey(host), timeout: undefined, evacuatePoweredOffVms: false, ...change });
  }

  /** The host is in maintenance mode when this resolves. */
  maintain(host: number): Promise<TaskInfo> {
    return this.enterMaintenance(host).then((task) => this.ended(task));
  }

  async connected(hosts: number): Promise<void> {
    await eventually(`${hosts} hosts connected`, async () => {
      const inventory = await this.inventory.getInventory({});
      return inventory.hosts.filter((host) => host.connectionState === HostConnectionState.CONNECTED).length === hosts;
    });
  }

  /** Asks for a place for a pod VM. */
  place(ownerUid: string, change: Partial<PlacementSpec> = {}, memoryMb = 1024) {
    return this.placement.placeVm({ requestId: "", spec: podSpec(ownerUid, change, memoryMb), holdFor: undefined, verdictDetail: VerdictDetail.FULL });
  }

  /** Applies the hold of an owner. */
  apply(ownerUid: string, key = "") {
    return this.placement.applyRecommendation({ requestId: "", key, ownerUid, spec: undefined });
  }

  /** The task as it ends. */
  ended(task: TaskInfo): Promise<TaskInfo> {
    return eventually(`${task.task?.value} ends`, async () => {
      const now = await this.tasks.getTask({ task: task.task });
      return now.completeTime !== undefined && now;
    });
  }

  /** Places and applies, and waits for the VM. */
  async deploy(ownerUid: string, change: Partial<PlacementSpec> = {}): Promise<TaskInfo> {
    await this.place(ownerUid, change);
    return this.ended(await this.apply(ownerUid));
  }
}

/** `esxi-01.spheresim.test`. */
export function hostName(number: number): string {
  return `esxi-${String(number).padStart(2, "0")}.spheresim.test`;
}

/** A host by its name. */
export function hostKey(number: number): HostKey {
  return { key: { $case: "name", value: hostName(number) } };
}

/** A pod VM that reserves what it is. */
export function podSpec(ownerUid: string, change: Partial<PlacementSpec> = {}, memoryMb = 1024): PlacementSpec {
  const config = VirtualMachineConfigSpec.fromPartial({
    name: `pod-${ownerUid}`,
    guestId: "crxPod1Guest",
    numCpus: 1,
    memoryMb,
    cpuAllocation: { reservation: 500 },
    memoryAllocation: { reservation: memoryMb },
    devices: [{ key: 1, backing: { $case: "disk", value: { controller: "pvscsi", capacityKb: 1024n } } }],
  });
  return { ...PlacementSpec.fromPartial({ ownerUid }), config, ...change };
}

/** The hosts of these numbers. */
export function onHosts(...numbers: readonly number[]): HostSet {
  return HostSet.fromPartial({ set: { $case: "hosts", value: { hosts: numbers.map((number) => ({ key: { $case: "name" as const, value: hostName(number) } })) } } });
}
