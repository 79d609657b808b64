import { RpcCode, RpcError, typeUrl } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { type FaultCase, VimFault } from "./vim-fault.js";

/** Whose vocabulary the reasons are. */
export const ERROR_DOMAIN = "vcenter.spheresim.dev";

const METHOD_FAULT = "spheresim.vim.v1.MethodFault";

/** The gRPC status of every vim25 fault; the reason in ErrorInfo is the case in UpperCamelCase. */
const CODES: Readonly<Record<FaultCase["$case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  managedObjectNotFound: RpcCode.NOT_FOUND,
  duplicateName: RpcCode.ALREADY_EXISTS,
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
  requestIdReused: RpcCode.ALREADY_EXISTS,
  recommendationExpired: RpcCode.FAILED_PRECONDITION,
  invalidCollectorVersion: RpcCode.OUT_OF_RANGE,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  staleWriter: RpcCode.ABORTED,
};

/** The vim25 name of a fault: `managedObjectNotFound` is `ManagedObjectNotFound`. */
export function faultName(fault: FaultCase): string {
  return fault.$case.charAt(0).toUpperCase() + fault.$case.slice(1);
}

/** A domain error as it goes over the wire; anything that is not a fault passes through. */
export function toRpcError(error: unknown): unknown {
  if (!(error instanceof VimFault)) return error;
  return new RpcError(CODES[error.fault.$case], error.message, {
    reason: { reason: faultName(error.fault), domain: ERROR_DOMAIN },
    details: [{ typeUrl: typeUrl(METHOD_FAULT), value: MethodFault.encode(error.methodFault).finish() }],
    violations: error.violations,
    cause: error,
  });
}

/** The fault a HostD answered with; undefined for an error that carries none (a lost connection, a deadline). */
export function faultOf(error: unknown): VimFault | undefined {
  if (error instanceof VimFault) return error;
  if (!(error instanceof RpcError)) return undefined;
  const bytes = error.detail(METHOD_FAULT);
  if (bytes === undefined) return undefined;
  const { fault, localizedMessage } = MethodFault.decode(bytes);
  return fault === undefined ? undefined : new VimFault(localizedMessage === "" ? error.message : localizedMessage, fault, error.violations);
}
