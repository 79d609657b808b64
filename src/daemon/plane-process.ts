import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { PlanePlan } from "./plane-plan.js";
import type { Plane } from "./planes.js";
import { UserError, type exitCodes } from "../base/user-error.js";

/** What a child process says. */
export type PlaneMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly exit: keyof typeof exitCodes; readonly message: string; readonly next: string };

const entry = fileURLToPath(new URL("./plane-main.js", import.meta.url));
const firstDelayMs = 200;
const maxDelayMs = 10_000;
/** A child that lived this long died of something new: back-off starts over. */
const calmAfterMs = 30_000;
const stopAfterMs = 5_000;

/**
 * One child process with its rooms. It is there from the beginning and loads its code; with its plan it starts its rooms, and is started
 * again with back-off whenever it dies, until stopped. The child watches the message channel and ends when this process does, however
 * that ends. Node's own options (`--cpu-prof` ...) are the same for both.
 */
export class PlaneProcess {
  readonly #plane: Plane;
  readonly #monotonic: Clock;
  readonly #log: Logger;
  #child: ChildProcess;
  #delayMs = firstDelayMs;
  #restarts = 0;
  #stopping = false;
  /** It has been ready once: what ended before that is the caller's to judge. */
  #wasReady = false;

  constructor(plane: Plane, monotonic: Clock, log: Logger) {
    this.#plane = plane;
    this.#monotonic = monotonic;
    this.#log = log;
    this.#child = this.#fork();
  }

  get name(): string {
    return this.#plane.name;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts the rooms the first time; rejects with the child's reason if it cannot. */
  async start(plan: PlanePlan): Promise<void> {
    await this.#run(plan);
  }

  /** Ends the child: TERM, and KILL when it does not listen. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = this.#monotonic.timer(stopAfterMs, () => child.kill("SIGKILL"));
    await ended;
    timer.cancel();
  }

  #fork(): ChildProcess {
    const child = fork(entry, [...this.#plane.rooms], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    // Whoever waits for the child hears of it; before that nobody has to.
    child.on("error", () => undefined);
    return child;
  }

  #run(plan: PlanePlan): Promise<void> {
    const startedMs = this.#monotonic.nowMs();
    const child = this.#child;
    return new Promise((resolve, reject) => {
      let settled = false;
      child.on("message", (message: PlaneMessage) => {
        settled = true;
        if (message.kind === "ready") {
          this.#wasReady = true;
          resolve();
        } else reject(new UserError(message.exit, message.message, message.next));
      });
      child.once("error", (error) => {
        if (!settled) reject(new UserError("cannot-start", `process ${this.name}: ${error.message}`));
        settled = true;
      });
      child.once("exit", (code, signal) => {
        if (!settled) reject(new UserError("cannot-start", `process ${this.name} ended before it was ready (${signal ?? `exit ${code}`})`));
        settled = true;
        if (!this.#stopping && this.#wasReady) this.#revive(plan, startedMs, signal ?? `exit ${code}`);
      });
      child.send({ ...plan, restarts: this.#restarts });
    });
  }

  #revive(plan: PlanePlan, startedMs: number, how: string): void {
    if (this.#monotonic.nowMs() - startedMs >= calmAfterMs) this.#delayMs = firstDelayMs;
    this.#log.warn({ plane: this.name, rooms: plan.rooms, how, delayMs: this.#delayMs }, `process ${this.name} ended (${how}); starting it again`);
    this.#monotonic.timer(this.#delayMs, () => {
      if (this.#stopping) return;
      this.#restarts++;
      this.#child = this.#fork();
      this.#run(plan).catch((error: unknown) => this.#log.error({ plane: this.name, error: (error as Error).message }, `process ${this.name} did not come back`));
    });
    this.#delayMs = Math.min(this.#delayMs * 2, maxDelayMs);
  }
}
