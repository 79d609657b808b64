import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { GuestKey } from "../gen/spheresim/hostd/v1/guest.js";
import { type HostVm, VmPhase, type Personality } from "../gen/spheresim/hostd/v1/host.js";
import type { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import type { ManagedEntityStatus } from "../gen/spheresim/vim/v1/managed_entity.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { GuestLink } from "./guest-link.js";
import type { HostCapacity } from "./host-capacity.js";
import type { HostDisk } from "./host-disk.js";
import { HostFault, invalidPowerState, invalidState } from "./host-fault.js";
import type { PowerOnDurations } from "./host-spec.js";
import type { HostVms } from "./host-vms.js";
import { PowerLife } from "./power-life.js";
import { inPhase, poweredOffState, resetState, type VirtualMachine } from "./virtual-machine.js";
import { putVm } from "./vm-disk.js";
import { CRX_POWER_ON, CRX_RESET, PERSONALITY, VM_POWER_ON, VM_RESET, type PhaseName, type PhaseRow } from "./vm-phase.js";

/** The kernel image of every CRX. */
const CRX_KERNEL = "photon-crx";
/** How long a power-on waits, in monotonic time, for a machine process to connect before it fails with Timedout. */
const MACHINE_PROCESS_LIMIT_MS = 15_000;
/** How long a guest may take, in emulated time, to say that init waits or that the agent answers. */
const GUEST_LIMIT_MS = 300_000;

/** How a power-on of a pod's VM went: what step 8 records. */
export interface PowerOnFact {
  readonly host: string;
  readonly config: VirtualMachineConfigSpec;
  readonly vmId: string;
  /** Emulated milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly fault: MethodFault | undefined;
}

/** What the power of a host's VMs works with. */
export interface PowerCycleOptions {
  readonly hostName: string;
  readonly vms: HostVms;
  readonly capacity: HostCapacity;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly durations: PowerOnDurations;
  readonly disk: HostDisk;
  readonly guests: GuestLink;
  readonly onPowerOn: (fact: PowerOnFact) => void;
}

/** What happens to a VM of a host between the power coming and the power going: its phases, and what its guest says. */
export class PowerCycle {
  readonly #options: PowerCycleOptions;

  constructor(options: PowerCycleOptions) {
    this.#options = options;
  }

  /** Step 8: the table of phases, one after the other. Admission is past and the number of the life on disk. */
  run(vm: VirtualMachine): Promise<void> {
    return this.#run(vm, vm.crx ? CRX_POWER_ON : VM_POWER_ON);
  }

  /** The guest is gone at once and boots again, as a life of its own with a new number on disk; what the VM reserves stays its own. */
  async reset(vm: VirtualMachine): Promise<void> {
    const { clock, disk } = this.#options;
    const { life } = vm;
    const again = (): HostVm => resetState(vm.state, vm.crx ? "KERNEL" : "VMM", clock.nowMs());
    let stored: HostVm;
    do {
      stored = again();
      await disk.commit([putVm(stored)]);
      // The guest may have died meanwhile, or have been booted again with that number.
      life?.signal.throwIfAborted();
    } while (vm.state.powerOnCount + 1 !== stored.powerOnCount);
    this.#cutLife(vm, invalidState(`The virtual machine ${vm.vmId} was reset.`));
    this.#publish(vm, again());
    await this.#run(vm, vm.crx ? CRX_RESET : VM_RESET);
  }

  /** Step 12: says to the guest who it is; resolves when its agent is ready. */
  async givePersonality(vm: VirtualMachine, personality: Personality): Promise<HostVm> {
    const { clock, disk, durations } = this.#options;
    const life = vm.life as PowerLife;
    if (vm.state.phase === VmPhase.INIT_WAITING) {
      const { powerOnCount } = vm.state;
      await disk.commit([putVm({ ...vm.state, personality })]);
      life.signal.throwIfAborted();
      if (vm.state.powerOnCount !== powerOnCount) throw invalidState("The guest was lost with its machine process and boots again.");
      this.#publish(vm, { ...inPhase(vm.state, "PERSONALITY", clock.nowMs()), personality });
    } else if (vm.state.phase !== VmPhase.PERSONALITY) {
      throw invalidState(`The virtual machine ${vm.vmId} does not wait for a personality yet.`);
    }
    const durationMs = PERSONALITY.durationMs(durations, vm.config.numCpus);
    if (durationMs > 0) await clock.sleep(durationMs, life.signal);
    this.#sayPersonality(vm);
    await life.until("agent ready", clock, GUEST_LIMIT_MS);
    return vm.state;
  }

  /** A guest of the present life says that its init waits. */
  initWaiting(vm: VirtualMachine): void {
    if (vm.state.phase !== VmPhase.KERNEL) return;
    this.#enter(vm, "INIT_WAITING");
    vm.life?.heard("init waiting");
  }

  /** A guest of the present life says where its agent answers. */
  agentReady(vm: VirtualMachine, agentAddress: string): void {
    if (vm.state.phase === VmPhase.PERSONALITY) {
      this.#publish(vm, { ...inPhase(vm.state, "AGENT_READY", this.#options.clock.nowMs()), agentAddress });
      vm.life?.heard("agent ready");
    } else if (vm.state.phase === VmPhase.AGENT_READY && vm.state.agentAddress !== agentAddress) {
      this.#publish(vm, { ...vm.state, agentAddress });
    }
  }

  /** A guest of the present life died: a VM without a guest has no reason to run. */
  async guestDied(vm: VirtualMachine, reason: string): Promise<void> {
    const fault = invalidState(`The guest died: ${reason}`);
    this.#options.log.warn({ host: this.#options.hostName, vm: vm.vmId, reason }, "a CRX guest died");
    await this.cutPower(vm, fault);
  }

  /** The heart of a guest of the present life began to beat again, or stopped. Nothing is done to a guest that hangs: it may come to itself. */
  heartbeat(vm: VirtualMachine, guestHeartbeatStatus: ManagedEntityStatus): void {
    this.#publish(vm, { ...vm.state, guestHeartbeatStatus });
  }

  /** Another machine process is here and has (`alive`) or has not the guest of this VM; makes it so that it has. */
  async guestFound(vm: VirtualMachine, alive: boolean): Promise<void> {
    const { clock, hostName, log } = this.#options;
    const { life } = vm;
    if (life === undefined || !life.booted) return;
    if (alive) {
      // Whatever was said to it when the stream broke may be lost.
      if (vm.state.phase === VmPhase.PERSONALITY) this.#sayPersonality(vm);
      return;
    }
    if (vm.state.phase === VmPhase.KERNEL) return this.#sayBoot(vm, life);
    // The guest is lost with its memory: the kernel is loaded again, as a new power-on with a new number.
    log.warn({ host: hostName, vm: vm.vmId }, "a CRX guest was lost with its machine process; booting it again");
    life.restart(invalidState("The guest was lost with its machine process and boots again."));
    const again = resetState(vm.state, "KERNEL", clock.nowMs());
    this.#publish(vm, again);
    await this.#commit(vm);
    if (vm.life === life && vm.state.powerOnCount === again.powerOnCount) this.#sayBoot(vm, life);
  }

  /** Takes the power away and says so on disk. */
  async cutPower(vm: VirtualMachine, fault: HostFault | undefined): Promise<void> {
    this.endLife(vm, fault ?? invalidPowerState("poweredOn", "poweredOff"));
    this.#publish(vm, poweredOffState(vm.state, this.#options.clock.nowMs(), fault?.fault));
    await this.#commit(vm);
  }

  /** Ends the present life, if there is one, and gives back what it reserved. */
  endLife(vm: VirtualMachine, fault: HostFault): void {
    if (vm.life === undefined) return;
    this.#options.capacity.release(vm.config);
    this.#cutLife(vm, fault);
  }

  #cutLife(vm: VirtualMachine, fault: HostFault): void {
    const { life } = vm;
    vm.life = undefined;
    if (life?.booted === true) this.#options.guests.say({ $case: "kill", value: { guest: guestKey(vm) } });
    life?.end(fault);
  }

  async #run(vm: VirtualMachine, phases: readonly PhaseRow[]): Promise<void> {
    const { clock, monotonic, durations, guests, hostName, onPowerOn } = this.#options;
    const life = new PowerLife();
    vm.life = life;
    const startMs = clock.nowMs();
    let failure: HostFault | undefined;
    try {
      for (const row of phases) {
        if (phaseOf(row) !== vm.state.phase) this.#enter(vm, row.phase);
        const durationMs = row.durationMs(durations, vm.config.numCpus);
        if (durationMs > 0) await clock.sleep(durationMs, life.signal);
        if (row.endedBy === "time") continue;
        await guests.arrival(life, monotonic, MACHINE_PROCESS_LIMIT_MS);
        this.#sayBoot(vm, life);
        await life.until("init waiting", clock, GUEST_LIMIT_MS);
      }
      if (!vm.crx) this.#enter(vm, "RUNNING");
    } catch (error) {
      failure = error instanceof HostFault ? error : invalidState(`The power-on failed: ${error instanceof Error ? error.message : String(error)}`);
      if (vm.life === life) await this.cutPower(vm, failure);
      throw failure;
    } finally {
      if (vm.crx) onPowerOn({ host: hostName, config: vm.config, vmId: vm.vmId, startMs, endMs: clock.nowMs(), fault: failure?.fault });
    }
  }

  #sayBoot(vm: VirtualMachine, life: PowerLife): void {
    life.booted = true;
    this.#options.guests.say({ $case: "boot", value: { guest: guestKey(vm), kernel: CRX_KERNEL, hostName: this.#options.hostName, config: vm.config } });
  }

  #sayPersonality(vm: VirtualMachine): void {
    this.#options.guests.say({ $case: "personality", value: { guest: guestKey(vm), personality: vm.state.personality } });
  }

  #enter(vm: VirtualMachine, phase: PhaseName): void {
    this.#publish(vm, inPhase(vm.state, phase, this.#options.clock.nowMs()));
  }

  #publish(vm: VirtualMachine, state: HostVm): void {
    this.#options.vms.publish(vm, UpdateKind.MODIFY, state);
  }

  #commit(vm: VirtualMachine): Promise<void> {
    return this.#options.disk.commit([putVm(vm.state)]);
  }
}

function phaseOf(row: PhaseRow): VmPhase {
  return VmPhase[row.phase];
}

function guestKey(vm: VirtualMachine): GuestKey {
  return { uuid: vm.config.uuid, powerOnCount: vm.state.powerOnCount };
}
