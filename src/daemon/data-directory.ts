import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { fileProblem, UserError } from "../base/user-error.js";

interface Lock {
  readonly pid: number;
  readonly name: string;
}

/** A data directory held by this process alone. */
export interface DataDirectory {
  readonly path: string;
  /** How often an emulator was started on this directory, this start included; makes every start's ids new. */
  readonly startCount: number;
  release(): void;
}

/** Creates the directory where it is missing; throws UserError where it cannot be. */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError("cannot-start", `data directory ${path}: ${fileProblem(error)}`, "choose another with --data-dir");
  }
}

/** Creates the directory where it is missing and takes it; throws UserError naming the process that has it. */
export function takeDataDirectory(path: string, name: string): DataDirectory {
  makeDataDirectory(path);
  const lockFile = join(path, "daemon.lock");
  try {
    const holder = takeLock(lockFile, name);
    if (holder === undefined) return { path, startCount: countStart(path), release: () => rmSync(lockFile, { force: true }) };
    throw new UserError("cannot-start", `data directory ${path} is in use by spheresim "${holder.name}" (pid ${holder.pid})`, `stop it with: kill ${holder.pid}   or start another with --name`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError("cannot-start", `data directory ${path}: ${fileProblem(error)}`, "choose another with --data-dir");
  }
}

/** Takes a lock file for this process; answers who has it if somebody else does. A lock whose holder has ended is free. */
function takeLock(file: string, name: string): Lock | undefined {
  // A lock is there with all that it says or not at all: nobody reads half of one.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, name } satisfies Lock));
  try {
    for (;;) {
      try {
        linkSync(own, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readLock(file);
      if (holder !== undefined && isAlive(holder.pid)) return holder;
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

const turnPollMs = 20;

/** Does `work` while no other process does it on the same directory: rooms that are served one by one start together. */
export async function inTurn<T>(path: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  const file = join(path, "turn.lock");
  while (takeLock(file, "turn") !== undefined) await clock.sleep(turnPollMs);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function readLock(path: string): Lock | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Lock;
  } catch {
    return undefined; // half written or gone: nobody's
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

/** Whether a process of that id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
