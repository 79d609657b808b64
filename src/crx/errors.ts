import { RpcCode, RpcError } from "../base/rpc-error.js";
import { faultStatus } from "../rpc/method-fault.js";
import { AgentFault } from "./agent-fault.js";
import { NotProvided } from "./runtime/container-runtime.js";

/** Which status each refusal becomes. An agent that is not there is UNAVAILABLE, as a closed port of a real VM would be. */
const CODES: Partial<Record<AgentFault["case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  hostNotReachable: RpcCode.UNAVAILABLE,
  managedObjectNotFound: RpcCode.UNAVAILABLE,
  invalidCollectorVersion: RpcCode.OUT_OF_RANGE,
};

/** A refusal with its status, ErrorInfo, MethodFault and field path. */
export function toRpcError(fault: AgentFault): RpcError {
  const violations = fault.field === "" ? [] : [{ field: fault.field, description: fault.message }];
  return faultStatus({ room: "crx", code: CODES[fault.case] ?? RpcCode.UNKNOWN, message: fault.message, fault: fault.fault, violations, cause: fault });
}

/** Runs a handler's work and turns its refusals into statuses. */
export async function answering<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotProvided) throw new RpcError(RpcCode.UNIMPLEMENTED, error.message);
    throw error instanceof AgentFault ? toRpcError(error) : error;
  }
}
