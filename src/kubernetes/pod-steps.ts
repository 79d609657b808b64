import type { Clock } from "../base/clock.js";
import { toTimestamp } from "../base/timestamp.js";
import { type NodeVerdict, Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { ObjectMeta } from "./object-meta.js";

/** Where steps go: one `record` that returns at once. The recorder of `rpc` is one. */
export interface StepSink {
  record(step: StepRecord): void;
}

/** A step as a room tells it; the rest of the record is filled in. */
export interface PodStep {
  readonly pod: { readonly metadata: Pick<ObjectMeta, "uid" | "namespace" | "name"> };
  /** 1 to 14; D1 to D6 are 101 to 106. */
  readonly step: number;
  readonly peer: string;
  readonly wire: string;
  /** Emulated, when it began. */
  readonly startMs: number;
  /** When it ended; now when absent. */
  readonly endMs?: number;
  readonly subject: string;
  readonly message: string;
  /** Ok when absent. */
  readonly outcome?: Outcome;
  /** Attempt at placing the pod, from 1; 0 is the one under way. */
  readonly attempt?: number;
  /** Store revision the step wrote. */
  readonly etcdRevision?: bigint;
  /** The room whose step it is, where this one tells it in that room's place. */
  readonly inPlaceOf?: string;
  /** Step 3. */
  readonly nodeVerdicts?: NodeVerdict[];
}

/** Records the steps one room takes for pods. */
export class PodSteps {
  readonly #sink: StepSink | undefined;
  readonly #room: string;
  readonly #clock: Clock;

  /** `clock` is the emulated one; without a sink nothing is recorded. */
  constructor(sink: StepSink | undefined, room: string, clock: Clock) {
    this.#sink = sink;
    this.#room = room;
    this.#clock = clock;
  }

  record({ pod, startMs, endMs, inPlaceOf, ...step }: PodStep): void {
    const { uid: podUid, namespace = "", name } = pod.metadata;
    const [startTime, endTime] = [toTimestamp(startMs), toTimestamp(endMs ?? this.#clock.nowMs())];
    const by = inPlaceOf === undefined ? { room: this.#room } : { room: inPlaceOf, observedBy: this.#room };
    this.#sink?.record(StepRecord.fromPartial({ outcome: Outcome.OK, ...step, ...by, podUid, namespace, name, startTime, endTime }));
  }
}
