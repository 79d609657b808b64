import type { Inventory } from "../inventory/inventory.js";
import type { HostRecord, VmRecord } from "../store/records.js";
import { type EventLog, vmFacts } from "./event-log.js";

/**
 * Events of the connection to hosts, and what it means for their VMs: these are disconnected with the host, connected again when their host
 * says that it has them, or orphaned when it says that it has not. The first connection after a start of vCenter tells nothing of VMs.
 */
export class HostEvents {
  readonly #log: EventLog;
  readonly #inventory: Inventory;
  /** VMs that were told to be disconnected or orphaned. */
  readonly #away = new Set<string>();

  constructor(log: EventLog, inventory: Inventory) {
    this.#log = log;
    this.#inventory = inventory;
    inventory.feed.observeRemovals((key) => void this.#away.delete(key));
  }

  /** HostD answers for the host, and has these VMs. */
  connected(host: HostRecord, instanceUuids: ReadonlySet<string>): void {
    this.#log.post("HostConnectedEvent", { host: host.moid });
    for (const vm of this.#inventory.vmsOn(host.moid)) if (instanceUuids.has(vm.config.instanceUuid)) this.vmSeen(vm);
  }

  /** HostD stopped answering for the host. */
  lost(host: HostRecord): void {
    this.#log.post("HostConnectionLostEvent", { host: host.moid });
    this.#disconnected(host.moid);
  }

  /** A person disconnected the host. */
  disconnected(host: HostRecord): void {
    this.#log.post("HostDisconnectedEvent", { host: host.moid });
    if (host.responding) this.#disconnected(host.moid);
  }

  /** The VM's host says that it has it. */
  vmSeen(vm: VmRecord): void {
    if (this.#away.delete(vm.moid)) this.#log.post("VmConnectedEvent", { vm: vmFacts(vm) });
  }

  /** The VM's host says that it does not have it. */
  vmMissing(vm: VmRecord): void {
    this.#away.add(vm.moid);
    this.#log.post("VmOrphanedEvent", { vm: vmFacts(vm) });
  }

  #disconnected(host: string): void {
    for (const vm of this.#inventory.vmsOn(host)) {
      this.#away.add(vm.moid);
      this.#log.post("VmDisconnectedEvent", { vm: vmFacts(vm) });
    }
  }
}
