import type { Clock } from "../base/clock.js";
import { deferred, type Deferred } from "../base/deferred.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { toTimestamp } from "../base/timestamp.js";
import { PodContainers, type StartPodRequest } from "../gen/spheresim/crx/v1/agent.js";
import { PodStats } from "../gen/spheresim/crx/v1/stats.js";
import type { BootGuest, GuestKey, GuestToHost } from "../gen/spheresim/hostd/v1/guest.js";
import type { Personality } from "../gen/spheresim/hostd/v1/host.js";
import { guestFateOf } from "../kubernetes/guest-annotations.js";
import { guestGone, invalidArgument, noAgent, ownerMismatch } from "./agent-fault.js";
import type { ContainerRuntime } from "./runtime/container-runtime.js";
import { GuestTimers } from "./guest-timers.js";
import { Pod, type PodStartFact } from "./pods/pod.js";
import { requireValidPod } from "./pods/pod-spec.js";

/** How far a guest is. */
export type GuestPhase = "kernel boots" | "init waits for the personality" | "agent boots" | "agent ready" | "dead";

/** What boots inside a CRX takes, emulated milliseconds; entries of the latency profile. */
export interface GuestDurations {
  /** From the kernel's first instruction to init waiting. */
  readonly initMs: number;
  /** Boot of the Spherelet agent. */
  readonly agentMs: number;
}

/** What a guest needs of the machine process around it. */
export interface InstanceSurroundings {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dice: Dice;
  readonly durations: GuestDurations;
  readonly runtime: ContainerRuntime;
  /** Where agents of this process answer, `host:port`. */
  readonly agentAddress: () => string;
  /** Says a word to the VMkernel of this guest's host. */
  readonly say: (message: GuestToHost["message"]) => void;
  readonly nextRevision: () => bigint;
  readonly onChange: (instance: CrxInstance) => void;
  readonly onStarted: (instance: CrxInstance, fact: PodStartFact) => void;
}

/** The inside of one CRX from the kernel's first instruction to the end of its power: CRX init, then the Spherelet agent with its pod. */
export class CrxInstance {
  readonly key: GuestKey;
  readonly hostName: string;
  readonly #around: InstanceSurroundings;
  readonly #power = new AbortController();
  #phase: GuestPhase = "kernel boots";
  #personality: Personality | undefined;
  #pod: Pod | undefined;
  #timers: GuestTimers | undefined;
  /** While the guest hangs: what ends the wait for it, and how its pod was when it stopped. */
  #hang: { readonly over: Deferred<void>; readonly seen: PodContainers } | undefined;
  #revision: bigint;

  constructor(boot: BootGuest, key: GuestKey, around: InstanceSurroundings) {
    this.key = key;
    this.hostName = boot.hostName;
    this.#around = around;
    this.#revision = around.nextRevision();
  }

  get uuid(): string {
    return this.key.uuid;
  }

  /** Grows with every change that a watch is told of. */
  get revision(): bigint {
    return this.#revision;
  }

  get phase(): GuestPhase {
    return this.#phase;
  }

  get hasAgent(): boolean {
    return this.#phase === "agent ready";
  }

  /** Whether CRX init runs and its kernel schedules it: what its heartbeat says. */
  get beats(): boolean {
    return this.#phase !== "kernel boots" && this.#phase !== "dead" && this.#hang === undefined;
  }

