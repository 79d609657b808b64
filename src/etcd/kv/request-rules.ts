import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { RangeRequest_SortOrder, RangeRequest_SortTarget } from "../../gen/etcd/etcdserverpb/rpc.js";
import { etcdError } from "../errors.js";
import { inRange, keyOf, type Key, type KeyRange } from "../key-index/key-range.js";

/** Operations one level of a Txn may hold when nothing else is said (etcd --max-txn-ops). */
export const DEFAULT_MAX_TXN_OPS = 128;

const KNOWN_SORT_ORDERS: ReadonlySet<number> = new Set([RangeRequest_SortOrder.NONE, RangeRequest_SortOrder.ASCEND, RangeRequest_SortOrder.DESCEND]);
const KNOWN_SORT_TARGETS: ReadonlySet<number> = new Set([
  RangeRequest_SortTarget.KEY,
  RangeRequest_SortTarget.VERSION,
  RangeRequest_SortTarget.CREATE,
  RangeRequest_SortTarget.MOD,
  RangeRequest_SortTarget.VALUE,
]);

/** What can be said of a Range without looking at the store. */
export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw etcdError("emptyKey");
  if (!KNOWN_SORT_ORDERS.has(request.sortOrder) || !KNOWN_SORT_TARGETS.has(request.sortTarget)) throw etcdError("invalidSortOption");
}

/** What can be said of a Put without looking at the store. */
export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw etcdError("emptyKey");
  if (request.ignoreValue && request.value.length > 0) throw etcdError("valueProvided");
  if (request.ignoreLease && request.lease !== 0n) throw etcdError("leaseProvided");
}

/** What can be said of a DeleteRange without looking at the store. */
export function checkDelete(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw etcdError("emptyKey");
}

/** What can be said of a Txn without looking at the store: sizes, fields, keys written twice. */
export function checkTxn(request: TxnRequest, maxOps = DEFAULT_MAX_TXN_OPS): void {
  checkTxnFields(request, maxOps);
  collectWrites(request.success);
  collectWrites(request.failure);
}

function checkTxnFields(request: TxnRequest, maxOps: number): void {
  const ops = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (ops > maxOps) throw etcdError("tooManyOps");
  for (const compare of request.compare) if (compare.key.length === 0) throw etcdError("emptyKey");
  for (const op of request.success) checkOp(op, maxOps - ops);
  for (const op of request.failure) checkOp(op, maxOps - ops);
}

function checkOp(op: RequestOp, maxOps: number): void {
  switch (op.request?.$case) {
    case "requestRange":
      return checkRange(op.request.value);
    case "requestPut":
      return checkPut(op.request.value);
    case "requestDeleteRange":
      return checkDelete(op.request.value);
    case "requestTxn":
      return checkTxnFields(op.request.value, maxOps);
    default:
      // Odd, but what etcd says to an empty operation.
      throw etcdError("keyNotFound");
  }
}

interface Writes {
  readonly puts: Set<Key>;
  readonly deletes: KeyRange[];
}

/**
 * Refuses two puts of a key, or a put and a deletion, that one execution could both reach (etcd checkIntervals).
 *
 * Example: put a; txn { then: put b, else: put b }; del [c, d) is fine, because only one put of b can happen. A put of a in any
 * branch, or of c anywhere at this level or above, is not.
 */
function collectWrites(ops: readonly RequestOp[]): Writes {
  const puts = new Set<Key>();
  const deletes: KeyRange[] = [];
  const deleted = (key: Key): boolean => deletes.some((range) => inRange(range, key));

  for (const { request } of ops) if (request?.$case === "requestDeleteRange") deletes.push(deletedRange(request.value));
  for (const { request } of ops) {
    if (request?.$case !== "requestTxn") continue;
    const then = collectWrites(request.value.success);
    const otherwise = collectWrites(request.value.failure);
    for (const key of then.puts) {
      if (puts.has(key) || deleted(key)) throw etcdError("duplicateKey");
      puts.add(key);
    }
    for (const key of otherwise.puts) {
      if ((puts.has(key) && !then.puts.has(key)) || deleted(key)) throw etcdError("duplicateKey");
      puts.add(key);
    }
    deletes.push(...then.deletes, ...otherwise.deletes);
  }
  for (const { request } of ops) {
    if (request?.$case !== "requestPut") continue;
    const key = keyOf(request.value.key);
    if (puts.has(key) || deleted(key)) throw etcdError("duplicateKey");
    puts.add(key);
  }
  return { puts, deletes };
}

/** The range of a deletion as this check sees it: etcd takes the end "\0" at its word here, so that the range is empty. */
function deletedRange(request: DeleteRangeRequest): KeyRange {
  const start = keyOf(request.key);
  return request.rangeEnd.length === 0 ? { start, end: `${start}\0`, single: true } : { start, end: keyOf(request.rangeEnd), single: false };
}
