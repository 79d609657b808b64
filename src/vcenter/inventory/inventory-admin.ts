import type { Datacenter, Host, HostSpec } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { Cluster, DrsBehavior, HostPowerState } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../../gen/spheresim/vim/v1/resource.js";
import type { HostKey } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { showCluster } from "../clusters/cluster-health.js";
import type { EventLog } from "../events/event-log.js";
import type { HostEvents } from "../events/host-events.js";
import type { HostLinks } from "../hosts/host-links.js";
import type { Holds } from "../placement/holds.js";
import type { Inventory } from "./inventory.js";
import { requireRoomFor } from "./inventory-limits.js";
import { showHost } from "./inventory-view.js";
import { recordKey } from "../store/keyspace.js";
import { knownHost } from "../hosts/known-host.js";
import type { MoidCounters } from "./moid-counters.js";
import { moref } from "./moref.js";
import { completeConfig } from "../clusters/pool-allocation.js";
import { clusterEntry, datacenterEntry, hostEntry, type HostRecord, poolEntry, type PoolRecord, type RequestRecord } from "../store/records.js";
import type { Serial } from "../store/serial.js";
import { MAX_INT32 } from "../spec-limits.js";
import type { Store } from "../store/store.js";
import { VimFault } from "../vim-fault.js";

const MAX_NAME = 80;
/** An FQDN in lower case (RFC 1123): the host's Node has the same name. */
const HOST_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const ADDRESS = /^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/;
const MAX_PORT = 65_535;

/** What administering needs. */
export interface InventoryAdminOptions {
  readonly inventory: Inventory;
  readonly store: Store;
  readonly counters: MoidCounters;
  readonly holds: Holds;
  readonly links: HostLinks;
  readonly serial: Serial;
  readonly events: EventLog;
  readonly hostEvents: HostEvents;
}

/** Datacenters, clusters and hosts: made, changed and removed, each change committed before anybody sees it. */
export class InventoryAdmin {
  readonly #options: InventoryAdminOptions;

  constructor(options: InventoryAdminOptions) {
    this.#options = options;
  }

  createDatacenter(name: string): Promise<Datacenter> {
    checkName(name, "name");
    return this.#options.serial.run(async () => {
      const { inventory, counters } = this.#options;
      const known = inventory.datacenters.find((datacenter) => datacenter.name === name);
      if (known !== undefined) throw VimFault.duplicateName(name, moref("Datacenter", known.ref?.value ?? ""));
      requireRoomFor("datacenters", inventory);
      const datacenter: Datacenter = { ref: moref("Datacenter", counters.next("Datacenter")), name };
      await this.#options.store.commit({ puts: [datacenterEntry(datacenter)] });
      inventory.putDatacenter(datacenter);
      return datacenter;
    });
  }

  /** A cluster with its root pool `Resources`. */
  createCluster(datacenterMoid: string, name: string): Promise<Cluster> {
    checkName(name, "name");
    return this.#options.serial.run(async () => {
      const { inventory, counters, events } = this.#options;
      const datacenter = inventory.datacenter(datacenterMoid);
      const known = inventory.clusters.find((cluster) => cluster.name === name && cluster.datacenter?.value === datacenterMoid);
      if (known !== undefined) throw VimFault.duplicateName(name, moref("ClusterComputeResource", known.ref?.value ?? ""));
      requireRoomFor("clusters", inventory);
      requireRoomFor("resourcePools", inventory);
      const rootPool: PoolRecord = { moid: counters.next("ResourcePool"), name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" };
      const cluster = Cluster.create({
        ref: moref("ClusterComputeResource", counters.next("ClusterComputeResource")),
        name,
        datacenter: datacenter.ref,
        rootPool: moref("ResourcePool", rootPool.moid),
        scaleDescendantsShares: ScaleSharesBehavior.DISABLED,
        drsConfig: { enabled: true, defaultVmBehavior: DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 3, consumedMemoryMetric: false },
        dasConfig: { enabled: false, admissionControlEnabled: false, cpuFailoverResourcesPercent: 0, memoryFailoverResourcesPercent: 0 },
      });
      await this.#options.store.commit({ puts: [clusterEntry(cluster), poolEntry(rootPool)] });
      inventory.putCluster(cluster, rootPool);
      events.post("ClusterCreatedEvent", { cluster: cluster.ref?.value });
      return showCluster(inventory, cluster);
    });
  }

  /** AddHost_Task; the host counts as not responding until its HostD has answered. A request that added one already gets that one. */
  addHost(clusterMoid: string, spec: HostSpec | undefined, address: string, request?: RequestRecord): Promise<Host> {
    const checked = checkHostSpec(spec, "spec");
    checkAddress(address, "address");
    return this.#options.serial.run(async () => {
      const { inventory, counters, events } = this.#options;
      const cluster = inventory.cluster(clusterMoid);
      const before = request === undefined ? undefined : inventory.hosts.find(({ addedBy }) => addedBy?.requestId === request.requestId);
      if (before !== undefined) {
        if (before.addedBy?.bodyHash !== request?.bodyHash) throw VimFault.requestIdReused(request?.requestId ?? "");
        return showHost(inventory, before.moid);
      }
      const known = inventory.hostByName(checked.name);
      if (known?.cluster === clusterMoid) throw VimFault.duplicateName(checked.name, moref("HostSystem", known.moid));
      if (known !== undefined) throw VimFault.alreadyConnected(checked.name);
      requireRoomFor("hosts", inventory);
      checkClusterCapacity(inventory.hosts.filter((host) => host.cluster === clusterMoid).map((host) => host.spec), checked, "spec");
      const host: HostRecord = {
        moid: counters.next("HostSystem"),
        spec: checked,
        cluster: cluster.ref?.value ?? "",
        address,
        disconnected: false,
        inMaintenanceMode: false,
        inQuarantineMode: false,
        powerState: HostPowerState.POWERED_ON,
        responding: false,
        addedBy: request,
      };
      await this.#options.store.commit({ puts: [hostEntry(host)] });
      inventory.putHost(host);
      events.post("HostAddedEvent", { host: host.moid });
      this.#options.links.refresh();
      return showHost(inventory, host.moid);
    });
  }

  /** Takes a host without VMs out; holds on it are dropped. */
  removeHost(key: HostKey | undefined): Promise<void> {
    return this.#options.serial.run(async () => {
      const { inventory, holds, links, events } = this.#options;
      const host = knownHost(key, inventory);
      const vms = inventory.vmsOn(host.moid);
      if (vms.length > 0) throw VimFault.resourceInUse("HostSystem", host.spec.name, `${vms.length} virtual machines are registered on it, ${vms[0]?.moid} among them`);
      const coming = inventory.migratingBy(host.moid)[0];
      if (coming !== undefined) throw VimFault.resourceInUse("HostSystem", host.spec.name, `${coming.moid} migrates from or to it`);
      // From here on no placement chooses it, so that nothing arrives while the removal is being stored.
      inventory.putHost({ ...host, disconnected: true });
      holds.dropHost(host.moid);
      try {
        await this.#options.store.commit({ deletes: [recordKey("hosts", host.moid)] });
      } catch (error) {
        // What became known of the host meanwhile stays; where it came back unheeded, it is greeted now.
        inventory.putHost({ ...inventory.host(host.moid), disconnected: host.disconnected });
        links.refresh();
        throw error;
      }
      events.post("HostRemovedEvent", { host: host.moid });
      inventory.removeHost(host.moid);
      links.refresh();
    });
  }

  /** DisconnectHost_Task and ReconnectHost_Task; `address` says where its HostD answers from now on, where that is new. What is absent stays as it is. */
  setConnection(key: HostKey | undefined, connected?: boolean, address?: string): Promise<Host> {
    if (connected === undefined && address === undefined) throw VimFault.invalidArgument("connected", "or address is required");
    if (address !== undefined) checkAddress(address, "address");
    return this.#options.serial.run(async () => {
      const { inventory, hostEvents } = this.#options;
      const host = knownHost(key, inventory);
      const wanted = { disconnected: connected === undefined ? host.disconnected : !connected, address: address ?? host.address };
      if (host.disconnected === wanted.disconnected && host.address === wanted.address) return showHost(inventory, host.moid);
      const changed = await this.#change(host, { ...wanted, responding: false });
      if (wanted.disconnected && !host.disconnected) hostEvents.disconnected(host);
      return changed;
    });
  }

  async #change(host: HostRecord, change: Partial<HostRecord>): Promise<Host> {
    const { inventory, links } = this.#options;
    await this.#options.store.commit({ puts: [hostEntry({ ...host, ...change })] });
    inventory.putHost({ ...inventory.host(host.moid), ...change });
    links.refresh();
    return showHost(inventory, host.moid);
  }
}

