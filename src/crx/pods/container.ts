import type { Clock } from "../../base/clock.js";
import { deferred } from "../../base/deferred.js";
import { goDuration } from "../../base/go-duration.js";
import type { Dice } from "../../base/seeded-random.js";
import { toTimestamp } from "../../base/timestamp.js";
import { ContainerStatus, RestartPolicy, type ContainerSpec, type Terminated } from "../../gen/spheresim/crx/v1/agent.js";
import type { ContainerStats } from "../../gen/spheresim/crx/v1/stats.js";
import { ContainerLife, type Tell } from "./container-life.js";
import { type ContainerExit, type ContainerRuntime, type NetworkAnswer, type NetworkRequest, type RuntimeContainer, RuntimeError, SIGKILL } from "../runtime/container-runtime.js";
import { CrashBackoff } from "../../base/crash-backoff.js";
import type { GracePeriod } from "./grace-period.js";
import type { StartTurns } from "./start-turns.js";
import { toldWait } from "./told-wait.js";

/** What a container needs of the pod around it. */
export interface ContainerSurroundings {
  readonly runtime: ContainerRuntime;
  /** Emulated time. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly restartPolicy: RestartPolicy;
  /** The pod's termination grace. */
  readonly graceMs: number;
  /** Who is started when. */
  readonly turns: StartTurns;
  /** Its start will take as long as it likes: a postStart hook begins, or it is held. */
  readonly onWait: () => void;
  /** Another container than this one of the pod, which has one network, that names the port. */
  readonly neighbour: (name: string, port: number) => Pick<Container, "connect"> | undefined;
  /** `name_namespace(uid)`, for the back-off message. */
  readonly podName: string;
  /** Aborts when the guest dies. */
  readonly signal: AbortSignal;
  /** Says something of a container for a Kubernetes Event. */
  readonly tell: (container: string, reason: string, message: string, warning: boolean) => void;
  readonly onChange: () => void;
}

/** Exit code of a container that was created and could not be started. */
const START_ERROR_EXIT = 128;
/** A container that cannot be created is tried again after so long, without end and without being counted: a kubelet's period for pods in error. */
const CREATE_RETRY_MS = 10_000;

/** How a container's last run ended for good. */
export type ContainerEnd = "succeeded" | "failed" | "stopped";

/** A container of the pod spec through all its lives: starts, ends, waits its back-off, is started again with a new id. */
export class Container {
  status: ContainerStatus;
  /** Whether it is an init container that runs on beside the others. */
  readonly isSidecar: boolean;
  #spec: ContainerSpec;
  readonly #around: ContainerSurroundings;
  /** Whether it is an init container that ends: all but sidecars. */
  readonly #init: boolean;
  readonly #backoff = new CrashBackoff();
  readonly #waitingReason: string;
  /** Number of its next or present start, which its status tells when it runs. */
  #attempt: number;
  readonly #firstStart = deferred<void>();
  readonly #initialized = deferred<boolean>();
  /** Resolves when it is not held, or nobody wants it any more. */
  readonly #released = deferred<void>();
  #isItsTurn = false;
  /** Aborts when nobody wants it any more: its pod stops or the guest dies. */
  readonly #unwanted = new AbortController();
  #life: ContainerLife | undefined;
  #stopCall: { readonly grace: GracePeriod; readonly turn: Promise<void> | undefined } | undefined;
  #running: Promise<ContainerEnd> | undefined;

  /** `restarts`: how often it was restarted in former lives of the VM. */
  constructor(spec: ContainerSpec, init: boolean, restarts: number, waitingReason: string, around: ContainerSurroundings) {
    this.#spec = spec;
    this.isSidecar = spec.sidecar;
    this.#init = init && !spec.sidecar;
    this.#around = around;
    this.#attempt = restarts;
    this.status = ContainerStatus.create({
      name: spec.name,
      image: spec.image,
      imageId: spec.imageId,
      restartCount: restarts,
      state: { $case: "waiting", value: { reason: waitingReason, message: "" } },
      held: spec.held !== undefined,
    });
    if (spec.held === undefined) this.#released.resolve();
    this.#waitingReason = waitingReason;
    around.signal.addEventListener("abort", () => this.#vanish(), { once: true });
  }

  /** Resolves when its first start has succeeded or failed, or will never come. */
  get firstStart(): Promise<void> {
    return this.#firstStart.promise;
  }

  /** Resolves when it has started for the first time, its startup probe too (true), or never will (false). */
  get initialized(): Promise<boolean> {
    return this.#initialized.promise;
  }

  /** Resolves when it does not run and will not. */
  async settled(): Promise<void> {
    await this.#running;
  }

  namesPort(port: number): boolean {
    return this.#spec.ports.includes(port);
  }

  /** What it answers on the network; nobody listens where it does not run. */
  connect(request: NetworkRequest): Promise<NetworkAnswer> {
    return this.#life?.connect(request) ?? Promise.resolve({ kind: "refused" });
  }

  /** What it uses; undefined when it does not run. */
  async stats(): Promise<ContainerStats | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    const { cpuNanos, memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes } = await life.stats();
    const { name, limitMemoryBytes: memoryLimitBytes } = this.#spec;
    return { name, containerId: life.id, startedAt: toTimestamp(life.startedMs), cpuNanos, memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes, memoryLimitBytes };
  }

