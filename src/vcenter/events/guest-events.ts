import type { HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import type { VmRecord } from "../store/records.js";
import { type EventLog, vmFacts } from "./event-log.js";

/** The alarm on the trigger "VM Heartbeat", the one alarm here. A real vCenter has it where somebody defined it. */
const HEARTBEAT_ALARM = "Virtual machine heartbeat";
/** As a real vCenter spells ManagedEntityStatus in sentences. */
const COLOURS: Readonly<Partial<Record<ManagedEntityStatus, string>>> = { [ManagedEntityStatus.GREEN]: "Green", [ManagedEntityStatus.YELLOW]: "Yellow", [ManagedEntityStatus.RED]: "Red" };
const COMPLAINTS: readonly ManagedEntityStatus[] = [ManagedEntityStatus.YELLOW, ManagedEntityStatus.RED];

/**
 * Events of what happens inside a VM, as its host tells it.
 *
 * | the guest | event |
 * |---|---|
 * | beats no longer, or again | AlarmStatusChangedEvent, to and from yellow and red alone: that a VM comes up or goes down has events of its own |
 * | died with a word | VmMessageErrorEvent with its last words, before the VmPoweredOffEvent |
 */
export class GuestEvents {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  heartbeatChanged(vm: VmRecord, from = ManagedEntityStatus.GRAY, to = ManagedEntityStatus.GRAY): void {
    if (from === to || !(COMPLAINTS.includes(from) || COMPLAINTS.includes(to))) return;
    const words = { alarm: HEARTBEAT_ALARM, from: COLOURS[from] ?? "Gray", to: COLOURS[to] ?? "Gray" };
    this.#log.post("AlarmStatusChangedEvent", { vm: vmFacts(vm), words });
  }

  died(vm: VmRecord, { lastFault }: HostVm): void {
    this.#log.post("VmMessageErrorEvent", { vm: vmFacts(vm), reason: lastFault });
  }
}
