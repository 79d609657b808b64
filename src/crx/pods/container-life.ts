import type { Clock } from "../../base/clock.js";
import type { ContainerSpec, Probe } from "../../gen/spheresim/crx/v1/agent.js";
import { type AskedContainer, type ContainerExit, type ContainerUse, type NetworkAnswer, type NetworkRequest, type RuntimeContainer, SIGKILL, SIGTERM } from "../runtime/container-runtime.js";
import { GracePeriod } from "./grace-period.js";
import { runHook } from "./lifecycle-hook.js";
import { Prober, type ProbeKind } from "./prober.js";

/** Says something for a Kubernetes Event. */
export type Tell = (reason: string, message: string, warning?: boolean) => void;

export interface ContainerLifeOptions {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly process: RuntimeContainer;
  /** Who answers its probes and hooks. */
  readonly asked: AskedContainer;
  /** Emulated. */
  readonly clock: Clock;
  /** The pod's termination grace. */
  readonly graceMs: number;
  /** Whether the policy starts it again when it is killed. */
  readonly comesAgain: boolean;
  readonly tell: Tell;
  readonly onChange: () => void;
}

/** One life of a container, from the start of its process to its end: hooks, probes, and how it is stopped. */
export class ContainerLife {
  readonly id: string;
  readonly startedMs: number;
  readonly #options: ContainerLifeOptions;
  readonly #probers = new Map<ProbeKind, Prober>();
  /** Aborts when the process has ended. */
  readonly #over = new AbortController();
  readonly #end: Promise<void>;
  #stopping: Promise<void> | undefined;
  #running = false;
  #started = false;
  #ready = false;

  constructor(options: ContainerLifeOptions) {
    this.#options = options;
    this.id = options.id;
    this.startedMs = options.clock.nowMs();
    this.#end = options.process.ended.then(() => {
      this.#over.abort();
      for (const prober of this.#probers.values()) prober.stop();
    });
  }

  /** Name of the image profile it runs by. */
  get profile(): string {
    return this.#options.process.profile;
  }

  /** What its process answers on the network. */
  connect(request: NetworkRequest): Promise<NetworkAnswer> {
    return this.#options.process.connect(request);
  }

  /** What its process uses. */
  stats(): Promise<ContainerUse> {
    return this.#options.process.stats();
  }

  /** Its hook is done. */
  get running(): boolean {
    return this.#running;
  }

  /** Its startup probe has succeeded. */
  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#started && this.#ready;
  }

  /** Resolves when it has ended; nothing of it goes on. */
  async ended(): Promise<ContainerExit> {
    await this.#end;
    return this.#options.process.ended;
  }

  /** The postStart hook, then the probes; resolves when it counts as running, or never will. */
  async begin(): Promise<void> {
    const { spec, asked, clock, tell, onChange, graceMs } = this.#options;
    if (spec.postStart !== undefined) {
      const done = await this.#orEnd(runHook(asked, spec.postStart, clock, this.#over.signal, tell));
      if (this.#over.signal.aborted) return;
      if (done === false && this.#stopping === undefined) {
        tell("FailedPostStartHook", "PostStartHook failed", true);
        await this.#stopAlone("FailedPostStartHook", graceMs);
        return;
      }
    }
    this.#running = true;
    this.#ready = spec.readinessProbe === undefined;
    this.#started = spec.startupProbe === undefined;
    onChange();
    if (this.#stopping !== undefined) return;
    if (spec.startupProbe === undefined) this.#probeHealth();
    else this.#probe("Startup", spec.startupProbe, (well) => this.#startupTold(well));
  }

  /**
   * preStop, the container's turn, TERM, KILL; resolves when it has ended. A second call changes nothing: the grace period is what can
   * become shorter.
   */
  stop(grace: GracePeriod, message: string, turn?: Promise<void>): Promise<void> {
    this.#stopping ??= this.#stop(grace, message, turn);
    return this.#stopping;
  }

  /** Its power is gone. */
  kill(): void {
    this.#options.process.signal(SIGKILL);
  }

  async #stop(grace: GracePeriod, message: string, turn: Promise<void> | undefined): Promise<void> {
    const { spec, process, asked, clock, tell } = this.#options;
    // Readiness is asked to the end.
    this.#probers.get("Startup")?.stop();
    this.#probers.get("Liveness")?.stop();
    tell("Killing", message);
    if (spec.preStop !== undefined && !grace.isOver) {
      const done = await this.#orEnd(Promise.race([runHook(asked, spec.preStop, clock, this.#over.signal, tell), grace.over]));
      if (done === false && !this.#over.signal.aborted) tell("FailedPreStopHook", "PreStopHook failed", true);
    }
    if (turn !== undefined && !grace.isOver) await this.#orEnd(Promise.race([turn, grace.over]));
    if (this.#over.signal.aborted) return;
    process.signal(SIGTERM);
    await grace.untilKill(this.#over.signal);
    process.signal(SIGKILL);
    await this.#end;
  }

  /** Kills this container alone, which its policy may start again. */
  async #stopAlone(message: string, graceMs: number): Promise<void> {
    const grace = new GracePeriod(this.#options.clock, graceMs);
    await this.stop(grace, message);
    grace.end();
  }

  #probeHealth(): void {
    const { spec } = this.#options;
    if (spec.livenessProbe !== undefined) {
      this.#probe("Liveness", spec.livenessProbe, (well) => {
        if (!well) this.#unhealthy("liveness", spec.livenessProbe);
      });
    }
    if (spec.readinessProbe !== undefined) this.#probe("Readiness", spec.readinessProbe, (well) => this.#change(() => (this.#ready = well), this.#ready !== well));
  }

  #startupTold(well: boolean): void {
    const { startupProbe } = this.#options.spec;
    this.#probers.get("Startup")?.stop();
    if (!well) return this.#unhealthy("startup", startupProbe);
    this.#change(() => (this.#started = true), true);
    this.#probeHealth();
  }

  #unhealthy(probe: "liveness" | "startup", spec: Probe | undefined): void {
    const { graceMs, comesAgain } = this.#options;
    const { name, sidecar } = this.#options.spec;
    const ownGrace = spec?.terminationGracePeriodSeconds;
    // A kubelet promises a restart of containers, and of sidecars says nothing.
    const message = sidecar ? `Init container ${name} failed ${probe} probe` : `Container ${name} failed ${probe} probe${comesAgain ? ", will be restarted" : ""}`;
    void this.#stopAlone(message, ownGrace === undefined ? graceMs : Number(ownGrace) * 1000);
  }

  #probe(kind: ProbeKind, probe: Probe, onResult: (well: boolean) => void): void {
    const { asked, clock, tell } = this.#options;
    this.#probers.set(kind, new Prober({ kind, probe, process: asked, clock, startedMs: this.startedMs, onUnhealthy: (message) => tell("Unhealthy", message, true), onResult }));
  }

  #change(apply: () => void, isNews: boolean): void {
    if (!isNews || this.#over.signal.aborted) return;
    apply();
    this.#options.onChange();
  }

  /** The work's result; undefined when the process ended first. A hook that breaks off has not done its work. */
  async #orEnd<T>(work: Promise<T>): Promise<T | false | undefined> {
    return Promise.race([work.catch((): false => false), this.#end.then((): undefined => undefined)]);
  }
}
