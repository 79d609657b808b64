import { type RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget, type RangeResponse } from "../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../gen/etcd/mvccpb/kv.js";
import { AnswerSize } from "./answer-size.js";
import { etcdError } from "./errors.js";
import { rangeOf } from "./key-range.js";
import type { ReadView } from "./read-view.js";
import { decodeRow, withoutValue } from "./row.js";
import { StoredRange } from "./stored-range.js";

/** A pair and its row. */
interface Found {
  readonly pair: KeyValue;
  readonly row: Buffer;
}

/** Executes a Range on a view. The answer has no header yet; `size` is that of the call's whole answer. */
export function executeRange(request: RangeRequest, view: ReadView, size = new AnswerSize()): RangeResponse {
  const { countOnly, keysOnly } = request;
  const revision = revisionOf(request, view);
  const limit = request.limit > 0n ? Number(request.limit) : 0;
  const sorted = request.sortOrder !== RangeRequest_SortOrder.NONE || request.sortTarget !== RangeRequest_SortTarget.KEY;
  // Filter and sort see the whole range, and the limit comes last. But a target without an order sorts, as in etcd, only what one more
  // than the limit lets through.
  const whole = request.sortOrder !== RangeRequest_SortOrder.NONE || hasFilter(request);
  const { rows: stored, count } = view.rows(rangeOf(request.key, request.rangeEnd), revision, { limit: whole || limit === 0 ? 0 : limit + 1, countOnly });
  let rows = stored;
  if (sorted || hasFilter(request)) {
    let found = stored.map((row): Found => ({ pair: decodeRow(row), row }));
    if (hasFilter(request)) found = found.filter(({ pair }) => passes(request, pair));
    if (sorted) sort(found, request);
    rows = found.map(({ row }) => row);
  }
  const more = limit > 0 && rows.length > limit;
  if (more) rows = rows.slice(0, limit);
  if (keysOnly) rows = rows.map(withoutValue);
  return new StoredRange(size.take(rows), more, count);
}

/** The revision to read at; throws etcd's errors for one that is not there. */
function revisionOf(request: RangeRequest, view: ReadView): number {
  const revision = request.revision <= 0n ? view.revision : Number(request.revision);
  if (revision > view.revision) throw etcdError("futureRevision");
  if (revision < view.compactRevision) throw etcdError("compacted");
  return revision;
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
function sort(found: Found[], request: RangeRequest): void {
  const compare = COMPARISONS[request.sortTarget];
  if (compare === undefined) return;
  const descending = request.sortOrder === RangeRequest_SortOrder.DESCEND;
  found.sort(descending ? (a, b) => compare(b.pair, a.pair) : (a, b) => compare(a.pair, b.pair));
}
