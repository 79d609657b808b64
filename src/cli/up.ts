import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import type { ReadyLine } from "../base/ready-line.js";
import { fileProblem, UserError } from "../base/user-error.js";
import { type Daemon, readOptions, startDaemon } from "../daemon/index.js";
import { banner } from "./banner.js";
import { stopRequest, watchParent } from "./stop-request.js";
import { addUpOptions, givenOptions } from "./up-options.js";

interface UpFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly readyFile?: string;
  readonly exitWithParent?: boolean;
}

/** `spheresim up`: the daemon, until a signal ends it. */
export function addUp(program: Command): void {
  const command = program
    .command("up")
    .description("run the emulator until Ctrl-C")
    .option("--json", "print the ready line as JSON also on a terminal")
    .option("--ready-file <path>", "write the ready line to a file, too");
  addUpOptions(command).action(async (flags: UpFlags) => {
    const options = readOptions(givenOptions({ ...flags }, ["json", "readyFile"]), process.env, flags.config);
    const stop = stopRequest();
    const unwatch = options.exitWithParent ? watchParent(stop.request) : undefined;
    let daemon: Daemon | undefined;
    try {
      daemon = await startDaemon(options, stop.signal);
      announce(daemon.ready, flags);
      await stop.requested;
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      unwatch?.();
      await daemon?.close();
    }
  });
}

function announce(ready: ReadyLine, flags: UpFlags): void {
  const line = `${JSON.stringify(ready)}\n`;
  try {
    if (flags.readyFile !== undefined) writeFileSync(flags.readyFile, line);
  } catch (error) {
    throw new UserError("cannot-start", `ready file ${flags.readyFile}: ${fileProblem(error)}`, "choose another with --ready-file");
  }
  process.stdout.write(process.stdout.isTTY && flags.json !== true ? banner(ready, process.env) : line);
}
