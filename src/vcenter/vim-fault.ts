import type { FieldViolation } from "../base/rpc-error.js";
import type { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";

/** One vim25 fault with its payload, as the contract's oneof. */
export type FaultCase = NonNullable<MethodFault["fault"]>;

/** A call, or a task, ended by a vim25 fault. errors.ts says how it looks on the wire. */
export class VimFault extends Error {
  readonly fault: FaultCase;
  readonly violations: readonly FieldViolation[];

  constructor(message: string, fault: FaultCase, violations: readonly FieldViolation[] = []) {
    super(message);
    this.name = "VimFault";
    this.fault = fault;
    this.violations = violations;
  }

  /** The fault as a message: in tasks, verdicts and error details. */
  get methodFault(): MethodFault {
    return { localizedMessage: this.message, fault: this.fault };
  }

  /** A fault that was a message so far. */
  static of({ localizedMessage, fault }: MethodFault): VimFault {
    if (fault === undefined) throw new Error(`a fault without a kind: ${localizedMessage}`);
    return new VimFault(localizedMessage, fault);
  }

  /** `field` is the path in the request, such as `spec.config.memory_mb`. */
  static invalidArgument(field: string, description: string): VimFault {
    return new VimFault(`${field}: ${description}`, { $case: "invalidArgument", value: { invalidProperty: field } }, [{ field, description }]);
  }

  static notFound(obj: ManagedObjectReference): VimFault {
    return new VimFault(`The object ${obj.type} "${obj.value}" has already been deleted or has not been completely created.`, {
      $case: "managedObjectNotFound",
      value: { obj },
    });
  }

  /** No VM belongs to this owner. */
  static ownerNotFound(ownerUid: string): VimFault {
    return new VimFault(`No virtual machine belongs to owner "${ownerUid}".`, { $case: "managedObjectNotFound", value: { obj: undefined } });
  }

  static duplicateName(name: string, object: ManagedObjectReference): VimFault {
    return new VimFault(`The name "${name}" already exists.`, { $case: "duplicateName", value: { name, object } });
  }

  /** DRS never moves the VM of a pod. */
  static podStays(name: string, moid: string): VimFault {
    return new VimFault(`DRS does not move ${name} (${moid}): a vSphere Pod stays on its host.`, { $case: "drsDisabledOnVm", value: {} });
  }

  /** A host that is in the inventory, in another cluster. */
  static alreadyConnected(name: string): VimFault {
    return new VimFault(`The specified host "${name}" already exists in vCenter.`, { $case: "alreadyConnected", value: { name } });
  }

  static tooManyHosts(most: number): VimFault {
    return new VimFault(`The inventory takes no more hosts: it has ${most}.`, { $case: "tooManyHosts", value: {} });
  }

  static resourceInUse(type: string, name: string, why: string): VimFault {
    return new VimFault(`The resource "${name}" is in use: ${why}.`, { $case: "resourceInUse", value: { type, name } });
  }

  static invalidState(why: string): VimFault {
    return new VimFault(why, { $case: "invalidState", value: {} });
  }

  static invalidPowerState(requestedState: string, existingState: string): VimFault {
    return new VimFault(`The attempted operation cannot be performed in the current state (${existingState}).`, {
      $case: "invalidPowerState",
      value: { requestedState, existingState },
    });
  }

  static taskInProgress(task: ManagedObjectReference): VimFault {
    return new VimFault(`Another task is already in progress: ${task.value}.`, { $case: "taskInProgress", value: { task } });
  }

  static notSupported(what: string): VimFault {
    return new VimFault(`The operation is not supported on the object: ${what}.`, { $case: "notSupported", value: {} });
  }

  static requestCanceled(): VimFault {
    return new VimFault("The task was canceled by a user.", { $case: "requestCanceled", value: {} });
  }

  static hostNotConnected(host: string): VimFault {
    return new VimFault(`Unable to communicate with the remote host ${host}, since it is disconnected.`, { $case: "hostNotConnected", value: {} });
  }

  static timedout(): VimFault {
    return new VimFault("Operation timed out.", { $case: "timedout", value: {} });
  }

  static hostNotReachable(host: string, why: string): VimFault {
    return new VimFault(`The remote host ${host} is not reachable: ${why}`, { $case: "hostNotReachable", value: {} });
  }

  static ownerMismatch(vm: ManagedObjectReference | undefined, requestedOwnerUid: string, existingOwnerUid: string): VimFault {
    return new VimFault(`It belongs to owner "${existingOwnerUid}", not to "${requestedOwnerUid}".`, {
      $case: "ownerMismatch",
      value: { vm, requestedOwnerUid, existingOwnerUid },
    });
  }

  static recommendationExpired(key: string): VimFault {
    return new VimFault(`The recommendation "${key}" is unknown, was applied, or is no longer held.`, { $case: "recommendationExpired", value: { key } });
  }

  static requestIdReused(requestId: string): VimFault {
    const message = `The request id "${requestId}" was used before with another body.`;
    return new VimFault(message, { $case: "requestIdReused", value: { requestId } }, [{ field: "request_id", description: message }]);
  }

  static invalidCollectorVersion(oldestToken: string): VimFault {
    const oldest = oldestToken === "" ? "start without a token" : `the oldest that can be resumed is "${oldestToken}"`;
    return new VimFault(`The token names a state that is gone; ${oldest}.`, { $case: "invalidCollectorVersion", value: { oldestToken } });
  }

  static staleWriter(epoch: bigint, currentEpoch: bigint): VimFault {
    return new VimFault(`A vCenter with epoch ${currentEpoch} has taken over from epoch ${epoch}.`, { $case: "staleWriter", value: { epoch, currentEpoch } });
  }
}
