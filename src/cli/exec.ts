import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { readOptions, startDaemon } from "../daemon/index.js";
import { environmentOf } from "./env.js";
import { addUpOptions, givenOptions } from "./up-options.js";
import { watchParent } from "./up.js";

/** `spheresim exec [up flags] -- CMD`: an emulator of its own for one command; passes its exit status on and leaves nothing behind. */
export function addExec(program: Command): void {
  const command = program
    .command("exec")
    .description("run one command against an emulator of its own, on free ports, and leave nothing behind")
    .argument("<command...>", "the command and its arguments, after --");
  addUpOptions(command).action(async (words: readonly string[], flags: { readonly config?: string }) => {
    const dataDir = mkdtempSync(join(tmpdir(), "spheresim-exec-"));
    const options = readOptions({ ...givenOptions({ ...flags }, []), ports: "auto", dataDir }, process.env, flags.config);
    try {
      const daemon = await startDaemon(options);
      try {
        const { ready } = daemon;
        const variables = environmentOf(Info.fromPartial({ endpoints: ready.endpoints, kubeconfig: ready.kubeconfig, dataDir }));
        process.exitCode = await runCommand(words, { ...process.env, ...variables });
      } finally {
        await daemon.close();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
}

const signalBase = 128;
const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function runCommand(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const [program, ...parameters] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, parameters, { stdio: "inherit", env: environment });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, pass);
    // The emulator belongs to whoever asked for it: without them the command is ended, and with it everything.
    const unwatch = watchParent(() => child.kill("SIGTERM"));
    child.once("error", (error) => reject(new UserError("cannot-start", `command ${program}: ${error.message}`)));
    child.once("exit", (code, signal) => {
      for (const each of signals) process.off(each, pass);
      unwatch();
      resolve(code ?? signalBase + (signalNumbers[signal as NodeJS.Signals] ?? 0));
    });
  });
}
