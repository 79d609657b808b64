import { RpcCode, RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Connection } from "./connection.js";
import { podArgument } from "./pod-argument.js";

const hint = "see the pods there are with: kubectl get pods -A; name one of another namespace as NAMESPACE/NAME";

/** Every recorded step of a pod, in order; throws a UserError where there is none. `pod` is a name, namespace/name or a UID. */
export async function recordedSteps(connection: Pick<Connection, "emulator">, pod: string, namespace: string): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  try {
    for await (const { step } of connection.emulator.watchPlacements({ ...podArgument(pod, namespace), untilNow: true, resumeToken: "" })) {
      if (step !== undefined) records.push(step);
    }
  } catch (error) {
    if (RpcError.is(error, RpcCode.NOT_FOUND)) throw new UserError("failed", error.message, hint);
    throw error;
  }
  if (records.length === 0) throw new UserError("failed", `no step of pod ${pod} is recorded`, hint);
  return records.sort((a, b) => a.attempt - b.attempt || a.step - b.step);
}
