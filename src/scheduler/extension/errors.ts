import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";

/** What to do when a bound pod's VM was not made. */
export type FaultAnswer =
  /** Again on the same host, until it works or the pod is deleted. */
  | "retry"
  /** Again, but only so often: a host that stays full gives the pod up, and its ReplicaSet makes another. */
  | "retry-some"
  /** No host will ever make this VM: the pod fails with ProviderFailed. */
  | "give-up";

type FaultCase = NonNullable<MethodFault["fault"]>["$case"];

/** Faults that are not answered by `retry`. */
const answers: Partial<Record<FaultCase, FaultAnswer>> = {
  insufficientHostCpuCapacityFault: "retry-some",
  insufficientHostMemoryCapacityFault: "retry-some",
  insufficientCpuResourcesFault: "retry-some",
  insufficientMemoryResourcesFault: "retry-some",
  noCompatibleHost: "retry-some",
  ruleViolation: "retry-some",
  invalidArgument: "retry-some",
  notSupported: "give-up",
  deviceNotSupported: "give-up",
  notEnoughCpus: "give-up",
  memorySizeNotSupported: "give-up",
};

/** What a fault asks for. */
export function answerTo(fault: MethodFault | undefined): FaultAnswer {
  const name = fault?.fault?.$case;
  return (name === undefined ? undefined : answers[name]) ?? "retry";
}

/**
 * What an error says to operators of vSphere: of a field of our contract as of the vim25 property it stands for.
 *
 * Worked example: `spec.config_spec.memory_mb: must be at most 8` becomes `A specified parameter was not correct: configSpec.memoryMB (must be at
 * most 8)`.
 */
export function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [violation] = error instanceof RpcError ? error.violations : [];
  return inVimWords(error.message, violation?.field ?? "");
}

/** The same of a task's fault; empty where there is none. */
export function whyOfFault(fault: MethodFault | undefined): string {
  return inVimWords(fault?.localizedMessage ?? "", fault?.fault?.$case === "invalidArgument" ? fault.fault.value.invalidProperty : "");
}

function inVimWords(text: string, field: string): string {
  if (field === "") return text;
  const property = field
    .replace(/^spec\./, "")
    .replace(/_(mb|mhz)\b/g, (_, unit: string) => `_${unit === "mb" ? "MB" : "Mhz"}`)
    .replace(/num_cpus/g, "numCPUs")
    .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const start = `${field}: `;
  return text.startsWith(start) ? `A specified parameter was not correct: ${property} (${text.slice(start.length)})` : text.replaceAll(field, property);
}

/** Whether the host itself is out of reach: another host may do. */
export function isHostAway(fault: MethodFault | undefined): boolean {
  const name = fault?.fault?.$case;
  return name === "hostNotReachable" || name === "hostNotConnected";
}

/** Whether the call itself is wrong, so that the same one will fail again. */
export function isAboutTheRequest(error: RpcError): boolean {
  return error.code === RpcCode.INVALID_ARGUMENT || error.code === RpcCode.NOT_FOUND || error.code === RpcCode.FAILED_PRECONDITION;
}

/** The recommendation cannot be applied any more; the same VM can be admitted again without it. */
export function isRecommendationGone(error: RpcError): boolean {
  return error.reason?.reason === "RecommendationExpired";
}

/** vCenter has no such VM (any more). */
export function isVmGone(error: RpcError): boolean {
  return error.reason?.reason === "ManagedObjectNotFound" || (error.reason === undefined && error.code === RpcCode.NOT_FOUND);
}
