import { IllegalMove, type Transitions } from "../base/state-machine.js";
import { VmPhase } from "../gen/spheresim/hostd/v1/host.js";
import type { PowerOnDurations } from "./host-spec.js";

/** A phase by its name in the contract. */
export type PhaseName = "OFF" | "VMX" | "VMM" | "KERNEL" | "INIT_WAITING" | "PERSONALITY" | "AGENT_READY" | "RUNNING";

/**
 * Which phase may follow which. A CRX instance runs through the row's first entries from VMX to AGENT_READY, an ordinary VM ends with
 * RUNNING; the power can go at any time; a guest that was reset, or lost with its machine process, is booted again (back to KERNEL, an
 * ordinary VM to VMM); an ordinary VM received from another host runs at once.
 */
export const PHASE_MOVES: Transitions<PhaseName> = {
  OFF: ["VMX", "RUNNING"],
  VMX: ["VMM", "OFF"],
  VMM: ["KERNEL", "RUNNING", "OFF"],
  KERNEL: ["INIT_WAITING", "KERNEL", "OFF"],
  INIT_WAITING: ["PERSONALITY", "KERNEL", "OFF"],
  PERSONALITY: ["AGENT_READY", "KERNEL", "OFF"],
  AGENT_READY: ["KERNEL", "OFF"],
  RUNNING: ["VMM", "OFF"],
};

/** One phase of a power-on: how long it takes and what ends it. */
export interface PhaseRow {
  readonly phase: PhaseName;
  /** What the hardware takes, emulated milliseconds. */
  readonly durationMs: (durations: PowerOnDurations, numCpus: number) => number;
  /** What ends the phase: its time alone, or after it a word of the guest. */
  readonly endedBy: "time" | "guest";
}

const VMX: PhaseRow = { phase: "VMX", durationMs: ({ vmxMs }) => vmxMs, endedBy: "time" };
const VMM: PhaseRow = { phase: "VMM", durationMs: ({ vmmMs }, numCpus) => vmmMs * numCpus, endedBy: "time" };
const KERNEL: PhaseRow = { phase: "KERNEL", durationMs: ({ kernelMs }) => kernelMs, endedBy: "guest" };

/** Step 12 for a vSphere Pod. */
export const PERSONALITY: PhaseRow = { phase: "PERSONALITY", durationMs: ({ personalityMs }) => personalityMs, endedBy: "guest" };
/**
 * Step 8 for a vSphere Pod.
 *
 * What a CRX instance passes from power-on to agent, with what each phase takes. Where the guest's word ends a phase, its own boot (`initMs`,
 * `agentMs`) comes on top; INIT_WAITING lasts until somebody gives the personality, AGENT_READY until the power goes.
 *
 * | phase | takes | ends with |
 * |---|---|---|
 * | VMX | vmxMs | time |
 * | VMM | vmmMs for each vCPU | time |
 * | KERNEL | kernelMs, then the guest's initMs | init's word that it waits |
 * | INIT_WAITING | | ConfigurePersonality (step 12) |
 * | PERSONALITY | personalityMs, then the guest's agentMs | the agent's word that it answers |
 * | AGENT_READY | | power-off |
 *
 * Worked example, supervisor-1.21 with two vCPUs: VMX 2.5 s, VMM 1 s, KERNEL 3 s, PERSONALITY 6.5 s.
 */
export const CRX_POWER_ON: readonly PhaseRow[] = [VMX, VMM, KERNEL];
/** An ordinary VM: no kernel is put into its memory, and what boots inside is not emulated. */
export const VM_POWER_ON: readonly PhaseRow[] = [VMX, VMM];
/** A reset keeps the VMX process. */
export const CRX_RESET: readonly PhaseRow[] = [KERNEL];
export const VM_RESET: readonly PhaseRow[] = [VMM];

const NAMES = new Map<VmPhase, PhaseName>((Object.keys(PHASE_MOVES) as PhaseName[]).map((name) => [VmPhase[name], name]));

export function phaseName(phase: VmPhase): PhaseName {
  return NAMES.get(phase) ?? "OFF";
}

/** The phase moved to; throws IllegalMove where the table has no such move. */
export function movePhase(what: string, from: VmPhase, to: PhaseName): VmPhase {
  const left = phaseName(from);
  if (!PHASE_MOVES[left].includes(to)) throw new IllegalMove(what, left, to, PHASE_MOVES[left]);
  return VmPhase[to];
}
