/** One change of a table. */
export type TableWrite =
  | { readonly type: "put"; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: "del"; readonly key: Buffer };

/** A half-open range of table keys. */
export interface TableRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** A sorted table of bytes: all that the store asks of a disk. LevelTable is the real one, MemoryTable the one for tests. */
export interface Table {
  /** The value of a key, now. Blocks: for single hot reads. */
  get(key: Buffer): Buffer | undefined;
  /** All of the writes or none. With `sync` they survive a power cut once the promise resolves. */
  write(writes: TableWrite[], sync: boolean): Promise<void>;
  /** The rows of a range as they were when the loop began, in chunks. */
  scan(range: TableRange, chunkRows: number): AsyncIterable<readonly (readonly [Buffer, Buffer])[]>;
  /** Size on disk in bytes, roughly. */
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}
