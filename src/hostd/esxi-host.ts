import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { toTimestamp } from "../base/timestamp.js";
import { VmPhase, type HostInfo, type HostVm, type Personality, type VmKey } from "../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { ChangeRing } from "./change-ring.js";
import type { GuestLink } from "./guest-link.js";
import { HostCapacity } from "./host-capacity.js";
import { HostDisk } from "./host-disk.js";
import { type HostFault, duplicateName, invalidArgument, invalidPowerState, invalidState, notSupported, ownerMismatch, resourceInUse, sameMessage } from "./host-fault.js";
import type { HostSpec, PowerOnDurations } from "./host-spec.js";
import { HostVms } from "./host-vms.js";
import { PowerCycle, type PowerOnFact } from "./power-cycle.js";
import { PowerLife } from "./power-life.js";
import { createdState, forgottenState, foundState, poweredOnState, receivedState, VirtualMachine } from "./virtual-machine.js";
import { deleteVm, putVm, type VmDisk } from "./vm-disk.js";
import { requireValidPersonality } from "./personality.js";
import { isCrx, requireValidSpec } from "./vm-spec.js";

/** What all hosts of a process share. */
export interface EsxiSurroundings {
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly durations: PowerOnDurations;
  readonly disk: VmDisk;
  readonly changes: ChangeRing;
  readonly guests: GuestLink;
  /** All CRX instances of the process by BIOS uuid: guests are named by it. Ordinary VMs have none, so one may be on two hosts while it moves. */
  readonly byUuid: Map<string, { readonly host: EsxiHost; readonly vm: VirtualMachine }>;
  readonly onPowerOn: (fact: PowerOnFact) => void;
}

/** What another host gives up. */
export interface Received {
  readonly config: VirtualMachineConfigSpec | undefined;
  readonly poweredOn: boolean;
  readonly powerOnCount: number;
}

/**
 * HostD of one ESXi host between two boots: its VMs and what can be done to them. Operations end when the state they ask for is reached and on
 * disk. The next boot, of this process or of another, finds the disk, and every VM on it powered off; vCenter powers on again.
 */
export class EsxiHost {
  readonly spec: HostSpec;
  readonly bootId: string;
  readonly power: PowerCycle;
  readonly #around: EsxiSurroundings;
  readonly #bootMs: number;
  readonly #capacity: HostCapacity;
  readonly #vms: HostVms;
  readonly #disk: HostDisk;
  readonly #powerGone = new AbortController();

