import { monotonicClock } from "../base/clock.js";
import { UserError } from "../base/user-error.js";
import { isTransient } from "../rpc/status.js";

const pollMs = 20;

/** How long to try. */
export interface Limit {
  /** Monotonic. */
  readonly deadlineMs: number;
  /** The whole time there was, for the error. */
  readonly limitMs: number;
  readonly stop: AbortSignal | undefined;
}

/** Tries until there is a result; transient failures are those of peers that are still starting. */
export async function until<T>({ deadlineMs, limitMs, stop }: Limit, failure: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const clock = monotonicClock();
  let last = "";
  for (;;) {
    stop?.throwIfAborted();
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      if (!isTransient(error) && !(error as { isTransport?: boolean }).isTransport) throw error;
      last = `: ${(error as Error).message}`;
    }
    if (clock.nowMs() >= deadlineMs) throw new UserError("time-out", `${failure} within ${limitMs / 1000} s${last}`, "look closer with --log-level info");
    await clock.sleep(pollMs);
  }
}
