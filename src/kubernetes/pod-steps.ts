import type { Burst } from "../base/burst.js";
import type { Clock } from "../base/clock.js";
import { toTimestamp } from "../base/timestamp.js";
import { type NodeVerdict, Outcome, type StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { ObjectMeta } from "./object-meta.js";

/** Where steps go: one `record` that returns at once. The recorder of `rpc` is one. */
export interface StepSink {
  record(step: StepRecord): void;
  /** The bursts of pods in this process, as far as its steps tell of them. */
  readonly burst?: Burst;
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

  /** Those of the sink, for others that write behind pods. */
  get burst(): Burst | undefined {
    return this.#sink?.burst;
  }

  record({ pod, step, peer, wire, startMs, endMs, subject, message, outcome, attempt, etcdRevision, inPlaceOf, nodeVerdicts }: PodStep): void {
    if (this.#sink === undefined) return;
    const { uid: podUid, namespace = "", name } = pod.metadata;
    // Field by field: fourteen of these a pod are made while it is on its way.
    this.#sink.record({
      podUid,
      namespace,
      name,
      attempt: attempt ?? 0,
      step,
      room: inPlaceOf ?? this.#room,
      observedBy: inPlaceOf === undefined ? "" : this.#room,
      peer,
      wire,
      etcdRevision: etcdRevision ?? 0n,
      startTime: toTimestamp(startMs),
      endTime: toTimestamp(endMs ?? this.#clock.nowMs()),
      outcome: outcome ?? Outcome.OK,
      message,
      subject,
      nodeVerdicts: nodeVerdicts ?? [],
      hostVerdicts: [],
      reconstructed: false,
      sized: undefined,
      wouldFitIf: [],
    });
  }
}
