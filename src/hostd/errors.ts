import { RpcCode, RpcError, typeUrl } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { HostFault } from "./host-fault.js";

/** Whose vocabulary the reasons are. */
const DOMAIN = "hostd.spheresim.test";

/** Which status each fault of HostD becomes. What is not listed does not leave this room. */
const CODES: Partial<Record<HostFault["case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  managedObjectNotFound: RpcCode.NOT_FOUND,
  duplicateName: RpcCode.ALREADY_EXISTS,
  requestIdReused: RpcCode.ALREADY_EXISTS,
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
  const name = fault.case.charAt(0).toUpperCase() + fault.case.slice(1);
  return new RpcError(CODES[fault.case] ?? RpcCode.UNKNOWN, fault.message, {
    reason: { reason: name, domain: DOMAIN },
    violations: fault.field === "" ? [] : [{ field: fault.field, description: fault.message }],
    details: [{ typeUrl: typeUrl("spheresim.vim.v1.MethodFault"), value: MethodFault.encode(fault.fault).finish() }],
    cause: fault,
  });
}

/** Runs a handler's work and turns its faults into statuses. */
export async function answering<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof HostFault ? toRpcError(error) : error;
  }
}
