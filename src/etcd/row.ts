import { KeyValue } from "../gen/etcd/mvccpb/kv.js";

/** The bytes of a row of the revision log: etcd's own, because HashKV hashes them. */
export function encodeRow(pair: KeyValue): Buffer {
  const bytes = KeyValue.encode(pair).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The pair a row holds. */
export function decodeRow(row: Buffer): KeyValue {
  return KeyValue.decode(row);
}

/** The bytes of a deletion: only the key, as etcd stores it. */
export function encodeTombstone(key: Buffer): Buffer {
  return encodeRow({ key, createRevision: 0n, modRevision: 0n, version: 0n, value: EMPTY, lease: 0n });
}

const EMPTY = Buffer.alloc(0);
