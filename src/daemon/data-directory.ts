import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { makeDirectory } from "../base/directory.js";
import { fileProblem, UserError } from "../base/user-error.js";
import { DirectoryLock } from "./directory-lock.js";

/** A data directory held by this process alone. */
export interface DataDirectory {
  readonly path: string;
  /** How often an emulator was started on this directory, this start included; makes every start's ids new. */
  readonly startCount: number;
  release(): Promise<void>;
}

/** Creates the directory where it is missing; throws UserError where it cannot be. */
export function makeDataDirectory(path: string): void {
  try {
    makeDirectory(path, 0o700);
  } catch (error) {
    throw new UserError("cannot-start", `data directory ${path}: ${fileProblem(error)}`, "choose another with --data-dir");
  }
}

/** Creates the directory where it is missing and takes it; throws UserError naming the process that has it. */
export async function takeDataDirectory(path: string, name: string): Promise<DataDirectory> {
  makeDataDirectory(path);
  const lock = await take(path, "daemon", name);
  if (lock instanceof DirectoryLock) return { path, startCount: countStart(path), release: () => lock.release() };
  const { pid, name: other } = lock.heldBy ?? {};
  const holder = pid === undefined ? "another process" : `spheresim "${other}" (pid ${pid})`;
  throw new UserError("cannot-start", `data directory ${path} is in use by ${holder}`, pid === undefined ? "start another with --name" : `stop it with: kill ${pid}   or start another with --name`);
}

const turnPollMs = 20;

/** Does `work` while no other process does it on the same directory: rooms that are served one by one start together. */
export async function inTurn<T>(path: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const lock = await take(path, "turn", "turn");
    if (lock instanceof DirectoryLock) {
      try {
        return await work();
      } finally {
        await lock.release();
      }
    }
    await clock.sleep(turnPollMs);
  }
}

async function take(path: string, name: string, holder: string): ReturnType<typeof DirectoryLock.take> {
  try {
    return await DirectoryLock.take(path, name, holder);
  } catch (error) {
    throw new UserError("cannot-start", `data directory ${path}: ${fileProblem(error)}`, "choose another with --data-dir");
  }
}

/** Counts a start on a data directory; makes the ids of every start new. */
export function countStart(path: string): number {
  const file = join(path, "start-count");
  let count = 1;
  try {
    count = Number.parseInt(readFileSync(file, "utf8"), 10) + 1 || 1;
  } catch {
    // first start
  }
  writeFileSync(file, String(count));
  return count;
}
