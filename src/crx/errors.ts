import { RpcCode, RpcError, typeUrl } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { AgentFault } from "./agent-fault.js";

/** Whose vocabulary the reasons are. */
const DOMAIN = "crx.spheresim.test";

/** Which status each refusal becomes. An agent that is not there is UNAVAILABLE, as a closed port of a real VM would be. */
const CODES: Partial<Record<AgentFault["case"], RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  hostNotReachable: RpcCode.UNAVAILABLE,
  managedObjectNotFound: RpcCode.UNAVAILABLE,
};

/** A refusal with its status, ErrorInfo, MethodFault and field path. */
export function toRpcError(fault: AgentFault): RpcError {
  const name = fault.case.charAt(0).toUpperCase() + fault.case.slice(1);
  return new RpcError(CODES[fault.case] ?? RpcCode.UNKNOWN, fault.message, {
    reason: { reason: name, domain: DOMAIN },
    violations: fault.field === "" ? [] : [{ field: fault.field, description: fault.message }],
    details: [{ typeUrl: typeUrl("spheresim.vim.v1.MethodFault"), value: MethodFault.encode(fault.fault).finish() }],
    cause: fault,
  });
}

/** Runs a handler's work and turns its refusals into statuses. */
export async function answering<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof AgentFault ? toRpcError(error) : error;
  }
}
