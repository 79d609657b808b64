import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";

type FaultCase = NonNullable<MethodFault["fault"]>;

/** A refusal of the agent or of the machine process; `errors.ts` says which status it becomes. */
export class AgentFault extends Error {
  readonly fault: MethodFault;
  /** Path of the field at fault. */
  readonly field: string;

  constructor(message: string, fault: FaultCase, field = "") {
    super(message);
    this.name = "AgentFault";
    this.fault = MethodFault.create({ localizedMessage: message, fault });
    this.field = field;
  }

  get case(): FaultCase["$case"] {
    return (this.fault.fault as FaultCase).$case;
  }
}

export function invalidArgument(field: string, why: string): AgentFault {
  return new AgentFault(`${field}: ${why}`, { $case: "invalidArgument", value: { invalidProperty: field } }, field);
}

export function ownerMismatch(vmUuid: string, requestedOwnerUid: string, existingOwnerUid: string): AgentFault {
  return new AgentFault(`the CRX instance ${vmUuid} is pod '${existingOwnerUid}', not '${requestedOwnerUid}'`, {
    $case: "ownerMismatch",
    value: { vm: { type: "VirtualMachine", value: vmUuid }, requestedOwnerUid, existingOwnerUid },
  });
}

/** The VM runs here but has no agent: nobody answers inside it yet. */
export function noAgent(vmUuid: string, phase: string): AgentFault {
  return new AgentFault(`the CRX instance ${vmUuid} has no agent yet (${phase})`, { $case: "hostNotReachable", value: {} });
}

/** No VM of that uuid runs here: an address nobody answers at. */
export function noInstance(vmUuid: string): AgentFault {
  return new AgentFault(`no CRX instance ${vmUuid} runs here`, { $case: "managedObjectNotFound", value: { obj: { type: "VirtualMachine", value: vmUuid } } });
}

/** A resume token of another machine process, or of a state that is forgotten. */
export function invalidCollectorVersion(oldestToken: string): AgentFault {
  return new AgentFault("the token names a state that is gone; begin again without one", { $case: "invalidCollectorVersion", value: { oldestToken } });
}

/** The guest died while the call was under way. */
export function guestGone(vmUuid: string): AgentFault {
  return new AgentFault(`the CRX instance ${vmUuid} is gone`, { $case: "hostNotReachable", value: {} });
}
