import type { Clock } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import type { Dice } from "../base/seeded-random.js";
import { toTimestamp } from "../base/timestamp.js";
import { ContainerStatus, RestartPolicy, type ContainerSpec, type Terminated } from "../gen/spheresim/crx/v1/agent.js";
import { RuntimeError, SIGKILL, SIGTERM, type ContainerExit, type ContainerRuntime, type RuntimeContainer } from "./container-runtime.js";
import { CrashBackoff } from "./crash-backoff.js";

/** What a container needs of the pod around it. */
export interface ContainerSurroundings {
  readonly runtime: ContainerRuntime;
  /** Emulated time. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly restartPolicy: RestartPolicy;
  /** `name_namespace(uid)`, for the back-off message. */
  readonly podName: string;
  /** Aborts when the guest dies. */
  readonly signal: AbortSignal;
  readonly onChange: () => void;
}

/** How a container's last run ended for good. */
export type ContainerEnd = "succeeded" | "failed" | "stopped";

/** A container of the pod spec through all its starts: runs, ends, waits its back-off, is restarted with a new id. */
export class Container {
  status: ContainerStatus;
  readonly #spec: ContainerSpec;
  readonly #around: ContainerSurroundings;
  readonly #init: boolean;
  readonly #backoff = new CrashBackoff();
  readonly #firstStart = deferred<void>();
  /** Aborts when nobody wants it any more: its pod stops or the guest dies. */
  readonly #unwanted = new AbortController();
  #process: RuntimeContainer | undefined;

  /** `restarts`: how often it was restarted in former lives of the VM. */
  constructor(spec: ContainerSpec, init: boolean, restarts: number, waitingReason: string, around: ContainerSurroundings) {
    this.#spec = spec;
    this.#init = init;
    this.#around = around;
    this.status = ContainerStatus.create({
      name: spec.name,
      image: spec.image,
      imageId: spec.imageId,
      restartCount: restarts,
      state: { $case: "waiting", value: { reason: waitingReason, message: "" } },
    });
    around.signal.addEventListener("abort", () => this.#vanish(), { once: true });
  }

  /** Resolves when its first start has succeeded or failed, or will never come. */
  get firstStart(): Promise<void> {
    return this.#firstStart.promise;
  }

  /** Runs it until its policy has no further start for it. */
  async run(): Promise<ContainerEnd> {
    try {
      for (;;) {
        if (this.#unwanted.signal.aborted) return "stopped";
        const ended = await this.#runOnce();
        this.#firstStart.resolve();
        if (this.#unwanted.signal.aborted) return "stopped";
        if (ended !== undefined && !this.#restarts(ended)) return ended.exitCode === 0 ? "succeeded" : "failed";
        await this.#waitForRestart(ended);
      }
    } finally {
      this.#firstStart.resolve();
    }
  }

  /** TERM; and no start after this one. */
  terminate(): void {
    this.#unwanted.abort();
    this.#process?.signal(SIGTERM);
  }

  /** KILL. */
  kill(): void {
    this.#unwanted.abort();
    this.#process?.signal(SIGKILL);
  }

  /** One start and its end; undefined when it could not be started. */
  async #runOnce(): Promise<Terminated | undefined> {
    const { runtime, clock, dice } = this.#around;
    let process: RuntimeContainer;
    try {
      process = await runtime.create(this.#spec);
      await process.start();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#change({ state: { $case: "waiting", value: { reason: error.reason, message: error.message } }, ready: false });
      return undefined;
    }
    if (this.#around.signal.aborted) {
      process.signal(SIGKILL);
      return undefined;
    }
    this.#process = process;
    const startedAt = toTimestamp(clock.nowMs());
    const containerId = dice.uuid();
    this.#change({ containerId, state: { $case: "running", value: { startedAt } }, ready: !this.#init });
    this.#firstStart.resolve();
    // It was stopped while it started.
    if (this.#unwanted.signal.aborted) process.signal(SIGTERM);
    const exit = await process.ended;
    this.#process = undefined;
    const terminated: Terminated = { ...exitOf(exit), message: "", startedAt, finishedAt: toTimestamp(clock.nowMs()), containerId };
    this.#change({ state: { $case: "terminated", value: terminated }, ready: this.#init && exit.exitCode === 0 });
    return terminated;
  }

  #restarts(ended: Terminated): boolean {
    const failed = ended.exitCode !== 0;
    switch (this.#around.restartPolicy) {
      case RestartPolicy.NEVER:
        return false;
      case RestartPolicy.ON_FAILURE:
        return failed;
      default:
        // An init container that succeeded has done its work, whatever the policy.
        return failed || !this.#init;
    }
  }

  async #waitForRestart(ended: Terminated | undefined): Promise<void> {
    const { clock, podName } = this.#around;
    const waitMs = this.#backoff.waitMs(clock.nowMs());
    if (ended !== undefined && waitMs > 0) {
      const message = `back-off ${goDuration(waitMs)} restarting failed container=${this.#spec.name} pod=${podName}`;
      this.#change({ state: { $case: "waiting", value: { reason: "CrashLoopBackOff", message } }, lastTermination: ended });
    }
    if (waitMs > 0) await clock.sleep(waitMs, this.#unwanted.signal).catch(() => undefined);
    if (this.#unwanted.signal.aborted) {
      // What is waiting ends as it last ended.
      if (ended !== undefined) this.#change({ state: { $case: "terminated", value: ended } });
      return;
    }
    this.#backoff.restarted(clock.nowMs());
    if (ended !== undefined) this.#change({ restartCount: this.status.restartCount + 1, lastTermination: ended }, false);
  }

  #change(change: Partial<ContainerStatus>, tell = true): void {
    this.status = { ...this.status, ...change };
    if (tell && !this.#around.signal.aborted) this.#around.onChange();
  }

  /** The guest died: nothing is told any more, and the process is gone. */
  #vanish(): void {
    this.kill();
    this.#firstStart.resolve();
  }
}

function exitOf(exit: ContainerExit): Pick<Terminated, "exitCode" | "signal" | "reason"> {
  const reason = exit.oomKilled ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error";
  return { exitCode: exit.exitCode, signal: exit.signal, reason };
}

/** `10s`, `1m20s`, `5m0s`, as Go writes durations. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
