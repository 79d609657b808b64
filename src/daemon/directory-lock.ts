import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Level } from "level";

/** The process that holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly name: string;
}

/**
 * One holder at a time, among processes and within one. It is LevelDB's own lock on an empty database: the kernel frees it with its process,
 * however that ends, so that nobody has to judge whether a lock file is a dead one's and take it away from whom it belongs to by then.
 */
export class DirectoryLock {
  /** Databases this process has open, or is opening. */
  static readonly #held = new Set<string>();
  readonly #path: string;
  readonly #level: Level;
  readonly #holderFile: string;

  private constructor(path: string, level: Level, holderFile: string) {
    this.#path = path;
    this.#level = level;
    this.#holderFile = holderFile;
  }

  /**
   * Takes the lock `name` of a directory for `holder`; answers who has it where it is taken (undefined in the moment in which a holder has not
   * said its name yet).
   */
  static async take(directory: string, name: string, holder: string): Promise<DirectoryLock | { readonly heldBy: LockHolder | undefined }> {
    const holderFile = join(directory, `${name}.lock`);
    const path = resolve(directory, "locks", name);
    // LevelDB would find out, but by opening and closing the file once more, at which the kernel drops this process's lock on it.
    if (DirectoryLock.#held.has(path)) return { heldBy: readHolder(holderFile) };
    DirectoryLock.#held.add(path);
    const level = new Level(path);
    try {
      await level.open();
    } catch (error) {
      DirectoryLock.#held.delete(path);
      const cause = (error as Error).cause as { readonly code?: string; readonly message: string } | undefined;
      if (cause?.code === "LEVEL_LOCKED") return { heldBy: readHolder(holderFile) };
      throw cause ?? error;
    }
    writeFileSync(holderFile, JSON.stringify({ pid: process.pid, name: holder } satisfies LockHolder));
    return new DirectoryLock(path, level, holderFile);
  }

  async release(): Promise<void> {
    rmSync(this.#holderFile, { force: true });
    try {
      await this.#level.close();
    } finally {
      DirectoryLock.#held.delete(this.#path);
    }
  }
}

function readHolder(file: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LockHolder;
  } catch {
    return undefined; // not written yet, or gone again
  }
}
