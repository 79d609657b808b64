import type { Clock, Timer } from "../../base/clock.js";
import { deferred } from "../../base/deferred.js";
import type { ContainerSpec } from "../../gen/spheresim/crx/v1/agent.js";
import {
  type Asker,
  type ContainerExit,
  type ContainerRuntime,
  type ContainerUse,
  type ExecRequest,
  type ExecResult,
  type NetworkAnswer,
  type NetworkRequest,
  NotProvided,
  type RuntimeContainer,
  RuntimeError,
  SIGKILL,
  SIGTERM,
} from "./container-runtime.js";
import { HealthByAge } from "./health-by-age.js";
import { type ImageProfile, ImageProfiles } from "./image-profiles.js";
import { asScript, type Program, programOf } from "./program.js";
import { scripted } from "./program-script.js";
import { runShell } from "./shell-run.js";
import { NotUnderstood } from "./shell-syntax.js";

const NAME = "image profiles";
/** A thousandth of a core, used for a millisecond. */
const NANOS_PER_MILLICORE_MS = 1_000;
/** What the start of any program takes: loading it, setting it up. No container has used no CPU, and metrics-server believes none that says so. */
const START_NANOS = 20_000_000n;

/** Runs no process at all: containers live, answer and end as their image's profile and their command say, on the emulated clock. */
export class ProfileRuntime implements ContainerRuntime {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #profiles: ImageProfiles;

  /** `startMs`: what the start of a container takes. */
  constructor(clock: Clock, startMs: number, profiles = new ImageProfiles()) {
    this.#clock = clock;
    this.#startMs = startMs;
    this.#profiles = profiles;
  }

