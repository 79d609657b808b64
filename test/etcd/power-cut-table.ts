import type { Dice } from "../../src/base/seeded-random.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import type { TableSnapshot, Table, TableRange, TableWrite } from "../../src/etcd/storage/table.js";

/** A write that power has not survived yet. */
interface Unsynced {
  readonly writes: TableWrite[];
}

/**
 * A table on a disk that forgets what was not synced. Like LevelDB it writes to one log in order, so a power cut leaves everything up to the
 * last sync and any first part of what came after; a write is there as a whole or not at all.
 *
 * Example: a synced, b, c, d synced but cut while it runs. After the cut there is a; or a b; a b c; or a b c d, which nobody was told of.
 */
export class PowerCutTable implements Table {
  readonly #disk: MemoryTable;
  readonly #memory: MemoryTable;
  #unsynced: Unsynced[] = [];
  #cut = false;
  /** Writes until the power goes, each counted when it begins. */
  #writesLeft = Infinity;
  #onCut: (() => void) | undefined;

  private constructor(disk: MemoryTable, memory: MemoryTable) {
    this.#disk = disk;
    this.#memory = memory;
  }

  /** A table with what a disk holds. */
  static async on(disk: MemoryTable): Promise<PowerCutTable> {
    const memory = new MemoryTable();
    for await (const rows of disk.scan({ gte: Buffer.alloc(0), lt: Buffer.from([0xff, 0xff]) }, 1_000)) await memory.write(rows.map(([key, value]) => ({ type: "put", key, value })), false);
    return new PowerCutTable(disk, memory);
  }

  /** The power goes while the write after `writes` more runs; `onCut` hears of it at that moment. */
  cutAfter(writes: number, onCut: () => void): void {
    this.#writesLeft = writes;
    this.#onCut = onCut;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  /** Ends the power now, if it is still there, and lets chance decide how much of the unsynced reached the disk; the disk as it is found then. */
  async afterCut(dice: Dice): Promise<MemoryTable> {
    this.#cut = true;
    const survivors = this.#unsynced.slice(0, dice.int(this.#unsynced.length + 1));
    for (const { writes } of survivors) await this.#disk.write(writes, true);
    return this.#disk;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#memory.get(key);
  }

  async write(writes: TableWrite[], sync: boolean): Promise<void> {
    if (this.#cut) return NEVER;
    this.#unsynced.push({ writes });
    if (this.#writesLeft === 0) {
      this.#cut = true;
      this.#onCut?.();
      return NEVER;
    }
    this.#writesLeft -= 1;
    await this.#memory.write(writes, sync);
    if (!sync) return;
    for (const each of this.#unsynced) await this.#disk.write(each.writes, true);
    this.#unsynced = [];
  }

  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]> {
    return this.#memory.scan(range, chunkRows);
  }

  snapshot(): TableSnapshot {
    return this.#memory.snapshot();
  }

  sizeBytes(): Promise<number> {
    return this.#memory.sizeBytes();
  }

  usedBytes(): Promise<number> {
    return this.#memory.usedBytes();
  }

  defragment(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What waits for a dead machine. */
const NEVER = new Promise<never>(() => undefined);
