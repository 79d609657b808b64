import type { HostVm } from "../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import type { VmChange } from "./change-ring.js";
import { invalidArgument } from "./host-fault.js";

/** The fields of a HostVm by their names in the contract. */
const FIELDS: ReadonlyMap<string, keyof HostVm> = new Map([
  ["vm_id", "vmId"],
  ["config", "config"],
  ["power_state", "powerState"],
  ["phase", "phase"],
  ["phase_times", "phaseTimes"],
  ["agent_address", "agentAddress"],
  ["personality", "personality"],
  ["revision", "revision"],
  ["last_fault", "lastFault"],
  ["host_name", "hostName"],
  ["power_on_count", "powerOnCount"],
  ["guest_heartbeat_status", "guestHeartbeatStatus"],
]);

/**
 * The fields of a VM whose changes a watch asks for; all when it names none.
 *
 * Worked example: a CRX instance is powered on, passes VMX, VMM and KERNEL, and its init waits. A watch of `power_state` and
 * `guest_heartbeat_status` is told of the first change (poweredOn) and the last (green), and sees the times of all phases in it.
 */
export class VmFields {
  readonly #fields: readonly (keyof HostVm)[];

  /** Throws InvalidArgument for a name that is none of HostVm's. */
  constructor(pathSet: readonly string[]) {
    this.#fields = pathSet.map((path, index) => {
      const field = FIELDS.get(path);
      if (field === undefined) throw invalidArgument(`path_set[${index}]`, `HostVm has no field "${path.slice(0, 64)}"`);
      return field;
    });
  }

  /** Whether the change is one of these fields, or the VM came or went. */
  differ({ kind, vm, before }: VmChange): boolean {
    if (this.#fields.length === 0 || kind !== UpdateKind.MODIFY || before === undefined) return true;
    // What stays is passed on from state to state; a message that was put anew counts as another one.
    return this.#fields.some((field) => vm[field] !== before[field]);
  }
}
