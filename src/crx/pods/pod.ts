import type { Clock } from "../../base/clock.js";
import { deferred } from "../../base/deferred.js";
import type { Dice } from "../../base/seeded-random.js";
import { PodContainers, RestartPolicy, type StartPodRequest } from "../../gen/spheresim/crx/v1/agent.js";
import type { PodStats } from "../../gen/spheresim/crx/v1/stats.js";
import { Container, type ContainerSurroundings } from "./container.js";
import type { ContainerRuntime } from "../runtime/container-runtime.js";
import { EventLog } from "./event-log.js";
import { GracePeriod } from "./grace-period.js";
import { volumeStats } from "./volume-stats.js";
import { StartTurns } from "./start-turns.js";

/** What core/v1 says where a pod says nothing. */
const DEFAULT_GRACE_MS = 30_000;

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
  readonly #events = new EventLog();
  readonly #graceMs: number;
  #networkReady = false;
  /** What is left to all containers, once they are to end. */
  #grace: GracePeriod | undefined;

  /** Starts at once. */
  constructor(request: StartPodRequest, around: PodSurroundings) {
    this.request = request;
    this.#around = around;
    const grace = request.terminationGracePeriod;
    this.#graceMs = grace === undefined ? DEFAULT_GRACE_MS : Number(grace.seconds) * 1000 + grace.nanos / 1e6;
    const surroundings: ContainerSurroundings = {
      ...around,
      restartPolicy: request.restartPolicy === RestartPolicy.UNSPECIFIED ? RestartPolicy.ALWAYS : request.restartPolicy,
      podName: `${request.name}_${request.namespace}(${request.podUid})`,
      graceMs: this.#graceMs,
      turns: new StartTurns(),
      onWait: () => this.#answer.resolve(),
      neighbour: (name, port) => [...this.#init, ...this.#containers].find((each) => each.status.name !== name && each.namesPort(port)),
      tell: (container, reason, message, warning) => {
        this.#events.add(container, reason, message, warning);
        around.onChange();
      },
    };
    // Kubernetes: everything in a pod with init containers waits for PodInitializing.
    const waiting = request.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    const restarts = (name: string): number => request.restartCounts[name] ?? 0;
    this.#init = request.initContainers.map((spec) => new Container(spec, true, restarts(spec.name), waiting, surroundings));
    this.#containers = request.containers.map((spec) => new Container(spec, false, restarts(spec.name), waiting, surroundings));
    this.#ended = this.#run().catch((error: unknown) => around.onError(error));
  }

  /** What another request says of containers that are held; of others it says nothing. */
  respecify({ initContainers, containers }: StartPodRequest): void {
    for (const spec of [...initContainers, ...containers]) this.#find(spec.name)?.respecify(spec);
  }

  /** Resolves when the containers were started, or an init container or a postStart hook is under way, or one is held, or none will be. */
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
      events: [...this.#events.last],
    });
  }

  /** What its containers use that run, and its volumes. */
  async stats(): Promise<Pick<PodStats, "podUid" | "containers" | "volumes">> {
    const all = await Promise.all([...this.#init, ...this.#containers].map((each) => each.stats()));
    return { podUid: this.request.podUid, containers: all.filter((each) => each !== undefined), volumes: this.request.volumes.map(volumeStats) };
  }

  /** Ends all containers within the grace period (emulated), sidecars last; resolves when all have ended. A second, shorter stop shortens the first. */
  async stop(graceMs: number): Promise<void> {
    this.#stopAll(graceMs);
    await this.#ended;
    this.#grace?.end();
  }

  #find(name: string): Container | undefined {
    return [...this.#init, ...this.#containers].find(({ status }) => status.name === name);
  }

  /** Containers end side by side; then the sidecars one by one, the last first, for those before it may serve it. */
  #stopAll(graceMs: number): void {
    if (this.#grace !== undefined) return this.#grace.shorten(graceMs);
    const grace = new GracePeriod(this.#around.clock, graceMs);
    this.#grace = grace;
    const before: Container[] = [...this.#containers];
    for (const container of [...this.#init].reverse()) {
      if (!container.isSidecar) continue;
      container.stop(grace, Promise.all(before.map((each) => each.settled())).then(() => undefined));
      before.push(container);
    }
    for (const container of [...this.#init, ...this.#containers]) container.stop(grace);
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
        if (container.isSidecar) {
          container.run().catch(this.#around.onError);
          if (!(await container.initialized)) return;
          continue;
        }
        const end = await container.run();
        if (end === "failed") onStarted(fact(`init container ${container.status.name} failed`));
        if (end !== "succeeded") return;
      }
      if (this.#grace !== undefined || signal.aborted) return;
      const ends = this.#containers.map((container) => container.run());
      await Promise.all(this.#containers.map((container) => container.firstStart));
      this.#answer.resolve();
      if (!signal.aborted) onStarted(fact(""));
      await Promise.all(ends);
    } finally {
      this.#answer.resolve();
      await this.#endSidecars();
    }
  }

  /** Nothing starts any more: sidecars go too. */
  async #endSidecars(): Promise<void> {
    if (!this.#around.signal.aborted && this.#grace === undefined && this.#init.some((container) => container.isSidecar)) this.#stopAll(this.#graceMs);
    await Promise.all(this.#init.map((container) => container.settled()));
    this.#grace?.end();
  }
}
