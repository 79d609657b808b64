import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "commander";
import { monotonicClock } from "../base/clock.js";
import { withTemporaryDaemon } from "../daemon/index.js";
import { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { pointedAt } from "./env.js";
import { type StopRequest, stopRequest, watchParent } from "./stop-request.js";
import { addUpOptions, givenOptions } from "./up-options.js";

/** What `exec` decides by itself. */
const ownChoices = ["name", "dataDir", "ports", "portBase", "exitWithParent"];

/** `spheresim exec [up flags] -- CMD`: an emulator of its own for one command; passes its exit status on and leaves nothing behind. */
export function addExec(program: Command): void {
  const command = program
    .command("exec")
    .description("run one command against an emulator of its own on free ports; passes its exit status on and leaves nothing behind")
    .usage("[options] -- <command...>")
    .argument("<command...>", "the command and its arguments, after --");
  addUpOptions(command, ownChoices).action(async (words: readonly string[], flags: { readonly config?: string }) => {
    const stop = stopRequest();
    // The emulator belongs to whoever asked for it: without them the command is ended, and with it everything.
    const unwatch = watchParent(stop.request);
    try {
      process.exitCode = await withTemporaryDaemon({ flags: givenOptions({ ...flags }, []), environment: process.env, configFile: flags.config, stop: stop.signal }, ({ ready }) => {
        const environment = pointedAt(Info.fromPartial({ endpoints: ready.endpoints, kubeconfig: ready.kubeconfig, dataDir: ready.dataDir }), process.env);
        return runCommand(words, environment, stop);
      });
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      process.exitCode = stop.exitCode;
    } finally {
      unwatch();
    }
  });
}

const signalBase = 128;
/** What shells answer for a command that is not there, and for one that may not be run. */
const notFound = 127;
const notExecutable = 126;
/** A command that does not end when asked to is killed after so long. */
const killAfterMs = 1_000;

/** Resolves with the command's exit status as a shell would tell it. */
function runCommand(words: readonly string[], environment: NodeJS.ProcessEnv, { signal: orphaned, release }: StopRequest): Promise<number> {
  const [program = "", ...parameters] = words;
  return new Promise((resolve) => {
    // Before there is a command: a signal that nobody heard would end this process and leave the command behind.
    passSignals(() => child);
    release();
    const child = spawn(program, parameters, { stdio: "inherit", env: environment });
    const letGo = endWhen(orphaned, child);
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return; // a signal could not be delivered; its end is still to come
      letGo();
      const missing = error.code === "ENOENT";
      process.stderr.write(`spheresim: command ${program}: ${missing ? "not found; is it installed and on PATH?" : `cannot be run (${error.code})`}\n`);
      resolve(missing ? notFound : notExecutable);
    });
    child.once("exit", (code, signal) => {
      letGo();
      resolve(code ?? signalBase + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** What is asked of `exec` is asked of the command; from here on until the end, so that nothing cuts the cleaning up short. */
function passSignals(command: () => ChildProcess): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A terminal tells the whole group: the command has heard of it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) command().kill(signal);
    });
  }
}

/** Ends the command when `orphaned` is aborted: it is asked, then killed. The function it returns lets go. */
function endWhen(orphaned: AbortSignal, child: ChildProcess): () => void {
  let killing: { cancel(): void } | undefined;
  const end = (): void => {
    child.kill("SIGTERM");
    killing = monotonicClock().timer(killAfterMs, () => child.kill("SIGKILL"));
  };
  if (orphaned.aborted) end();
  else orphaned.addEventListener("abort", end, { once: true });
  return () => {
    orphaned.removeEventListener("abort", end);
    killing?.cancel();
  };
}
