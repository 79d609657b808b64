import type { VirtualMachineConfigSpec } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { DrsRule } from "../../../src/vcenter/drs/rules/rule.js";
import { POD_GUEST_ID } from "../../../src/vcenter/drs/vm-shape.js";
import type { GuestUse } from "./guest-use.js";

/** Speed of a core, MHz: a thousandth of a core is 2.5 MHz. */
export const CORE_MHZ = 2500;

/** A host. Its moid is its name. */
export interface WorkloadHost {
  readonly name: string;
  readonly cores: number;
  readonly memoryMb: number;
}

/** What a Kubernetes scheduler counts with. */
export interface Request {
  readonly cpuMilli: number;
  readonly memoryMib: number;
}

/** A vSphere Pod or an ordinary VM. */
export interface Guest {
  /** Its moid, too. */
  readonly id: string;
  readonly config: VirtualMachineConfigSpec;
  /** Of an ordinary VM its reservation, as if it were a pod: the most that Kubernetes could be told of it. */
  readonly request: Request;
  readonly use: GuestUse;
  readonly arriveS: number;
  readonly leaveS: number;
  /** Index of the host it runs on when the replay begins; undefined for one that is to be placed. */
  readonly foundOn: number | undefined;
}

/** What is replayed: the same for every placer. */
export interface Workload {
  readonly name: string;
  readonly hosts: readonly WorkloadHost[];
  /** In order of arrival. */
  readonly guests: readonly Guest[];
  /** Musts; they name guests and hosts by id and name. */
  readonly rules: readonly DrsRule[];
  readonly endS: number;
}

export function isPod({ config }: Pick<Guest, "config">): boolean {
  return config.guestId === POD_GUEST_ID;
}
