import type { Clock } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import type { Dice } from "../base/seeded-random.js";
import { PodContainers, RestartPolicy, type StartPodRequest } from "../gen/spheresim/crx/v1/agent.js";
import { Container, type ContainerSurroundings } from "./container.js";
import type { ContainerRuntime } from "./container-runtime.js";

/** How the start of a pod went: what step 13 records. */
export interface PodStartFact {
  readonly request: StartPodRequest;
  /** Emulated milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** Empty when all containers were started. */
  readonly failure: string;
}

/** What a pod needs of the agent around it. */
export interface PodSurroundings {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly dice: Dice;
  /** Aborts when the guest dies. */
  readonly signal: AbortSignal;
  readonly onChange: () => void;
  readonly onStarted: (fact: PodStartFact) => void;
  /** Something broke that must not break. */
  readonly onError: (error: unknown) => void;
}

/** The containers of the one pod of a CRX instance. */
export class Pod {
  readonly request: StartPodRequest;
  readonly #around: PodSurroundings;
  readonly #init: readonly Container[];
  readonly #containers: readonly Container[];
  readonly #answer = deferred<void>();
  readonly #ended: Promise<void>;
  #networkReady = false;
  #stopping = false;

  /** Starts at once. */
  constructor(request: StartPodRequest, around: PodSurroundings) {
    this.request = request;
    this.#around = around;
    const surroundings: ContainerSurroundings = {
      ...around,
      restartPolicy: request.restartPolicy === RestartPolicy.UNSPECIFIED ? RestartPolicy.ALWAYS : request.restartPolicy,
      podName: `${request.name}_${request.namespace}(${request.podUid})`,
    };
    // Kubernetes: everything in a pod with init containers waits for PodInitializing.
    const waiting = request.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    const restarts = (name: string): number => request.restartCounts[name] ?? 0;
    this.#init = request.initContainers.map((spec) => new Container(spec, true, restarts(spec.name), waiting, surroundings));
    this.#containers = request.containers.map((spec) => new Container(spec, false, restarts(spec.name), waiting, surroundings));
    this.#ended = this.#run().catch((error: unknown) => around.onError(error));
  }

  /** Resolves when the containers were started, or an init container is under way, or neither will be. */
  get started(): Promise<void> {
    return this.#answer.promise;
  }

  /** The present state; without revision. */
  state(): PodContainers {
    return PodContainers.create({
      podUid: this.request.podUid,
      initContainers: this.#init.map((each) => each.status),
      containers: this.#containers.map((each) => each.status),
      networkReady: this.#networkReady,
    });
  }

  /** TERM to all at once, KILL to those that still run after `graceMs` (emulated); resolves when all have ended. A second, shorter stop shortens the first. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const all = [...this.#init, ...this.#containers];
    for (const container of all) container.terminate();
    const kill = (): void => all.forEach((container) => container.kill());
    const timer = graceMs > 0 ? this.#around.clock.timer(graceMs, kill) : undefined;
    if (timer === undefined) kill();
    await this.#ended;
    timer?.cancel();
  }

  async #run(): Promise<void> {
    const { clock, onStarted, signal } = this.#around;
    const startMs = clock.nowMs();
    const fact = (failure: string): PodStartFact => ({ request: this.request, startMs, endMs: clock.nowMs(), failure });
    try {
      // The vNICs came with the personality, and volumes are directories in the guest's memory: neither takes time of its own.
      this.#networkReady = true;
      this.#around.onChange();
      for (const container of this.#init) {
        void container.firstStart.then(() => this.#answer.resolve());
        const end = await container.run();
        if (end === "failed") onStarted(fact(`init container ${container.status.name} failed`));
        if (end !== "succeeded") return;
      }
      if (this.#stopping || signal.aborted) return;
      const ends = this.#containers.map((container) => container.run());
      await Promise.all(this.#containers.map((container) => container.firstStart));
      this.#answer.resolve();
      if (!signal.aborted) onStarted(fact(""));
      await Promise.all(ends);
    } finally {
      this.#answer.resolve();
    }
  }
}
