import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { projectDirectory } from "../../src/base/project-files.js";
import { EmulatorServiceClient, type EmulatorServiceService } from "../../src/gen/spheresim/emulator/v1/emulator_service.js";
import { type Channel, openChannel, type PromiseClient } from "../../src/rpc/channel.js";

const main = join(projectDirectory, "dist", "src", "cli", "main.js");

/** An emulator in processes of its own, as a user runs it, on free ports and a directory that is removed at the end. */
export interface RunningEmulator {
  readonly ready: ReadyLine;
  readonly process: ChildProcess;
  readonly emulator: PromiseClient<typeof EmulatorServiceService>;
  /** What its processes wrote on standard error so far. */
  readonly stderr: () => string;
  /** The channel to one of its rooms. */
  open(room: string): Channel;
}

/** Runs the command line; resolves when it has ended. */
export function run(parameters: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {}): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [main, ...parameters], { env: { ...process.env, ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(options.input ?? "");
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

/**
 * Starts `spheresim up` on a directory of its own and hands it to `work`; stops it and removes everything, however that ends.
 *
 * @param nodeOptions Node's own, for all its processes
 */
export async function withEmulator<T>(flags: readonly string[], work: (running: RunningEmulator) => Promise<T>, nodeOptions: readonly string[] = []): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), "spheresim-test-"));
  try {
    return await withEmulatorOn(dataDir, flags, work, nodeOptions);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The same on a directory that stays. */
export async function withEmulatorOn<T>(dataDir: string, flags: readonly string[], work: (running: RunningEmulator) => Promise<T>, nodeOptions: readonly string[] = []): Promise<T> {
  const child = spawn(process.execPath, [...nodeOptions, main, "up", "--json", "--ports", "auto", "--data-dir", dataDir, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const channels = new Map<string, Channel>();
  try {
    const ready = await readyLine(child, () => stderr);
    const open = (room: string): Channel => {
      const channel = channels.get(room) ?? openChannel({ address: ready.endpoints[room] ?? "" });
      channels.set(room, channel);
      return channel;
    };
    // An emulator may be left without this room.
    return await work({ ready, process: child, get emulator() { return open("emulator").client(EmulatorServiceClient); }, stderr: () => stderr, open });
  } finally {
    for (const channel of channels.values()) channel.close();
    child.kill("SIGTERM");
    await ended;
  }
}

async function readyLine(child: ChildProcess, stderr: () => string): Promise<ReadyLine> {
  if (child.stdout === null) throw new Error("no standard output");
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as ReadyLine;
  throw new Error(`spheresim up ended before it was ready: ${stderr()}`);
}
