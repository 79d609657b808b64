import type { Command } from "commander";
import type { NodeVerdict } from "../gen/spheresim/emulator/v1/journal.js";
import { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import type { HostScore, HostVerdict } from "../gen/spheresim/vcenter/v1/placement.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { recordedAttempt, type RecordedAttempt } from "./explanation.js";
import { recordedSteps } from "./journal.js";
import { type OutputForm, outputOption, print } from "./output.js";
import { folded } from "./folded.js";
import { screen } from "./screen.js";
import { table } from "./table.js";

interface ExplainFlags extends ConnectionOptions {
  readonly namespace: string;
  readonly output: OutputForm;
}

/** `spheresim explain POD`: both captains' verdicts, from the journal. */
export function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .description("why a pod is where it is, or nowhere: the recorded verdicts of Kubernetes on each node and of DRS on each host")
    .argument("<pod>", "name, namespace/name or UID")
    .option("-n, --namespace <namespace>", "namespace of the pod", "default")
    .addOption(outputOption());
  addConnectionOptions(command).action(async (pod: string, flags: ExplainFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const attempt = recordedAttempt(await recordedSteps(connection, pod, flags.namespace));
      print(flags.output, Explanation.toJSON(attempt.explanation), (wide) => explanationText(attempt, wide, screen().columns));
    } finally {
      connection.close();
    }
  });
}

/** The explanation as a person reads it, on a terminal of so many columns. */
export function explanationText({ explanation, attempt, drsSilent }: RecordedAttempt, wide: boolean, columns?: number): string {
  const vm = explanation.sized?.config;
  const parts = [`pod ${explanation.namespace}/${explanation.name}${attempt > 1 ? `, attempt ${attempt}` : ""}\n`, folded(explanation.message, columns)];
  if (vm !== undefined) {
    parts.push(folded(`as a VM: ${vm.numCpus} vCPU, ${vm.memoryMb} MB + ${vm.overheadMemoryMb} MB overhead; reserves ${vm.cpuAllocation?.reservation ?? 0} MHz, ${vm.memoryAllocation?.reservation ?? 0} MB`, columns, "", "  "));
  }
  if (explanation.nodeVerdicts.length > 0) parts.push(`\nKubernetes (step 3)\n${nodeTable(explanation, columns)}${wouldPassIf(explanation, columns)}`);
  parts.push(drsSilent === "" ? `\nDRS (step 4)\n${hostTable(explanation, wide, columns)}` : `\n${folded(`DRS (step 4): ${isTold(drsSilent, explanation) ? "it refused, as told above" : drsSilent}`, columns, "", "  ")}`);
  parts.push(wouldFitIf(explanation, columns));
  const { notWeighed } = explanation;
  if (notWeighed.length > 0) parts.push(wide ? `\nDRS here does not weigh yet:\n${notWeighed.map((each) => folded(each, columns, "  - ", "    ")).join("")}` : `\n${folded(`DRS here does not weigh yet ${notWeighed.length} things that a real one does; -o wide lists them`, columns)}`);
  return parts.join("");
}

/** Whether the first lines said it. */
function isTold(text: string, { message }: Explanation): boolean {
  return text !== "" && message.includes(text.replace(/\.$/, ""));
}

function nodeTable(explanation: Explanation, columns: number | undefined): string {
  return table(
    ["node", "verdict", "score", "why"],
    byName(explanation).map((verdict) =>
      verdict.feasible ? [verdict.node, "feasible", verdict.score.toFixed(1), ""] : [verdict.node, "ruled out", "", `${verdict.plugin}: ${verdict.reasons.join(", ")}`],
    ),
    columns,
  );
}

/** As a person looks for them; the scheduler judges them in an order of its own. */
function byName({ nodeVerdicts }: Explanation): NodeVerdict[] {
  return nodeVerdicts.toSorted((a, b) => a.node.localeCompare(b.node, "en", { numeric: true }));
}

/** What would have to change for Kubernetes to put a node on the list: a line for each that it ruled out. */
function wouldPassIf(explanation: Explanation, columns: number | undefined): string {
  const rows = byName(explanation).flatMap(({ node, wouldPassIf: changes }) => (changes.length === 0 ? [] : [[node, changes.join("; ")]]));
  return rows.length === 0 ? "" : `\n${table(["node", "would pass if (all of)"], rows, columns)}`;
}

/** One column for each part of the score: the figure it was made from, with the VM already on the host. Where pool or HA refused, one line for all. */
function hostTable(explanation: Explanation, wide: boolean, columns: number | undefined): string {
  const { hostVerdicts: verdicts, wouldFitIf: ofAll } = explanation;
  const [first] = verdicts;
  if (ofAll.length > 0 && first?.verdict?.$case === "fault") {
    const why = first.verdict.value.localizedMessage;
    return table(["host", "verdict", "why"], [["every host", "ruled out", isTold(why, explanation) ? "as told above" : why]], columns);
  }
  const names = verdicts.map(scoreOf).find((score) => score !== undefined && score.parts.length > 0)?.parts.map((part) => part.name) ?? [];
  const why = verdicts.some(({ verdict }) => verdict?.$case === "fault") ? ["why"] : [];
  return table(
    ["host", "verdict", "score", ...names.map((name) => name.replace(" after placement", " then")), ...why],
    verdicts.map((each) => {
      const score = scoreOf(each);
      if (each.verdict?.$case === "fault") return [each.hostName, "ruled out", "", ...names.map(() => ""), each.verdict.value.localizedMessage];
      return [each.hostName, each.verdict?.$case ?? "", score?.total.toFixed(1) ?? "", ...names.map((name) => figure(score, name, wide))];
    }),
    columns,
  );
}

/** What would have to change: a line for pool and cluster where they refused, and one for each host that was ruled out by more than that. */
function wouldFitIf({ hostVerdicts, wouldFitIf: ofAll }: Explanation, columns: number | undefined): string {
  const common = new Set(ofAll);
  const rows = hostVerdicts.map((each) => [each.hostName, each.wouldFitIf.filter((sentence) => !common.has(sentence)).join("; ")]).filter(([, change]) => change !== "");
  if (common.size > 0) rows.unshift(["every host", ofAll.join("; ")]);
  return rows.length === 0 ? "" : `\n${table(["host", "would fit if (all of)"], rows, columns)}`;
}

function scoreOf({ verdict }: HostVerdict): HostScore | undefined {
  return verdict?.$case === "chosen" || verdict?.$case === "feasible" ? verdict.value : undefined;
}

function figure(score: HostScore | undefined, name: string, wide: boolean): string {
  const part = score?.parts.find((each) => each.name === name);
  if (part === undefined) return "";
  return `${part.raw.toFixed(0)} ${part.unit === "percent" ? "%" : part.unit}${wide ? ` (${part.value.toFixed(1)} x ${part.weight})` : ""}`;
}
