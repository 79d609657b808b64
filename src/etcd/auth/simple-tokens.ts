import type { Clock, Timer } from "../../base/clock.js";
import { secretLetters } from "../../base/ids.js";
import type { TokenHolder, Tokens } from "./tokens.js";

/** How long an unused token stays valid where nobody says otherwise (etcd --auth-token-ttl). */
export const DEFAULT_TOKEN_TTL_MS = 300_000;
const LETTERS = 16;
/** Tokens at most; beyond, the one unused for longest goes. Each client connection holds about one. */
const MAX_TOKENS = 100_000;

interface Holder {
  readonly user: string;
  endMs: number;
}

/**
 * The tokens of users who gave their password: 16 letters, a dot and a number. They live in memory alone, so that after a restart
 * everybody signs in again, and end when nobody uses them for a while.
 */
export class SimpleTokens implements Tokens {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** The longest unused first: using one moves it to the end. */
  readonly #holders = new Map<string, Holder>();
  #timer: Timer | undefined;

  /** `clock` is the monotonic one. */
  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** A new token for a user; `index` is the number in it. */
  assign(user: string, index: bigint): string {
    const token = `${secretLetters(LETTERS)}.${index}`;
    for (const oldest of this.#holders.keys()) {
      if (this.#holders.size < MAX_TOKENS) break;
      this.#holders.delete(oldest);
    }
    this.#holders.set(token, { user, endMs: this.#clock.nowMs() + this.#ttlMs });
    this.#schedule();
    return token;
  }

  /** Whose token it is, and its whole time again; undefined if it is nobody's. */
  use(token: string): TokenHolder | undefined {
    const holder = this.#holders.get(token);
    const nowMs = this.#clock.nowMs();
    if (holder === undefined || holder.endMs < nowMs) return undefined;
    holder.endMs = nowMs + this.#ttlMs;
    this.#holders.delete(token);
    this.#holders.set(token, holder);
    return { user: holder.user, authRevision: undefined };
  }

  /** Ends all tokens of a user. */
  endUser(user: string): void {
    for (const [token, holder] of this.#holders) if (holder.user === user) this.#holders.delete(token);
  }

  /** Ends all tokens. */
  endAll(): void {
    this.#holders.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Looks again when the longest unused one may end. */
  #schedule(): void {
    const [oldest] = this.#holders.values();
    if (this.#timer !== undefined || oldest === undefined) return;
    this.#timer = this.#clock.timer(oldest.endMs - this.#clock.nowMs() + 1, () => {
      this.#timer = undefined;
      const nowMs = this.#clock.nowMs();
      for (const [token, { endMs }] of this.#holders) {
        if (endMs >= nowMs) break;
        this.#holders.delete(token);
      }
      this.#schedule();
    });
  }
}
