import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  ResponseHeader,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from "../../gen/etcd/etcdserverpb/rpc.js";
import type { AnswerSize } from "./answer-size.js";
import { compareHolds } from "./compare.js";
import { etcdError } from "../errors.js";
import { keyOf, rangeOf } from "../key-index/key-range.js";
import { executeRange } from "./range.js";
import type { ReadView } from "./read-view.js";
import type { WriteTxn } from "./write-txn.js";

/** Whether a lease exists in the newest state. */
export type LeaseExists = (id: bigint) => boolean;

/** The lists a Txn will execute: its own choice and, for each nested Txn on that list, in order, that one's path. */
interface Path {
  readonly succeeded: boolean;
  readonly ops: readonly RequestOp[];
  readonly nested: readonly Path[];
}

/** Executes a Put. Throws before it changes anything. */
export function executePut(request: PutRequest, txn: WriteTxn, leaseExists: LeaseExists): PutResponse {
  // Alone, a Put is asked for its lease first; in a Txn for its key.
  validateLease(request, leaseExists);
  validateKept(request, txn);
  return put(request, txn);
}

/** Executes a DeleteRange. */
export function executeDelete(request: DeleteRangeRequest, txn: WriteTxn): DeleteRangeResponse {
  const { count, pairs } = txn.delete(rangeOf(request.key, request.rangeEnd), request.prevKv);
  return { header: revisionHeader(txn.revision), deleted: BigInt(count), prevKvs: pairs };
}

/**
 * Executes a Txn: all conditions, nested ones included, are judged on the state before it; then every operation on the chosen path is
 * validated; then they run in order, each seeing what came before. Throws before it changes anything.
 */
export function executeTxn(request: TxnRequest, txn: WriteTxn, leaseExists: LeaseExists, size: AnswerSize): TxnResponse {
  const path = choose(request, txn);
  validate(path, txn, leaseExists);
  return run(path, txn, size);
}

/** Whether a Txn can change nothing, whatever its conditions say; such a one needs no place in the order of writes. */
export function isReadOnly(request: TxnRequest): boolean {
  const reads = ({ request: op }: RequestOp): boolean => op?.$case === "requestRange" || (op?.$case === "requestTxn" && isReadOnly(op.value));
  return request.success.every(reads) && request.failure.every(reads);
}

/** Executes a Txn that isReadOnly on any view. */
export function executeReadOnlyTxn(request: TxnRequest, view: ReadView, size: AnswerSize): TxnResponse {
  const path = choose(request, view);
  validateRanges(path, view);
  return runReads(path, view, size);
}

function choose(request: TxnRequest, view: ReadView): Path {
  const succeeded = request.compare.every((compare) => compareHolds(compare, view));
  const ops = succeeded ? request.success : request.failure;
  const nested: Path[] = [];
  for (const { request: op } of ops) if (op?.$case === "requestTxn") nested.push(choose(op.value, view));
  return { succeeded, ops, nested };
}

function validate(path: Path, txn: WriteTxn, leaseExists: LeaseExists): void {
  // In this order, and within each walk in the order of the operations, because the first thing found is what the client is told.
  validatePuts(path, txn, leaseExists);
  validateRanges(path, txn);
}

function validatePuts(path: Path, txn: WriteTxn, leaseExists: LeaseExists): void {
  let nested = 0;
  for (const { request: op } of path.ops) {
    if (op?.$case === "requestTxn") validatePuts(path.nested[nested++] as Path, txn, leaseExists);
    if (op?.$case !== "requestPut") continue;
    validateKept(op.value, txn);
    validateLease(op.value, leaseExists);
  }
}

function validateRanges(path: Path, view: ReadView): void {
  let nested = 0;
  for (const { request: op } of path.ops) {
    if (op?.$case === "requestTxn") validateRanges(path.nested[nested++] as Path, view);
    if (op?.$case !== "requestRange" || op.value.revision === 0n) continue;
    if (op.value.revision > view.revision) throw etcdError("futureRevision");
    if (op.value.revision < view.compactRevision) throw etcdError("compacted");
  }
}

/** What is to be kept must be there. */
function validateKept(request: PutRequest, view: ReadView): void {
  if ((request.ignoreValue || request.ignoreLease) && view.get(keyOf(request.key)) === undefined) throw etcdError("keyNotFound");
}

function validateLease(request: PutRequest, leaseExists: LeaseExists): void {
  if (request.lease !== 0n && !leaseExists(request.lease)) throw etcdError("leaseNotFound");
}

function run(path: Path, txn: WriteTxn, size: AnswerSize): TxnResponse {
  let nested = 0;
  const responses = path.ops.map(({ request: op }): ResponseOp => {
    switch (op?.$case) {
      case "requestRange":
        return { response: { $case: "responseRange", value: rangeIn(op.value, txn, size) } };
      case "requestPut":
        return { response: { $case: "responsePut", value: put(op.value, txn) } };
      case "requestDeleteRange":
        return { response: { $case: "responseDeleteRange", value: executeDelete(op.value, txn) } };
      case "requestTxn":
        return { response: { $case: "responseTxn", value: run(path.nested[nested++] as Path, txn, size) } };
      default:
        return { response: undefined };
    }
  });
  // A nested answer has an empty header, as etcd's has; the outer one is filled by the service.
  return { header: revisionHeader(0), succeeded: path.succeeded, responses };
}

function runReads(path: Path, view: ReadView, size: AnswerSize): TxnResponse {
  let nested = 0;
  const responses = path.ops.map(({ request: op }): ResponseOp => {
    if (op?.$case === "requestTxn") return { response: { $case: "responseTxn", value: runReads(path.nested[nested++] as Path, view, size) } };
    if (op?.$case === "requestRange") return { response: { $case: "responseRange", value: rangeIn(op.value, view, size) } };
    return { response: undefined };
  });
  return { header: revisionHeader(0), succeeded: path.succeeded, responses };
}

function rangeIn(request: RangeRequest, view: ReadView, size: AnswerSize): RangeResponse {
  const response = executeRange(request, view, size);
  response.header = revisionHeader(view.revision);
  return response;
}

function put(request: PutRequest, txn: WriteTxn): PutResponse {
  const key = keyOf(request.key);
  const previous = request.prevKv || request.ignoreValue || request.ignoreLease ? txn.get(key) : undefined;
  // What was to be kept was there when the Txn was validated, but the Txn itself may have deleted it: then nothing is kept. (etcd panics.)
  const value = request.ignoreValue ? (previous?.value ?? request.value) : request.value;
  const lease = request.ignoreLease ? (previous?.lease ?? 0n) : request.lease;
  txn.put(key, value, lease);
  return { header: revisionHeader(txn.revision), prevKv: request.prevKv ? previous : undefined };
}

/** The header of an answer inside a Txn: the revision and nothing else. */
function revisionHeader(revision: number): ResponseHeader {
  return ResponseHeader.create({ revision: BigInt(revision) });
}
