import { type RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget, type RangeResponse } from "../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";
import { etcdError } from "./errors.js";
import { rangeOf } from "./key-range.js";
import type { ReadView } from "./read-view.js";
import type { Store } from "./store.js";
import { StoredRange } from "./stored-range.js";

const EMPTY = Buffer.alloc(0);

/** Executes a Range on the store, whose rows go out as they are where nobody has to look into them. The answer has no header yet. */
export function executeStoredRange(request: RangeRequest, store: Store): RangeResponse {
  const { sortOrder, sortTarget, keysOnly, countOnly } = request;
  if (sortOrder !== RangeRequest_SortOrder.NONE || sortTarget !== RangeRequest_SortTarget.KEY || keysOnly || hasFilter(request)) return executeRange(request, store);
  const limit = limitOf(request);
  const { rows, count } = store.rows(rangeOf(request.key, request.rangeEnd), revisionOf(request, store), { limit, countOnly });
  return new StoredRange(rows, !countOnly && limit > 0 && count > limit, count);
}

/** Executes a Range on a view. The answer has no header yet. */
export function executeRange(request: RangeRequest, view: ReadView): RangeResponse {
  const revision = revisionOf(request, view);
  const limit = limitOf(request);
  const sorted = request.sortOrder !== RangeRequest_SortOrder.NONE || request.sortTarget !== RangeRequest_SortTarget.KEY;
  // Filter and sort see the whole range, and the limit comes last. But a target without an order sorts, as in etcd, only what one more
  // than the limit lets through.
  const whole = request.sortOrder !== RangeRequest_SortOrder.NONE || hasFilter(request);
  const { pairs: found, count } = view.range(rangeOf(request.key, request.rangeEnd), revision, { limit: whole || limit === 0 ? 0 : limit + 1, countOnly: request.countOnly });
  let pairs = found;
  if (hasFilter(request)) pairs = pairs.filter((pair) => passes(request, pair));
  if (sorted) sort(pairs, request);
  const more = limit > 0 && pairs.length > limit;
  if (limit > 0 && pairs.length > limit) pairs = pairs.slice(0, limit);
  if (request.keysOnly) for (const pair of pairs) pair.value = EMPTY;
  return { header: undefined, kvs: pairs, more, count: BigInt(count) };
}

/** The revision to read at; throws etcd's errors for one that is not there. */
function revisionOf(request: RangeRequest, view: ReadView): number {
  const revision = request.revision <= 0n ? view.revision : Number(request.revision);
  if (revision > view.revision) throw etcdError("futureRevision");
  if (revision < view.compactRevision) throw etcdError("compacted");
  return revision;
}

/** Pairs wanted at most; 0 for all. */
function limitOf(request: RangeRequest): number {
  return request.limit > 0n ? Number(request.limit) : 0;
}

function hasFilter(request: RangeRequest): boolean {
  return request.minModRevision !== 0n || request.maxModRevision !== 0n || request.minCreateRevision !== 0n || request.maxCreateRevision !== 0n;
}

function passes(request: RangeRequest, pair: KeyValue): boolean {
  return (
    (request.minModRevision === 0n || pair.modRevision >= request.minModRevision) &&
    (request.maxModRevision === 0n || pair.modRevision <= request.maxModRevision) &&
    (request.minCreateRevision === 0n || pair.createRevision >= request.minCreateRevision) &&
    (request.maxCreateRevision === 0n || pair.createRevision <= request.maxCreateRevision)
  );
}

type Comparison = (a: KeyValue, b: KeyValue) => number;

/** What each target compares; keys come sorted. */
const COMPARISONS: Readonly<Record<number, Comparison>> = {
  [RangeRequest_SortTarget.KEY]: (a, b) => Buffer.compare(a.key, b.key),
  [RangeRequest_SortTarget.VERSION]: (a, b) => Number(a.version - b.version),
  [RangeRequest_SortTarget.CREATE]: (a, b) => Number(a.createRevision - b.createRevision),
  [RangeRequest_SortTarget.MOD]: (a, b) => Number(a.modRevision - b.modRevision),
  [RangeRequest_SortTarget.VALUE]: (a, b) => Buffer.compare(a.value, b.value),
};

/** Orders pairs; a target without an order means ascending. Pairs that compare equal stay in key order. */
function sort(pairs: KeyValue[], request: RangeRequest): void {
  const compare = COMPARISONS[request.sortTarget];
  if (compare === undefined) return;
  const descending = request.sortOrder === RangeRequest_SortOrder.DESCEND;
  pairs.sort(descending ? (a, b) => compare(b, a) : compare);
}
