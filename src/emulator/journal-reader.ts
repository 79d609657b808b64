import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { StepPlace } from "./journal-key.js";

/** A record and the store revision it was written at. */
export interface StoredRecord {
  readonly record: StepRecord;
  readonly revision: bigint;
}

/** What happened to a record: it was written, written again, or forgotten. */
export type JournalChange = { readonly kind: "enter" | "modify"; readonly record: StepRecord } | { readonly kind: "leave"; readonly place: StepPlace };

/** Everything that happened up to a revision; without changes it says only how far the store is. */
export interface JournalBatch {
  readonly revision: bigint;
  readonly changes: readonly JournalChange[];
}

/** Reads what the journal has stored, by way of the etcd API. */
export interface JournalReader {
  /** The store's revision now. */
  revision(): Promise<bigint>;
  /** All records below a prefix at one revision, in key order. */
  read(prefix: string): Promise<{ readonly records: readonly StoredRecord[]; readonly revision: bigint }>;
  /** What differs below a prefix between a revision and now; OUT_OF_RANGE InvalidCollectorVersion for one that is compacted or to come. */
  since(prefix: string, revision: bigint): Promise<JournalBatch>;
  /** What happens below a prefix after a revision, for ever; reading slowly loses nothing. */
  follow(prefix: string, afterRevision: bigint, signal: AbortSignal): AsyncIterable<JournalBatch>;
}
