/**
 * The nodes of one zone that wait for their NoExecute taint, first come, first served, at a rate: one token, which comes back by the rate.
 *
 * Example: at 0.1 a second `a`, `b` and `c` are given out at 0 s, 10 s and 20 s; at a rate of 0 none is. Where the rate changes the token stays
 * if it is there; after 0 it is not, so the first node waits for it.
 */
export class EvictionLine {
  readonly #names = new Set<string>();
  #perSecond: number;
  #tokens = 1;
  #sinceMs: number;

  /** Times are monotonic, in milliseconds. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#sinceMs = nowMs;
  }

  setRate(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return;
    const kept = this.#perSecond > 0 && perSecond > 0 && this.#tokensAt(nowMs) >= 1;
    this.#perSecond = perSecond;
    this.#tokens = kept ? 1 : 0;
    this.#sinceMs = nowMs;
  }

  /** A node that waits already keeps its place. */
  add(name: string): void {
    this.#names.add(name);
  }

  remove(name: string): void {
    this.#names.delete(name);
  }

  /** Gives out the first node if its time has come. */
  next(nowMs: number): string | undefined {
    const [first] = this.#names;
    const tokens = this.#tokensAt(nowMs);
    if (first === undefined || this.#perSecond === 0 || tokens < 1) return undefined;
    this.#tokens = tokens - 1;
    this.#sinceMs = nowMs;
    this.#names.delete(first);
    return first;
  }

  #tokensAt(nowMs: number): number {
    return Math.min(1, this.#tokens + ((nowMs - this.#sinceMs) * this.#perSecond) / 1000);
  }
}
