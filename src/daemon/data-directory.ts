import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/user-error.js";

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

/** Creates the directory where it is missing and takes it; throws UserError naming the process that has it. */
export function takeDataDirectory(path: string, name: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError("cannot-start", `data directory ${path}: ${(error as Error).message}`, "choose another with --data-dir");
  }
  const lockFile = join(path, "daemon.lock");
  const lock = { pid: process.pid, name } satisfies Lock;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(lockFile, JSON.stringify(lock), { flag: "wx" });
      return { path, startCount: countStart(path), release: () => rmSync(lockFile, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new UserError("cannot-start", `data directory ${path}: ${(error as Error).message}`, "choose another with --data-dir");
      }
    }
    const holder = readLock(lockFile);
    if (holder !== undefined && isAlive(holder.pid)) {
      throw new UserError("cannot-start", `data directory ${path} is in use by spheresim "${holder.name}" (pid ${holder.pid})`, `stop it with: kill ${holder.pid}   or start another with --name`);
    }
    // The holder died without letting go.
    rmSync(lockFile, { force: true });
  }
  throw new UserError("cannot-start", `data directory ${path} is being taken by another process`, "try again");
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
