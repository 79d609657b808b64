import type { Command } from "commander";
import { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import { ExplainServiceClient } from "../gen/spheresim/scheduler/v1/explain_service.js";
import type { HostScore, HostVerdict } from "../gen/spheresim/vcenter/v1/placement.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { print } from "./output.js";
import { podArgument } from "./pod-argument.js";
import { table } from "./table.js";

interface ExplainFlags extends ConnectionOptions {
  readonly namespace: string;
  readonly output: string;
}

/** `spheresim explain POD`: both captains' verdicts. */
export function addExplain(program: Command): void {
  const command = program
    .command("explain <pod>")
    .description("why a pod is where it is, or nowhere: the verdicts of Kubernetes and of DRS")
    .option("-n, --namespace <namespace>", "namespace of the pod", "default")
    .option("-o, --output <form>", "table, wide, json or yaml", "table");
  addConnectionOptions(command).action(async (pod: string, flags: ExplainFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const { namespace, name } = podArgument(pod, flags.namespace);
      const explanation = await connection.open("scheduler").client(ExplainServiceClient).explain({ namespace, name });
      print(flags.output, Explanation.toJSON(explanation), (wide) => explanationText(explanation, wide));
    } finally {
      connection.close();
    }
  });
}

/** The explanation as a person reads it. */
export function explanationText(explanation: Explanation, wide: boolean): string {
  const vm = explanation.sized?.config;
  const size = vm === undefined ? "" : ` as a VM: ${vm.numCpus} vCPU, ${vm.memoryMb} MB + ${vm.overheadMemoryMb} MB overhead; reserves ${vm.cpuAllocation?.reservation ?? 0} MHz, ${vm.memoryAllocation?.reservation ?? 0} MB`;
  const parts = [`pod ${explanation.namespace}/${explanation.name}${size}\n${explanation.message}\n`];
  parts.push(`\nKubernetes (step 3)\n${nodeTable(explanation)}`);
  if (explanation.hostVerdicts.length > 0) parts.push(`\nDRS (step 4)\n${hostTable(explanation.hostVerdicts, wide)}`);
  else parts.push("\nDRS (step 4): not asked, no node was left\n");
  if (explanation.notWeighed.length > 0) parts.push(`\nDRS here does not weigh yet: ${explanation.notWeighed.join(", ")}\n`);
  return parts.join("");
}

function nodeTable(explanation: Explanation): string {
  return table(
    ["node", "verdict", "why"],
    explanation.nodeVerdicts.map((verdict) => [
      verdict.node,
      verdict.feasible ? "feasible" : "ruled out",
      verdict.feasible ? `LeastAllocated ${verdict.score.toFixed(0)}` : `${verdict.plugin}: ${verdict.reasons.join(", ")}`,
    ]),
  );
}

function hostTable(verdicts: readonly HostVerdict[], wide: boolean): string {
  return table(
    ["host", "verdict", "score", "why"],
    verdicts.map(({ hostName, verdict }) => {
      switch (verdict?.$case) {
        case "chosen":
          return [hostName, "chosen", verdict.value.total.toFixed(1), scoreText(verdict.value, wide)];
        case "feasible":
          return [hostName, "feasible", verdict.value.total.toFixed(1), scoreText(verdict.value, wide)];
        case "fault":
          return [hostName, "ruled out", "", verdict.value.localizedMessage];
        default:
          return [hostName, "", "", ""];
      }
    }),
  );
}

function scoreText(score: HostScore, wide: boolean): string {
  return score.parts
    .map((part) => `${part.name} ${part.raw.toFixed(0)} ${part.unit}${wide ? ` (${part.value.toFixed(1)} x ${part.weight})` : ""}`)
    .join("; ");
}
