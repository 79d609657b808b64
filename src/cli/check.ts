import type { Command } from "commander";
import { durationParts } from "../base/timestamp.js";
import { UserError } from "../base/user-error.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import { durationOption } from "./seconds.js";

interface CheckFlags extends ConnectionOptions {
  readonly settle: number;
}

/** Added to the time for settling before the call is given up. */
const GRACE_MS = 30_000;

/** `spheresim check`: whether Kubernetes, vCenter and the hosts themselves agree. */
export function addCheck(program: Command): void {
  const command = program
    .command("check")
    .description("whether Kubernetes, vCenter and the hosts agree: no VM orphaned, none missing, nothing that runs twice")
    .option("--settle <duration>", "look again for so long until all is well: 30s, 2m", durationOption, 0);
  addConnectionOptions(command).action(async (flags: CheckFlags) => {
    const connection = await connect(flags, process.env);
    try {
      const { violations, pods, vms, hosts, silentHosts } = await connection.emulator.checkInvariants({ settle: durationParts(flags.settle) }, { deadlineMs: flags.settle * 1000 + GRACE_MS });
      for (const { kind, message } of violations) process.stdout.write(`${kind}: ${message}\n`);
      if (violations.length > 0) throw new UserError("failed", `${violations.length} violation${violations.length === 1 ? "" : "s"}`, flags.settle > 0 ? "" : "what is on its way may settle: --settle 30s");
      const silent = silentHosts.length === 0 ? "" : `; not heard: ${silentHosts.join(", ")}`;
      process.stdout.write(`clean: ${pods} pods, ${vms} VMs, ${hosts} hosts${silent}\n`);
    } finally {
      connection.close();
    }
  });
}
