/** An event as vim25 knows it. */
interface EventKind {
  /** What it extends, nearest first, `Event` left out. */
  readonly extends: readonly string[];
  /** The sentence a person reads; `{...}` is a name or a word of the event. */
  readonly format: string;
}

const VM = ["VmEvent"] as const;
const HOST = ["HostEvent"] as const;
const POOL = ["ResourcePoolEvent"] as const;
const CLUSTER = ["ClusterEvent"] as const;
const ALARM = ["AlarmEvent"] as const;
const POWERED_ON = ["VmPoweredOnEvent", "VmEvent"] as const;
const MIGRATED = ["VmMigratedEvent", "VmEvent"] as const;

/**
 * Every event this vCenter raises, with the sentence a real one formats for it (EventDescription.eventInfo, fullFormat). Those that govmomi's
 * simulator has as well are its own words, but for datastores, which a VM here names or not; the others are from memory of vCenter's lists.
 *
 * Order in a power-on by DRS: VmBeingCreatedEvent, VmInstanceUuidAssignedEvent, VmUuidAssignedEvent, VmCreatedEvent, VmStartingEvent,
 * DrsVmPoweredOnEvent.
 */
export const EVENT_TYPES = {
  VmBeingCreatedEvent: { extends: VM, format: "Creating {vm} on host {host} in {datacenter}" },
  VmInstanceUuidAssignedEvent: { extends: VM, format: "Assign a new instance UUID ({instanceUuid}) to {vm}" },
  VmUuidAssignedEvent: { extends: VM, format: "Assigned new BIOS UUID ({uuid}) to {vm} on {host} in {datacenter}" },
  VmCreatedEvent: { extends: VM, format: "Created virtual machine {vm} on {host} in {datacenter}" },
  VmStartingEvent: { extends: VM, format: "{vm} on host {host} in {datacenter} is starting" },
  VmPoweredOnEvent: { extends: VM, format: "{vm} on {host} in {datacenter} is powered on" },
  DrsVmPoweredOnEvent: { extends: POWERED_ON, format: "DRS powered On {vm} on {host} in {datacenter}" },
  VmFailedToPowerOnEvent: { extends: VM, format: "Cannot power On {vm} on {host} in {datacenter}. Reason: {reason}" },
  VmReconfiguredEvent: { extends: VM, format: "Reconfigured {vm} on {host} in {datacenter}" },
  VmFailedToPowerOffEvent: { extends: VM, format: "Cannot power Off {vm} on {host} in {datacenter}: {reason}" },
  VmFailedToResetEvent: { extends: VM, format: "Cannot reset {vm} on {host} in {datacenter}: {reason}" },
  VmResettingEvent: { extends: VM, format: "{vm} on {host} in {datacenter} is reset" },
  VmStoppingEvent: { extends: VM, format: "{vm} on host {host} in {datacenter} is stopping" },
  VmPoweredOffEvent: { extends: VM, format: "{vm} on {host} in {datacenter} is powered off" },
  VmRemovedEvent: { extends: VM, format: "Removed {vm} on {host} from {datacenter}" },
  VmBeingMigratedEvent: { extends: VM, format: "Relocating {vm} from {sourceHost} to {host} in {datacenter}" },
  VmBeingHotMigratedEvent: { extends: VM, format: "Migrating {vm} from {sourceHost} to {host} in {datacenter}" },
  VmMigratedEvent: { extends: VM, format: "Migration of virtual machine {vm} from {sourceHost} to {host} completed" },
  DrsVmMigratedEvent: { extends: MIGRATED, format: "DRS migrated {vm} from {sourceHost} to {host} in cluster {cluster} in {datacenter}" },
  VmFailedMigrateEvent: { extends: VM, format: "Cannot migrate {vm} from {sourceHost} to {host} in {datacenter}" },
  NoMaintenanceModeDrsRecommendationForVM: { extends: VM, format: "Unable to automatically migrate {vm} from {host}" },
  VmResourcePoolMovedEvent: { extends: VM, format: "Moved {vm} from resource pool {oldPool} to {pool} in {datacenter}" },
  VmResourceReallocatedEvent: { extends: VM, format: "Changed resource allocation for {vm}" },
  VmConnectedEvent: { extends: VM, format: "Virtual machine {vm} is connected" },
  VmDisconnectedEvent: { extends: VM, format: "{vm} on host {host} in {datacenter} is disconnected" },
  VmOrphanedEvent: { extends: VM, format: "{vm} does not exist on {host} in {datacenter}" },
  VmMessageErrorEvent: { extends: VM, format: "Error message on {vm} on {host} in {datacenter}: {reason}" },
  AlarmStatusChangedEvent: { extends: ALARM, format: "Alarm '{alarm}' on {vm} changed from {from} to {to}" },
  DrsRuleViolationEvent: { extends: VM, format: "Virtual machine {vm} on {host} is violating the DRS rule {rule}" },
  DrsSoftRuleViolationEvent: { extends: VM, format: "{vm} on {host} in {datacenter} is violating a DRS VM-Host soft affinity rule: {rule}" },
  DrsRuleComplianceEvent: { extends: VM, format: "{vm} on {host} in {datacenter} is no longer violating the DRS rule {rule}" },
  HostAddedEvent: { extends: HOST, format: "Added host {host} to datacenter {datacenter}" },
  HostRemovedEvent: { extends: HOST, format: "Removed host {host} in {datacenter}" },
  HostConnectedEvent: { extends: HOST, format: "Connected to {host} in {datacenter}" },
  HostDisconnectedEvent: { extends: HOST, format: "Disconnected from {host} in {datacenter}. Reason: User requested disconnect" },
  HostConnectionLostEvent: { extends: HOST, format: "Host {host} in {datacenter} is not responding" },
  EnteringMaintenanceModeEvent: { extends: HOST, format: "Host {host} in {datacenter} has started to enter maintenance mode" },
  EnteredMaintenanceModeEvent: { extends: HOST, format: "Host {host} in {datacenter} has entered maintenance mode" },
  ExitMaintenanceModeEvent: { extends: HOST, format: "Host {host} in {datacenter} has exited maintenance mode" },
  CanceledHostOperationEvent: { extends: HOST, format: "The operation performed on host {host} in {datacenter} was canceled" },
  TimedOutHostOperationEvent: { extends: HOST, format: "The operation performed on {host} in {datacenter} timed out" },
  EnteringStandbyModeEvent: { extends: HOST, format: "The host {host} is entering standby mode" },
  EnteredStandbyModeEvent: { extends: HOST, format: "The host {host} is in standby mode" },
  ExitingStandbyModeEvent: { extends: HOST, format: "The host {host} is exiting standby mode" },
  ExitedStandbyModeEvent: { extends: HOST, format: "The host {host} is no longer in standby mode" },
  ResourcePoolCreatedEvent: { extends: POOL, format: "Created resource pool {pool} in compute-resource {cluster} in {datacenter}" },
  ResourcePoolReconfiguredEvent: { extends: POOL, format: "Updated configuration for {pool} in compute-resource {cluster} in {datacenter}" },
  ResourcePoolMovedEvent: { extends: POOL, format: "Moved resource pool {pool} from {oldParent} to {parent} on {cluster} in {datacenter}" },
  ResourcePoolDestroyedEvent: { extends: POOL, format: "Removed resource pool {pool} on {cluster} in {datacenter}" },
  ClusterCreatedEvent: { extends: CLUSTER, format: "Created cluster {cluster} in {datacenter}" },
  ClusterReconfiguredEvent: { extends: CLUSTER, format: "Reconfigured cluster {cluster} in datacenter {datacenter}" },
  ClusterStatusChangedEvent: { extends: CLUSTER, format: "Configuration status on cluster {cluster} changed from {oldStatus} to {newStatus} in {datacenter}" },
  ClusterOvercommittedEvent: { extends: CLUSTER, format: "Insufficient capacity in cluster {cluster} to satisfy resource configuration in {datacenter}" },
  DrsEnabledEvent: { extends: CLUSTER, format: "Enabled DRS on {cluster} with automation level {behavior} in {datacenter}" },
  DrsInvocationFailedEvent: { extends: CLUSTER, format: "DRS invocation not completed: {reason}" },
  DrsDisabledEvent: { extends: CLUSTER, format: "Disabled DRS on cluster {cluster} in datacenter {datacenter}" },
  TaskEvent: { extends: [], format: "Task: {task}" },
} as const satisfies Readonly<Record<string, EventKind>>;

/** A type of event this vCenter raises. */
export type EventType = keyof typeof EVENT_TYPES;

/** The vim25 types an event of this type is, itself first. */
export function typesOf(type: EventType): readonly string[] {
  return [type, ...EVENT_TYPES[type].extends];
}

const KNOWN: ReadonlySet<string> = new Set((Object.keys(EVENT_TYPES) as EventType[]).flatMap((type) => [...typesOf(type)]));

/** Whether a filter can ask for this type: one that is raised, or that one of these extends. */
export function isEventType(type: string): boolean {
  return type === "Event" || KNOWN.has(type);
}

/** The sentence of an event; a word nobody gave stays as its name in braces. */
export function formatEvent(type: EventType, words: Readonly<Record<string, string>>): string {
  return EVENT_TYPES[type].format.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
}
