import { UserError } from "../base/user-error.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Connection } from "./connection.js";
import { podArgument } from "./pod-argument.js";

/** Every recorded step of a pod, in order; throws a UserError where there is none. `pod` is a name, namespace/name or a UID. */
export async function recordedSteps(connection: Pick<Connection, "emulator">, pod: string, namespace: string): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for await (const { step } of connection.emulator.watchPlacements({ ...podArgument(pod, namespace), untilNow: true, resumeToken: "" })) {
    if (step !== undefined) records.push(step);
  }
  if (records.length === 0) throw new UserError("failed", `no step of pod ${pod} is recorded`, "see the pods there are with: kubectl get pods -A");
  return records.sort((a, b) => a.attempt - b.attempt || a.step - b.step);
}
