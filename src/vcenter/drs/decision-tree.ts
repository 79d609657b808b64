import { VimFault } from "../vim-fault.js";
import type { FailoverShortage } from "./failover.js";
import type { Question } from "./host-question.js";
import { cpuCount, datastores, memorySize, networks } from "./host-compatibility.js";
import { connection, maintenance, power, quarantine } from "./host-state.js";
import { hostAdmission, unitOf } from "./host-admission.js";
import { placementRules } from "./rule-question.js";
import type { PoolShortage } from "./pool-tree.js";

/**
 * Step 4's decision tree. First the cluster is asked, by reservation and overhead, once for all hosts: HA admission control (failover.ts),
 * then the pool and those above it (pool-tree.ts). Then each host, by this table, in its order: state and compatibility (the article: VM
 * resource entitlement, host state, host compatibility), rules between VMs and with hosts, host admission (Denneman, "The Admission
 * Control Family": compatibility, constraints, then the host's own admission). The first question that rules a host out gives its
 * verdict. What passes all of them is ranked by rules that prefer and by use (place.ts, host-score.ts).
 */
export const QUESTIONS: readonly Question[] = [
  connection,
  power,
  maintenance,
  cpuCount,
  memorySize,
  datastores,
  networks,
  placementRules,
  hostAdmission("cpuMhz"),
  hostAdmission("memoryMb"),
  // Asked last: a host that it alone rules out is used when no other will do.
  quarantine,
];

/** The fault of a pool that cannot take a reservation. */
export function poolFault(pool: string, shortage: PoolShortage): VimFault {
  const value = { unreserved: Math.floor(shortage.unreserved), requested: Math.ceil(shortage.requested), host: undefined };
  const isCpu = shortage.resource === "cpuMhz";
  const unit = unitOf(shortage.resource);
  const message = `The available ${isCpu ? "CPU" : "Memory"} resources in the parent resource pool are insufficient for the operation: ${pool} has ${value.unreserved} ${unit} unreserved, ${value.requested} ${unit} are asked for.`;
  return new VimFault(message, { $case: isCpu ? "insufficientCpuResourcesFault" : "insufficientMemoryResourcesFault", value });
}

/** The fault of HA, which could no longer fail over. */
export function failoverFault(cluster: string, shortage: FailoverShortage): VimFault {
  const { resource, capacity, reserved, requested, leftPercent, reservePercent } = shortage;
  const unit = unitOf(resource);
  const figures = `${Math.max(0, leftPercent).toFixed(1)} % of the ${resource === "cpuMhz" ? "CPU" : "memory"} of ${cluster} would stay unreserved, ${reservePercent} % must (${Math.round(reserved)} of ${Math.round(capacity)} ${unit} are reserved, ${Math.ceil(requested)} ${unit} are asked for)`;
  return new VimFault(`Insufficient resources to satisfy configured failover level for vSphere HA: ${figures}.`, { $case: "insufficientFailoverResourcesFault", value: {} });
}

/** What would have to change for HA to take the VM. */
export function failoverFitsIf(cluster: string, { resource, excess, reservePercent, capacity, reserved, requested }: FailoverShortage): string {
  const highest = Math.floor((100 * (capacity - reserved - requested)) / capacity);
  const lower = highest >= 0 && highest < reservePercent ? `, or a failover reserve of at most ${highest} % instead of ${reservePercent} %` : "";
  return `${Math.ceil(excess - 1e-6)} ${unitOf(resource)} less ${resource === "cpuMhz" ? "CPU" : "memory"} reserved in ${cluster}${lower}`;
}

/** What would have to change for a pool to take the VM. */
export function poolFitsIf(pool: string, { resource, unreserved, requested }: PoolShortage): string {
  return `${missing(requested, unreserved)} ${unitOf(resource)} more unreserved ${resource === "cpuMhz" ? "CPU" : "memory"} in pool ${pool}`;
}

function missing(wanted: number, free: number): number {
  return Math.ceil(wanted) - Math.max(0, Math.floor(free));
}
