import { TOLERABLE } from "../drs/pass/balance-moves.js";
import type { Move } from "../drs/pass/pass-input.js";
import type { HostRecord } from "../store/records.js";
import type { PassRows } from "./snapshot.js";

/** What the sentence needs beside the rows. */
export interface ReasonFacts {
  readonly move: Move;
  /** What the VM is entitled to where it runs now, by what it demanded on average: the loads are sums of that. */
  readonly entitledMhz: number;
  readonly entitledMb: number;
}

/**
 * Why a VM should move, in a sentence with the figures that led to it.
 *
 * Example: `Balance CPU load: esxi-01 is at 80.0 % (12,800 of 16,000 MHz), esxi-02 at 5.0 % (800 of 16,000 MHz). Their loads, each of what the
 * host uses most, differ by 75 points; threshold 3 tolerates 20. With web-1 (3,200 MHz and 1,024 MB entitled) moved: 60.0 % and 25.0 %.`
 */
export function reasonText({ hosts, vms, threshold }: PassRows, { move, entitledMhz, entitledMb }: ReasonFacts): string {
  const [from, to] = [hosts[move.from], hosts[move.to]];
  const vm = vms[move.vm]?.config.name ?? "";
  if (from === undefined || to === undefined) return "";
  const [fromName, toName] = [from.spec.name, to.spec.name];
  const size = `${whole(entitledMhz)} MHz and ${whole(entitledMb)} MB entitled`;
  const resource = move.resource === "cpu" ? "CPU" : "memory";
  const after = `${resource} load of ${toName} goes from ${percent(move.toLoad)} to ${percent(move.toLoadAfter)} (${amount(to, move, move.toLoadAfter)})`;
  switch (move.reason) {
    case "fairnessCpuAvg":
    case "fairnessMemAvg":
      return (
        `Balance ${resource} load: ${fromName} is at ${percent(move.fromLoad)} (${amount(from, move, move.fromLoad)}), ${toName} at ${percent(move.toLoad)} (${amount(to, move, move.toLoad)}). ` +
        `Their loads, each of what the host uses most, differ by ${points(move.difference)} points; threshold ${threshold} tolerates ${points(TOLERABLE[threshold] ?? 0)}. ` +
        `With ${vm} (${size}) moved: ${percent(move.fromLoadAfter)} and ${percent(move.toLoadAfter)}.`
      );
    case "hostMaint":
      return `${fromName} must be empty for maintenance or standby. ${vm} (${size}) fits on ${toName}: ${after}.`;
    case "hostInDegradation":
      return `${fromName} is in quarantine mode. ${vm} (${size}) has room on ${toName}: ${after}.`;
    case "vmHostHardAffinity":
      return `The rule "${move.rule}" forbids ${vm} (${size}) to run on ${fromName}; it may run on ${toName}: ${after}.`;
    case "vmHostSoftAffinity":
      return `By the rule "${move.rule}" ${vm} (${size}) should not run on ${fromName} but on ${toName}, which has room: ${after}.`;
    case "antiAffin":
      return `The rule "${move.rule}" keeps ${vm} (${size}) apart from a virtual machine on ${fromName}; none of the rule is on ${toName}: ${after}.`;
    case "jointAffin":
      return `The rule "${move.rule}" keeps ${vm} (${size}) together with virtual machines that are on ${toName} or go there: ${after}.`;
  }
}

function amount({ spec }: HostRecord, { resource }: Move, load: number): string {
  const capacity = resource === "cpu" ? spec.numCpuCores * spec.cpuMhz : spec.memoryMb;
  return `${whole(load * capacity)} of ${whole(capacity)} ${resource === "cpu" ? "MHz" : "MB"}`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function points(part: number): string {
  return String(Number((100 * part).toFixed(1)));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
