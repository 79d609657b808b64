import type { Clock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { type PodOutcome, WaitForRequest_Condition as Condition } from "../gen/spheresim/emulator/v1/emulator.js";
import type { Pod } from "../kubernetes/pod.js";
import type { RestClient } from "../kubernetes/rest-client.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { isNotFound } from "../kubernetes/status.js";
import { hasArrived, isUnschedulable, outcomeOf } from "./pod-outcome.js";
import { newestVersion, watchPods } from "./place.js";

export interface WaitOptions {
  readonly namespace: string;
  readonly name: string;
  readonly condition: Condition;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Waits until a pod meets a condition; DEADLINE_EXCEEDED says what was seen last. */
export async function waitFor(client: RestClient, monotonic: Clock, options: WaitOptions): Promise<PodOutcome> {
  const name = { namespace: options.namespace, name: options.name };
  const version = await newestVersion(client);
  let last: Pod | undefined = await client.get(podType, name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (meets(last, options.condition)) return outcome(last, name);

  const late = new AbortController();
  const timer = monotonic.timer(options.timeoutMs, () => late.abort());
  try {
    for await (const event of watchPods(client, version, AbortSignal.any([late.signal, options.signal]))) {
      if (event.type === "BOOKMARK" || event.object.metadata.name !== name.name || event.object.metadata.namespace !== name.namespace) continue;
      last = event.type === "DELETED" ? undefined : event.object;
      if (meets(last, options.condition)) return outcome(last, name);
    }
  } catch (error) {
    if (!late.signal.aborted) throw error;
  } finally {
    timer.cancel();
  }
  const seen = last === undefined ? "it does not exist" : `its phase is ${last.status?.phase ?? "Pending"}`;
  throw new RpcError(RpcCode.DEADLINE_EXCEEDED, `pod ${name.namespace}/${name.name} is not there yet after ${options.timeoutMs} ms: ${seen}`);
}

function meets(pod: Pod | undefined, condition: Condition): boolean {
  if (condition === Condition.DELETED) return pod === undefined;
  if (pod === undefined) return false;
  return condition === Condition.UNSCHEDULABLE ? isUnschedulable(pod) : hasArrived(pod);
}

function outcome(pod: Pod | undefined, name: { readonly namespace: string; readonly name: string }): PodOutcome {
  if (pod !== undefined) return outcomeOf(pod);
  return { ...name, uid: "", phase: "", node: "", vmUuid: "", reason: "deleted" };
}