  /** What is said of it anew, as long as it is held: that it is so for another reason, or no longer. */
  respecify(spec: ContainerSpec): void {
    if (this.#spec.held === undefined || this.#unwanted.signal.aborted) return;
    this.#spec = spec;
    if (spec.held !== undefined) return this.#tellHeld();
    this.#change({ image: spec.image, imageId: spec.imageId, state: { $case: "waiting", value: { reason: this.#waitingReason, message: "" } }, held: false });
    this.#released.resolve();
  }

  /** Runs it until its policy has no further start for it. */
  run(): Promise<ContainerEnd> {
    this.#running ??= this.#run().finally(() => {
      this.#firstStart.resolve();
      this.#initialized.resolve(false);
    });
    return this.#running;
  }

  /** preStop, its turn, TERM, KILL when the grace period is over; and no start after this one. */
  stop(grace: GracePeriod, turn?: Promise<void>): void {
    this.#stopCall ??= { grace, turn };
    this.#unwanted.abort();
    this.#released.resolve();
    this.#stopLife();
  }

  async #run(): Promise<ContainerEnd> {
    this.#isItsTurn = true;
    if (this.#spec.held !== undefined) this.#around.onWait();
    this.#tellHeld();
    await this.#released.promise;
    for (;;) {
      if (this.#unwanted.signal.aborted) return "stopped";
      const ended = await this.#runOnce();
      if (this.#unwanted.signal.aborted) return "stopped";
      if (ended !== undefined && !this.#restarts(ended)) return ended.exitCode === 0 ? "succeeded" : "failed";
      await this.#waitForRestart(ended);
    }
  }

  /** One life; undefined when it could not be created. */
  async #runOnce(): Promise<Terminated | undefined> {
    const begun = await this.#around.turns.take(this.#unwanted.signal, () => this.#start());
    this.#firstStart.resolve();
    return begun instanceof ContainerLife ? this.#liveOut(begun) : begun;
  }

  /** Creates and starts it, hook and all; how it ended when it was created and could not be started, nothing when not even that. */
  async #start(): Promise<ContainerLife | Terminated | undefined> {
    const { runtime, clock, dice, podName, graceMs } = this.#around;
    let process: RuntimeContainer;
    try {
      process = await runtime.create(this.#spec, this.#attempt, podName);
      this.#tell("Created", `Created container ${this.#spec.name}`);
      await process.start();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      return this.#startFailed(error);
    }
    if (this.#around.signal.aborted) {
      process.signal(SIGKILL);
      return undefined;
    }
    this.#tell("Started", `Started container ${this.#spec.name}`);
    const life = new ContainerLife({
      id: dice.uuid(),
      spec: this.#spec,
      process,
      asked: { exec: (request) => process.exec(request), connect: (request) => (this.#neighbourOn(request.port) ?? process).connect(request) },
      clock,
      graceMs,
      comesAgain: this.#policy !== RestartPolicy.NEVER,
      tell: this.#tell,
      onChange: () => this.#lifeChanged(life),
    });
    this.#life = life;
    // It was stopped while it started.
    if (this.#unwanted.signal.aborted) this.#stopLife();
    if (this.#spec.postStart !== undefined) this.#around.onWait();
    await life.begin();
    return life;
  }

  async #liveOut(life: ContainerLife): Promise<Terminated> {
    const { clock } = this.#around;
    const exit = await life.ended();
    this.#life = undefined;
    const terminated: Terminated = { ...exitOf(exit), message: "", startedAt: toTimestamp(life.startedMs), finishedAt: toTimestamp(clock.nowMs()), containerId: life.id };
    this.#change({ ...this.#identity(life), state: { $case: "terminated", value: terminated }, ready: this.#init && exit.exitCode === 0, started: false });
    return terminated;
  }

  /** What was created and cannot run has ended with 128, `StartError`, as container runtimes have it; what could not be created is not there. */
  #startFailed({ reason, message }: RuntimeError): Terminated | undefined {
    this.#tell("Failed", `Error: ${message}`, true);
    const waiting: Partial<ContainerStatus> = { state: { $case: "waiting", value: { reason, message } }, restartCount: this.#attempt, ready: false, started: false };
    if (reason !== "RunContainerError") {
      this.#change(waiting);
      return undefined;
    }
    const containerId = this.#around.dice.uuid();
    const ended: Terminated = { exitCode: START_ERROR_EXIT, signal: 0, reason: "StartError", message, startedAt: toTimestamp(0), finishedAt: toTimestamp(this.#around.clock.nowMs()), containerId };
    if (this.#restarts(ended)) this.#change({ ...waiting, containerId, lastTermination: ended });
    else this.#change({ ...waiting, containerId, state: { $case: "terminated", value: ended } });
    return ended;
  }

  #lifeChanged(life: ContainerLife): void {
    if (!life.running) return;
    const { started, ready, startedMs } = life;
    this.#change({ ...this.#identity(life), state: { $case: "running", value: { startedAt: toTimestamp(startedMs) } }, started, ready: ready && !this.#init });
    if (started) this.#initialized.resolve(true);
  }

  /** What a status says of a life from when it runs; before that it tells of the former one. */
  #identity({ id, profile }: ContainerLife): Partial<ContainerStatus> {
    const { state } = this.status;
    const former = state?.$case === "terminated" && state.value.containerId !== id ? { lastTermination: state.value } : {};
    return { ...former, containerId: id, imageProfile: profile, restartCount: this.#attempt };
  }

  /** Before its turn it waits as the others do. */
  #tellHeld(): void {
    const { held } = this.#spec;
    if (held !== undefined && this.#isItsTurn) this.#change({ state: { $case: "waiting", value: held } });
  }

  #stopLife(): void {
    if (this.#stopCall === undefined || this.#life === undefined) return;
    void this.#life.stop(this.#stopCall.grace, `Stopping container ${this.#spec.name}`, this.#stopCall.turn);
  }

  get #policy(): RestartPolicy {
    return this.isSidecar ? RestartPolicy.ALWAYS : this.#around.restartPolicy;
  }

  #restarts(ended: Terminated): boolean {
    const failed = ended.exitCode !== 0;
    switch (this.#policy) {
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
    const { clock } = this.#around;
    if (ended === undefined) await clock.sleep(CREATE_RETRY_MS, this.#unwanted.signal).catch(() => undefined);
    else await this.#backOff(ended, this.#backoff.waitMs(clock.nowMs()));
    if (this.#unwanted.signal.aborted) {
      // What is waiting ends as it last ended.
      if (ended !== undefined) this.#change({ state: { $case: "terminated", value: ended } });
      return;
    }
    if (ended === undefined) return;
    this.#backoff.restarted(clock.nowMs());
    this.#attempt += 1;
  }

  async #backOff(ended: Terminated, waitMs: number): Promise<void> {
    const { clock, dice, podName } = this.#around;
    const { name } = this.#spec;
    if (waitMs === 0) return;
    const message = `back-off ${goDuration(waitMs)} restarting failed container=${name} pod=${podName}`;
    const tell = (): void => this.#tell("BackOff", `Back-off restarting failed container ${name} in pod ${podName}`, true);
    const over = toldWait({ clock, dice: dice.fork(`${podName}/${name}/${this.#attempt}`), waitMs, signal: this.#unwanted.signal, tell });
    this.#change({ state: { $case: "waiting", value: { reason: "CrashLoopBackOff", message } }, lastTermination: ended });
    await over;
  }

  #neighbourOn(port: number): Pick<Container, "connect"> | undefined {
    return this.namesPort(port) ? undefined : this.#around.neighbour(this.#spec.name, port);
  }

  readonly #tell: Tell = (reason, message, warning = false) => {
    if (!this.#around.signal.aborted) this.#around.tell(this.#spec.name, reason, message, warning);
  };

  #change(change: Partial<ContainerStatus>): void {
    this.status = { ...this.status, ...change };
    if (!this.#around.signal.aborted) this.#around.onChange();
  }

  /** The guest died: nothing is told any more, and the process is gone. */
  #vanish(): void {
    this.#unwanted.abort();
    this.#released.resolve();
    this.#life?.kill();
    this.#firstStart.resolve();
  }
}

function exitOf(exit: ContainerExit): Pick<Terminated, "exitCode" | "signal" | "reason"> {
  const reason = exit.oomKilled ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error";
  return { exitCode: exit.exitCode, signal: exit.signal, reason };
}
