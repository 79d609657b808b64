import { fromTimestamp } from "../../base/timestamp.js";
import type { ContainerStats } from "../../gen/spheresim/crx/v1/stats.js";
import type { CpuUse } from "./host-use.js";

interface Reading {
  readonly podUid: string;
  /** CPU time it last told. */
  nanos: bigint;
  /** Where the window of its rate began: what it had used then, and when. */
  sinceNanos: bigint;
  sinceMs: number;
  nanoCores: number;
  /** Number of the round it was last read in. */
  round: number;
}

/** A rate is taken over this time at least, emulated; who asks again sooner is told the former one. */
const SHORTEST_WINDOW_MS = 1_000;
const MS_PER_SECOND = 1_000;

/**
 * Makes rates of the CPU time containers tell, and a counter of the host that does not fall when a container goes. It counts from the start of
 * this process, as every counter may; what a container used between the last reading and its end is not known.
 *
 * Worked example: a container tells 2 s of CPU time 10 s after its start, then 5 s at 20 s: it uses 0.2 of a core, then 0.3. When it has gone,
 * the host's counter stays at 5 s.
 */
export class CpuMeter {
  /** By container id; no more than run on the host. */
  readonly #readings = new Map<string, Reading>();
  #round = 0;
  #hostNanos = 0n;

  get hostNanos(): bigint {
    return this.#hostNanos;
  }

  /** How many containers are remembered. */
  get size(): number {
    return this.#readings.size;
  }

  read(podUid: string, { containerId, cpuNanos: nanos, startedAt }: ContainerStats, atMs: number): CpuUse {
    let reading = this.#readings.get(containerId);
    if (reading === undefined) {
      reading = { podUid, nanos: 0n, sinceNanos: 0n, sinceMs: startedAt === undefined ? atMs : fromTimestamp(startedAt), nanoCores: 0, round: 0 };
      this.#readings.set(containerId, reading);
    }
    if (nanos > reading.nanos) this.#hostNanos += nanos - reading.nanos;
    reading.nanos = nanos;
    reading.round = this.#round;
    const windowMs = atMs - reading.sinceMs;
    // A clock that was set back begins a new window.
    if (windowMs >= SHORTEST_WINDOW_MS) reading.nanoCores = Math.round((Number(nanos - reading.sinceNanos) * MS_PER_SECOND) / windowMs);
    if (windowMs >= SHORTEST_WINDOW_MS || windowMs < 0) {
      reading.sinceNanos = nanos;
      reading.sinceMs = atMs;
    }
    return { nanos, nanoCores: reading.nanoCores };
  }

  /** Ends a round over the host: containers not read in it are forgotten, except those of pods that did not answer. */
  endRound(unanswered: ReadonlySet<string>): void {
    for (const [id, { podUid, round }] of this.#readings) if (round !== this.#round && !unanswered.has(podUid)) this.#readings.delete(id);
    this.#round += 1;
  }
}
