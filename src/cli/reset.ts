import type { Command } from "commander";
import { durationParts } from "../base/timestamp.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { seconds } from "./seconds.js";

interface ResetFlags extends ConnectionOptions {
  readonly timeout: number;
}

/** Added to the emulator's own time before the call is given up. */
const graceMs = 10_000;

/** `spheresim reset`: an empty cluster again. */
export function addReset(program: Command): void {
  const command = program
    .command("reset")
    .description("delete every workload and own namespace through the API server, with their VMs: an empty cluster again")
    .option("--timeout <seconds>", "give up after this long", seconds, 60);
  addConnectionOptions(command).action(async (flags: ResetFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const { deleted } = await connection.emulator.reset({ requestId: "", timeout: durationParts(flags.timeout) }, { deadlineMs: flags.timeout * 1000 + graceMs });
      const counts = Object.entries(deleted).map(([kind, count]) => `${count} ${kind}${count === 1 ? "" : "s"}`);
      process.stdout.write(counts.length === 0 ? "nothing to delete\n" : `deleted ${counts.join(", ")}\n`);
    } finally {
      connection.close();
    }
  });
}
