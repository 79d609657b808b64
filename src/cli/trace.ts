import type { Command } from "commander";
import { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { recordedSteps } from "./journal.js";
import { type OutputForm, outputOption, print } from "./output.js";
import { endMs, startMs, stepName, stepTitle } from "./step-text.js";
import { screen } from "./screen.js";
import { table } from "./table.js";

interface TraceFlags extends ConnectionOptions {
  readonly namespace: string;
  readonly output: OutputForm;
}

/** `spheresim trace POD`: the recorded steps of a pod. */
export function addTrace(program: Command): void {
  const command = program
    .command("trace")
    .description("the recorded steps of a pod: when, in which room, what about")
    .argument("<pod>", "name, namespace/name or UID")
    .option("-n, --namespace <namespace>", "namespace of the pod", "default")
    .addOption(outputOption());
  addConnectionOptions(command).action(async (pod: string, flags: TraceFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const records = await recordedSteps(connection, pod, flags.namespace);
      print(flags.output, records.map((record) => StepRecord.toJSON(record)), (wide) => traceTable(records, wide));
    } finally {
      connection.close();
    }
  });
}

function traceTable(records: readonly StepRecord[], wide: boolean): string {
  const originMs = Math.min(...records.map(startMs));
  const headings = ["step", "room", "what", "at ms", "took ms", "revision", ...(wide ? ["peer", "wire", "attempt"] : []), "about"];
  return table(
    headings,
    records.map((record) => [
      stepName(record.step),
      record.room,
      stepTitle(record.step),
      (startMs(record) - originMs).toFixed(1),
      (endMs(record) - startMs(record)).toFixed(1),
      record.etcdRevision === 0n ? "" : String(record.etcdRevision),
      ...(wide ? [record.peer, record.wire, String(record.attempt)] : []),
      [record.subject, record.message].filter((part) => part !== "").join(": "),
    ]),
    screen().columns,
  );
}
