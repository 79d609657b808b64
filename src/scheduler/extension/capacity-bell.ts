import type { Clock, Timer } from "../../base/clock.js";
import { HostConnectionState, HostPowerState, type InventoryUpdate, type VirtualMachine } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";

/** Changes of one moment ring once. */
const GATHER_MS = 20;

/** What an ordinary VM that is on takes of its host. */
interface Taken {
  readonly host: string;
  readonly cpuMhz: number;
  readonly memoryMb: number;
}

/**
 * Rings when something happened at vCenter that may let a refused VM fit: a host came or changed its state, a VM went away, was powered
 * off, moved or reserves less, a pool or the settings of a cluster were changed.
 *
 * Worked example: HA keeps 60 % free and refuses a pod; `failover_memory_percent` becomes 54: it rings, and the pod is tried again.
 */
export class CapacityBell {
  readonly #monotonic: Clock;
  readonly #listeners = new Set<() => void>();
  /** What decides about a host, pool or cluster, by moid. */
  readonly #decisive = new Map<string, string>();
  /** By moid, only VMs that are on and no pod's: those of pods neither move nor change. */
  readonly #taken = new Map<string, Taken>();
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
    this.#decisive.clear();
    this.#taken.clear();
  }

  /** One change of the inventory. */
  changed({ kind, object }: InventoryUpdate): void {
    if (kind === UpdateKind.LEAVE) {
      const moid = object?.value.ref?.value ?? "";
      this.#decisive.delete(moid);
      this.#taken.delete(moid);
      if (object?.$case === "virtualMachine") this.#ring();
    } else if (object?.$case === "host") {
      const { ref, connectionState, powerState, inMaintenanceMode, inQuarantineMode, spec } = object.value;
      const usable = connectionState === HostConnectionState.CONNECTED && powerState !== HostPowerState.STAND_BY && !inMaintenanceMode;
      const isNew = this.#decides(ref?.value ?? "", [connectionState, powerState, inMaintenanceMode, inQuarantineMode, spec?.memoryMb, spec?.numCpuCores]);
      if (usable && isNew) this.#ring();
    } else if (object?.$case === "virtualMachine") {
      this.#machineChanged(object.value, kind === UpdateKind.MODIFY);
    } else if (object?.$case === "resourcePool" && object.value.config !== undefined) {
      // A pool's use changes with every pod; only its settings and its coming count.
      if (this.#decides(object.value.ref?.value ?? "", object.value.config)) this.#ring();
    } else if (object?.$case === "cluster") {
      const { ref, drsConfig, dasConfig, scaleDescendantsShares } = object.value;
      if (this.#decides(ref?.value ?? "", [drsConfig, dasConfig, scaleDescendantsShares])) this.#ring();
    }
  }

  close(): void {
    this.#ringing?.cancel();
    this.#listeners.clear();
  }

  /** Whether this is something new of the object. */
  #decides(moid: string, figures: unknown): boolean {
    const state = JSON.stringify(figures);
    const isNew = this.#decisive.get(moid) !== state;
    this.#decisive.set(moid, state);
    return isNew;
  }

  #machineChanged({ ref, host, ownerUid, config, powerState }: VirtualMachine, isChange: boolean): void {
    const moid = ref?.value ?? "";
    const before = this.#taken.get(moid);
    if (powerState === VirtualMachinePowerState.POWERED_OFF) {
      this.#taken.delete(moid);
      if (isChange) this.#ring();
      return;
    }
    if (ownerUid !== "") return;
    const now: Taken = { host: host?.value ?? "", cpuMhz: config?.cpuAllocation?.reservation ?? 0, memoryMb: config?.memoryAllocation?.reservation ?? 0 };
    this.#taken.set(moid, now);
    if (before !== undefined && (now.host !== before.host || now.cpuMhz < before.cpuMhz || now.memoryMb < before.memoryMb)) this.#ring();
  }

  #ring(): void {
    this.#ringing ??= this.#monotonic.timer(GATHER_MS, () => {
      this.#ringing = undefined;
      for (const listener of this.#listeners) listener();
    });
  }
}
