import { atOnce, type Slices } from "../../base/slices.js";
import { type RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget } from "../../gen/etcd/etcdserverpb/rpc.js";
import { AnswerSize } from "./answer-size.js";
import { etcdError } from "../errors.js";
import { rangeOf } from "../key-index/key-range.js";
import type { ReadView } from "./read-view.js";
import { compareValues, numberIn, withoutValue } from "../storage/row.js";
import { sorted } from "./sliced-sort.js";
import { StoredRange } from "./stored-range.js";

/** Rows that are looked into, and rows whose bytes are counted, in one slice. */
const ROWS_PER_SLICE = 2_000;
const ROWS_COUNTED_PER_SLICE = 50_000;

/** Executes a Range on a view in one stretch. The answer has no header yet; `size` is that of the call's whole answer. */
export function executeRange(request: RangeRequest, view: ReadView, size = new AnswerSize()): StoredRange {
  return atOnce(rangeSlices(request, view, size));
}

/** Executes a Range in slices, all at the revision that is the newest when it begins or that the request names. */
export function* rangeSlices(request: RangeRequest, view: ReadView, size: AnswerSize): Slices<StoredRange> {
  const { countOnly, keysOnly } = request;
  const revision = revisionOf(request, view);
  const limit = request.limit > 0n ? Number(request.limit) : 0;
  // Filter and sort see the whole range, and the limit comes last. But a target without an order sorts, as in etcd, only what one more
  // than the limit lets through.
  const filter = filterOf(request);
  const whole = request.sortOrder !== RangeRequest_SortOrder.NONE || filter !== undefined;
  const { rows: stored, count } = yield* view.rowSlices(rangeOf(request.key, request.rangeEnd), revision, { limit: whole || limit === 0 ? 0 : limit + 1, countOnly });
  let rows: readonly Buffer[] = stored;
  if (filter !== undefined) rows = yield* each(rows, (row, kept: Buffer[]) => void (filter(row) && kept.push(row)));
  if (whole || request.sortTarget !== RangeRequest_SortTarget.KEY) rows = yield* sort(rows, request);
  const more = limit > 0 && rows.length > limit;
  if (more) rows = rows.slice(0, limit);
  if (keysOnly) rows = yield* each(rows, (row, bare: Buffer[]) => void bare.push(withoutValue(row)));
  const fits = rows.length <= ROWS_COUNTED_PER_SLICE ? size.take(rows) : yield* taken(rows, size);
  return new StoredRange(fits, more, count);
}

/** The revision to read at; throws etcd's errors for one that is not there. */
function revisionOf(request: RangeRequest, view: ReadView): number {
  const revision = request.revision <= 0n ? view.revision : Number(request.revision);
  if (revision > view.revision) throw etcdError("futureRevision");
  if (revision < view.compactRevision) throw etcdError("compacted");
  return revision;
}

/** As AnswerSize.take, in slices. */
function* taken(rows: readonly Buffer[], size: AnswerSize): Slices<readonly Buffer[]> {
  let fits = true;
  for (let at = 0; at < rows.length; at += ROWS_COUNTED_PER_SLICE) {
    if (at > 0) yield;
    fits = size.take(rows.slice(at, at + ROWS_COUNTED_PER_SLICE)).length > 0;
  }
  return fits ? rows : [];
}

/** A list made of another, some rows a slice. */
function* each<T>(rows: readonly Buffer[], add: (row: Buffer, to: T[]) => void): Slices<T[]> {
  const made: T[] = [];
  for (const [index, row] of rows.entries()) {
    if (index > 0 && index % ROWS_PER_SLICE === 0) yield;
    add(row, made);
  }
  return made;
}

/** Whether a row passes; undefined where all do. */
function filterOf({ minModRevision, maxModRevision, minCreateRevision, maxCreateRevision }: RangeRequest): ((row: Buffer) => boolean) | undefined {
  if (minModRevision === 0n && maxModRevision === 0n && minCreateRevision === 0n && maxCreateRevision === 0n) return undefined;
  const [modified, created] = [between(minModRevision, maxModRevision), between(minCreateRevision, maxCreateRevision)];
  return (row) => modified(numberIn(row, "modRevision")) && created(numberIn(row, "createRevision"));
}

/** Whether a revision lies between two, of which each is no bound where it is 0. */
function between(min: bigint, max: bigint): (revision: number) => boolean {
  const [lowest, highest] = [min === 0n ? -Infinity : Number(min), max === 0n ? Infinity : Number(max)];
  return (revision) => revision >= lowest && revision <= highest;
}

/** A row and the number it is sorted by. */
interface Weighed {
  readonly weight: number;
  readonly row: Buffer;
}

/** What each target but the key compares; keys come sorted. */
const NUMBERS = {
  [RangeRequest_SortTarget.VERSION]: "version",
  [RangeRequest_SortTarget.CREATE]: "createRevision",
  [RangeRequest_SortTarget.MOD]: "modRevision",
} as const;

/** Orders rows that are in key order; a target without an order means ascending. Rows that compare equal stay in key order. */
function* sort(rows: readonly Buffer[], { sortTarget, sortOrder }: RangeRequest): Slices<readonly Buffer[]> {
  const descending = sortOrder === RangeRequest_SortOrder.DESCEND;
  if (sortTarget === RangeRequest_SortTarget.KEY) return descending ? [...rows].reverse() : rows;
  if (sortTarget === RangeRequest_SortTarget.VALUE) return yield* sorted(rows, descending ? (a, b) => compareValues(b, a) : compareValues);
  const field = (NUMBERS as Readonly<Record<number, (typeof NUMBERS)[keyof typeof NUMBERS] | undefined>>)[sortTarget];
  if (field === undefined) return rows;
  const weighed = yield* each(rows, (row, to: Weighed[]) => void to.push({ weight: numberIn(row, field), row }));
  const inOrder = yield* sorted(weighed, descending ? (a, b) => b.weight - a.weight : (a, b) => a.weight - b.weight);
  const result: Buffer[] = [];
  for (const [index, { row }] of inOrder.entries()) {
    if (index > 0 && index % ROWS_PER_SLICE === 0) yield;
    result.push(row);
  }
  return result;
}
