import type { Clock } from "../base/clock.js";
import { fromRpcError } from "./errors.js";
import { type Provider, ProviderFault } from "./vsphere.js";

/** How long an answer is waited for. */
export interface Patience {
  readonly clock: Clock;
  readonly limitMs: number;
}

/**
 * Asks HostD or an agent. What it refuses, and that it does not answer within the limit, becomes a ProviderFault; an answer that comes later
 * is not heard. Rejects with the reason of `signal` when that aborts first.
 */
export async function ask<T>(provider: Provider, { clock, limitMs }: Patience, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const enough = new AbortController();
  const onAbort = (): void => enough.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let late: ProviderFault | undefined;
  const timer = clock.timer(limitMs, () => {
    late = new ProviderFault(provider, "Timedout", `no answer within ${limitMs / 1000} s`, true);
    enough.abort(late);
  });
  try {
    return await call(enough.signal);
  } catch (error) {
    signal.throwIfAborted();
    throw late ?? fromRpcError(provider, error);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
