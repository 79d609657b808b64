import type { HostVm, VmKey } from "../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { ChangeRing } from "./change-ring.js";
import type { DiskWrite } from "./group-committer.js";
import { invalidArgument, notFound, resourceInUse } from "./host-fault.js";
import type { VirtualMachine } from "./virtual-machine.js";
import { putNextVmId } from "./vm-disk.js";

/** What the VMs of a host are told of depends on. */
export interface HostVmsSurroundings {
  /** Aborts with a HostFault when the host's power goes. */
  readonly power: AbortSignal;
  /** Whether the host is in reach: what happens on one that is not is told when it is back. */
  readonly isHeard: () => boolean;
}

/**
 * The VMs of one host, found by instance uuid, by BIOS uuid and by the host's own id. A VM that is being created is found by nobody until its
 * first change was published.
 */
export class HostVms {
  readonly #hostName: string;
  readonly #changes: ChangeRing;
  readonly #around: HostVmsSurroundings;
  readonly #byInstanceUuid = new Map<string, VirtualMachine>();
  readonly #byUuid = new Map<string, VirtualMachine>();
  readonly #byVmId = new Map<string, VirtualMachine>();
  #nextVmId = 1;

  constructor(hostName: string, changes: ChangeRing, around: HostVmsSurroundings) {
    this.#hostName = hostName;
    this.#changes = changes;
    this.#around = around;
  }

  /** Those that others see, in order of creation. */
  visible(): HostVm[] {
    return [...this.#byInstanceUuid.values()].filter((vm) => vm.state.revision > 0n).map((vm) => vm.state);
  }

  /** All, those that are being created included. */
  all(): Iterable<VirtualMachine> {
    return this.#byInstanceUuid.values();
  }

  /** The VM a call names. Throws InvalidArgument and ManagedObjectNotFound. */
  find(key: VmKey | undefined): VirtualMachine {
    const named = key?.key;
    if (named === undefined) throw invalidArgument("vm.key", "names no virtual machine");
    const vm = this.#lookUp(named);
    if (vm === undefined || vm.state.revision === 0n) throw notFound("VirtualMachine", named.value);
    return vm;
  }

  byInstanceUuid(uuid: string): VirtualMachine | undefined {
    return this.#byInstanceUuid.get(uuid);
  }

  /** Throws ResourceInUse where another VM of this host has the BIOS uuid. */
  requireFreeUuid({ uuid }: VirtualMachineConfigSpec): void {
    if (this.#byUuid.has(uuid)) throw resourceInUse("VirtualMachine.config.uuid", uuid);
  }

  /** Ids go on where the disk says, so that those of destroyed VMs never come back. */
  continueIds(nextVmId: number): void {
    this.#nextVmId = nextVmId;
  }

  /** Hands out the id of a new VM. */
  takeId(): string {
    this.#nextVmId += 1;
    return String(this.#nextVmId - 1);
  }

  /** What stores the ids handed out. */
  storedIds(): DiskWrite {
    return putNextVmId(this.#hostName, this.#nextVmId);
  }

  insert(vm: VirtualMachine): void {
    this.#byInstanceUuid.set(vm.config.instanceUuid, vm);
    this.#byUuid.set(vm.config.uuid, vm);
    this.#byVmId.set(vm.vmId, vm);
  }

  remove(vm: VirtualMachine): void {
    this.#byInstanceUuid.delete(vm.config.instanceUuid);
    this.#byUuid.delete(vm.config.uuid);
    this.#byVmId.delete(vm.vmId);
  }

  /** Makes `state` what others see of the VM, and tells it. Throws HostNotReachable when the host has no power any more. */
  publish(vm: VirtualMachine, kind: UpdateKind.ENTER | UpdateKind.MODIFY | UpdateKind.LEAVE, state: HostVm): void {
    this.#around.power.throwIfAborted();
    vm.state = this.#changes.add(kind, state, { before: vm.state, withheld: !this.#around.isHeard() });
  }

  /** Tells of every VM as if it were new: the host was out of reach. */
  tellAgain(): void {
    for (const vm of this.#byInstanceUuid.values()) if (vm.state.revision > 0n) this.publish(vm, UpdateKind.ENTER, vm.state);
  }

  #lookUp(key: NonNullable<VmKey["key"]>): VirtualMachine | undefined {
    if (key.$case === "instanceUuid") return this.#byInstanceUuid.get(key.value);
    return key.$case === "vmId" ? this.#byVmId.get(key.value) : this.#byUuid.get(key.value);
  }
}
