import type { Clock, Timer } from "../../base/clock.js";
import { HostConnectionState, HostPowerState, type InventoryUpdate } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";

/** Changes of one moment ring once. */
const GATHER_MS = 20;

/**
 * Rings when something happened at vCenter that may let a refused VM fit: a host came or changed its state, a VM went away or
 * was powered off, a pool was changed.
 */
export class CapacityBell {
  readonly #monotonic: Clock;
  readonly #listeners = new Set<() => void>();
  /** What decides about a host, by moid. */
  readonly #hosts = new Map<string, string>();
  #ringing: Timer | undefined;

  constructor(monotonic: Clock) {
    this.#monotonic = monotonic;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The inventory is told from the beginning. */
  restarted(): void {
    this.#hosts.clear();
  }

  /** One change of the inventory. */
  changed({ kind, object }: InventoryUpdate): void {
    if (kind === UpdateKind.LEAVE) {
      if (object?.$case === "virtualMachine") this.#ring();
      if (object?.$case === "host") this.#hosts.delete(object.value.ref?.value ?? "");
    } else if (object?.$case === "host") {
      const { ref, connectionState, powerState, inMaintenanceMode, inQuarantineMode, spec } = object.value;
      const usable = connectionState === HostConnectionState.CONNECTED && powerState !== HostPowerState.STAND_BY && !inMaintenanceMode;
      const state = JSON.stringify([connectionState, powerState, inMaintenanceMode, inQuarantineMode, spec?.memoryMb, spec?.numCpuCores]);
      const moid = ref?.value ?? "";
      const before = this.#hosts.get(moid);
      this.#hosts.set(moid, state);
      if (usable && before !== state) this.#ring();
    } else if (object?.$case === "virtualMachine" && kind === UpdateKind.MODIFY) {
      if (object.value.powerState === VirtualMachinePowerState.POWERED_OFF) this.#ring();
    } else if (object?.$case === "resourcePool" && object.value.config !== undefined) {
      this.#poolChanged(object.value.ref?.value ?? "", JSON.stringify(object.value.config));
    }
  }

  close(): void {
    this.#ringing?.cancel();
    this.#listeners.clear();
  }

  /** A pool's use changes with every pod; only its settings and its coming count. */
  #poolChanged(moid: string, config: string): void {
    if (this.#hosts.get(moid) === config) return;
    this.#hosts.set(moid, config);
    this.#ring();
  }

  #ring(): void {
    this.#ringing ??= this.#monotonic.timer(GATHER_MS, () => {
      this.#ringing = undefined;
      for (const listener of this.#listeners) listener();
    });
  }
}
