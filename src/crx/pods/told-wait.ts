import type { Clock } from "../../base/clock.js";
import { podSyncMs } from "../../base/pod-sync-period.js";
import type { Dice } from "../../base/seeded-random.js";

export interface ToldWaitOptions {
  /** Emulated. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly waitMs: number;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Says what is waited for. */
  readonly tell: () => void;
}

/**
 * Waits, and says so at the beginning and again each time a kubelet would look at the pod meanwhile: 10 to 15 s after it looked last.
 *
 * Worked example: a back-off of 40 s is told at 0, 12, 25 and 35 s; at 40 s it is over.
 */
export async function toldWait({ clock, dice, waitMs, signal, tell }: ToldWaitOptions): Promise<void> {
  let leftMs = waitMs;
  while (leftMs > 0 && !signal.aborted) {
    tell();
    const pauseMs = Math.min(leftMs, podSyncMs(dice));
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    leftMs -= pauseMs;
  }
}
