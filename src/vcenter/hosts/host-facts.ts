import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import type { HostDaemons } from "./host-daemon.js";
import type { Inventory } from "../inventory/inventory.js";
import type { HostRecord } from "../store/records.js";

/** What a link tells. */
export interface HostFacts {
  /** HostD answers for the host, and these are its VMs; or it no longer answers. */
  onConnected(host: HostRecord, vms: readonly HostVm[]): void;
  onLost(host: HostRecord): void;
  /** A VM on a connected host is there, or changed. */
  onVm(host: HostRecord, vm: HostVm): void;
  /** A VM left a connected host. */
  onVmGone(host: HostRecord, instanceUuid: string): void;
}

/** What links need. */
export interface HostLinksOptions {
  readonly inventory: Inventory;
  readonly daemons: HostDaemons;
  readonly facts: HostFacts;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly closing: AbortSignal;
}
