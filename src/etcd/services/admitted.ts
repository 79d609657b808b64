import type { CompactionRequest, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { AnyHandler } from "../../rpc/service.js";
import type { ServedService } from "../../rpc/server.js";
import type { Admission } from "../admission.js";
import { writeCost } from "../space-quota.js";
import { isReadOnly } from "../txn.js";

/** What each writing method costs; undefined for a request that is none. Reads and what keeps a lease alive are not here: they always pass. */
const COSTS: Readonly<Record<string, (request: never) => number | undefined>> = {
  put: (request: PutRequest) => writeCost.put(request),
  deleteRange: (_request: DeleteRangeRequest) => 0,
  txn: (request: TxnRequest) => (isReadOnly(request) ? undefined : writeCost.txn(request)),
  compact: (_request: CompactionRequest) => 0,
  leaseGrant: (request: LeaseGrantRequest) => writeCost.lease(request),
  leaseRevoke: (_request: LeaseRevokeRequest) => 0,
};

/** Handlers of KV or Lease that ask for admission before they write. */
export function admittedHandlers<T extends Readonly<Record<string, AnyHandler | undefined>>>(handlers: T, admission: Admission): T {
  const admitted: Record<string, AnyHandler | undefined> = { ...handlers };
  for (const [name, cost] of Object.entries(COSTS)) {
    const handler = handlers[name] as ((request: unknown, ...more: unknown[]) => unknown) | undefined;
    if (handler === undefined) continue;
    admitted[name] = (request: never, ...more: never[]) => {
      const costBytes = cost(request);
      return costBytes === undefined ? handler(request, ...more) : admission.admit(costBytes, () => handler(request, ...more));
    };
  }
  return admitted as T;
}

/** A service of such handlers. */
export function admitted(service: ServedService, admission: Admission): ServedService {
  return { definition: service.definition, handlers: admittedHandlers(service.handlers, admission) };
}
