/** A pair as a reader sees it. */
export interface Pair {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** 0 for none. */
  readonly lease: number;
}

/** What a client asked for. */
export type Input =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly lease: number }
  /** Deletes [key, end), or one key where `end` is empty. */
  | { readonly kind: "delete"; readonly key: string; readonly end: string }
  /** Puts all of `puts` if the key's mod_revision is the given one, else reads the key. */
  | { readonly kind: "txn"; readonly key: string; readonly modRevision: number; readonly puts: readonly { readonly key: string; readonly value: string }[] }
  /** Reads [key, end) at a revision, 0 for the current one. */
  | { readonly kind: "range"; readonly key: string; readonly end: string; readonly revision: number }
  | { readonly kind: "grant" | "revoke"; readonly lease: number }
  | { readonly kind: "compact"; readonly revision: number };

/** What the server said; `revision` is that of the answer's header. */
export type Output =
  | { readonly revision: number; readonly deleted?: number; readonly succeeded?: boolean; readonly pairs?: readonly Pair[] }
  /** A refusal, after which nothing has changed. */
  | { readonly refused: string };

/** One call of one client; a client has one call under way at a time. Times are milliseconds of one monotonic clock. */
export interface Operation {
  readonly client: number;
  readonly input: Input;
  readonly call: number;
  /** Absent when nobody knows what became of it: a time-out, a broken connection. */
  readonly output?: Output;
  readonly return?: number;
}

/** One event of a watch, as the client got it. */
export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /** The pair of a put; of a deletion only key and revision. */
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
  /** Absent when the answer had none. */
  readonly previous?: Pair;
}

/** One answer on a watch. */
export interface WatchAnswer {
  readonly at: number;
  /** Of its header. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  /** Set where compaction ended the watch. */
  readonly compactRevision?: number;
}

/** One watch from creation to its end. An answer without events is a progress notice, unless it ends the watch. */
export interface WatchHistory {
  readonly client: number;
  readonly key: string;
  /** As on the wire: empty for one key, `\0` for all from `key` on. */
  readonly end: string;
  /** First revision wanted: asked for, or the one after the answer to the creation. */
  readonly start: number;
  readonly previous: boolean;
  readonly filter: "none" | "noput" | "nodelete";
  readonly answers: WatchAnswer[];
}

/** Everything a run recorded. */
export interface History {
  readonly operations: readonly Operation[];
  readonly watches: readonly WatchHistory[];
  /** Every change from revision 2 on, as one watch of everything saw it, over all restarts. */
  readonly ledger: readonly WatchEvent[];
}
