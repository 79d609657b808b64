import type { Clock, Timer } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import type { ContainerSpec } from "../gen/spheresim/crx/v1/agent.js";
import { SIGKILL, SIGTERM, type ContainerExit, type ContainerRuntime, type RuntimeContainer } from "./container-runtime.js";
import { programOf, type Program } from "./program.js";

/** Runs no process at all: containers live and end as their image's profile and their command say, on the emulated clock. */
export class ProfileRuntime implements ContainerRuntime {
  readonly #clock: Clock;
  readonly #startMs: number;

  /** `startMs`: what the start of a container takes. */
  constructor(clock: Clock, startMs: number) {
    this.#clock = clock;
    this.#startMs = startMs;
  }

  create(spec: ContainerSpec): Promise<RuntimeContainer> {
    return Promise.resolve(new ProfiledContainer(this.#clock, this.#startMs, programOf(spec)));
  }
}

class ProfiledContainer implements RuntimeContainer {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #program: Program;
  readonly #exit = deferred<ContainerExit>();
  #timer: Timer | undefined;
  #over = false;

  constructor(clock: Clock, startMs: number, program: Program) {
    this.#clock = clock;
    this.#startMs = startMs;
    this.#program = program;
  }

  get ended(): Promise<ContainerExit> {
    return this.#exit.promise;
  }

  async start(): Promise<void> {
    if (this.#startMs > 0) await this.#clock.sleep(this.#startMs);
    const { runsMs, exitCode, oomKilled } = this.#program;
    if (this.#over || runsMs === Number.POSITIVE_INFINITY) return;
    const exit: ContainerExit = { exitCode, signal: oomKilled ? SIGKILL : 0, oomKilled };
    if (runsMs === 0) this.#end(exit);
    else this.#timer = this.#clock.timer(runsMs, () => this.#end(exit));
  }

  signal(signal: number): void {
    const { onTerm } = this.#program;
    if (signal === SIGKILL) this.#end({ exitCode: 128 + SIGKILL, signal: SIGKILL, oomKilled: false });
    // Exit code 143 means that the signal itself ended it.
    else if (signal === SIGTERM && onTerm !== "ignored") this.#end({ exitCode: onTerm.exitCode, signal: onTerm.exitCode === 128 + SIGTERM ? SIGTERM : 0, oomKilled: false });
  }

  #end(exit: ContainerExit): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#exit.resolve(exit);
  }
}
