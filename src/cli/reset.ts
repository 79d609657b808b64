import type { Command } from "commander";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";

/** `spheresim reset`: an empty cluster again. */
export function addReset(program: Command): void {
  addConnectionOptions(program.command("reset").description("delete every workload through the API server: an empty cluster again")).action(async (flags: ConnectionOptions) => {
    const connection = await connect(flags, process.env);
    try {
      const { deleted } = await connection.emulator.reset({ timeout: undefined }, { deadlineMs: 70_000 });
      const counts = Object.entries(deleted).map(([kind, count]) => `${count} ${kind}${count === 1 ? "" : "s"}`);
      process.stdout.write(counts.length === 0 ? "nothing to delete\n" : `deleted ${counts.join(", ")}\n`);
    } finally {
      connection.close();
    }
  });
}
