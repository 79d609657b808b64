/** One key as it was read. */
export interface KeyValueEntry {
  readonly key: string;
  readonly value: string;
}

/** A condition of a transaction: the key is absent, or has this value. */
export type KeyCompare = { readonly key: string; readonly absent: true } | { readonly key: string; readonly value: string };

/** A transaction: if every comparison holds, all puts and deletes happen at one revision, else none. */
export interface KeyValueTxn {
  readonly compare: readonly KeyCompare[];
  readonly puts: readonly KeyValueEntry[];
  readonly deletes: readonly string[];
  /** Keys to read, at the same revision, when a comparison fails. */
  readonly readOnFailure: readonly string[];
}

/** How a transaction ended. */
export interface KeyValueTxnResult {
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** With a failed comparison: the keys of `readOnFailure` that exist. */
  readonly found: readonly KeyValueEntry[];
}

/** What vCenter needs of etcd. All throw an RpcError; UNAVAILABLE leaves open whether a transaction happened. */
export interface KeyValue {
  /** Every key below a prefix, at one revision, in order of key. */
  list(prefix: string): Promise<readonly KeyValueEntry[]>;
  txn(txn: KeyValueTxn): Promise<KeyValueTxnResult>;
  /** Yields for what is written to a key from a revision on, until `signal` aborts. Throws where that is no longer known as well. */
  watch(key: string, fromRevision: bigint, signal: AbortSignal): AsyncIterable<unknown>;
}
