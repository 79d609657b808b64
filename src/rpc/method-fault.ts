import { type FieldViolation, type RpcCode, RpcError, typeUrl } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";

const METHOD_FAULT = "spheresim.vim.v1.MethodFault";

/** A vim25 fault on its way to a client. */
export interface FaultAnswer {
  /** Whose vocabulary the reason is: `vcenter`, `hostd`, `crx`. */
  readonly room: string;
  readonly code: RpcCode;
  readonly message: string;
  readonly fault: MethodFault;
  readonly violations: readonly FieldViolation[];
  /** The domain's own error, where there is one. */
  readonly cause?: Error;
}

/** The fault as a status: the reason in ErrorInfo is its vim25 name, the fault itself is a detail, and fields are named. */
export function faultStatus({ room, code, message, fault, violations, cause }: FaultAnswer): RpcError {
  const name = fault.fault?.$case ?? "MethodFault";
  return new RpcError(code, message, {
    reason: { reason: vimName(name), domain: `${room}.spheresim.test` },
    violations,
    details: [{ typeUrl: typeUrl(METHOD_FAULT), value: MethodFault.encode(fault).finish() }],
    cause,
  });
}

/** The MethodFault an error carries; undefined for one that carries none (a lost connection, a deadline). */
export function faultInStatus(error: RpcError): MethodFault | undefined {
  const bytes = error.detail(METHOD_FAULT);
  return bytes === undefined ? undefined : MethodFault.decode(bytes);
}

/** The vim25 name of a case: `managedObjectNotFound` is `ManagedObjectNotFound`. */
export function vimName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
