import type { BindingRecord } from "./binding-cycle.js";
import type { FilteredPod, SchedulingAttempt } from "./verdict.js";

/** Hears of steps 3 and 6 as they happen, for the journal and `explain`. Must not throw or wait. */
export interface SchedulerObserver {
  /** Step 3 has ended: the curated list stands, or is empty. The outcome is told by `attempted` later. */
  filtered?(attempt: FilteredPod): void;
  /** An attempt has ended: with a node, without one, or with an error. */
  attempted?(attempt: SchedulingAttempt): void;
  /** A binding has ended. */
  bound?(record: BindingRecord): void;
}