  /** Runs the kernel; ends with init waiting. */
  async boot(): Promise<void> {
    const { clock, durations } = this.#around;
    if (durations.initMs > 0) await clock.sleep(durations.initMs, this.#power.signal).catch(() => undefined);
    if (this.#phase !== "kernel boots") return;
    this.#phase = "init waits for the personality";
    this.announce();
  }

  /** Init has its personality and boots the agent. The same personality again changes nothing. */
  async personalize(personality: Personality): Promise<void> {
    if (this.#phase === "agent ready") this.announce();
    if (this.#phase !== "init waits for the personality") return;
    this.#phase = "agent boots";
    this.#personality = personality;
    const { clock, durations } = this.#around;
    if (durations.agentMs > 0) await clock.sleep(durations.agentMs, this.#power.signal).catch(() => undefined);
    if (this.#power.signal.aborted) return;
    this.#phase = "agent ready";
    this.#changed();
    this.announce();
  }

  /** Says (again) how far it is; the VMkernel may have missed it. */
  announce(): void {
    if (this.#hang !== undefined) return;
    if (this.#phase === "init waits for the personality") this.#around.say({ $case: "initWaiting", value: { guest: this.key } });
    if (this.#phase === "agent ready") this.#around.say({ $case: "agentReady", value: { guest: this.key, agentAddress: this.#around.agentAddress() } });
  }

  /** The power is gone, and with it everything inside. */
  powerOff(): void {
    if (this.#phase === "dead") return;
    this.#phase = "dead";
    this.#timers?.cancel();
    this.#hang?.over.resolve();
    this.#power.abort(guestGone(this.uuid));
    this.#around.onChange(this);
  }

  /** The kernel panics, or init ends: the VMkernel is told why. */
  die(reason: string): void {
    if (this.#phase === "dead") return;
    this.powerOff();
    this.#around.say({ $case: "died", value: { guest: this.key, reason } });
  }

  /**
   * The guest stands still, as far as anybody outside can tell: no beat, no answer, no change. What its containers do meanwhile shows when it
   * goes on.
   */
  hang(): void {
    if (this.#phase === "dead" || this.#hang !== undefined) return;
    const seen = this.hasAgent ? this.pod() : PodContainers.create();
    this.#hang = { over: deferred(), seen };
  }

  /** The guest goes on: it answers what it was asked, and tells what it did not. */
  wake(): void {
    if (this.#hang === undefined || this.#phase === "dead") return;
    this.#hang.over.resolve();
    this.#hang = undefined;
    this.announce();
    if (this.hasAgent) this.#changed();
  }

  /** Resolves when the guest does not hang (any more), also where it is dead by then; rejects when the caller has gone. */
  async awake(signal: AbortSignal): Promise<void> {
    while (this.#hang !== undefined && this.#phase !== "dead") {
      const gone = deferred<void>();
      const onAbort = (): void => gone.reject(signal.reason instanceof Error ? signal.reason : new Error("the call is over"));
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      await Promise.race([this.#hang.over.promise, gone.promise]).finally(() => signal.removeEventListener("abort", onAbort));
    }
  }

  async startPod(request: StartPodRequest): Promise<PodContainers> {
    this.#requireAgent();
    requireValidPod(request);
    this.#requireOwner(request.podUid);
    this.#timers ??= new GuestTimers(this.#around.clock, guestFateOf(request.guestAnnotations, this.key.powerOnCount), this);
    if (this.#pod !== undefined) this.#pod.respecify(request);
    this.#pod ??= new Pod(request, {
      runtime: this.#around.runtime,
      clock: this.#around.clock,
      dice: this.#around.dice,
      signal: this.#power.signal,
      onChange: () => this.#changed(),
      onStarted: (fact) => this.#around.onStarted(this, fact),
      onError: (error) => {
        this.#around.log.error({ err: error, vm: this.uuid }, "the Spherelet agent failed");
        this.die("the Spherelet agent failed");
      },
    });
    await this.#pod.started;
    return this.pod();
  }

  async stopPod(podUid: string, graceMs: number): Promise<PodContainers> {
    this.#requireAgent();
    this.#requireOwner(podUid);
    if (!(graceMs >= 0)) throw invalidArgument("grace_period", "must not be negative");
    await this.#pod?.stop(graceMs);
    return this.pod();
  }

  /** All containers, as they are now. */
  pod(): PodContainers {
    this.#requireAgent();
    return { ...(this.#pod?.state() ?? PodContainers.create()), revision: this.#revision };
  }

  /** What its containers use now. */
  async stats(): Promise<PodStats> {
    this.#requireAgent();
    const time = toTimestamp(this.#around.clock.nowMs());
    return PodStats.create({ vmUuid: this.uuid, time, ...(await this.#pod?.stats()) });
  }

  /** Whether it answers nobody. */
  get hangs(): boolean {
    return this.#hang !== undefined;
  }

  /** All containers as a watch may tell of them: a guest that hangs says nothing new. */
  shown(): PodContainers {
    return this.#hang?.seen ?? this.pod();
  }

  #changed(): void {
    if (this.#phase === "dead" || this.#hang !== undefined) return;
    this.#revision = this.#around.nextRevision();
    this.#around.onChange(this);
  }

  #requireAgent(): void {
    if (this.#phase === "dead") throw guestGone(this.uuid);
    if (!this.hasAgent) throw noAgent(this.uuid, this.#phase);
  }

  #requireOwner(podUid: string): void {
    const owner = this.#personality?.podUid ?? "";
    if (podUid !== owner) throw ownerMismatch(this.uuid, podUid, owner);
  }
}
