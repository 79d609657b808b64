import type { Clock } from "../../base/clock.js";
import type { Probe } from "../../gen/spheresim/crx/v1/agent.js";
import type { AskedContainer } from "../runtime/container-runtime.js";
import { tryProbe, type Verdict } from "./probe-check.js";

/** The three probes of a container, as events name them. */
export type ProbeKind = "Startup" | "Liveness" | "Readiness";

const askers = { Startup: "startup", Liveness: "liveness", Readiness: "readiness" } as const;

export interface ProberOptions {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly process: AskedContainer;
  /** Emulated. */
  readonly clock: Clock;
  /** When the container started. */
  readonly startedMs: number;
  /** Of an `Unhealthy` event. */
  readonly onUnhealthy: (message: string) => void;
  /** So many tries in a row went the same way as the threshold says; told again with each further one. */
  readonly onResult: (well: boolean) => void;
}

/**
 * Tries one probe of one life of a container, again and again, until it is stopped.
 *
 * Worked example: delay 3 s, period 3 s, failures 3; the program fails 10 s after its start. Tries at 3, 6, 9 s succeed, at 12, 15, 18 s
 * fail; the result is told at 3 s (well) and 18 s (not well).
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #stop = new AbortController();
  /** Of the try under way. */
  #enough: AbortController | undefined;
  #last: boolean | undefined;
  #inARow = 0;

  /** Begins at once. */
  constructor(options: ProberOptions) {
    this.#options = options;
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
    this.#enough?.abort();
  }

  async #run(): Promise<void> {
    const { clock, probe, startedMs } = this.#options;
    const { signal } = this.#stop;
    const periodMs = (probe.periodSeconds || 10) * 1000;
    const delayMs = probe.initialDelaySeconds * 1000;
    // The hook or the startup probe before it took a part of the delay.
    let nextMs = clock.nowMs() + Math.min(delayMs, Math.max(0, startedMs + delayMs - clock.nowMs()));
    while (!signal.aborted) {
      const waitMs = nextMs - clock.nowMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const verdict = await this.#try();
      if (signal.aborted) return;
      this.#count(verdict);
      // A try that took longer than a period, or a clock that was put forward, does not make the missed ones up; one that was put back
      // does not make anybody wait for more than a period.
      const nowMs = clock.nowMs();
      nextMs += periodMs;
      if (nextMs <= nowMs) nextMs += periodMs * Math.ceil((nowMs - nextMs + 1) / periodMs);
      if (nextMs > nowMs + periodMs) nextMs = nowMs + periodMs;
    }
  }

  async #try(): Promise<Verdict> {
    const { clock, kind, probe, process } = this.#options;
    const timeoutMs = (probe.timeoutSeconds || 1) * 1000;
    const enough = new AbortController();
    this.#enough = enough;
    const { answer, timedOut } = tryProbe(process, probe.action, askers[kind], timeoutMs, enough.signal);
    // Aborted, it rejects; then nobody asks any more.
    const outcome = answer.catch((): Verdict => timedOut);
    const timer = clock.sleep(timeoutMs, enough.signal).then(() => timedOut, () => timedOut);
    const verdict = await Promise.race([outcome, timer]);
    enough.abort();
    return verdict;
  }

  #count({ outcome, output }: Verdict): void {
    const { kind, probe, onUnhealthy, onResult } = this.#options;
    // What could not be tried says nothing of the container, and counts for nothing.
    if (outcome === "error") return onUnhealthy(`${kind} probe errored and resulted in unknown state: ${output}`);
    const well = outcome === "success";
    if (!well) onUnhealthy(`${kind} probe failed: ${output}`);
    this.#inARow = this.#last === well ? this.#inARow + 1 : 1;
    this.#last = well;
    if (this.#inARow >= (well ? probe.successThreshold || 1 : probe.failureThreshold || 3)) onResult(well);
  }
}
