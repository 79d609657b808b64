import type { Clock } from "../../base/clock.js";
import { expectedUse, useAt } from "./activity.js";
import { POD_GUEST_ID, type VmUse } from "../drs/vm-shape.js";
import type { VmRecord } from "../store/records.js";

/** What of a VM says how much it uses. */
export type Metered = Pick<VmRecord, "config" | "isOn"> & { readonly moid?: string | undefined };

/**
 * What ordinary VMs use by their activity profiles at this moment of emulated time, and what they consume: the largest active memory since
 * they were powered on, at most what they are configured with. That is our choice: nothing runs inside that could touch memory and keep it,
 * and a guest hardly ever gives back what it touched. It is kept in memory alone: a vCenter that starts knows the present use only.
 *
 * Example: a VM of 4,096 MB that used 3,000 MB at noon and 1,000 MB now has 1,000 active and 3,000 consumed.
 */
export class ActivityMeter {
  readonly #clock: Clock;
  /** Of running VMs, by moid. */
  readonly #uses = new Map<string, VmUse>();
  /** Running VMs whose use changes with time. */
  readonly #varying = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Running VMs whose use has to be read again as time goes on. */
  get varying(): Iterable<string> {
    return this.#varying;
  }

  /** What a VM uses now; of one that does not run what it is expected to use. Undefined for a pod VM, whose use is its containers'. */
  read({ moid, config, isOn }: Metered): VmUse | undefined {
    if (config.guestId === POD_GUEST_ID) return undefined;
    const runs = moid !== undefined && isOn;
    const { cpuMhz, memoryMb: toldMb } = (runs ? useAt : expectedUse)(config.activity, this.#clock.nowMs());
    const memoryMb = Math.min(toldMb, config.memoryMb);
    if (!runs) return { cpuMhz, memoryMb, consumedMemoryMb: memoryMb };
    const before = this.#uses.get(moid);
    const use = { cpuMhz, memoryMb, consumedMemoryMb: Math.max(memoryMb, Math.min(before?.consumedMemoryMb ?? 0, config.memoryMb)) };
    const kind = config.activity?.profile?.$case;
    if (kind === undefined || kind === "constant") this.#varying.delete(moid);
    else this.#varying.add(moid);
    this.#uses.set(moid, use);
    return use;
  }

  /** The VM no longer runs. */
  forget(moid: string): void {
    this.#uses.delete(moid);
    this.#varying.delete(moid);
  }
}