  create(spec: ContainerSpec, attempt: number, podName: string): Promise<RuntimeContainer> {
    try {
      const refusal = spec.runAsNonRoot ? rootRefusalOf(this.#profiles.of(spec.image)) : undefined;
      if (refusal !== undefined) throw new RuntimeError("CreateContainerConfigError", `${refusal} (pod: "${podName}", container: ${spec.name})`);
      return Promise.resolve(new ProfiledContainer(this.#clock, this.#startMs, spec, scripted(programOf(spec, this.#profiles), spec.annotations, attempt, Number(spec.limitMemoryBytes))));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Why a container that must not run as root is not made of its image, in a kubelet's words. */
function rootRefusalOf({ user }: ImageProfile): string | undefined {
  if (user === undefined) return undefined;
  if (!/^\d+$/.test(user)) return `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root`;
  return Number(user) === 0 ? "container has runAsNonRoot and image will run as root" : undefined;
}

class ProfiledContainer implements RuntimeContainer {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #spec: ContainerSpec;
  readonly #program: Program;
  readonly #exit = deferred<ContainerExit>();
  #timer: Timer | undefined;
  #startedMs = 0;
  #endedMs: number | undefined;
  /** As last told. */
  #cpuNanos = 0n;
  #health: HealthByAge | undefined;
  #over = false;

  constructor(clock: Clock, startMs: number, spec: ContainerSpec, program: Program) {
    this.#clock = clock;
    this.#startMs = startMs;
    this.#spec = spec;
    this.#program = program;
  }

  get profile(): string {
    return this.#program.profile;
  }

  get ended(): Promise<ContainerExit> {
    return this.#exit.promise;
  }

  async start(): Promise<void> {
    const { runsMs, exitCode, oomKilled, startError } = this.#program;
    if (startError !== "") throw new RuntimeError("RunContainerError", startError);
    if (this.#startMs > 0) await this.#clock.sleep(this.#startMs);
    if (this.#over) return;
    this.#startedMs = this.#clock.nowMs();
    this.#health = new HealthByAge(this.#clock, this.#program);
    if (runsMs === Number.POSITIVE_INFINITY) return;
    const exit: ContainerExit = { exitCode, signal: oomKilled ? SIGKILL : 0, oomKilled };
    if (runsMs === 0) this.#end(exit);
    else this.#timer = this.#clock.timer(runsMs, () => this.#end(exit));
  }

  signal(signal: number): void {
    const { onTerm, termTakesMs } = this.#program;
    if (this.#over) return;
    if (signal === SIGKILL) return this.#end({ exitCode: 128 + SIGKILL, signal: SIGKILL, oomKilled: false });
    if (signal !== SIGTERM || onTerm === "ignored") return;
    // Exit code 143 means that the signal itself ended it.
    const exit: ContainerExit = { exitCode: onTerm.exitCode, signal: onTerm.exitCode === 128 + SIGTERM ? SIGTERM : 0, oomKilled: false };
    if (termTakesMs === 0) return this.#end(exit);
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(termTakesMs, () => this.#end(exit));
  }

  /** Works the command out as far as a reader of scripts can; a program it does not know is taken to do its work at once. */
  async exec({ command, asker, signal }: ExecRequest): Promise<ExecResult> {
    await this.#think(signal);
    if (!this.#wellFor(asker)) return { exitCode: 1, output: "" };
    try {
      const { runsMs, exitCode } = runShell(asScript(command), this.#spec.env);
      // A command without end waits for its caller to give up.
      if (runsMs > 0) await this.#clock.sleep(Math.min(runsMs, Number.MAX_SAFE_INTEGER), signal);
      return { exitCode, output: "" };
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return { exitCode: 0, output: "" };
    }
  }

  async connect({ protocol, port, asker, signal }: NetworkRequest): Promise<NetworkAnswer> {
    await this.#think(signal);
    const { speaks, ports, tlsPorts } = this.#program;
    if (speaks === "nothing" || this.#over || ports?.includes(port) === false) return { kind: "refused" };
    const isWell = this.#wellFor(asker);
    switch (protocol) {
      case "tcp":
        return { kind: isWell ? "connected" : "refused" };
      case "http":
      case "https":
        if (speaks !== "http" && speaks !== "anything") return { kind: "closed" };
        // Servers answer with 400 who speaks HTTP where TLS is spoken.
        if (tlsPorts !== undefined && tlsPorts.includes(port) !== (protocol === "https")) return protocol === "https" ? { kind: "plain" } : { kind: "http", status: 400 };
        return { kind: "http", status: isWell ? 200 : asker === "liveness" ? 500 : 503 };
      case "grpc":
        return speaks === "grpc" || speaks === "anything" ? { kind: "grpc", status: isWell ? "SERVING" : "NOT_SERVING" } : { kind: "grpc", status: "UNIMPLEMENTED" };
    }
  }

  attach(): AsyncIterable<Uint8Array> {
    throw new NotProvided("attach", NAME);
  }

  logs(): AsyncIterable<Uint8Array> {
    throw new NotProvided("logs", NAME);
  }

  /** The same at every moment of its life, as its profile has it; a limit throttles CPU and memory of a profile. */
  stats(): Promise<ContainerUse> {
    const { cpuMilli, memoryBytes } = this.#program;
    const { limitCpuMilli, limitMemoryBytes } = this.#spec;
    const ageMs = (this.#endedMs ?? this.#clock.nowMs()) - this.#startedMs;
    const usedNanos = START_NANOS + BigInt(Math.round(within(cpuMilli, limitCpuMilli) * Math.max(0, ageMs) * NANOS_PER_MILLICORE_MS));
    // The emulated clock may be set back; what was used stays used.
    if (usedNanos > this.#cpuNanos) this.#cpuNanos = usedNanos;
    const memory = BigInt(within(memoryBytes, Number(limitMemoryBytes)));
    return Promise.resolve({ cpuNanos: this.#cpuNanos, memoryUsageBytes: memory, memoryWorkingSetBytes: memory, memoryRssBytes: memory });
  }

  async #think(signal: AbortSignal): Promise<void> {
    const { answerTakesMs } = this.#program;
    if (answerTakesMs > 0) await this.#clock.sleep(answerTakesMs, signal);
  }

  #wellFor(asker: Asker): boolean {
    const { startedAfterMs, readyAfterMs, unreadyAfterMs, livenessFailsAfterMs } = this.#program;
    const isPast = (ageMs: number): boolean => this.#health?.hasPassed(ageMs) === true;
    switch (asker) {
      case "startup":
        return isPast(startedAfterMs);
      case "readiness":
        return isPast(readyAfterMs) && !isPast(unreadyAfterMs);
      case "liveness":
        return !isPast(livenessFailsAfterMs);
      case "hook":
        return true;
    }
  }

  #end(exit: ContainerExit): void {
    if (this.#over) return;
    this.#over = true;
    this.#endedMs = this.#clock.nowMs();
    this.#timer?.cancel();
    this.#health?.end();
    this.#exit.resolve(exit);
  }
}

/** A use under its limit; 0 is none. */
function within(use: number, limit: number): number {
  return limit > 0 && limit < use ? limit : use;
}
