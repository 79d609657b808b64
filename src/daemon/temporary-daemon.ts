import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Daemon, startDaemon } from "./daemon.js";
import { readOptions } from "./options.js";

/** What a temporary emulator is made of. */
export interface TemporaryOptions {
  /** Options of `up`; directory and ports are not the caller's to choose. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: NodeJS.ProcessEnv;
  readonly configFile?: string | undefined;
  /** Ends the start when aborted. */
  readonly stop: AbortSignal;
}

/** Runs `work` beside an emulator on free ports and a temporary directory, and removes all of it, however that ends. */
export async function withTemporaryDaemon<T>({ flags, environment, configFile, stop }: TemporaryOptions, work: (daemon: Daemon) => Promise<T>): Promise<T> {
  const options = readOptions({ ...flags, ports: "auto" }, environment, configFile);
  const dataDir = mkdtempSync(join(tmpdir(), "spheresim-"));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove); // where the process is ended in the middle
  try {
    const daemon = await startDaemon({ ...options, dataDir }, stop);
    try {
      return await work(daemon);
    } finally {
      await daemon.close();
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}