/** Refuses an empty or overlong name, and one with a slash or a control character. */
export function checkName(name: string, field: string): void {
  if (name === "") throw VimFault.invalidArgument(field, "is required");
  if (name.length > MAX_NAME) throw VimFault.invalidArgument(field, `has ${name.length} characters, at most ${MAX_NAME} are taken`);
  if (/[/\\%\p{Cc}]/u.test(name)) throw VimFault.invalidArgument(field, "must not contain /, \\, % or control characters");
}

function checkHostSpec(spec: HostSpec | undefined, field: string): HostSpec {
  if (spec === undefined) throw VimFault.invalidArgument(field, "is required");
  if (spec.name.length > 253 || !HOST_NAME.test(spec.name)) throw VimFault.invalidArgument(`${field}.name`, `"${spec.name}" is not a DNS name in lower case`);
  if (spec.numCpuCores < 1) throw VimFault.invalidArgument(`${field}.num_cpu_cores`, `must be at least 1, is ${spec.numCpuCores}`);
  if (spec.cpuMhz < 1) throw VimFault.invalidArgument(`${field}.cpu_mhz`, `must be at least 1, is ${spec.cpuMhz}`);
  if (spec.memoryMb < 1) throw VimFault.invalidArgument(`${field}.memory_mb`, `must be at least 1, is ${spec.memoryMb}`);
  if (spec.numCpuCores * spec.cpuMhz > MAX_INT32) throw VimFault.invalidArgument(`${field}.num_cpu_cores`, `${spec.numCpuCores} cores of ${spec.cpuMhz} MHz are more MHz than an int32 can say`);
  return spec;
}

function checkAddress(address: string, field: string): void {
  const port = ADDRESS.exec(address)?.[1];
  if (port === undefined || Number(port) > MAX_PORT) throw VimFault.invalidArgument(field, `"${address}" is not host:port`);
}

/** What a cluster can give is told in int32, as by its root pool. */
function checkClusterCapacity(present: readonly HostSpec[], added: HostSpec, field: string): void {
  const all = [...present, added];
  const cpuMhz = all.reduce((sum, host) => sum + host.numCpuCores * host.cpuMhz, 0);
  const memoryMb = all.reduce((sum, host) => sum + host.memoryMb, 0);
  if (cpuMhz > MAX_INT32) throw VimFault.invalidArgument(`${field}.cpu_mhz`, `the cluster would have ${cpuMhz} MHz, more than an int32 can say`);
  if (memoryMb > MAX_INT32) throw VimFault.invalidArgument(`${field}.memory_mb`, `the cluster would have ${memoryMb} MB, more than an int32 can say`);
}
