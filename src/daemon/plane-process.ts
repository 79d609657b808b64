import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { PlanePlan } from "./plane-plan.js";
import { nodeOptions } from "./node-options.js";
import type { Plane } from "./planes.js";
import { UserError, type exitCodes } from "../base/user-error.js";

/** What a child process is told after its plan: to hand on what it holds for the journal. */
export interface FlushRequest {
  readonly kind: "flush";
}

/** What a child process says. */
export type PlaneMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "flushed" }
  | { readonly kind: "failed"; readonly exit: keyof typeof exitCodes; readonly message: string; readonly next: string };

const entry = fileURLToPath(new URL("./plane-main.js", import.meta.url));
const firstDelayMs = 200;
const maxDelayMs = 10_000;
/** A child that lived this long died of something new: back-off starts over. */
const calmAfterMs = 30_000;
const stopAfterMs = 5_000;
/** The journal is told within this time, or not at all. */
const flushLimitMs = 2_000;

/** Starts the program of a plane; a function of its own, so that a test can have it fail. */
export type ForkPlane = (rooms: readonly string[]) => ChildProcess;

const forkPlane: ForkPlane = (rooms) => fork(entry, [...rooms], { execArgv: [...nodeOptions(process.versions.node), ...process.execArgv], stdio: ["ignore", "ignore", "inherit", "ipc"] });

/**
 * One child process with its rooms. It is there from the beginning and loads its code; with its plan it starts its rooms, and is started
 * again with back-off whenever it dies or cannot be forked, until stopped. The child watches the message channel and ends when this process does, however
 * that ends. Node's own options (`--cpu-prof` ...) are the same for both.
 */
export class PlaneProcess {
  readonly #plane: Plane;
  readonly #monotonic: Clock;
  readonly #log: Logger;
  readonly #forkPlane: ForkPlane;
  #child: ChildProcess | undefined;
  /** The child once the system has made it. */
  #spawned: Promise<ChildProcess>;
  #delayMs = firstDelayMs;
  /** The child that was sent its plan last. */
  #planned: ChildProcess | undefined;
  #restarts = 0;
  #stopping = false;
  /** It has been ready once: what ended before that is the caller's to judge. */
  #wasReady = false;

  constructor(plane: Plane, monotonic: Clock, log: Logger, fork = forkPlane) {
    this.#plane = plane;
    this.#monotonic = monotonic;
    this.#log = log;
    this.#forkPlane = fork;
    this.#spawned = this.#fork();
  }

  get name(): string {
    return this.#plane.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the rooms the first time; rejects with the child's reason if it cannot. */
  async start(plan: PlanePlan): Promise<void> {
    await this.#run(plan);
  }

  /** Has the child hand on what it holds for the journal and the API server; resolves when it has, has ended, or takes too long. */
  async flush(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    // One without its plan has nothing yet, and would take this for it.
    if (child?.connected !== true || child !== this.#planned) return;
    await new Promise<void>((resolve) => {
      const heard = ({ kind }: PlaneMessage): void => {
        if (kind === "flushed") done();
      };
      const done = (): void => {
        timer.cancel();
        child.off("message", heard);
        child.off("exit", done);
        resolve();
      };
      const timer = this.#monotonic.timer(flushLimitMs, done);
      child.on("message", heard);
      child.once("exit", done);
      // One that ends meanwhile cannot be told any more: its exit follows.
      child.send({ kind: "flush" } satisfies FlushRequest, () => undefined);
    });
  }

  /** Ends the child: TERM, and KILL when it does not listen. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = this.#monotonic.timer(stopAfterMs, () => child.kill("SIGKILL"));
    await ended;
    timer.cancel();
  }

  #fork(): Promise<ChildProcess> {
    const spawned = this.#spawn();
    // Whoever waits for the child hears of it; before that nobody has to.
    spawned.catch(() => undefined);
    return spawned;
  }

  async #spawn(): Promise<ChildProcess> {
    this.#child = undefined;
    const child = this.#forkPlane(this.#plane.rooms);
    this.#child = child;
    child.on("error", () => undefined);
    await once(child, "spawn");
    return child;
  }

  async #run(plan: PlanePlan): Promise<void> {
    const startedMs = this.#monotonic.nowMs();
    const ended = (how: string): void => {
      if (!this.#stopping && this.#wasReady) this.#revive(plan, startedMs, how);
    };
    const child = await this.#spawned.catch((error: unknown) => {
      const { message } = error as Error;
      ended(message);
      throw new UserError("cannot-start", `process ${this.name}: ${message}`);
    });
    await new Promise<void>((resolve, reject) => {
      let settled = false;
      child.on("message", (message: PlaneMessage) => {
        if (message.kind === "flushed") return;
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
        const how = signal ?? `exit ${code}`;
        if (!settled) reject(new UserError("cannot-start", `process ${this.name} ended before it was ready (${how})`));
        settled = true;
        ended(how);
      });
      child.send({ ...plan, restarts: this.#restarts });
      this.#planned = child;
    });
  }

  #revive(plan: PlanePlan, startedMs: number, how: string): void {
    if (this.#monotonic.nowMs() - startedMs >= calmAfterMs) this.#delayMs = firstDelayMs;
    this.#log.warn({ plane: this.name, rooms: plan.rooms, how, delayMs: this.#delayMs }, `process ${this.name} ended (${how}); starting it again`);
    this.#monotonic.timer(this.#delayMs, () => {
      if (this.#stopping) return;
      this.#restarts++;
      this.#spawned = this.#fork();
      this.#run(plan).catch((error: unknown) => this.#log.error({ plane: this.name, error: (error as Error).message }, `process ${this.name} did not come back`));
    });
    this.#delayMs = Math.min(this.#delayMs * 2, maxDelayMs);
  }
}
