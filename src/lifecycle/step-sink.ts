import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Pod } from "../kubernetes/pod.js";

/** A step as this room tells it: the pod and when it was are filled in by `LifecycleSteps`. */
export type LifecycleStep = Pick<StepRecord, "step" | "peer" | "wire" | "message" | "subject"> & {
  readonly pod: Pod;
  /** Emulated, when it began. */
  readonly startMs: number;
  readonly failed?: boolean;
  /** Store revision the step wrote; 0 when none. */
  readonly etcdRevision?: bigint;
};

/** Where the steps of the lifecycle room go: 11, D4 (104) and D6 (106). */
export interface LifecycleSteps {
  record(step: LifecycleStep): void;
}
