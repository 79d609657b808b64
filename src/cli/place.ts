import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import type { PlaceResponse, PlaceResult } from "../gen/spheresim/emulator/v1/emulator.js";
import { table } from "./table.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { startMs, stepLine } from "./step-text.js";

interface PlaceFlags extends ConnectionOptions {
  readonly filename: string;
  readonly namespace: string;
  readonly timeout: string;
}

/** `spheresim place -f FILE`: applies a manifest and follows its pods. Exit status 1 when one does not run. */
export function addPlace(program: Command): void {
  const command = program
    .command("place")
    .description("apply a manifest and follow its pods through the fourteen steps")
    .requiredOption("-f, --filename <file>", "YAML or JSON manifest; - for standard input")
    .option("-n, --namespace <namespace>", "namespace of objects that name none", "default")
    .option("--timeout <seconds>", "give up after this long", "60");
  addConnectionOptions(command).action(async (flags: PlaceFlags) => {
    const seconds = Number(flags.timeout);
    if (!Number.isFinite(seconds) || seconds <= 0) throw new UserError("usage", `--timeout ${flags.timeout}: must be a number of seconds above 0`);
    const manifest = readManifestFile(flags.filename);
    const connection = await connect(flags, process.env);
    try {
      const timeout = { seconds: BigInt(Math.floor(seconds)), nanos: Math.round((seconds % 1) * 1e9) };
      const result = await showPlacement(connection.emulator.place({ manifest, namespace: flags.namespace, timeout }));
      if (!result.allRunning) process.exitCode = 1;
    } finally {
      connection.close();
    }
  });
}

function readManifestFile(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw new UserError("usage", `manifest ${path}: ${(error as Error).message}`);
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
  return `\n${table(["namespace", "pod", "phase", "node", "vm", "reason"], result.pods.map((pod) => [pod.namespace, pod.name, pod.phase, pod.node, pod.vmUuid, pod.reason]))}`;
}
