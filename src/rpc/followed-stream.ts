import { Backoff } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Dice } from "../base/seeded-random.js";

/** One change of a watch that can be resumed. */
export interface Resumable {
  /** Where to go on after this change; empty leaves the place as it was. */
  readonly resumeToken: string;
}

/** How to follow a watch for as long as the follower lives. */
export interface FollowOptions<T extends Resumable> {
  /** Names the watch in log lines. */
  readonly name: string;
  /** Opens the watch at a token; empty is the beginning. */
  open(resumeToken: string, signal: AbortSignal): AsyncIterable<T>;
  /** Hears every change, in order. */
  onChange(change: T): void;
  /** The watch begins anew: what follows is everything there is, and what was missed in between is gone. */
  onRestart(): void;
  /** Monotonic. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/** Times in a row a peer may be away before it is said. */
const PATIENCE = 6;
const INITIAL_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

/** A watch followed across lost connections and restarts of its server. */
export interface FollowedStream {
  /** Ends it; resolves when nothing is told any more. */
  close(): Promise<void>;
}

/**
 * Follows a watch: a broken stream is opened again where it stood, and one whose token is too old (OUT_OF_RANGE) from the
 * beginning.
 */
export function followStream<T extends Resumable>(options: FollowOptions<T>): FollowedStream {
  const abort = new AbortController();
  const running = run(options, abort.signal);
  return {
    close: () => {
      abort.abort();
      return running;
    },
  };
}

async function run<T extends Resumable>(options: FollowOptions<T>, signal: AbortSignal): Promise<void> {
  const { name, clock, dice, log } = options;
  const backoff = new Backoff({ initialMs: INITIAL_RETRY_MS, maxMs: MAX_RETRY_MS, jitter: 0.3, dice });
  let token = "";
  let warned = false;
  while (!signal.aborted) {
    try {
      if (token === "") options.onRestart();
      for await (const change of options.open(token, signal)) {
        if (signal.aborted) return;
        if (change.resumeToken !== "") token = change.resumeToken;
        backoff.reset();
        warned = false;
        options.onChange(change);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (RpcError.is(error, RpcCode.OUT_OF_RANGE)) {
        log.info({ watch: name }, "the resume token is too old, watching from the beginning");
        token = "";
      } else if (!warned && (!RpcError.is(error, RpcCode.UNAVAILABLE) || backoff.attempts >= PATIENCE)) {
        // At a start and a restart every peer is away for a moment; that is worth no line.
        warned = true;
        log.warn({ watch: name, err: error }, "watch broke, opening it again");
      }
    }
    await clock.sleep(backoff.nextMs(), signal).catch(() => undefined);
  }
}
