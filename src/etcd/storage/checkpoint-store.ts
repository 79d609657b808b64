/** Keeps one checkpoint: a file beside the database, or memory in tests. */
export interface CheckpointStore {
  /** The bytes that were saved last, in pieces of any size; nothing when there are none. May throw when they cannot be read. */
  load(): AsyncIterable<Buffer>;
  /** Takes the place of what was saved before, and only as a whole: what throws halfway changes nothing. */
  save(pieces: AsyncIterable<Buffer>): Promise<void>;
}
