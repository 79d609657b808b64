import { recordKey } from "../store/keyspace.js";
import { VmNames } from "./vm-names.js";
import type { CreationRecord, OwnerRecord, VmRecord } from "../store/records.js";

/** Every VM in memory, found by moid, by instance uuid, by name, by host, by owner and by the request that made it. */
export class VmTable {
  readonly #vms = new Map<string, VmRecord>();
  readonly #byInstanceUuid = new Map<string, string>();
  readonly #byHost = new Map<string, Set<string>>();
  readonly #owners = new Map<string, OwnerRecord>();
  readonly #creations = new Map<string, CreationRecord>();
  /** The request that made a VM, by the VM. */
  readonly #creationOf = new Map<string, string>();
  /** VMs on their way to another host. */
  readonly #migrating = new Set<string>();
  readonly #names = new VmNames();

  get size(): number {
    return this.#vms.size;
  }

  get all(): readonly VmRecord[] {
    return [...this.#vms.values()];
  }

  get owners(): readonly OwnerRecord[] {
    return [...this.#owners.values()];
  }

  get creations(): readonly CreationRecord[] {
    return [...this.#creations.values()];
  }

  get(moid: string): VmRecord | undefined {
    return this.#vms.get(moid);
  }

  byInstanceUuid(uuid: string): VmRecord | undefined {
    const moid = this.#byInstanceUuid.get(uuid);
    return moid === undefined ? undefined : this.#vms.get(moid);
  }

  on(host: string): readonly VmRecord[] {
    return [...(this.#byHost.get(host) ?? [])].flatMap((moid) => this.#vms.get(moid) ?? []);
  }

  /** Ordinary VMs of this name, and those that get it. */
  named(name: string): readonly VmRecord[] {
    return this.#names.holders(name).flatMap((moid) => this.#vms.get(moid) ?? []);
  }

  owner(uid: string): OwnerRecord | undefined {
    return this.#owners.get(uid);
  }

  creation(requestId: string): CreationRecord | undefined {
    return this.#creations.get(requestId);
  }

  /** VMs on their way to another host. */
  get migrating(): readonly VmRecord[] {
    return [...this.#migrating].flatMap((moid) => this.#vms.get(moid) ?? []);
  }

  /** A new VM, or a change of one; a VM keeps its instance uuid. */
  put(vm: VmRecord): void {
    const before = this.#vms.get(vm.moid);
    if (before !== undefined && before.host !== vm.host) this.#leaveHost(before);
    if (vm.migration === undefined) this.#migrating.delete(vm.moid);
    else this.#migrating.add(vm.moid);
    this.#vms.set(vm.moid, vm);
    this.#names.change(before, vm);
    this.#byInstanceUuid.set(vm.config.instanceUuid, vm.moid);
    const onHost = this.#byHost.get(vm.host) ?? new Set<string>();
    this.#byHost.set(vm.host, onHost.add(vm.moid));
  }

  putOwner(owner: OwnerRecord): void {
    this.#owners.set(owner.uid, owner);
  }

  putCreation(creation: CreationRecord): void {
    this.#creations.set(creation.requestId, creation);
    this.#creationOf.set(creation.vm, creation.requestId);
  }

  /** Forgets a VM, whose it was and what made it. */
  remove(vm: VmRecord): void {
    this.#vms.delete(vm.moid);
    this.#names.change(vm, undefined);
    this.#byInstanceUuid.delete(vm.config.instanceUuid);
    this.#leaveHost(vm);
    this.#migrating.delete(vm.moid);
    if (this.#owners.get(vm.config.ownerUid)?.vm === vm.moid) this.#owners.delete(vm.config.ownerUid);
    const requestId = this.#creationOf.get(vm.moid);
    if (requestId === undefined) return;
    this.#creationOf.delete(vm.moid);
    this.#creations.delete(requestId);
  }

  #leaveHost(vm: VmRecord): void {
    const onHost = this.#byHost.get(vm.host);
    onHost?.delete(vm.moid);
    if (onHost?.size === 0) this.#byHost.delete(vm.host);
  }

  /** The keys of every record that ends with the VM: its own, its owner's, its request's. */
  keysOf(vm: VmRecord): string[] {
    const keys = [recordKey("vms", vm.moid)];
    if (vm.config.ownerUid !== "") keys.push(recordKey("owners", vm.config.ownerUid));
    const requestId = this.#creationOf.get(vm.moid);
    if (requestId !== undefined) keys.push(recordKey("creations", encodeURIComponent(requestId)));
    return keys;
  }
}
