import { RpcCode, RpcError } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { faultInStatus, faultStatus, vimName } from "../rpc/method-fault.js";
import { type Provider, ProviderFault } from "./vsphere.js";

type FaultCase = NonNullable<MethodFault["fault"]>;

/** What a Spherelet refuses. */
export type SphereletFaultCase = "invalidArgument" | "ownerMismatch" | "managedObjectNotFound" | "resourceInUse" | "hostNotReachable";

/** A refusal of ConfigurePod, as a vim25 fault. */
export class SphereletFault extends Error {
  override readonly name = "SphereletFault";
  readonly case: SphereletFaultCase;
  readonly fault: FaultCase;
  /** Path of the field at fault. */
  readonly field: string;

  constructor(message: string, fault: FaultCase & { readonly $case: SphereletFaultCase }, field = "") {
    super(message);
    this.case = fault.$case;
    this.fault = fault;
    this.field = field;
  }

  static hostNotReachable(host: string, why: string): SphereletFault {
    return new SphereletFault(`The remote host ${host} is not reachable: ${why}.`, { $case: "hostNotReachable", value: {} });
  }
}

/** Which status each fault becomes. */
const codes: Readonly<Record<SphereletFaultCase, RpcCode>> = {
  invalidArgument: RpcCode.INVALID_ARGUMENT,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  managedObjectNotFound: RpcCode.NOT_FOUND,
  // More pods than a Spherelet takes.
  resourceInUse: RpcCode.RESOURCE_EXHAUSTED,
  // The API server does not answer, so nobody can say whose the VM is; or no Spherelet runs there, or nobody reaches it.
  hostNotReachable: RpcCode.UNAVAILABLE,
};

/** A fault with its status, ErrorInfo, MethodFault and field path. */
export function toRpcError(fault: SphereletFault): RpcError {
  const violations = fault.field === "" ? [] : [{ field: fault.field, description: fault.message }];
  const methodFault = MethodFault.create({ localizedMessage: fault.message, fault: fault.fault });
  return faultStatus({ room: "spherelet", code: codes[fault.case], message: fault.message, fault: methodFault, violations, cause: fault });
}

/** Faults of HostD and of agents that the same call may not meet again: the VM is on its way up, or something else is at work on it. */
const passingFaults: ReadonlySet<string> = new Set(["InvalidState", "InvalidPowerState", "TaskInProgress", "HostNotReachable", "Timedout"]);

const passingCodes: ReadonlySet<RpcCode> = new Set([
  RpcCode.UNAVAILABLE,
  RpcCode.DEADLINE_EXCEEDED,
  RpcCode.CANCELLED,
  RpcCode.ABORTED,
  RpcCode.RESOURCE_EXHAUSTED,
  RpcCode.UNKNOWN,
  RpcCode.INTERNAL,
]);

/** What a failed call of a provider means to a pod. */
export function fromRpcError(provider: Provider, error: unknown): ProviderFault {
  if (!(error instanceof RpcError)) return new ProviderFault(provider, "", error instanceof Error ? error.message : String(error), true, error);
  const fault = faultNameOf(error);
  // Behind the port is nobody of that name (yet, or any more): what HostD says of the VM decides, not this.
  if (error.violations.some((violation) => violation.field === ":authority")) return new ProviderFault(provider, "", error.message, true, error);
  return new ProviderFault(provider, fault, error.message, passingFaults.has(fault) || passingCodes.has(error.code), error);
}

/** The vim25 fault of an answer: its reason, else its detail. */
function faultNameOf(error: RpcError): string {
  if (error.reason !== undefined) return error.reason.reason;
  const fault = faultInStatus(error)?.fault?.$case;
  return fault === undefined ? "" : vimName(fault);
}
