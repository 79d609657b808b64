import { Backoff } from "../../base/backoff.js";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { VimFault } from "../vim-fault.js";
import type { KeyValue } from "./key-value.js";
import { EPOCH_KEY } from "./keyspace.js";
import type { Store } from "./store.js";

/** What watching the epoch needs. */
export interface EpochWatchOptions {
  readonly kv: Pick<KeyValue, "watch">;
  readonly store: Pick<Store, "confirm">;
  readonly monotonic: Clock;
  readonly log: Logger;
  /** Ends the watch. */
  readonly closing: AbortSignal;
}

const RETRY = { initialMs: 100, maxMs: 5_000 } as const;

/**
 * Looks at the epoch whenever somebody writes it: a vCenter that has nothing to write would else go on answering what is no longer so after another
 * one took over. The store tells who is stale. Resolves when that is so, or at the end.
 */
export async function watchEpoch({ kv, store, monotonic, log, closing }: EpochWatchOptions): Promise<void> {
  const backoff = new Backoff(RETRY);
  while (!closing.aborted) {
    try {
      // What was written before the watch began shows here, what comes later in the watch.
      const revision = await store.confirm();
      for await (const _written of kv.watch(EPOCH_KEY, revision + 1n, closing)) {
        await store.confirm();
        backoff.reset();
      }
    } catch (error) {
      if (closing.aborted || error instanceof VimFault) return;
      log.debug({ err: error }, "the watch over the epoch broke");
    }
    await monotonic.sleep(backoff.nextMs(), closing).catch(() => undefined);
  }
}
