import type { CompactionRequest, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { AnyHandler } from "../../rpc/service.js";
import { checkDelete, checkPut, checkTxn } from "../kv/request-rules.js";
import { writeCost } from "../storage/space-quota.js";
import { isReadOnly } from "../kv/txn.js";
import type { Room } from "./room.js";

/** A method that writes. Reads and what keeps a lease alive are not here: they always pass. */
interface Rule {
  /** Undefined for a request that is no write. */
  readonly costBytes: (request: never) => number | undefined;
  readonly validate?: (request: never, limits: { readonly maxTxnOps: number }) => void;
}

const RULES: Readonly<Record<string, Rule>> = {
  put: { costBytes: (request: PutRequest) => writeCost.put(request), validate: (request: PutRequest) => checkPut(request) },
  deleteRange: { costBytes: (_request: DeleteRangeRequest) => 0, validate: (request: DeleteRangeRequest) => checkDelete(request) },
  txn: { costBytes: (request: TxnRequest) => (isReadOnly(request) ? undefined : writeCost.txn(request)), validate: (request: TxnRequest, { maxTxnOps }) => checkTxn(request, maxTxnOps) },
  compact: { costBytes: (_request: CompactionRequest) => 0 },
  leaseGrant: { costBytes: (request: LeaseGrantRequest) => writeCost.lease(request) },
  leaseRevoke: { costBytes: (_request: LeaseRevokeRequest) => 0 },
};

/** Handlers of KV or Lease that ask for admission before they write. */
export function admittedHandlers<T extends Readonly<Record<string, AnyHandler | undefined>>>(handlers: T, room: Room): T {
  const admitted: Record<string, AnyHandler | undefined> = { ...handlers };
  for (const [name, rule] of Object.entries(RULES)) {
    const handler = handlers[name] as ((request: unknown, ...more: unknown[]) => unknown) | undefined;
    if (handler === undefined) continue;
    admitted[name] = (request: never, ...more: never[]) => {
      const costBytes = rule.costBytes(request);
      const work = (): unknown => handler(request, ...more);
      return costBytes === undefined ? work() : room.admission.admit({ costBytes, validate: () => rule.validate?.(request, room), work });
    };
  }
  return admitted as T;
}
