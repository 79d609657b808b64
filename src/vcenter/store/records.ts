import { Cluster, Datacenter, Host, HostConnectionState, HostPowerState, type HostEvacuation, type HostSpec, ResourcePool, VirtualMachine, VirtualMachineConnectionState, type VmMigration } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import { ResourceConfigSpec } from "../../gen/spheresim/vim/v1/resource.js";
import { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { type VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { HostReach } from "../drs/host-candidate.js";
import type { KeyValueEntry } from "./key-value.js";
import { recordKey } from "./keyspace.js";
import { swapFileMb } from "../drs/swap-file.js";
import { sharingParts } from "../machines/config-parts.js";
import { moref } from "../inventory/moref.js";

/** A host, as vCenter keeps it. */
export interface HostRecord {
  readonly moid: string;
  readonly spec: HostSpec;
  readonly cluster: string;
  readonly address: string;
  readonly disconnected: boolean;
  readonly inMaintenanceMode: boolean;
  readonly inQuarantineMode: boolean;
  readonly powerState: HostPowerState;
  /** Its way into maintenance mode or standby. */
  readonly evacuation?: HostEvacuation | undefined;
  /** Whether HostD answers; known at run time alone. */
  readonly responding: boolean;
  /** The request it came by, so that a repetition finds it; absent where that had no id. */
  readonly addedBy?: RequestRecord | undefined;
}

/** A request as far as it tells repetitions apart. */
export interface RequestRecord {
  readonly requestId: string;
  readonly bodyHash: string;
}

/** A resource pool. */
export interface PoolRecord {
  readonly moid: string;
  readonly name: string;
  /** Undefined for a cluster's root pool. */
  readonly parent: string | undefined;
  readonly config: ResourceConfigSpec;
  readonly namespace: string;
}

/** The way of a VM to another host. */
export interface Migration {
  readonly source: string;
  readonly target: string;
  /** Whether it was off and is powered on as soon as it is there. */
  readonly powerOn: boolean;
}

/** A virtual machine. */
export interface VmRecord {
  readonly moid: string;
  readonly config: VirtualMachineConfigSpec;
  /** Where it is registered: while it migrates the source, from the moment on at which the target has it the target. */
  readonly host: string;
  readonly pool: string;
  readonly migration?: Migration | undefined;
  /** What a reconfiguration under way makes of it; `config` is what it was before. */
  readonly reconfiguringTo?: VirtualMachineConfigSpec | undefined;
  readonly createDate: Timestamp | undefined;
  /** Whether it should run; what is durable about its power. */
  readonly wantedOn: boolean;
  /** Whether it runs, as its host last said; known at run time alone. */
  readonly isOn: boolean;
  /** Whether its host said that it has it; undefined while the host has not said. Known at run time alone. */
  readonly onHost: boolean | undefined;
  /** Whether its guest is alive, as its host last said; undefined while the host has not said. Known at run time alone. */
  readonly heartbeat?: ManagedEntityStatus | undefined;
}

/** Whose VM it is, and by which task it came. */
export interface OwnerRecord {
  readonly uid: string;
  readonly vm: string;
  readonly task: string;
}

/** The request by which an ordinary VM came: repeated after a crash, it finds the VM instead of making another one. */
export interface CreationRecord extends RequestRecord {
  readonly vm: string;
  readonly task: string;
}

/** Whether nothing new may be placed on a host: it is in maintenance mode, or on its way there or into standby. */
export function isClosed(host: HostRecord): boolean {
  return host.inMaintenanceMode || host.evacuation !== undefined;
}

/** How DRS sees the connection of a host. */
export function reachOf(host: HostRecord): HostReach {
  if (host.disconnected) return "disconnected";
  return host.responding ? "connected" : "notResponding";
}

const CONNECTION: Readonly<Record<HostReach, HostConnectionState>> = {
  connected: HostConnectionState.CONNECTED,
  notResponding: HostConnectionState.NOT_RESPONDING,
  disconnected: HostConnectionState.DISCONNECTED,
};

/** The contract's view of a host, without its usage. */
export function hostMessage(host: HostRecord): Host {
  return {
    ref: moref("HostSystem", host.moid),
    spec: host.spec,
    cluster: moref("ClusterComputeResource", host.cluster),
    address: host.address,
    connectionState: CONNECTION[reachOf(host)],
    powerState: host.powerState,
    inMaintenanceMode: host.inMaintenanceMode,
    inQuarantineMode: host.inQuarantineMode,
    usage: undefined,
    evacuation: host.evacuation,
  };
}

/** The contract's view of a pool, without its usage. */
export function poolMessage(pool: PoolRecord): ResourcePool {
  return {
    ref: moref("ResourcePool", pool.moid),
    name: pool.name,
    parent: pool.parent === undefined ? undefined : moref("ResourcePool", pool.parent),
    config: pool.config,
    namespace: pool.namespace,
    usage: undefined,
  };
}

/** The contract's view of a VM. */
export function vmMessage(vm: VmRecord, host: HostRecord | undefined): VirtualMachine {
  const reachable = host !== undefined && reachOf(host) === "connected";
  const known = vm.onHost === false ? VirtualMachineConnectionState.ORPHANED : VirtualMachineConnectionState.CONNECTED;
  return {
    ref: moref("VirtualMachine", vm.moid),
    config: vm.config,
    host: moref("HostSystem", vm.host),
    hostName: host?.spec.name ?? "",
    pool: moref("ResourcePool", vm.pool),
    powerState: vm.isOn ? VirtualMachinePowerState.POWERED_ON : VirtualMachinePowerState.POWERED_OFF,
    connectionState: reachable ? known : VirtualMachineConnectionState.DISCONNECTED,
    createDate: vm.createDate,
    ownerUid: vm.config.ownerUid,
    activity: vm.config.activity,
    migration: vm.migration === undefined ? undefined : migrationMessage(vm.migration),
    reconfiguringTo: vm.reconfiguringTo,
    guestHeartbeatStatus: (vm.isOn ? vm.heartbeat : undefined) ?? ManagedEntityStatus.GRAY,
    swapFileMb: vm.isOn ? swapFileMb(vm.config.memoryMb, vm.config.memoryAllocation?.reservation ?? 0) : 0,
  };
}

function migrationMessage({ source, target, powerOn }: Migration): VmMigration {
  return { sourceHost: moref("HostSystem", source), targetHost: moref("HostSystem", target), powerOn };
}

// What lies in etcd is proto3 JSON of the contract's own messages, so that `etcdctl get` reads like the API. A host has the request it came by
// beside that.

/** A datacenter in etcd. */
export function datacenterEntry(datacenter: Datacenter): KeyValueEntry {
  return { key: recordKey("datacenters", datacenter.ref?.value ?? ""), value: json(Datacenter.toJSON(datacenter)) };
}

export function readDatacenter(value: string): Datacenter {
  return Datacenter.fromJSON(JSON.parse(value));
}

/** A cluster in etcd. */
export function clusterEntry(cluster: Cluster): KeyValueEntry {
  return { key: recordKey("clusters", cluster.ref?.value ?? ""), value: json(Cluster.toJSON(cluster)) };
}

export function readCluster(value: string): Cluster {
  return Cluster.fromJSON(JSON.parse(value));
}

/** A host in etcd; connected means that it should be. */
export function hostEntry(host: HostRecord): KeyValueEntry {
  const message = Host.toJSON(hostMessage({ ...host, responding: true })) as object;
  return { key: recordKey("hosts", host.moid), value: json({ ...message, addedBy: host.addedBy }) };
}

export function readHost(moid: string, value: string): HostRecord {
  const stored = JSON.parse(value) as { addedBy?: RequestRecord };
  const host = Host.fromJSON(stored);
  if (host.spec === undefined) throw new Error(`the record of ${moid} has no spec`);
  return {
    moid,
    spec: host.spec,
    cluster: host.cluster?.value ?? "",
    address: host.address,
    disconnected: host.connectionState === HostConnectionState.DISCONNECTED,
    inMaintenanceMode: host.inMaintenanceMode,
    inQuarantineMode: host.inQuarantineMode,
    powerState: host.powerState === HostPowerState.UNSPECIFIED ? HostPowerState.POWERED_ON : host.powerState,
    evacuation: host.evacuation,
    responding: false,
    addedBy: stored.addedBy,
  };
}

/** A pool in etcd. */
export function poolEntry(pool: PoolRecord): KeyValueEntry {
  return { key: recordKey("pools", pool.moid), value: json(ResourcePool.toJSON(poolMessage(pool))) };
}

export function readPool(moid: string, value: string): PoolRecord {
  const pool = ResourcePool.fromJSON(JSON.parse(value));
  return { moid, name: pool.name, parent: pool.parent?.value, config: pool.config ?? ResourceConfigSpec.create(), namespace: pool.namespace };
}

/** A VM in etcd; its power state is the one it should have. */
export function vmEntry(vm: VmRecord): KeyValueEntry {
  const message = vmMessage({ ...vm, isOn: vm.wantedOn, onHost: undefined }, undefined);
  return { key: recordKey("vms", vm.moid), value: json(VirtualMachine.toJSON({ ...message, connectionState: VirtualMachineConnectionState.UNSPECIFIED, guestHeartbeatStatus: ManagedEntityStatus.UNSPECIFIED })) };
}

export function readVm(moid: string, value: string): VmRecord {
  const vm = VirtualMachine.fromJSON(JSON.parse(value));
  if (vm.config === undefined) throw new Error(`the record of ${moid} has no config`);
  const wantedOn = vm.powerState === VirtualMachinePowerState.POWERED_ON;
  const { migration, reconfiguringTo } = vm;
  return {
    moid,
    config: sharingParts(vm.config),
    host: vm.host?.value ?? "",
    pool: vm.pool?.value ?? "",
    migration: migration === undefined ? undefined : { source: migration.sourceHost?.value ?? "", target: migration.targetHost?.value ?? "", powerOn: migration.powerOn },
    reconfiguringTo,
    createDate: vm.createDate,
    wantedOn,
    isOn: wantedOn,
    onHost: undefined,
  };
}

/** An owner in etcd: `{"vm": "vm-101", "task": "task-7"}`. */
export function ownerEntry(owner: OwnerRecord): KeyValueEntry {
  return { key: recordKey("owners", owner.uid), value: json({ vm: owner.vm, task: owner.task }) };
}

export function readOwner(uid: string, value: string): OwnerRecord {
  const { vm, task } = JSON.parse(value) as { vm: string; task: string };
  return { uid, vm, task };
}

/** A creation in etcd: `{"bodyHash": "...", "vm": "vm-101", "task": "task-7"}`. */
export function creationEntry({ requestId, ...creation }: CreationRecord): KeyValueEntry {
  return { key: recordKey("creations", encodeURIComponent(requestId)), value: json(creation) };
}

export function readCreation(id: string, value: string): CreationRecord {
  const { bodyHash, vm, task } = JSON.parse(value) as { bodyHash: string; vm: string; task: string };
  return { requestId: decodeURIComponent(id), bodyHash, vm, task };
}

/** A task that must be resumed after a crash. */
export function taskEntry(task: TaskInfo): KeyValueEntry {
  return { key: recordKey("tasks", task.task?.value ?? ""), value: json(TaskInfo.toJSON(task)) };
}

export function readTask(value: string): TaskInfo {
  return TaskInfo.fromJSON(JSON.parse(value));
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
