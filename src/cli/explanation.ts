import { notWeighed } from "../base/not-weighed.js";
import { Outcome, type StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import { startMs } from "./step-text.js";

/** What the journal holds of the last attempt at placing a pod. */
export interface RecordedAttempt {
  readonly explanation: Explanation;
  /** Attempt, from 1; 0 when none is recorded. */
  readonly attempt: number;
  /** Why there are no verdicts of hosts; empty when there are. */
  readonly drsSilent: string;
}

/**
 * Both captains' verdicts of the last attempt, from recorded steps alone, so that neither the scheduler nor vCenter has to be there.
 * Step 4 is vCenter's own record, numbered by the journal, which may hear of it before it hears of the attempt: it belongs to the attempt
 * when it does not begin before step 3 does.
 *
 * Worked example: attempt 1 has steps 3, 4 and 5, attempt 2 a step 3 without a node left: attempt 2 is told, and that DRS was not asked.
 */
export function recordedAttempt(records: readonly StepRecord[]): RecordedAttempt {
  const filtered = latest(records, 3);
  const known = filtered ?? records[0];
  const of = (step: number): StepRecord | undefined => {
    const record = latest(records, step);
    return record !== undefined && filtered !== undefined && startMs(record) >= startMs(filtered) ? record : undefined;
  };
  const [judged, recommended, bound] = [of(4), of(5), of(6)];
  const node = bound?.subject || recommended?.subject || judged?.subject || "";
  const failure = bound?.outcome === Outcome.FAILED ? ` The binding failed: ${bound.message}` : "";
  const message = filtered === undefined ? "no attempt at placing it is recorded: it is gated, or the scheduler has not come to it" : (recommended ?? judged ?? filtered).message + failure;
  const explanation = Explanation.fromPartial({
    namespace: known?.namespace ?? "",
    name: known?.name ?? "",
    podUid: known?.podUid ?? "",
    node,
    nodeVerdicts: filtered?.nodeVerdicts ?? [],
    hostVerdicts: judged?.hostVerdicts ?? [],
    ...(judged?.sized === undefined ? {} : { sized: { config: judged.sized } }),
    message,
    notWeighed: judged === undefined || judged.outcome === Outcome.SKIPPED ? [] : [...notWeighed],
    wouldFitIf: judged?.wouldFitIf ?? [],
  });
  return { explanation, attempt: filtered?.attempt ?? 0, drsSilent: silence(filtered, judged) };
}

function silence(filtered: StepRecord | undefined, judged: StepRecord | undefined): string {
  if (judged !== undefined) return judged.hostVerdicts.length > 0 ? "" : judged.message;
  if (filtered === undefined) return "not asked yet";
  return filtered.outcome === Outcome.UNSCHEDULABLE ? "not asked: no node was left" : "no answer is recorded";
}

function latest(records: readonly StepRecord[], step: number): StepRecord | undefined {
  return records.filter((record) => record.step === step).reduce<StepRecord | undefined>((last, each) => (last === undefined || startMs(each) >= startMs(last) ? each : last), undefined);
}