  /** `isHeard`: whether anybody outside hears of its VMs. */
  constructor(spec: HostSpec, bootId: string, around: EsxiSurroundings, isHeard: () => boolean) {
    this.spec = spec;
    this.bootId = bootId;
    this.#around = around;
    this.#bootMs = around.clock.nowMs();
    this.#capacity = new HostCapacity(spec);
    const power = this.#powerGone.signal;
    this.#vms = new HostVms(spec.name, around.changes, { power, isHeard });
    this.#disk = new HostDisk(around.disk, spec.name, power);
    this.power = new PowerCycle({ ...around, disk: this.#disk, hostName: spec.name, vms: this.#vms, capacity: this.#capacity });
  }

  /** Finds what is on the host's disk. */
  async boot(): Promise<void> {
    const { vms, nextVmId } = await this.#disk.load();
    this.#vms.continueIds(nextVmId);
    for (const found of vms) {
      const vm = new VirtualMachine(foundState(found));
      this.#insert(vm);
      this.#vms.publish(vm, UpdateKind.ENTER, vm.state);
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
    return this.#vms.visible();
  }

  get(key: VmKey | undefined): HostVm {
    return this.#vms.find(key).state;
  }

  async createVm(spec: VirtualMachineConfigSpec | undefined, powerOn: boolean): Promise<HostVm> {
    const config = requireValidSpec(spec);
    const existing = this.#vms.byInstanceUuid(config.instanceUuid);
    if (existing !== undefined) return this.#createAgain(existing, config, powerOn);
    this.#requireFreeUuid(config);
    const vm = new VirtualMachine(createdState(this.spec.name, this.#vms.takeId(), config));
    if (powerOn) this.#capacity.admit(config);
    this.#insert(vm);
    return vm.run("ResourcePool.createVm", async () => {
      // The VM and its power-on share one commit: a pod costs two with its personality.
      const state = powerOn ? poweredOnState(vm.state) : vm.state;
      await this.#storeNew(vm, state, powerOn);
      this.#vms.publish(vm, UpdateKind.ENTER, state);
      if (powerOn) await this.power.run(vm);
      return vm.state;
    });
  }

  async powerOnVm(key: VmKey | undefined): Promise<HostVm> {
    const vm = this.#vms.find(key);
    vm.requireIdle();
    if (vm.poweredOn) throw invalidPowerState("poweredOn", "poweredOn");
    return this.#powerOn(vm);
  }

  async powerOffVm(key: VmKey | undefined): Promise<HostVm> {
    const vm = this.#vms.find(key);
    vm.requireIdle();
    if (!vm.poweredOn) throw invalidPowerState("poweredOff", "poweredOff");
    return vm.run("VirtualMachine.powerOff", async () => {
      await this.power.cutPower(vm, undefined);
      return vm.state;
    });
  }

  /** The guest boots again; the VM keeps its place. */
  async resetVm(key: VmKey | undefined): Promise<HostVm> {
    const vm = this.#vms.find(key);
    vm.requireIdle();
    if (!vm.poweredOn) throw invalidPowerState("poweredOn", "poweredOff");
    return vm.run("VirtualMachine.reset", async () => {
      await this.power.reset(vm);
      return vm.state;
    });
  }

  /** Makes an ordinary VM of another specification; the one it has already changes nothing. */
  async reconfigureVm(key: VmKey | undefined, spec: VirtualMachineConfigSpec | undefined): Promise<HostVm> {
    const vm = this.#vms.find(key);
    const config = requireValidSpec(spec);
    if (vm.crx || isCrx(config)) throw notSupported("a CRX instance cannot be reconfigured");
    const { instanceUuid, uuid, ownerUid } = vm.config;
    if (config.instanceUuid !== instanceUuid) throw invalidArgument("config.instance_uuid", `must be ${instanceUuid}`);
    if (config.uuid !== uuid) throw invalidArgument("config.uuid", `must be ${uuid}`);
    if (config.ownerUid !== ownerUid) throw invalidArgument("config.owner_uid", `must be "${ownerUid}"`);
    vm.requireIdle();
    if (sameMessage(vm.config, config)) return vm.state;
    if (vm.poweredOn && (config.numCpus !== vm.config.numCpus || config.memoryMb !== vm.config.memoryMb)) throw invalidPowerState("poweredOff", "poweredOn");
    return vm.run("VirtualMachine.reconfigure", () => this.#reconfigure(vm, config));
  }

  /** Takes an ordinary VM over from another host; where it is here already, as it should be, nothing changes. */
  async receiveVm({ config: spec, poweredOn, powerOnCount }: Received): Promise<HostVm> {
    const config = requireValidSpec(spec);
    if (isCrx(config)) throw notSupported("a CRX instance never moves");
    if (powerOnCount < 0) throw invalidArgument("power_on_count", `must not be negative, is ${powerOnCount}`);
    const existing = this.#vms.byInstanceUuid(config.instanceUuid);
    if (existing !== undefined && !sameMessage(existing.config, config)) throw duplicateName(config.name, existing.vmId);
    // A caller that lost its connection asks again while the first call goes on: both get the same answer.
    if (existing?.operation?.name === "VirtualMachine.migrate") await existing.operation.done;
    existing?.requireIdle();
    // A host that rebooted since has lost the guest, which the other host still has.
    if (existing !== undefined && existing.poweredOn === poweredOn) return existing.state;
    if (existing?.poweredOn === true) throw invalidPowerState("poweredOff", "poweredOn");
    if (existing === undefined) this.#requireFreeUuid(config);
    if (poweredOn) this.#capacity.admit(config);
    const vm = existing ?? new VirtualMachine(createdState(this.spec.name, this.#vms.takeId(), config));
    if (existing === undefined) this.#insert(vm);
    return vm.run("VirtualMachine.migrate", async () => {
      const state = receivedState(vm.state, powerOnCount, poweredOn, this.#around.clock.nowMs());
      if (existing === undefined) await this.#storeNew(vm, state, poweredOn);
      else await this.#store(state, poweredOn);
      this.#vms.publish(vm, existing === undefined ? UpdateKind.ENTER : UpdateKind.MODIFY, state);
      if (poweredOn) vm.life = new PowerLife();
      return vm.state;
    });
  }

  /** Gives an ordinary VM up that another host has taken over. */
  async releaseVm(key: VmKey | undefined): Promise<void> {
    // Who gave up a ReceiveVm that is still being stored means that VM.
    if (key?.key?.$case === "instanceUuid") await this.#vms.byInstanceUuid(key.key.value)?.arrival;
    const vm = this.#vms.find(key);
    if (vm.crx) throw notSupported("a CRX instance never moves");
    vm.requireIdle();
    await vm.run("VirtualMachine.unregister", () => this.#leave(vm, invalidState("The virtual machine went to another host.")));
  }

  async destroyVm(key: VmKey | undefined, powerOff: boolean): Promise<void> {
    const vm = this.#vms.find(key);
    vm.requireIdle();
    if (vm.poweredOn && !powerOff) throw invalidPowerState("poweredOff", "poweredOn");
    await vm.run("VirtualMachine.destroy", () => this.#leave(vm, invalidState("The virtual machine was destroyed.")));
  }

  /** Step 12. Answers when the agent is ready. */
  async configurePersonality(key: VmKey | undefined, wanted: Personality | undefined): Promise<HostVm> {
    const vm = this.#vms.find(key);
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
      return await vm.run("VirtualMachine.reconfigure", () => this.power.givePersonality(vm, personality));
    } finally {
      vm.personalityOnTheWay = undefined;
    }
  }

  /** The host is in reach again: every VM is told of anew. */
  tellAgain(): void {
    this.#vms.tellAgain();
  }

  /** The plug is pulled: guests are gone, operations under way end with `why`, and nothing of this boot is written or told any more. */
  losePower(why: HostFault): void {
    this.#powerGone.abort(why);
    this.shutDown(why);
    for (const vm of this.#vms.all()) this.#freeUuid(vm);
  }

  /** The process ends: operations under way end with `why`. */
  shutDown(why: HostFault): void {
    for (const vm of this.#vms.all()) this.power.endLife(vm, why);
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
    this.#requireOwnUuid(vm);
    this.#capacity.admit(vm.config);
    return vm.run("VirtualMachine.powerOn", async () => {
      const state = poweredOnState(vm.state);
      await this.#store(state, true);
      this.#vms.publish(vm, UpdateKind.MODIFY, state);
      await this.power.run(vm);
      return vm.state;
    });
  }

  /** What a running VM reserves more is admitted before it is stored. */
  async #reconfigure(vm: VirtualMachine, config: VirtualMachineConfigSpec): Promise<HostVm> {
    const before = vm.config;
    const { life } = vm;
    if (life !== undefined) this.#capacity.exchange(before, config);
    try {
      await this.#disk.commit([putVm({ ...vm.state, config })]);
    } catch (error) {
      if (life !== undefined) this.#capacity.exchange(config, before);
      throw error;
    }
    this.#vms.publish(vm, UpdateKind.MODIFY, { ...vm.state, config });
    return vm.state;
  }

  async #leave(vm: VirtualMachine, why: HostFault): Promise<void> {
    this.power.endLife(vm, why);
    await this.#disk.commit([deleteVm(vm.state)]);
    this.#remove(vm);
    this.#vms.publish(vm, UpdateKind.LEAVE, forgottenState(vm.state));
  }

  /** Stores a VM that is new here, or forgets it. */
  async #storeNew(vm: VirtualMachine, state: HostVm, admitted: boolean): Promise<void> {
    try {
      await this.#disk.commit([putVm(state), this.#vms.storedIds()]);
    } catch (error) {
      this.#remove(vm);
      if (admitted) this.#capacity.release(vm.config);
      throw error;
    }
  }

  /** Stores the state of a VM that was admitted for it, or gives back what was. */
  async #store(state: HostVm, admitted: boolean): Promise<void> {
    try {
      await this.#disk.commit([putVm(state)]);
    } catch (error) {
      if (admitted && state.config !== undefined) this.#capacity.release(state.config);
      throw error;
    }
  }

  #requireFreeUuid(config: VirtualMachineConfigSpec): void {
    this.#vms.requireFreeUuid(config);
    if (this.#around.byUuid.has(config.uuid)) throw resourceInUse("VirtualMachine.config.uuid", config.uuid);
  }

  /** While this host had no power another one may have got an instance of the same uuid. */
  #requireOwnUuid(vm: VirtualMachine): void {
    if (!vm.crx) return;
    const { uuid } = vm.config;
    const { byUuid } = this.#around;
    if ((byUuid.get(uuid)?.vm ?? vm) !== vm) throw resourceInUse("VirtualMachine.config.uuid", uuid);
    byUuid.set(uuid, { host: this, vm });
  }

  #insert(vm: VirtualMachine): void {
    this.#vms.insert(vm);
    if (vm.crx && !this.#around.byUuid.has(vm.config.uuid)) this.#around.byUuid.set(vm.config.uuid, { host: this, vm });
  }

  #remove(vm: VirtualMachine): void {
    this.#vms.remove(vm);
    this.#freeUuid(vm);
  }

  /** The next boot may have the VM by now. */
  #freeUuid(vm: VirtualMachine): void {
    const { byUuid } = this.#around;
    if (byUuid.get(vm.config.uuid)?.vm === vm) byUuid.delete(vm.config.uuid);
  }
}
