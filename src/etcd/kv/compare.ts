import { type Compare, Compare_CompareResult, Compare_CompareTarget } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { rangeOf } from "../key-index/key-range.js";
import { type ReadView, WHOLE } from "./read-view.js";
import { decodeRow } from "../storage/row.js";

const EMPTY = Buffer.alloc(0);

/**
 * Whether one condition of a Txn holds in a view: for every key of its range, or, if there is none, for a key that does not exist.
 * A key that does not exist has version, revisions and lease 0, and satisfies no condition on its value, not even NOT_EQUAL.
 */
export function compareHolds(compare: Compare, view: ReadView): boolean {
  const { rows } = view.rows(rangeOf(compare.key, compare.rangeEnd), view.revision, WHOLE);
  if (rows.length > 0) return rows.every((row) => pairHolds(compare, decodeRow(row)));
  return compare.target !== Compare_CompareTarget.VALUE && pairHolds(compare, undefined);
}

function pairHolds(compare: Compare, pair: KeyValue | undefined): boolean {
  const order = compareTarget(compare, pair);
  switch (compare.result) {
    case Compare_CompareResult.EQUAL:
      return order === 0;
    case Compare_CompareResult.NOT_EQUAL:
      return order !== 0;
    case Compare_CompareResult.GREATER:
      return order > 0;
    case Compare_CompareResult.LESS:
      return order < 0;
    default:
      // etcd lets an operator it does not know pass.
      return true;
  }
}

/** Below, at or above 0 as the stored fact is less than, equal to or greater than the given one; a missing given one is 0 or empty. */
function compareTarget(compare: Compare, pair: KeyValue | undefined): number {
  const given = compare.targetUnion;
  switch (compare.target) {
    case Compare_CompareTarget.VALUE:
      return Buffer.compare(pair?.value ?? EMPTY, given?.$case === "value" ? given.value : EMPTY);
    case Compare_CompareTarget.VERSION:
      return order(pair?.version, given?.$case === "version" ? given.value : 0n);
    case Compare_CompareTarget.CREATE:
      return order(pair?.createRevision, given?.$case === "createRevision" ? given.value : 0n);
    case Compare_CompareTarget.MOD:
      return order(pair?.modRevision, given?.$case === "modRevision" ? given.value : 0n);
    case Compare_CompareTarget.LEASE:
      return order(pair?.lease, given?.$case === "lease" ? given.value : 0n);
    default:
      return 0;
  }
}

function order(stored: bigint | undefined, given: bigint): number {
  const have = stored ?? 0n;
  if (have === given) return 0;
  return have < given ? -1 : 1;
}
