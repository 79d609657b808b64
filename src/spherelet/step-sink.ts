import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Pod } from "../kubernetes/pod.js";

/** A step as this room tells it. */
export type SphereletStep = Pick<StepRecord, "step" | "peer" | "wire" | "message" | "subject"> & {
  readonly pod: Pod;
  /** Emulated, when it began. */
  readonly startMs: number;
  readonly failed?: boolean;
  /** Store revision the step wrote; absent when none. */
  readonly etcdRevision?: bigint;
};

/** Where the steps of this room go: 12, 14, D2 (102) and D3 (103). Never awaited. */
export interface SphereletSteps {
  record(step: SphereletStep): void;
}
