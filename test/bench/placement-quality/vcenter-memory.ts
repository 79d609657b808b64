import { ManualClock } from "../../../src/base/clock.js";
import type { Dice } from "../../../src/base/seeded-random.js";
import { atOnce } from "../../../src/base/slices.js";
import { Cluster, HostPowerState, HostSpec } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { PlacementSpec, VerdictDetail } from "../../../src/gen/spheresim/vcenter/v1/placement.js";
import type { Amount } from "../../../src/vcenter/drs/amount.js";
import type { Scorer } from "../../../src/vcenter/drs/host-score.js";
import { Holds } from "../../../src/vcenter/placement/holds.js";
import { showObject } from "../../../src/vcenter/inventory/inventory-view.js";
import { Inventory } from "../../../src/vcenter/inventory/inventory.js";
import { Journal } from "../../../src/vcenter/placement/journal.js";
import { moref } from "../../../src/vcenter/inventory/moref.js";
import { HostChoice } from "../../../src/vcenter/placement/host-choice.js";
import { Placements } from "../../../src/vcenter/placement/placements.js";
import { completeConfig } from "../../../src/vcenter/clusters/pool-allocation.js";
import type { VmRecord } from "../../../src/vcenter/store/records.js";
import { NamedRules } from "./named-rules.js";
import { CORE_MHZ, type Guest, isPod, type Workload } from "./workload.js";

const CLUSTER = "domain-c1";
const ROOT_POOL = "resgroup-1";

/** What placements need. */
export interface VcenterMemoryOptions {
  readonly workload: Workload;
  readonly scorer: Scorer;
  readonly dice: Dice;
}

/**
 * vCenter's own memory and its own placements, without wires and without etcd: one cluster, one pool, HA off. What is placed here goes through
 * the decision tree, is held, and becomes a VM, as a PlaceVm with its ApplyRecommendation would; only the time a task takes is left out.
 */
export class VcenterMemory {
  readonly inventory: Inventory;
  readonly #placements: Placements;
  readonly #holds: Holds;
  readonly #hostNames: readonly string[];
  readonly #rowByHost: ReadonlyMap<string, number>;

  constructor({ workload, scorer, dice }: VcenterMemoryOptions) {
    // Nothing expires: a recommendation is applied as soon as it is made. What VMs use is told minute by minute.
    const clock = new ManualClock();
    this.inventory = new Inventory(1n, showObject, clock);
    this.#hostNames = workload.hosts.map(({ name }) => name);
    this.#rowByHost = new Map(this.#hostNames.map((name, row) => [name, row]));
    this.#addHosts(workload);
    this.#holds = new Holds(this.inventory.ledger, clock);
    const rules = new NamedRules(this.inventory, workload.rules);
    this.#placements = new Placements({ inventory: this.inventory, holds: this.#holds, clock, monotonic: clock, choice: new HostChoice({ inventory: this.inventory, dice, rules, scorer }), journal: new Journal(undefined, clock), epoch: 1n, rules });
  }

  /** The host DRS, or whoever scores in its place, chooses: its index in the workload. Undefined when no host will do. Nothing is kept before `apply`. */
  recommend(guest: Guest, now: Amount): { readonly key: string; readonly host: number } | undefined {
    const spec = { ...PlacementSpec.create(), config: this.#configOf(guest, now), ownerUid: isPod(guest) ? guest.id : "" };
    const [made] = atOnce(this.#placements.placeOne(spec, { verdictDetail: VerdictDetail.NONE })).recommendations;
    const host = made?.actions[0]?.targetHost?.value;
    return made === undefined || host === undefined ? undefined : { key: made.key, host: this.#rowByHost.get(host) ?? 0 };
  }

  /** Makes the VM that a recommendation was about. */
  apply(guest: Guest, key: string, host: number, now: Amount): void {
    const vm = this.#vm(guest, host, now);
    this.#holds.become(key, guest.id, this.inventory.claimOf(vm));
    this.#put(guest, vm);
  }

  /** A VM that is there already. */
  find(guest: Guest, host: number, now: Amount): void {
    this.#put(guest, this.#vm(guest, host, now));
  }

  remove(guest: Guest): void {
    this.inventory.removeVm(guest.id);
  }

  /** What an ordinary VM uses now; of a pod vCenter learns no such thing. */
  use(guest: Guest, now: Amount): void {
    const vm = this.inventory.vm(guest.id);
    this.inventory.putVm({ ...vm, config: this.#configOf(guest, now) });
  }

  move(guest: Guest, host: number): void {
    this.inventory.putVm({ ...this.inventory.vm(guest.id), host: this.#hostNames[host] ?? "" });
  }

  /** What DRS expects a guest to need. */
  demandOf(guest: Guest): Amount {
    return this.inventory.ledger.get(guest.id)?.demand ?? { cpuMhz: 0, memoryMb: 0 };
  }

  #put(guest: Guest, vm: VmRecord): void {
    this.inventory.putVm(vm);
    if (isPod(guest)) this.inventory.putOwner({ uid: guest.id, vm: guest.id, task: "" });
  }

  #vm(guest: Guest, host: number, now: Amount): VmRecord {
    return { moid: guest.id, config: this.#configOf(guest, now), host: this.#hostNames[host] ?? "", pool: ROOT_POOL, createDate: undefined, wantedOn: true, isOn: true, onHost: true };
  }

  #configOf(guest: Guest, now: Amount): Guest["config"] {
    return isPod(guest) ? guest.config : { ...guest.config, instanceUuid: guest.id, activity: { profile: { $case: "constant", value: { ...now } }, startTime: undefined } };
  }

  #addHosts({ hosts }: Workload): void {
    const { inventory } = this;
    inventory.putDatacenter({ ref: moref("Datacenter", "datacenter-1"), name: "dc-01" });
    const rootPool = { moid: ROOT_POOL, name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" };
    inventory.putCluster(Cluster.fromPartial({ ref: moref("ClusterComputeResource", CLUSTER), name: "cluster-01", datacenter: moref("Datacenter", "datacenter-1"), rootPool: moref("ResourcePool", ROOT_POOL) }), rootPool);
    for (const { name, cores, memoryMb } of hosts) {
      const spec = HostSpec.fromPartial({ name, numCpuCores: cores, cpuMhz: CORE_MHZ, memoryMb });
      inventory.putHost({ moid: name, spec, cluster: CLUSTER, address: "127.0.0.1:1", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true });
    }
  }
}
