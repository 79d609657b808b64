import { toTimestamp } from "../base/timestamp.js";
import { HostVm, VmPhase, type Personality } from "../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../gen/spheresim/vim/v1/managed_entity.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { taskInProgress } from "./host-fault.js";
import type { PowerLife } from "./power-life.js";
import { movePhase, type PhaseName } from "./vm-phase.js";
import { isCrx } from "./vm-spec.js";

/** What a VM is doing when it is doing something; vim25 names. */
export type OperationName =
  | "ResourcePool.createVm"
  | "VirtualMachine.powerOn"
  | "VirtualMachine.powerOff"
  | "VirtualMachine.reset"
  | "VirtualMachine.destroy"
  | "VirtualMachine.reconfigure"
  /** Received from another host. */
  | "VirtualMachine.migrate"
  /** Released to another host. */
  | "VirtualMachine.unregister";

interface Operation {
  readonly name: OperationName;
  /** HostD's spelling: `haTask-12-vim.VirtualMachine.powerOn-345`. */
  readonly task: string;
  readonly done: Promise<unknown>;
}

/** A VM of a host. What others see of it is `state`, replaced as a whole with every change. */
export class VirtualMachine {
  state: HostVm;
  /** Its present life; absent while powered off. */
  life: PowerLife | undefined;
  /** A personality that is being written to disk. */
  personalityOnTheWay: Personality | undefined;
  #operation: Operation | undefined;
  #tasks = 0;

  constructor(state: HostVm) {
    this.state = state;
  }

  get config(): VirtualMachineConfigSpec {
    return this.state.config as VirtualMachineConfigSpec;
  }

  get vmId(): string {
    return this.state.vmId;
  }

  get crx(): boolean {
    return isCrx(this.config);
  }

  get poweredOn(): boolean {
    return this.state.powerState === VirtualMachinePowerState.POWERED_ON;
  }

  /** The operation under way. */
  get operation(): Operation | undefined {
    return this.#operation;
  }

  /** Resolves when the VM has come from another host, or has not; undefined when it is not about to. */
  get arrival(): Promise<unknown> | undefined {
    return this.#operation?.name === "VirtualMachine.migrate" ? this.#operation.done.catch(() => undefined) : undefined;
  }

  /** Throws TaskInProgress while another operation holds the VM. */
  requireIdle(): void {
    if (this.#operation !== undefined) throw taskInProgress(this.#operation.task);
  }

  /** Runs an operation that nothing else on this VM may overlap. */
  async run<T>(name: OperationName, work: () => Promise<T>): Promise<T> {
    this.requireIdle();
    this.#tasks += 1;
    const done = work();
    const operation: Operation = { name, task: `haTask-${this.vmId}-vim.${name}-${this.#tasks}`, done };
    this.#operation = operation;
    try {
      return await done;
    } finally {
      this.#operation = undefined;
    }
  }
}

/** A VM as it is right after its creation. */
export function createdState(hostName: string, vmId: string, config: VirtualMachineConfigSpec): HostVm {
  return HostVm.create({ vmId, config, hostName, powerState: VirtualMachinePowerState.POWERED_OFF, phase: VmPhase.OFF, guestHeartbeatStatus: ManagedEntityStatus.GRAY });
}

/** The state after a power-on has begun: life number one higher, nothing left of the life before. */
export function poweredOnState(state: HostVm): HostVm {
  return { ...state, ...newLife(state), lastFault: undefined, powerState: VirtualMachinePowerState.POWERED_ON };
}

/** The state after the guest began to boot again without the power going: life number one higher, nothing left of the life before. */
export function resetState(state: HostVm, phase: "VMM" | "KERNEL", nowMs: number): HostVm {
  return inPhase({ ...state, ...newLife(state) }, phase, nowMs);
}

/** What a life of the VM begins with. Whatever stays as it was is shared by all states of a VM. */
function newLife({ powerOnCount }: HostVm): Pick<HostVm, "phaseTimes" | "personality" | "agentAddress" | "powerOnCount"> {
  return { phaseTimes: [], personality: undefined, agentAddress: "", powerOnCount: powerOnCount + 1 };
}

/** The state of a VM that another host ran: it goes on running, in the life it had, without a boot. */
export function receivedState(state: HostVm, powerOnCount: number, poweredOn: boolean, nowMs: number): HostVm {
  const there = { ...state, powerOnCount };
  return poweredOn ? { ...inPhase(there, "RUNNING", nowMs), powerState: VirtualMachinePowerState.POWERED_ON } : there;
}

/** The state after the power went: what was in memory, the personality included, is lost; `lastFault` says why if it was no wish. */
export function poweredOffState(state: HostVm, nowMs: number, lastFault: HostVm["lastFault"]): HostVm {
  const off = inPhase(state, "OFF", nowMs);
  return { ...off, personality: undefined, powerState: VirtualMachinePowerState.POWERED_OFF, agentAddress: "", lastFault: lastFault ?? state.lastFault };
}

/** What is found on disk when the host boots: every VM is off, whatever it was when the host went down. */
export function foundState(state: HostVm): HostVm {
  return { ...state, personality: undefined, powerState: VirtualMachinePowerState.POWERED_OFF, phase: VmPhase.OFF, phaseTimes: [], agentAddress: "", guestHeartbeatStatus: ManagedEntityStatus.GRAY };
}

/** What is told of a VM that is gone: its ids, name, owner and host alone. */
export function forgottenState({ hostName, vmId, config }: HostVm): HostVm {
  const { instanceUuid = "", uuid = "", ownerUid = "", name = "" } = config ?? {};
  return createdState(hostName, vmId, VirtualMachineConfigSpec.create({ instanceUuid, uuid, ownerUid, name }));
}

/** The state in the next phase: the present one ends now, the next begins. OFF is no phase that takes time. */
export function inPhase(state: HostVm, phase: PhaseName, nowMs: number): HostVm {
  const next = movePhase(`virtual machine ${state.vmId}`, state.phase, phase);
  const now = toTimestamp(nowMs);
  const phaseTimes = state.phaseTimes.map((each) => (each.endTime === undefined ? { ...each, endTime: now } : each));
  if (phase !== "OFF") phaseTimes.push({ phase: next, startTime: now, endTime: undefined });
  return { ...state, phase: next, phaseTimes, guestHeartbeatStatus: heartbeatIn(phase, state.guestHeartbeatStatus) };
}

/** The guest has a heart from the moment on at which CRX init runs: its word that it waits is the first beat. */
function heartbeatIn(phase: PhaseName, before: ManagedEntityStatus): ManagedEntityStatus {
  if (phase === "INIT_WAITING") return ManagedEntityStatus.GREEN;
  return phase === "PERSONALITY" || phase === "AGENT_READY" ? before : ManagedEntityStatus.GRAY;
}
