import type { Clock } from "../../base/clock.js";
import type { ActivityProfile } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { expectedUse, useAt } from "./activity.js";
import type { Amount } from "../drs/amount.js";
import { POD_GUEST_ID, type VmUse } from "../drs/vm-shape.js";
import type { VmRecord } from "../store/records.js";
import { VaryingUse } from "./varying-use.js";

/** What of a VM says how much it uses. */
export type Metered = Pick<VmRecord, "config" | "isOn"> & { readonly moid?: string | undefined };

/**
 * What ordinary VMs use by their activity profiles at this moment of emulated time: CPU as it is, active memory as ESXi estimates it
 * (active-estimate.ts), and what they consume: the largest active memory since they were powered on, at most what they are configured with.
 * That is our choice: nothing runs inside that could touch memory and keep it, and a guest hardly ever gives back what it touched. It is kept
 * in memory alone: a vCenter that starts knows the present use only. Estimates and averages of a VM that is told another activity begin anew.
 *
 * Example: a VM of 4,096 MB that used 3,000 MB until noon and 1,000 MB since has 1,000 active and 3,000 consumed an hour later.
 */
export class ActivityMeter {
  readonly #clock: Clock;
  /** What running VMs consume of which the profile alone does not say it: those that are, or were, told to use less than before. By moid, MB. */
  readonly #consumedMb = new Map<string, number>();
  /** Running VMs whose use changes with time. */
  readonly #varying = new Map<string, VaryingUse>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Running VMs whose use has to be read again as time goes on. */
  get varying(): Iterable<string> {
    return this.#varying.keys();
  }

  /** What a VM uses now; of one that does not run what it is expected to use. Undefined for a pod VM, whose use is its containers'. */
  read({ moid, config, isOn }: Metered): VmUse | undefined {
    if (config.guestId === POD_GUEST_ID) return undefined;
    const nowMs = this.#clock.nowMs();
    const runs = moid !== undefined && isOn;
    const told = (runs ? useAt : expectedUse)(config.activity, nowMs);
    const { cpuMhz } = told;
    if (!runs) {
      const memoryMb = Math.min(told.memoryMb, config.memoryMb);
      return { cpuMhz, memoryMb, consumedMemoryMb: memoryMb };
    }
    const varying = this.#varyingUse(moid, config.activity, nowMs);
    const memoryMb = Math.min(varying?.activeMb(told.memoryMb, nowMs) ?? told.memoryMb, config.memoryMb);
    const before = this.#consumedMb.get(moid);
    const consumedMemoryMb = Math.max(memoryMb, Math.min(varying?.consumedMb ?? 0, config.memoryMb), Math.min(before ?? 0, config.memoryMb));
    if (varying !== undefined) varying.consumedMb = consumedMemoryMb;
    if (before !== undefined) this.#consumedMb.set(moid, consumedMemoryMb);
    return { cpuMhz, memoryMb, consumedMemoryMb };
  }

  /** The VM is about to become another one, with another activity it may be: what it consumes stays consumed while it runs. */
  changes(vm: Metered): void {
    const use = vm.isOn ? this.read(vm) : undefined;
    if (use !== undefined && vm.moid !== undefined) this.#consumedMb.set(vm.moid, use.consumedMemoryMb);
  }

  /** What a running VM used on average over the last so many minutes; undefined where that is what it uses now. */
  average(moid: string, minutes: number): Amount | undefined {
    return this.#varying.get(moid)?.average(minutes, this.#clock.nowMs());
  }

  /** The VM no longer runs. */
  forget(moid: string): void {
    this.#consumedMb.delete(moid);
    this.#varying.delete(moid);
  }

  #varyingUse(moid: string, activity: ActivityProfile | undefined, nowMs: number): VaryingUse | undefined {
    const kind = activity?.profile?.$case;
    if (activity === undefined || kind === undefined || kind === "constant") {
      this.#varying.delete(moid);
      return undefined;
    }
    const known = this.#varying.get(moid);
    if (known?.activity === activity) return known;
    const varying = new VaryingUse(activity, nowMs);
    this.#varying.set(moid, varying);
    return varying;
  }
}
