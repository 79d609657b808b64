import { RpcCode, type RpcError } from "../../base/rpc-error.js";
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
