import { RpcCode, type RpcError } from "../base/rpc-error.js";
import { faultStatus } from "../rpc/method-fault.js";
import { HostFault } from "./host-fault.js";

/** Which status each fault of HostD becomes. What is not listed does not leave this room. */
const CODES: Partial<Record<HostFault["case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  managedObjectNotFound: RpcCode.NOT_FOUND,
  duplicateName: RpcCode.ALREADY_EXISTS,
  resourceInUse: RpcCode.ALREADY_EXISTS,
  invalidState: RpcCode.FAILED_PRECONDITION,
  invalidPowerState: RpcCode.FAILED_PRECONDITION,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  notSupported: RpcCode.FAILED_PRECONDITION,
  deviceNotSupported: RpcCode.FAILED_PRECONDITION,
  taskInProgress: RpcCode.ABORTED,
  hostNotReachable: RpcCode.UNAVAILABLE,
  timedout: RpcCode.DEADLINE_EXCEEDED,
  notEnoughCpus: RpcCode.RESOURCE_EXHAUSTED,
  insufficientHostCpuCapacityFault: RpcCode.RESOURCE_EXHAUSTED,
  insufficientHostMemoryCapacityFault: RpcCode.RESOURCE_EXHAUSTED,
  invalidCollectorVersion: RpcCode.OUT_OF_RANGE,
};

/** A fault with its status, ErrorInfo, MethodFault and field path. */
export function toRpcError(fault: HostFault): RpcError {
  const violations = fault.field === "" ? [] : [{ field: fault.field, description: fault.message }];
  return faultStatus({ room: "hostd", code: CODES[fault.case] ?? RpcCode.UNKNOWN, message: fault.message, fault: fault.fault, violations, cause: fault });
}

/** Runs a handler's work and turns its faults into statuses. */
export async function answering<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof HostFault ? toRpcError(error) : error;
  }
}
