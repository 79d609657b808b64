import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { toTimestamp } from "../base/timestamp.js";
import type { GuestKey } from "../gen/spheresim/hostd/v1/guest.js";
import { VmPhase, type HostInfo, type HostVm, type Personality, type VmKey } from "../gen/spheresim/hostd/v1/host.js";
import type { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { ChangeRing } from "./change-ring.js";
import type { GuestLink } from "./guest-link.js";
import { HostCapacity } from "./host-capacity.js";
import { HostFault, duplicateName, invalidArgument, invalidPowerState, invalidState, notFound, notSupported, ownerMismatch, resourceInUse, sameMessage } from "./host-fault.js";
import type { HostSpec, PowerOnDurations } from "./host-spec.js";
import { PowerLife } from "./power-life.js";
import { createdState, foundState, inPhase, poweredOffState, poweredOnState, VirtualMachine } from "./virtual-machine.js";
import { deleteVm, putNextVmId, putVm, type VmDisk } from "./vm-disk.js";
import { CRX_POWER_ON, VM_POWER_ON, type PhaseName } from "./vm-phase.js";
import { requireValidPersonality } from "./personality.js";
import { requireValidSpec } from "./vm-spec.js";

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

/** What all hosts of a process share. */
export interface EsxiSurroundings {
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly durations: PowerOnDurations;
  readonly disk: VmDisk;
  readonly changes: ChangeRing;
  readonly guests: GuestLink;
  /** All VMs of the process by BIOS uuid: guests are named by it. */
  readonly byUuid: Map<string, { readonly host: EsxiHost; readonly vm: VirtualMachine }>;
  readonly onPowerOn: (fact: PowerOnFact) => void;
}

/**
 * HostD of one ESXi host: its VMs and what can be done to them. Operations end when the state they ask for is reached and on disk.
 * A host lives as long as its process: the next process finds its disk, and every VM on it powered off; vCenter powers on again.
 */
export class EsxiHost {
  readonly spec: HostSpec;
  readonly bootId: string;
  readonly #around: EsxiSurroundings;
  readonly #bootMs: number;
  readonly #capacity: HostCapacity;
  /** By instance uuid. */
  readonly #vms = new Map<string, VirtualMachine>();
  readonly #byVmId = new Map<string, VirtualMachine>();
  #nextVmId = 1;

  constructor(spec: HostSpec, bootId: string, around: EsxiSurroundings) {
    this.spec = spec;
    this.bootId = bootId;
    this.#around = around;
    this.#bootMs = around.clock.nowMs();
    this.#capacity = new HostCapacity(spec);
  }

  /** Finds what is on the host's disk. */
  async boot(): Promise<void> {
    const { vms, nextVmId } = await this.#around.disk.load(this.spec.name);
    this.#nextVmId = nextVmId;
    for (const found of vms) {
      const vm = new VirtualMachine(foundState(found));
      this.#insert(vm);
      this.#publish(vm, UpdateKind.ENTER, vm.state);
    }
  }

  info(): HostInfo {
    const { name, cores, cpuMhz, memoryMb } = this.spec;
    return {
      name,
      numCpuCores: cores,
      cpuMhz,
      memoryMb,
      bootId: this.bootId,
      bootTime: toTimestamp(this.#bootMs),
      reservedCpuMhz: this.#capacity.reservedCpuMhz,
      reservedMemoryMb: this.#capacity.reservedMemoryMb,
      apiType: "HostAgent",
    };
  }

  /** All VMs that exist, in order of creation. */
  vms(): HostVm[] {
    return [...this.#vms.values()].filter((vm) => vm.state.revision > 0n).map((vm) => vm.state);
  }

  get(key: VmKey | undefined): HostVm {
    return this.#find(key).state;
  }

  async createVm(spec: VirtualMachineConfigSpec | undefined, powerOn: boolean): Promise<HostVm> {
    const config = requireValidSpec(spec);
    const existing = this.#vms.get(config.instanceUuid);
    if (existing !== undefined) return this.#createAgain(existing, config, powerOn);
    if (this.#around.byUuid.has(config.uuid)) throw resourceInUse("VirtualMachine.config.uuid", config.uuid);
    const vm = new VirtualMachine(createdState(this.spec.name, String(this.#nextVmId), config));
    if (powerOn) this.#capacity.admit(config);
    this.#nextVmId += 1;
    this.#insert(vm);
    return vm.run("ResourcePool.createVm", async () => {
      // The VM and its power-on share one commit: a pod costs two with its personality.
      const state = powerOn ? poweredOnState(vm.state) : vm.state;
      try {
        await this.#around.disk.committer.commit([putVm(state), putNextVmId(this.spec.name, this.#nextVmId)]);
      } catch (error) {
        this.#remove(vm);
        if (powerOn) this.#capacity.release(config);
        throw error;
      }
      this.#publish(vm, UpdateKind.ENTER, state);
      if (powerOn) await this.#runPhases(vm);
      return vm.state;
    });
  }

  async powerOnVm(key: VmKey | undefined): Promise<HostVm> {
    const vm = this.#find(key);
    vm.requireIdle();
    if (vm.poweredOn) throw invalidPowerState("poweredOn", "poweredOn");
    return this.#powerOn(vm);
  }

  async powerOffVm(key: VmKey | undefined): Promise<HostVm> {
    const vm = this.#find(key);
    vm.requireIdle();
    if (!vm.poweredOn) throw invalidPowerState("poweredOff", "poweredOff");
    return vm.run("VirtualMachine.powerOff", async () => {
      await this.#cutPower(vm, undefined);
      return vm.state;
    });
  }

  async destroyVm(key: VmKey | undefined, powerOff: boolean): Promise<void> {
    const vm = this.#find(key);
    vm.requireIdle();
    if (vm.poweredOn && !powerOff) throw invalidPowerState("poweredOff", "poweredOn");
    await vm.run("VirtualMachine.destroy", async () => {
      this.#endLife(vm, invalidState("The virtual machine was destroyed."));
      await this.#around.disk.committer.commit([deleteVm(vm.state)]);
      this.#remove(vm);
      const { instanceUuid, uuid, ownerUid, name } = vm.config;
      this.#publish(vm, UpdateKind.LEAVE, createdState(this.spec.name, vm.vmId, VirtualMachineConfigSpec.create({ instanceUuid, uuid, ownerUid, name })));
    });
  }

  /** Step 12. Answers when the agent is ready. */
  async configurePersonality(key: VmKey | undefined, wanted: Personality | undefined): Promise<HostVm> {
    const vm = this.#find(key);
    const personality = requireValidPersonality(wanted);
    if (!vm.crx) throw notSupported("only a CRX instance takes a personality");
    if (personality.podUid !== vm.config.ownerUid) throw ownerMismatch(vm.vmId, personality.podUid, vm.config.ownerUid);
    if (!vm.poweredOn) throw invalidPowerState("poweredOn", "poweredOff");
    const given = vm.state.personality ?? vm.personalityOnTheWay;
    if (given !== undefined) {
      if (!sameMessage(given, personality)) throw invalidState(`The virtual machine ${vm.vmId} has another personality already.`);
      if (vm.state.phase === VmPhase.AGENT_READY) return vm.state;
      if (vm.operation?.name === "VirtualMachine.reconfigure") return vm.operation.done.then(() => vm.state);
    }
    vm.requireIdle();
    vm.personalityOnTheWay = personality;
    try {
      return await vm.run("VirtualMachine.reconfigure", () => this.#givePersonality(vm, personality));
    } finally {
      vm.personalityOnTheWay = undefined;
    }
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
      this.#publish(vm, UpdateKind.MODIFY, { ...inPhase(vm.state, "AGENT_READY", this.#around.clock.nowMs()), agentAddress });
      vm.life?.heard("agent ready");
    } else if (vm.state.phase === VmPhase.AGENT_READY && vm.state.agentAddress !== agentAddress) {
      this.#publish(vm, UpdateKind.MODIFY, { ...vm.state, agentAddress });
    }
  }

  /** A guest of the present life died: a VM without a guest has no reason to run. */
  async guestDied(vm: VirtualMachine, reason: string): Promise<void> {
    const fault = invalidState(`The guest died: ${reason}`);
    this.#around.log.warn({ host: this.spec.name, vm: vm.vmId, reason }, "a CRX guest died");
    await this.#cutPower(vm, fault);
  }

  /** Another machine process is here and has (`alive`) or has not the guest of this VM; makes it so that it has. */
  async guestFound(vm: VirtualMachine, alive: boolean): Promise<void> {
    const { life } = vm;
    if (life === undefined || !life.booted) return;
    if (alive) {
      // Whatever was said to it when the stream broke may be lost.
      if (vm.state.phase === VmPhase.PERSONALITY) this.#sayPersonality(vm);
      return;
    }
    if (vm.state.phase === VmPhase.KERNEL) return this.#sayBoot(vm, life);
    // The guest is lost with its memory: the kernel is loaded again, as a new power-on with a new number.
    this.#around.log.warn({ host: this.spec.name, vm: vm.vmId }, "a CRX guest was lost with its machine process; booting it again");
    const { personality: _, ...rest } = vm.state;
    const again = { ...inPhase({ ...rest, personality: undefined }, "KERNEL", this.#around.clock.nowMs()), powerOnCount: vm.state.powerOnCount + 1, agentAddress: "" };
    life.restart(invalidState("The guest was lost with its machine process and boots again."));
    this.#publish(vm, UpdateKind.MODIFY, again);
    await this.#around.disk.committer.commit([putVm(vm.state)]);
    if (vm.life === life && vm.state.powerOnCount === again.powerOnCount) this.#sayBoot(vm, life);
  }

  /** The process ends: operations under way end with `why`. */
  shutDown(why: HostFault): void {
    for (const vm of this.#vms.values()) this.#endLife(vm, why);
  }

  async #createAgain(vm: VirtualMachine, config: VirtualMachineConfigSpec, powerOn: boolean): Promise<HostVm> {
    if (!sameMessage(vm.config, config)) throw duplicateName(config.name, vm.vmId);
    // A caller that lost its connection asks again while the first call goes on: both get the same answer.
    const under = vm.operation;
    if (under?.name === "ResourcePool.createVm" || under?.name === "VirtualMachine.powerOn") await under.done;
    else if (under?.name === "VirtualMachine.destroy") vm.requireIdle();
    if (powerOn && !vm.poweredOn) {
      vm.requireIdle();
      return this.#powerOn(vm);
    }
    return vm.state;
  }

  #powerOn(vm: VirtualMachine): Promise<HostVm> {
    this.#capacity.admit(vm.config);
    return vm.run("VirtualMachine.powerOn", async () => {
      const state = poweredOnState(vm.state);
      try {
        await this.#around.disk.committer.commit([putVm(state)]);
      } catch (error) {
        this.#capacity.release(vm.config);
        throw error;
      }
      this.#publish(vm, UpdateKind.MODIFY, state);
      await this.#runPhases(vm);
      return vm.state;
    });
  }

  /** The table of phases, one after the other. Admission is past and the number of the life on disk. */
  async #runPhases(vm: VirtualMachine): Promise<void> {
    const { clock, monotonic, durations, guests } = this.#around;
    const life = new PowerLife();
    vm.life = life;
    const startMs = clock.nowMs();
    let failure: HostFault | undefined;
    try {
      for (const row of vm.crx ? CRX_POWER_ON : VM_POWER_ON) {
        this.#enter(vm, row.phase);
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
      if (vm.life === life) await this.#cutPower(vm, failure);
      throw failure;
    } finally {
      if (vm.crx) this.#around.onPowerOn({ host: this.spec.name, config: vm.config, vmId: vm.vmId, startMs, endMs: clock.nowMs(), fault: failure?.fault });
    }
  }

  async #givePersonality(vm: VirtualMachine, personality: Personality): Promise<HostVm> {
    const life = vm.life as PowerLife;
    if (vm.state.phase === VmPhase.INIT_WAITING) {
      const { powerOnCount } = vm.state;
      await this.#around.disk.committer.commit([putVm({ ...vm.state, personality })]);
      life.signal.throwIfAborted();
      if (vm.state.powerOnCount !== powerOnCount) throw invalidState("The guest was lost with its machine process and boots again.");
      this.#publish(vm, UpdateKind.MODIFY, { ...inPhase(vm.state, "PERSONALITY", this.#around.clock.nowMs()), personality });
    } else if (vm.state.phase !== VmPhase.PERSONALITY) {
      throw invalidState(`The virtual machine ${vm.vmId} does not wait for a personality yet.`);
    }
    const { personalityMs } = this.#around.durations;
    if (personalityMs > 0) await this.#around.clock.sleep(personalityMs, life.signal);
    this.#sayPersonality(vm);
    await life.until("agent ready", this.#around.clock, GUEST_LIMIT_MS);
    return vm.state;
  }

  /** Takes the power away and says so on disk. */
  async #cutPower(vm: VirtualMachine, fault: HostFault | undefined): Promise<void> {
    this.#endLife(vm, fault ?? invalidPowerState("poweredOn", "poweredOff"));
    this.#publish(vm, UpdateKind.MODIFY, poweredOffState(vm.state, this.#around.clock.nowMs(), fault?.fault));
    await this.#around.disk.committer.commit([putVm(vm.state)]);
  }

  #endLife(vm: VirtualMachine, fault: HostFault): void {
    const { life } = vm;
    if (life === undefined) return;
    vm.life = undefined;
    this.#capacity.release(vm.config);
    if (life.booted) this.#around.guests.say({ $case: "kill", value: { guest: guestKey(vm) } });
    life.end(fault);
  }

  #sayBoot(vm: VirtualMachine, life: PowerLife): void {
    life.booted = true;
    this.#around.guests.say({ $case: "boot", value: { guest: guestKey(vm), kernel: CRX_KERNEL, hostName: this.spec.name, config: vm.config } });
  }

  #sayPersonality(vm: VirtualMachine): void {
    this.#around.guests.say({ $case: "personality", value: { guest: guestKey(vm), personality: vm.state.personality } });
  }

  #enter(vm: VirtualMachine, phase: PhaseName): void {
    this.#publish(vm, UpdateKind.MODIFY, inPhase(vm.state, phase, this.#around.clock.nowMs()));
  }

  #publish(vm: VirtualMachine, kind: UpdateKind.ENTER | UpdateKind.MODIFY | UpdateKind.LEAVE, state: HostVm): void {
    vm.state = this.#around.changes.add(kind, state);
  }

  #insert(vm: VirtualMachine): void {
    this.#vms.set(vm.config.instanceUuid, vm);
    this.#byVmId.set(vm.vmId, vm);
    this.#around.byUuid.set(vm.config.uuid, { host: this, vm });
  }

  #remove(vm: VirtualMachine): void {
    this.#vms.delete(vm.config.instanceUuid);
    this.#byVmId.delete(vm.vmId);
    this.#around.byUuid.delete(vm.config.uuid);
  }

  #find(key: VmKey | undefined): VirtualMachine {
    const named = key?.key;
    if (named === undefined) throw invalidArgument("vm.key", "names no virtual machine");
    const vm = this.#lookUp(named);
    if (vm === undefined || vm.state.revision === 0n) throw notFound("VirtualMachine", named.value);
    return vm;
  }

  #lookUp(key: NonNullable<VmKey["key"]>): VirtualMachine | undefined {
    if (key.$case === "instanceUuid") return this.#vms.get(key.value);
    if (key.$case === "vmId") return this.#byVmId.get(key.value);
    const found = this.#around.byUuid.get(key.value);
    return found?.host === this ? found.vm : undefined;
  }
}

function guestKey(vm: VirtualMachine): GuestKey {
  return { uuid: vm.config.uuid, powerOnCount: vm.state.powerOnCount };
}
