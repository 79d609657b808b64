import type { Table, TableRange, TableSnapshot, TableWrite } from "./table.js";

/** A table without a disk. Its content outlives `close`, so that a test can open a second store on it. */
export class MemoryTable implements Table {
  readonly #rows = new Map<string, Buffer>();
  #sorted: string[] | undefined;
  /** Writes so far, and how many of them asked to be synced. */
  writes = 0;
  syncedWrites = 0;
  /** When set, the next write fails with it. */
  failNext: Error | undefined;

  get(key: Buffer): Buffer | undefined {
    return this.#rows.get(key.toString("latin1"));
  }

  async write(writes: TableWrite[], sync: boolean): Promise<void> {
    await Promise.resolve();
    if (this.failNext !== undefined) throw this.failNext;
    this.writes += 1;
    if (sync) this.syncedWrites += 1;
    for (const write of writes) {
      const key = write.key.toString("latin1");
      if (write.type === "put") this.#rows.set(key, Buffer.from(write.value));
      else this.#rows.delete(key);
    }
    this.#sorted = undefined;
  }

  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]> {
    return inChunks(this.#rowsOf(range), chunkRows);
  }

  snapshot(): TableSnapshot {
    const rows = this.#rowsOf({ gte: Buffer.alloc(0), lt: Buffer.from([0xff, 0xff]) });
    return { scan: ({ gte, lt }, chunkRows) => inChunks(rows.filter(([key]) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0), chunkRows), close: () => Promise.resolve() };
  }

  usedBytes(): Promise<number> {
    return this.sizeBytes();
  }

  defragment(): Promise<void> {
    return Promise.resolve();
  }

  #rowsOf(range: TableRange): (readonly [Buffer, Buffer])[] {
    this.#sorted ??= [...this.#rows.keys()].sort((a, b) => (a < b ? -1 : 1));
    const [from, to] = [range.gte.toString("latin1"), range.lt.toString("latin1")];
    return this.#sorted.filter((key) => key >= from && key < to).map((key) => [Buffer.from(key, "latin1"), this.#rows.get(key) as Buffer] as const);
  }

  sizeBytes(): Promise<number> {
    let bytes = 0;
    for (const [key, value] of this.#rows) bytes += key.length + value.length;
    return Promise.resolve(bytes);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* inChunks(rows: readonly (readonly [Buffer, Buffer])[], chunkRows: number): AsyncGenerator<readonly (readonly [Buffer, Buffer])[]> {
  for (let at = 0; at < rows.length; at += chunkRows) {
    await Promise.resolve();
    yield rows.slice(at, at + chunkRows);
  }
}
