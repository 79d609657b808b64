/** One stored key (etcd's KeyValue, as far as the API server reads it). */
export interface Row {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** A key, or the keys under a prefix, at one revision (etcd Range). */
export type RangeQuery = ({ readonly key: string } | { readonly prefix: string; /** Begin at this key inside the prefix. */ readonly from?: string }) & {
  /** 0 or absent: the newest. */
  readonly revision?: number;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  readonly countOnly?: boolean;
};

export interface RangeResult {
  /** The store's revision when it answered. */
  readonly revision: number;
  readonly rows: readonly Row[];
  readonly more: boolean;
  /** Keys in the range, regardless of `limit`. */
  readonly count: number;
}

/** Write or delete one key if it still has the revision it was read at (etcd Txn; 0 = the key does not exist). */
export interface Swap {
  readonly key: string;
  readonly expectedRevision: number;
  /** Absent deletes the key. */
  readonly value?: string;
  /** etcd lease that removes the key when it ends. */
  readonly leaseId?: bigint;
  /** Others that are written in the same Txn; all are, or none. */
  readonly along?: readonly Along[];
}

/** A key that changes together with another one, or keeps that one from changing. */
export interface Along {
  readonly key: string;
  readonly expectedRevision: number;
  readonly value: string;
}

export interface SwapResult {
  readonly succeeded: boolean;
  /** The store's revision after the Txn: when it succeeded, the key's new mod revision. */
  readonly revision: number;
  /** What the key holds instead, when the Txn failed; absent if nothing. */
  readonly current?: Row;
  /** What the keys of `along` hold, when the Txn failed, in their order; undefined for none. */
  readonly currentAlong?: readonly (Row | undefined)[];
}

/** One change of one key. */
export interface RowEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /** Revision of the change. */
  readonly revision: number;
  /** The new row of a put. */
  readonly row?: Row;
  /** The row before, where there was one and it was asked for. */
  readonly previous?: Row;
}

/** Changes that belong together; all of one revision are in one batch. Without events it says how far the store is. */
export interface RowBatch {
  /** Everything up to this revision has been delivered. */
  readonly revision: number;
  readonly events: readonly RowEvent[];
}

/** The revisions asked for are gone; start over from a list. */
export class CompactedError extends Error {
  readonly compactRevision: number;

  constructor(compactRevision: number) {
    super("etcdserver: mvcc: required revision has been compacted");
    this.compactRevision = compactRevision;
  }
}

/** The revision asked for does not exist yet. */
export class FutureRevisionError extends Error {
  constructor() {
    super("etcdserver: mvcc: required revision is a future revision");
  }
}

/** How much a watch tells of each change. */
export interface WatchRowsOptions {
  /** Also the row before it, which doubles what the store sends. */
  readonly previous?: boolean;
}

/** Everything the API server asks of its store: the five shapes of etcd's API that a kube-apiserver uses. */
export interface Backend {
  range(query: RangeQuery): Promise<RangeResult>;
  swap(swap: Swap): Promise<SwapResult>;
  /** Changes under `prefix` from `startRevision` on, in order, a batch at a time; ends by throwing or when `signal` aborts. */
  watch(prefix: string, startRevision: number, signal: AbortSignal, options?: WatchRowsOptions): AsyncIterable<RowBatch>;
  /** A lease that lives for `ttlSeconds`. */
  grantLease(ttlSeconds: number): Promise<bigint>;
}
