import type { Resource } from "../../../src/vcenter/drs/amount.js";
import { type SetFigures, unservedPart } from "./quality-figures.js";
import type { ReplayFigures } from "./replay.js";

/** Columns of the table of a set. The decisions a second are told by their ratio to first fit's, which does not depend on the machine. */
export const HEADINGS = ["placer", "pods admitted", "VMs admitted", "CPU unserved, MHz", "of demand", "memory unserved, MB", "of demand", "load, std dev", "load, max - min", "rules broken", "migrations", "decisions/s to first fit's"] as const;

/** A row for each placer, and one for what nobody could have served. MHz and MB are means over the time of the replay. */
export function rowsOf(set: SetFigures): string[][] {
  const [first] = set.placers;
  if (first === undefined) return [];
  return [...set.placers.map((figures) => rowOf(figures, first, set.hours)), unavoidableRow(first, set.hours)];
}

function rowOf(figures: ReplayFigures, first: ReplayFigures, hours: number): string[] {
  const { placer, pods, vms, unserved, spread, ruleViolations, migrations, decisionsPerSecond } = figures;
  const amounts = (["cpuMhz", "memoryMb"] as const).flatMap((resource) => [mean(unserved.short[resource] + unserved.refused[resource], hours), percent(unservedPart(unserved, resource))]);
  return [
    placer,
    `${pods.admitted} of ${pods.asked}`,
    `${vms.admitted} of ${vms.asked}`,
    ...amounts,
    spread.standardDeviation.toFixed(3),
    spread.range.toFixed(3),
    String(ruleViolations),
    String(migrations),
    (decisionsPerSecond / first.decisionsPerSecond).toFixed(2),
  ];
}

function unavoidableRow({ unserved: { demand, unavoidable } }: ReplayFigures, hours: number): string[] {
  const amount = (resource: Resource): string[] => [mean(unavoidable[resource], hours), percent(demand[resource] === 0 ? 0 : unavoidable[resource] / demand[resource])];
  return ["(beyond all hosts together)", "", "", ...amount("cpuMhz"), ...amount("memoryMb"), "", "", "", "", ""];
}

/** A rate's sum over time as its mean. */
function mean(amountSeconds: number, hours: number): string {
  return Math.round(amountSeconds / (hours * 3600)).toLocaleString("en-US");
}

/** `1.23 %`. */
export function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}
