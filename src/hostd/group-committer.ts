/** One change of the disk. */
export type DiskWrite = { readonly type: "put"; readonly key: string; readonly value: Buffer } | { readonly type: "del"; readonly key: string };

/** Writes a batch and returns when it is safe on disk. */
export type WriteBatch = (writes: DiskWrite[]) => Promise<void>;

interface Waiting {
  readonly writes: readonly DiskWrite[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Commits that may wait for the disk; a host that got further behind than this is broken, not busy. */
const MAX_WAITING = 20_000;

/**
 * Makes one synced batch out of all commits that arrive while the disk is busy.
 *
 * Worked example: A is written alone; B, C and D arrive meanwhile and share the second batch: four commits, two syncs.
 */
export class GroupCommitter {
  readonly #write: WriteBatch;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #commits = 0;
  #batches = 0;
  #broken: Error | undefined;

  constructor(write: WriteBatch) {
    this.#write = write;
  }

  /** Commits so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Synced batches so far. */
  get batches(): number {
    return this.#batches;
  }

  /** Resolves when the writes are on disk, all or none. After a failed batch the disk is not trusted any more: all commits fail. */
  commit(writes: readonly DiskWrite[]): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new Error(`${MAX_WAITING} commits wait for the disk`));
    this.#commits += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Whoever commits in the same turn shares the first batch too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#broken !== undefined) throw this.#broken;
        this.#batches += 1;
        await this.#write(group.flatMap((each) => each.writes));
        for (const each of group) each.resolve();
      } catch (error) {
        this.#broken ??= error instanceof Error ? error : new Error(String(error));
        for (const each of group) each.reject(this.#broken);
      }
    }
    this.#running = undefined;
  }
}
