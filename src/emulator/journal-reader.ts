import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";

/** A record and the store revision it was written at. */
export interface StoredRecord {
  readonly record: StepRecord;
  readonly revision: bigint;
}

/** Reads what the journal has stored, by way of the etcd API. */
export interface JournalReader {
  /** The store's revision now. */
  revision(): Promise<bigint>;
  /** All records below a prefix at one revision, in key order. */
  read(prefix: string): Promise<{ readonly records: readonly StoredRecord[]; readonly revision: bigint }>;
  /** Records written below a prefix after a revision, for ever; reading slowly loses nothing. */
  follow(prefix: string, afterRevision: bigint, signal: AbortSignal): AsyncIterable<StoredRecord>;
}
