import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";

/** A key with its value and its place in history. */
export interface EtcdPair {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** Lease the key hangs on; 0 for none. */
  readonly lease: bigint;
}

/** One key, or all keys below a prefix. */
export type EtcdKeys = { readonly key: string } | { readonly prefix: string };

/** The end of the range of all keys that begin with `prefix`: its last byte counted up; a zero byte, for no end, if that cannot be. */
export function prefixEnd(prefix: Buffer): Buffer {
  for (let length = prefix.length; length > 0; length -= 1) {
    const last = prefix[length - 1] as number;
    if (last < 0xff) return Buffer.concat([prefix.subarray(0, length - 1), Buffer.from([last + 1])]);
  }
  return Buffer.from([0]);
}

/** key and range_end of a request. */
export function rangeBytes(keys: EtcdKeys): { readonly key: Buffer; readonly rangeEnd: Buffer } {
  if ("key" in keys) return { key: Buffer.from(keys.key), rangeEnd: Buffer.alloc(0) };
  const prefix = Buffer.from(keys.prefix);
  return { key: prefix.length === 0 ? Buffer.from([0]) : prefix, rangeEnd: prefixEnd(prefix) };
}

/** A pair as this client hands it out. */
export function pairOf(pair: KeyValue): EtcdPair {
  return { key: pair.key.toString(), value: pair.value, createRevision: Number(pair.createRevision), modRevision: Number(pair.modRevision), version: Number(pair.version), lease: pair.lease };
}
