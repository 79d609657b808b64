import type { Clock, Timer } from "../../base/clock.js";
import { isBeingDeleted } from "../../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import type { Trouble } from "../status/pod-status.js";

/** The end of a pod that was longer on its node than it may, in a kubelet's words. */
export const deadlineExceeded: Trouble = { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline", final: true };

/** So often the clock is looked at, which may have been set meanwhile; a kubelet looks with each sync of the pod. */
const LOOK_PERIOD_MS = 10_000;

/**
 * `spec.activeDeadlineSeconds`: how long a pod may be active, counted from `status.startTime` in emulated time. The field may come
 * or shrink while the pod runs, hence it is looked at in each round of the pod's worker.
 *
 * Example: started at 12:00:00 with 5 s; `isOver` from 12:00:05 on, and `watch` calls at that moment. If the clock is put forward from 12:00:01
 * to 13:00:00, it calls within 10 s.
 */
export class ActiveDeadline {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  isOver(pod: Pod): boolean {
    const leftMs = this.#leftMs(pod);
    return leftMs !== undefined && leftMs <= 0;
  }

  /** Calls once the pod's time is over, unless it is told otherwise before. */
  watch(pod: Pod): void {
    this.forget();
    const leftMs = this.#leftMs(pod);
    if (leftMs === undefined) return;
    this.#timer = this.#clock.timer(Math.min(LOOK_PERIOD_MS, Math.max(0, leftMs)), () => {
      if (this.isOver(pod)) this.#onOver();
      else this.watch(pod);
    });
  }

  forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Undefined for a pod that may go on for ever, has not begun, or is over or on its way out. */
  #leftMs(pod: Pod): number | undefined {
    const { spec, status } = pod;
    if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined || isTerminal(pod) || isBeingDeleted(pod)) return undefined;
    return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - this.#clock.nowMs();
  }
}
