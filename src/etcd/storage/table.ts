/** One change of a table. */
export type TableWrite =
  | { readonly type: "put"; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: "del"; readonly key: Buffer };

/** A half-open range of table keys. */
export interface TableRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** What a table held at one moment; later writes do not show. Close it, or the table keeps what it would otherwise throw away. */
export interface TableSnapshot {
  /** The rows of a range, in chunks; can be read again. */
  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]>;
  close(): Promise<void>;
}

/** A sorted table of bytes: all that the store asks of a disk. LevelTable is the real one, MemoryTable the one for tests. */
export interface Table {
  /** The value of a key, now. Blocks: for single hot reads. */
  get(key: Buffer): Buffer | undefined;
  /** All of the writes or none. With `sync` they survive a power cut once the promise resolves. */
  write(writes: TableWrite[], sync: boolean): Promise<void>;
  /** The rows of a range as they were when the loop began, in chunks. */
  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]>;
  snapshot(): TableSnapshot;
  /** Size on disk in bytes, roughly. */
  sizeBytes(): Promise<number>;
  /** Bytes of it that hold rows, roughly; not more than sizeBytes. */
  usedBytes(): Promise<number>;
  /** Gives the space of deleted rows back to the disk; reads and writes go on meanwhile. */
  defragment(): Promise<void>;
  close(): Promise<void>;
}
