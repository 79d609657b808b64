import { RpcCode, RpcError } from "../base/rpc-error.js";
import { faultInStatus, faultStatus } from "../rpc/method-fault.js";
import { type FaultCase, VimFault } from "./vim-fault.js";

/** The gRPC status of every vim25 fault; the reason in ErrorInfo is the case in UpperCamelCase. */
const CODES: Readonly<Record<FaultCase["$case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  managedObjectNotFound: RpcCode.NOT_FOUND,
  duplicateName: RpcCode.ALREADY_EXISTS,
  alreadyConnected: RpcCode.ALREADY_EXISTS,
  tooManyHosts: RpcCode.RESOURCE_EXHAUSTED,
  invalidState: RpcCode.FAILED_PRECONDITION,
  invalidPowerState: RpcCode.FAILED_PRECONDITION,
  taskInProgress: RpcCode.FAILED_PRECONDITION,
  resourceInUse: RpcCode.FAILED_PRECONDITION,
  notSupported: RpcCode.FAILED_PRECONDITION,
  requestCanceled: RpcCode.CANCELLED,
  timedout: RpcCode.DEADLINE_EXCEEDED,
  hostNotConnected: RpcCode.FAILED_PRECONDITION,
  hostNotReachable: RpcCode.UNAVAILABLE,
  noCompatibleHost: RpcCode.FAILED_PRECONDITION,
  genericDrsFault: RpcCode.FAILED_PRECONDITION,
  insufficientHostCpuCapacityFault: RpcCode.RESOURCE_EXHAUSTED,
  insufficientHostMemoryCapacityFault: RpcCode.RESOURCE_EXHAUSTED,
  insufficientCpuResourcesFault: RpcCode.RESOURCE_EXHAUSTED,
  insufficientMemoryResourcesFault: RpcCode.RESOURCE_EXHAUSTED,
  notEnoughCpus: RpcCode.FAILED_PRECONDITION,
  memorySizeNotSupported: RpcCode.FAILED_PRECONDITION,
  cannotAccessDatastore: RpcCode.FAILED_PRECONDITION,
  cannotAccessNetwork: RpcCode.FAILED_PRECONDITION,
  deviceNotSupported: RpcCode.FAILED_PRECONDITION,
  ruleViolation: RpcCode.FAILED_PRECONDITION,
  insufficientFailoverResourcesFault: RpcCode.FAILED_PRECONDITION,
  vmHostAffinityRuleViolation: RpcCode.FAILED_PRECONDITION,
  noCompatibleHardAffinityHost: RpcCode.FAILED_PRECONDITION,
  drsDisabledOnVm: RpcCode.FAILED_PRECONDITION,
  requestIdReused: RpcCode.ALREADY_EXISTS,
  recommendationExpired: RpcCode.FAILED_PRECONDITION,
  invalidCollectorVersion: RpcCode.OUT_OF_RANGE,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  staleWriter: RpcCode.ABORTED,
};

/** A domain error as it goes over the wire; anything that is not a fault passes through. */
export function toRpcError(error: unknown): unknown {
  if (!(error instanceof VimFault)) return error;
  return faultStatus({ room: "vcenter", code: CODES[error.fault.$case], message: error.message, fault: error.methodFault, violations: error.violations, cause: error });
}

/** The fault a HostD answered with; undefined for an error that carries none (a lost connection, a deadline). */
export function faultOf(error: unknown): VimFault | undefined {
  if (error instanceof VimFault) return error;
  if (!(error instanceof RpcError)) return undefined;
  const { fault, localizedMessage = "" } = faultInStatus(error) ?? {};
  return fault === undefined ? undefined : new VimFault(localizedMessage === "" ? error.message : localizedMessage, fault, error.violations);
}
