import { type QualityFigures, type SetFigures, unservedMean } from "./quality-figures.js";
import { HEADINGS, rowsOf } from "./quality-table.js";
import type { PlacerName } from "./placers.js";

/** The page as it stands in docs, from the figures of one run and the command that made them. */
export function qualityPage(figures: QualityFigures, command: string): string {
  const { sets, otherSeeds, options } = figures;
  return [
    "# Placement quality",
    "",
    "Written by the command below; figures are not edited by hand. All of them follow from the seed, but for the last column.",
    "",
    "```",
    command,
    "```",
    "",
    "The same arrivals and departures are replayed under four placers, which differ in the score alone: all walk vCenter's own decision tree",
    "(rules, host state, compatibility, host admission by reservation and overhead), hold what they choose, and turn the hold into a VM.",
    "",
    "- **first fit**: the first host that will do.",
    "- **LeastAllocated**: Kubernetes' formula, (capacity - requested) / capacity in whole hundredths, mean of CPU and memory, equals drawn. It counts",
    "  the reservations of ordinary VMs as requests, which is more than a Kubernetes scheduler is told.",
    "- **DRS**: spheresim's scorer (`src/vcenter/drs/host-score.ts`). It sees what ordinary VMs use at the moment, and of pods only what it predicts",
    "  from request and limit.",
    "- **DRS, running**: the same, and the pass of each minute (`src/vcenter/drs/pass/`, threshold 3) moves ordinary VMs by what they used on average",
    "  over the minutes DRS looks back on. Pods never move; a move takes no time.",
    "",
    "![Unserved demand over the day](placement-quality.svg)",
    "",
    ...sets.flatMap(setLines),
    ...seedLines([...sets, ...otherSeeds], options.seeds),
    "## How it is counted",
    "",
    "- Unserved is what guests want of a host at a moment beyond what the host has, and all that a refused guest wants; MHz and MB are means over the",
    "  time of the replay, times its seconds they are MHz·s and MB·s. How a host divides what it has (`src/vcenter/drs/pass/host-grants.ts`) does not change the sum.",
    "- Load of a host is the larger of wanted CPU and wanted memory, as parts of what it has; its standard deviation and the distance between most and",
    "  least loaded host are means over time.",
    "- A guest that no host takes is not asked about again.",
    `- Mixed sets: one day of ${options.hosts} hosts, every third of them twice as large as the rest. Ordinary VMs reserve at most a`,
    "  tenth of their size; they are constantly busy, follow the day as a wave, fall idle at some hour, or are always idle. Three of four stand",
    "  where somebody put them, project by project; the others are powered on during the day. Pods come all day, request little, may use up to three times as",
    "  much CPU and twice as much memory, and use a constant amount between request and limit, drawn by the seed. Rules keep VMs together, apart, on hosts and off hosts.",
    "- Trace: requests and times are those of Alibaba's cluster-trace-gpu-v2023 (Weng et al., *Beware of Fragmentation*, USENIX ATC '23), which this repository",
    "  does not contain; GPUs are left aside. Limits are ours (1.5 times the request), and each pod uses 20 to 100 % of its limit. Some fifty",
    "  pods run at a time, which 1,523 nodes do not notice; so the same pods are replayed on twelve nodes taken evenly from the list, too. A few pods want nearly a",
    "  whole node: a placer that spreads keeps none free for them, and what a refused pod wants counts as unserved.",
    "",
  ].join("\n");
}

function setLines(set: SetFigures): string[] {
  const what = `${set.hosts} hosts, ${set.pods} pods, ${set.vms} ordinary VMs, ${set.rules} rules, ${Math.round(set.hours).toLocaleString("en-US")} hours, seed ${set.seed}.`;
  return [`## ${set.set[0]?.toUpperCase()}${set.set.slice(1)}`, "", what, "", line(HEADINGS), line(HEADINGS.map((_, column) => (column === 0 ? "---" : "---:"))), ...rowsOf(set).map(line), ""];
}

/** DRS's unserved demand as a part of the others', the worst of all seeds. */
function seedLines(sets: readonly SetFigures[], seeds: number): string[] {
  const names = [...new Set(sets.filter(({ isMixed }) => isMixed).map(({ set }) => set))];
  const worst = (set: string, placer: PlacerName, other: PlacerName): string => {
    const ratios = sets.filter((each) => each.set === set).map(({ placers }) => unservedOf(placers, placer) / unservedOf(placers, other));
    return Math.max(...ratios).toFixed(3);
  };
  return [
    `## The worst of ${seeds} seeds`,
    "",
    "Unserved demand (mean of the two shares of demand) as a part of another placer's; below 1 is better than the other one.",
    "",
    line(["set", "DRS to first fit", "DRS to LeastAllocated", "DRS, running to DRS"]),
    line(["---", "---:", "---:", "---:"]),
    ...names.map((set) => line([set, worst(set, "DRS", "first fit"), worst(set, "DRS", "LeastAllocated"), worst(set, "DRS, running", "DRS")])),
    "",
  ];
}

function unservedOf(placers: SetFigures["placers"], name: PlacerName): number {
  const figures = placers.find(({ placer }) => placer === name);
  return figures === undefined ? Number.NaN : unservedMean(figures);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
