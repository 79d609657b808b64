import type { Clock, Timer } from "../../base/clock.js";
import { isBeingDeleted } from "../../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import type { Trouble } from "../status/pod-status.js";

/** The end of a pod that was longer on its node than it may, in a kubelet's words. */
export const deadlineExceeded: Trouble = { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline", final: true };

/**
 * `spec.activeDeadlineSeconds`: how long a pod may be active, counted from `status.startTime` in emulated time. The field may come
 * or shrink while the pod runs, hence it is looked at in each round of the pod's worker.
 *
 * Example: started at 12:00:00 with 5 s; `isOver` from 12:00:05 on, and `watch` calls at that moment.
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
    if (leftMs !== undefined) this.#timer = this.#clock.timer(Math.max(0, leftMs), this.#onOver);
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
