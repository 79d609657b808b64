import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { durationParts } from "../base/timestamp.js";
import { exitCodes, UserError } from "../base/user-error.js";
import type { PlaceResponse, PlaceResult } from "../gen/spheresim/emulator/v1/emulator.js";
import { fileProblem } from "../base/user-error.js";
import { table } from "./table.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { screen } from "./screen.js";
import { seconds } from "./seconds.js";
import { startMs, stepLine } from "./step-text.js";

interface PlaceFlags extends ConnectionOptions {
  readonly filename: string;
  readonly namespace: string;
  readonly timeout: number;
}

/** `spheresim place -f FILE`: applies a manifest and follows its pods. Exit status 1 when one does not run. */
export function addPlace(program: Command): void {
  const command = program
    .command("place")
    .description("apply a manifest and follow its pods through the fourteen steps; status 0 only if every pod ran, 4 if time was up")
    .requiredOption("-f, --filename <file>", "YAML or JSON manifest; - for standard input")
    .option("-n, --namespace <namespace>", "namespace of objects that name none", "default")
    .option("--timeout <seconds>", "give up after this long", seconds, 60);
  addConnectionOptions(command).action(async (flags: PlaceFlags) => {
    const manifest = readManifestFile(flags.filename);
    const connection = await connect(flags, process.env);
    try {
      const result = await showPlacement(connection.emulator.place({ manifest, namespace: flags.namespace, timeout: durationParts(flags.timeout) }));
      if (result.timedOut) throw new UserError("time-out", `not every pod had arrived after ${flags.timeout} s`, "wait longer with --timeout, or see how far one came with: spheresim trace POD");
      if (!result.allRunning) process.exitCode = exitCodes.failed;
    } finally {
      connection.close();
    }
  });
}

function readManifestFile(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw new UserError("usage", `manifest ${path}: ${fileProblem(error)}`, "name a YAML or JSON file with -f, or - for standard input");
  }
}

/** Prints what a placement says as it happens, and the pods at the end. */
export async function showPlacement(events: AsyncIterable<PlaceResponse>): Promise<PlaceResult> {
  let originMs: number | undefined;
  for await (const { event } of events) {
    switch (event?.$case) {
      case "applied":
        process.stdout.write(`${event.value.kind.toLowerCase()}/${event.value.name} ${event.value.change}\n`);
        break;
      case "step":
        originMs ??= startMs(event.value);
        process.stdout.write(`${stepLine(event.value, 24, originMs)}\n`);
        break;
      case "result":
        process.stdout.write(resultTable(event.value));
        return event.value;
      default:
        break;
    }
  }
  throw new UserError("failed", "the emulator ended the placement without a result", "look with: spheresim status");
}

function resultTable(result: PlaceResult): string {
  if (result.pods.length === 0) return "no pods came of this manifest\n";
  return `\n${table(["namespace", "pod", "phase", "node", "vm", "reason"], result.pods.map((pod) => [pod.namespace, pod.name, pod.phase, pod.node, pod.vmUuid, pod.reason]), screen().columns)}`;
}
