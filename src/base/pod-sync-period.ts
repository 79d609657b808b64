import type { Dice } from "./seeded-random.js";

const PERIOD_MS = 10_000;
const JITTER_MS = 5_000;

/** Until a kubelet looks again at a pod in error, emulated: 10 to 15 s (kubelet: backOffPeriod, workerBackOffPeriodJitterFactor). */
export function podSyncMs(dice: Dice): number {
  return PERIOD_MS + dice.int(JITTER_MS);
}
