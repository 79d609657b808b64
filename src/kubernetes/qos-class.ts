import { Quantity } from "../base/quantity.js";
import type { PodSpec, QosClass } from "./pod.js";

const counted = ["cpu", "memory"] as const;

/**
 * The quality of service class, fixed at creation: Guaranteed when every container (init containers too) limits cpu and
 * memory and requests exactly that, BestEffort when none asks for either, else Burstable.
 */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  let asks = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const resource of counted) {
      const limit = nonZero(resources?.limits?.[resource]);
      const request = nonZero(resources?.requests?.[resource]) ?? limit;
      if (limit !== undefined || request !== undefined) asks = true;
      if (limit === undefined || request === undefined || limit.compare(request) !== 0) guaranteed = false;
    }
  }
  if (!asks) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

function nonZero(text: string | undefined): Quantity | undefined {
  const quantity = Quantity.parseOrZero(text);
  return quantity.compare(Quantity.zero) > 0 ? quantity : undefined;
}
