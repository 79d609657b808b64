import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { Store } from "../kv/store.js";

/** What history is kept (etcd --auto-compaction-mode and --auto-compaction-retention). */
export type Retention =
  /** That of the last so many milliseconds. */
  | { readonly mode: "periodic"; readonly retentionMs: number }
  /** That of the last so many revisions. */
  | { readonly mode: "revision"; readonly retentionRevisions: number };

const HOUR_MS = 3600 * 1000;
/** How often etcd looks in mode revision. */
const REVISION_INTERVAL_MS = 5 * 60 * 1000;
/** Looks of mode periodic in one interval between two compactions. */
const LOOKS = 10;

/**
 * Forgets old history by itself, as etcd does.
 *
 * Periodic: the revision is noted ten times an interval (the retention, at most an hour); once the retention has passed, the store is
 * compacted each interval at what was current the retention ago. Worked example: retention 5 h: noted every 6 minutes, 51 notes kept,
 * first compaction after 5 h, then every hour.
 */
export class AutoCompaction {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #retention: Retention;
  readonly #intervalMs: number;
  readonly #seen: number[] = [];
  #last = 0;
  #lastSuccessMs: number;
  #waitMs: number;
  #timer: Timer | undefined;
  #closed = false;

  constructor(store: Store, clock: Clock, log: Logger, retention: Retention) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#retention = retention;
    this.#intervalMs = retention.mode === "periodic" ? Math.min(retention.retentionMs, HOUR_MS) : REVISION_INTERVAL_MS;
    this.#waitMs = retention.mode === "periodic" ? retention.retentionMs : 0;
    this.#lastSuccessMs = clock.nowMs();
    this.#next();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #next(): void {
    if (this.#closed) return;
    const { mode } = this.#retention;
    if (mode === "periodic") this.#note(this.#retention.retentionMs);
    this.#timer = this.#clock.timer(mode === "periodic" ? this.#intervalMs / LOOKS : this.#intervalMs, () => {
      const revision = this.#due();
      if (revision === undefined) this.#next();
      else void this.#compact(revision).then(() => this.#next());
    });
  }

  #note(retentionMs: number): void {
    this.#seen.push(this.#store.revision);
    if (this.#seen.length > Math.floor(retentionMs / (this.#intervalMs / LOOKS)) + 1) this.#seen.shift();
  }

  #due(): number | undefined {
    if (this.#retention.mode === "revision") {
      const revision = this.#store.revision - this.#retention.retentionRevisions;
      return revision > 0 && revision !== this.#last ? revision : undefined;
    }
    const [oldest = 0] = this.#seen;
    return this.#clock.nowMs() - this.#lastSuccessMs < this.#waitMs || oldest === this.#last ? undefined : oldest;
  }

  async #compact(revision: number): Promise<void> {
    this.#waitMs = this.#intervalMs;
    try {
      await this.#store.compact(revision, false);
      this.#log.info({ revision, mode: this.#retention.mode }, "completed auto compaction");
    } catch (error) {
      // Somebody else was faster: as good.
      if (!RpcError.is(error, RpcCode.OUT_OF_RANGE)) {
        this.#log.warn({ revision, mode: this.#retention.mode, err: error }, "failed auto compaction");
        return;
      }
    }
    this.#last = revision;
    this.#lastSuccessMs = this.#clock.nowMs();
  }
}
