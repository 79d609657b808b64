import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { print } from "./output.js";
import { podArgument } from "./pod-argument.js";
import { endMs, startMs, stepName, stepTitle } from "./step-text.js";
import { table } from "./table.js";

interface TraceFlags extends ConnectionOptions {
  readonly namespace: string;
  readonly output: string;
}

/** `spheresim trace POD`: the recorded steps of a pod. */
export function addTrace(program: Command): void {
  const command = program
    .command("trace <pod>")
    .description("the recorded steps of a pod, by name, namespace/name or UID")
    .option("-n, --namespace <namespace>", "namespace of the pod", "default")
    .option("-o, --output <form>", "table, wide, json or yaml", "table");
  addConnectionOptions(command).action(async (pod: string, flags: TraceFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const records: StepRecord[] = [];
      for await (const { step } of connection.emulator.watchPlacements({ ...podArgument(pod, flags.namespace), untilNow: true, afterRevision: 0n })) {
        if (step !== undefined) records.push(step);
      }
      if (records.length === 0) throw new UserError("failed", `no step of pod ${pod} is recorded`, "see the pods there are with: kubectl get pods -A");
      records.sort((a, b) => a.attempt - b.attempt || a.step - b.step);
      print(flags.output, records.map((record) => StepRecord.toJSON(record)), (wide) => traceTable(records, wide));
    } finally {
      connection.close();
    }
  });
}

function traceTable(records: readonly StepRecord[], wide: boolean): string {
  const originMs = Math.min(...records.map(startMs));
  const headings = ["step", "room", "what", "at ms", "took ms", "revision", "about", ...(wide ? ["peer", "wire", "attempt"] : [])];
  return table(
    headings,
    records.map((record) => [
      stepName(record.step),
      record.room,
      stepTitle(record.step),
      (startMs(record) - originMs).toFixed(1),
      (endMs(record) - startMs(record)).toFixed(1),
      record.etcdRevision === 0n ? "" : String(record.etcdRevision),
      [record.subject, record.message].filter((part) => part !== "").join(": "),
      ...(wide ? [record.peer, record.wire, String(record.attempt)] : []),
    ]),
  );
}
