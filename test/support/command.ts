import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectDirectory } from "../../src/base/project-files.js";

const main = join(projectDirectory, "dist", "src", "cli", "main.js");

/** A command of the command line that goes on until it is stopped. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Its next line on standard output; rejects when it has ended. */
  line(): Promise<string>;
  /** How it ended: exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly stderr: () => string;
}

/** Starts the command line and leaves it running. */
export function start(parameters: readonly string[], options: { readonly env?: NodeJS.ProcessEnv } = {}): RunningCommand {
  return watch(spawn(process.execPath, [main, ...parameters], { env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] }));
}

/** Starts it below a shell that stays its parent, as a test runner would. */
export function startBelowShell(parameters: readonly string[], options: { readonly env?: NodeJS.ProcessEnv } = {}): RunningCommand {
  const script = '"$@" & wait $!';
  return watch(spawn("/bin/sh", ["-c", script, "sh", process.execPath, main, ...parameters], { env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] }));
}

function watch(child: ChildProcess): RunningCommand {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code ?? -1)));
  if (child.stdout === null) throw new Error("no standard output");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`it ended: ${stderr}`);
    return next.value;
  };
  return { process: child, pid: child.pid ?? -1, line, ended, stderr: () => stderr };
}

/** Ends a command if it still runs, however the test ended, and waits for it. */
export async function stopped(command: RunningCommand): Promise<void> {
  command.process.kill("SIGTERM");
  await command.ended;
}

/** Hands a new directory to `work` and removes it afterwards. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-test-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
