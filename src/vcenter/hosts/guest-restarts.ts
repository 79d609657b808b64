import { CrashBackoff } from "../../base/crash-backoff.js";

/** When VMs whose guest died are powered on again: as a kubelet restarts what crashes, so that a guest that dies over and over costs little. */
export class GuestRestarts {
  /** By moid; of VMs whose guest died before. */
  readonly #backoffs = new Map<string, CrashBackoff>();

  /** The guest of a VM died at `nowMs` of emulated time; how many milliseconds from then its VM is to be powered on again. */
  waitMs(moid: string, nowMs: number): number {
    const backoff = this.#backoffs.get(moid) ?? new CrashBackoff();
    this.#backoffs.set(moid, backoff);
    const waitMs = backoff.waitMs(nowMs);
    backoff.restarted(nowMs + waitMs);
    return waitMs;
  }

  /** The VM is no more. */
  forget(moid: string): void {
    this.#backoffs.delete(moid);
  }
}
