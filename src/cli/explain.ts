import type { Command } from "commander";
import { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import type { HostScore, HostVerdict } from "../gen/spheresim/vcenter/v1/placement.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { recordedAttempt, type RecordedAttempt } from "./explanation.js";
import { recordedSteps } from "./journal.js";
import { type OutputForm, outputOption, print } from "./output.js";
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
      print(flags.output, Explanation.toJSON(attempt.explanation), (wide) => explanationText(attempt, wide));
    } finally {
      connection.close();
    }
  });
}

/** The explanation as a person reads it. */
export function explanationText({ explanation, attempt, drsSilent }: RecordedAttempt, wide: boolean): string {
  const vm = explanation.sized?.config;
  const parts = [`pod ${explanation.namespace}/${explanation.name}${attempt > 1 ? `, attempt ${attempt}` : ""}\n${explanation.message}\n`];
  if (vm !== undefined) {
    parts.push(`as a VM: ${vm.numCpus} vCPU, ${vm.memoryMb} MB + ${vm.overheadMemoryMb} MB overhead; reserves ${vm.cpuAllocation?.reservation ?? 0} MHz, ${vm.memoryAllocation?.reservation ?? 0} MB\n`);
  }
  if (explanation.nodeVerdicts.length > 0) parts.push(`\nKubernetes (step 3)\n${nodeTable(explanation)}`);
  parts.push(drsSilent === "" ? `\nDRS (step 4)\n${hostTable(explanation, wide)}` : `\nDRS (step 4): ${drsSilent}\n`);
  parts.push(wouldFitIf(explanation));
  if (explanation.notWeighed.length > 0) parts.push(`\nDRS here does not weigh yet:\n${explanation.notWeighed.map((each) => `  - ${each}\n`).join("")}`);
  return parts.join("");
}

function nodeTable(explanation: Explanation): string {
  return table(
    ["node", "verdict", "score", "why"],
    explanation.nodeVerdicts.map((verdict) =>
      verdict.feasible ? [verdict.node, "feasible", verdict.score.toFixed(1), ""] : [verdict.node, "ruled out", "", `${verdict.plugin}: ${verdict.reasons.join(", ")}`],
    ),
  );
}

/** One column for each part of the score: the figure it was made from, with the VM already on the host. Where pool or HA refused, one line for all. */
function hostTable({ hostVerdicts: verdicts, wouldFitIf: ofAll }: Explanation, wide: boolean): string {
  const [first] = verdicts;
  if (ofAll.length > 0 && first?.verdict?.$case === "fault") return table(["host", "verdict", "why"], [["every host", "ruled out", first.verdict.value.localizedMessage]]);
  const names = verdicts.map(scoreOf).find((score) => score !== undefined && score.parts.length > 0)?.parts.map((part) => part.name) ?? [];
  const why = verdicts.some(({ verdict }) => verdict?.$case === "fault") ? ["why"] : [];
  return table(
    ["host", "verdict", "score", ...names.map((name) => name.replace(" after placement", " then")), ...why],
    verdicts.map((each) => {
      const score = scoreOf(each);
      if (each.verdict?.$case === "fault") return [each.hostName, "ruled out", "", ...names.map(() => ""), each.verdict.value.localizedMessage];
      return [each.hostName, each.verdict?.$case ?? "", score?.total.toFixed(1) ?? "", ...names.map((name) => figure(score, name, wide))];
    }),
  );
}

/** What would have to change: a line for pool and cluster where they refused, and one for each host that was ruled out by more than that. */
function wouldFitIf({ hostVerdicts, wouldFitIf: ofAll }: Explanation): string {
  const common = new Set(ofAll);
  const rows = hostVerdicts.map((each) => [each.hostName, each.wouldFitIf.filter((sentence) => !common.has(sentence)).join("; ")]).filter(([, change]) => change !== "");
  if (common.size > 0) rows.unshift(["every host", ofAll.join("; ")]);
  return rows.length === 0 ? "" : `\n${table(["host", "would fit if (all of)"], rows)}`;
}

function scoreOf({ verdict }: HostVerdict): HostScore | undefined {
  return verdict?.$case === "chosen" || verdict?.$case === "feasible" ? verdict.value : undefined;
}

function figure(score: HostScore | undefined, name: string, wide: boolean): string {
  const part = score?.parts.find((each) => each.name === name);
  if (part === undefined) return "";
  return `${part.raw.toFixed(0)} ${part.unit === "percent" ? "%" : part.unit}${wide ? ` (${part.value.toFixed(1)} x ${part.weight})` : ""}`;
}
