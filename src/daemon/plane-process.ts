import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { PlanePlan } from "./plane-plan.js";
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
 * One child process with its rooms: started, and started again with back-off whenever it dies, until stopped. The child watches the
 * message channel and ends when this process does, however that ends.
 */
export class PlaneProcess {
  readonly #plan: PlanePlan;
  readonly #monotonic: Clock;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #delayMs = firstDelayMs;
  #restarts = 0;
  #stopping = false;
  /** It has been ready once: what ended before that is the caller's to judge. */
  #wasReady = false;

  constructor(plan: PlanePlan, monotonic: Clock, log: Logger) {
    this.#plan = plan;
    this.#monotonic = monotonic;
    this.#log = log;
  }

  get name(): string {
    return this.#plan.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the child the first time; rejects with its reason if it cannot. */
  async start(): Promise<void> {
    await this.#launch();
  }

  /** Ends the child: TERM, and KILL when it does not listen. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = this.#monotonic.timer(stopAfterMs, () => child.kill("SIGKILL"));
    await ended;
    timer.cancel();
  }

  #launch(): Promise<void> {
    const startedMs = this.#monotonic.nowMs();
    const child = fork(entry, [this.#plan.name], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [...this.#plan.nodeOptions] });
    this.#child = child;
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
        if (!this.#stopping && this.#wasReady) this.#revive(startedMs, signal ?? `exit ${code}`);
      });
      child.send({ ...this.#plan, restarts: this.#restarts });
    });
  }

  #revive(startedMs: number, how: string): void {
    if (this.#monotonic.nowMs() - startedMs >= calmAfterMs) this.#delayMs = firstDelayMs;
    this.#log.warn({ plane: this.name, rooms: this.#plan.rooms, how, delayMs: this.#delayMs }, `process ${this.name} ended (${how}); starting it again`);
    this.#monotonic.timer(this.#delayMs, () => {
      if (this.#stopping) return;
      this.#restarts++;
      this.#launch().catch((error: unknown) => this.#log.error({ plane: this.name, error: (error as Error).message }, `process ${this.name} did not come back`));
    });
    this.#delayMs = Math.min(this.#delayMs * 2, maxDelayMs);
  }
}
