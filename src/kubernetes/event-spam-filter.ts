import { RecentMap } from "../base/recent-map.js";

/** Events of one object that may come at once. */
const BURST = 25;
/** Then one more each so often. */
const REFILL_MS = 300_000;
/** Objects remembered; one that is forgotten has its whole burst again. */
const MAX_OBJECTS = 4096;

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * Keeps one object from flooding the store with events, with client-go's figures: a probe that fails each second for ever is told 25 times,
 * then once in five minutes. Emulated time.
 *
 * Worked example: 30 events at once, of which 25 pass; 10 minutes later two more may.
 */
export class EventSpamFilter {
  readonly #buckets = new RecentMap<string, Bucket>(MAX_OBJECTS);

  /** Whether an event of that object may be told now; if so, it counts. */
  passes(object: string, nowMs: number): boolean {
    const before = this.#buckets.get(object) ?? { tokens: BURST, atMs: nowMs };
    const tokens = Math.min(BURST, before.tokens + Math.max(0, nowMs - before.atMs) / REFILL_MS);
    const passes = tokens >= 1;
    this.#buckets.set(object, { tokens: passes ? tokens - 1 : tokens, atMs: nowMs });
    return passes;
  }
}
