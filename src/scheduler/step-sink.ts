import { type NodeVerdict, Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Clock } from "../base/clock.js";
import type { ObjectMeta } from "../kubernetes/object-meta.js";

/** Where recorded steps go. */
export interface StepSink {
  record(step: StepRecord): void;
}

/** A step as the scheduler tells it; the rest is filled in. */
export interface SchedulerStep {
  readonly pod: { readonly metadata: Pick<ObjectMeta, "uid" | "namespace" | "name"> };
  /** 3, 5, 6, 9 or 10. */
  readonly step: number;
  readonly peer: string;
  readonly wire: string;
  /** Emulated, when it began. */
  readonly startMs: number;
  /** When it ended; now when absent. */
  readonly endMs?: number;
  readonly subject: string;
  readonly message: string;
  readonly outcome?: Outcome;
  /** Attempt at placing the pod, from 1; 0 is the one under way. */
  readonly attempt?: number;
  /** Store revision the step wrote. */
  readonly etcdRevision?: bigint;
  /** Step 3. */
  readonly nodeVerdicts?: NodeVerdict[];
}

/** Records steps of the scheduler room. */
export class SchedulerSteps {
  readonly #sink: StepSink | undefined;
  readonly #clock: Clock;

  /** `clock` is the emulated one. */
  constructor(sink: StepSink | undefined, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  record({ pod, startMs, endMs, ...step }: SchedulerStep): void {
    const { uid, namespace = "", name } = pod.metadata;
    this.#sink?.record(
      StepRecord.fromPartial({ outcome: Outcome.OK, ...step, podUid: uid, namespace, name, room: "scheduler", startTime: timestamp(startMs), endTime: timestamp(endMs ?? this.#clock.nowMs()) }),
    );
  }
}

function timestamp(ms: number): { readonly seconds: bigint; readonly nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
