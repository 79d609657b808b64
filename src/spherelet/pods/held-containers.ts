import type { Clock, Timer } from "../../base/clock.js";
import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { Gate } from "../node/gate.js";
import { type HeldReason, isHeldReason } from "../spec/start-request.js";

/** So long until what a container lacks is looked for again: a kubelet's period for pods in error. */
const RETRY_MS = 10_000;

export interface HeldContainersOptions {
  readonly monotonic: Clock;
  /** A try takes its turn among the pods that are started. */
  readonly startGate: Gate;
  /** A container waits for this reason: told when it begins to, and with each further try. */
  readonly tell: (container: string, reason: HeldReason, message: string) => void;
  /** Looks for what they lack, and says to the agent what was found; never rejects. */
  readonly retry: (signal: AbortSignal) => Promise<void>;
}

/**
 * The containers of one pod that the agent holds, for what their spec needs is not there or makes no sense. The others run meanwhile.
 *
 * Worked example: `web` and `log` run, the ConfigMap of `db` is missing. It is told at 0 s, 10 s and 20 s; at 25 s the ConfigMap is made, at
 * 30 s `db` starts.
 */
export class HeldContainers {
  readonly #options: HeldContainersOptions;
  #now: PodContainers | undefined;
  readonly #told = new Set<string>();
  /** Until the next try; there while that one goes on, too. */
  #timer: Timer | undefined;
  #attempt: AbortController | undefined;

  constructor(options: HeldContainersOptions) {
    this.#options = options;
  }

  /** The containers as the agent has them now. */
  look(now: PodContainers): void {
    this.#now = now;
    const held = [...now.initContainers, ...now.containers].filter((status) => status.held);
    if (held.length === 0) return this.leave();
    for (const { name, state } of held) {
      // Before its turn a container waits as the others do.
      if (state?.$case !== "waiting" || !isHeldReason(state.value.reason) || this.#told.has(name)) continue;
      this.#told.add(name);
      this.#options.tell(name, state.value.reason, state.value.message);
    }
    this.#timer ??= this.#options.monotonic.timer(RETRY_MS, () => void this.#again());
  }

  /** Nobody waits any more. */
  leave(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#attempt?.abort();
    this.#attempt = undefined;
    this.#told.clear();
    this.#now = undefined;
  }

  async #again(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { startGate, retry } = this.#options;
    // Rejects alone where nobody waits any more.
    await startGate.run(() => retry(attempt.signal), attempt.signal).catch(() => undefined);
    if (attempt.signal.aborted) return;
    // Only now: what changes meanwhile is told with what the try has found.
    this.#told.clear();
    this.#attempt = undefined;
    this.#timer = undefined;
    if (this.#now !== undefined) this.look(this.#now);
  }
}
