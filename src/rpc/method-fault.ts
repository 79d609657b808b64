import { type FieldViolation, type RpcCode, RpcError, typeUrl } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { cutToBytes } from "./status.js";

const METHOD_FAULT = "spheresim.vim.v1.MethodFault";
/** All details of a status share 4 KiB; so much of it is the fault's. */
const MAX_FAULT_BYTES = 1536;
/** The text of a fault that is too large; the status has it once more. */
const MAX_TEXT_BYTES = 512;

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
    details: [{ typeUrl: typeUrl(METHOD_FAULT), value: encoded(fault) }],
    cause,
  });
}

/**
 * The fault as far as it fits, because a fault that is left out is worse than a short one: first its text is cut, then its payload, which
 * may repeat what the caller sent, is dropped. Which fault it is always stays.
 */
function encoded(fault: MethodFault): Uint8Array {
  const whole = MethodFault.encode(fault).finish();
  if (whole.length <= MAX_FAULT_BYTES) return whole;
  const localizedMessage = cutToBytes(fault.localizedMessage, MAX_TEXT_BYTES);
  const short = MethodFault.encode({ ...fault, localizedMessage }).finish();
  if (short.length <= MAX_FAULT_BYTES || fault.fault === undefined) return short;
  const bare = { $case: fault.fault.$case, value: {} } as MethodFault["fault"];
  return MethodFault.encode(MethodFault.fromPartial({ localizedMessage, fault: bare })).finish();
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
