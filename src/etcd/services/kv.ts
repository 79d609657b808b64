import { KVService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { executeRange } from "../range.js";
import { checkDelete, checkPut, checkRange, checkTxn } from "../request-rules.js";
import { executeDelete, executePut, executeReadOnlyTxn, executeTxn, isReadOnly } from "../txn.js";
import { RequestSizes } from "./request-size.js";
import type { Room } from "./room.js";

/** etcdserverpb.KV without RangeStream, which clients replace by Range when it is not there. */
export function kvService({ store, lessor, member, maxTxnOps, maxRequestBytes }: Room): ServedService {
  const sizes = new RequestSizes(maxRequestBytes);
  const definition = {
    ...KVService,
    put: { ...KVService.put, requestDeserialize: sizes.watch(KVService.put.requestDeserialize) },
    txn: { ...KVService.txn, requestDeserialize: sizes.watch(KVService.txn.requestDeserialize) },
  };
  return serve(definition, {
    range: (request) => {
      checkRange(request);
      const response = executeRange(request, store);
      response.header = member.headerAt(store.revision);
      return response;
    },
    put: (request) => {
      checkPut(request);
      sizes.check(request);
      return store.write((txn) => {
        const response = executePut(request, txn, lessor.exists);
        response.header = member.headerAt(txn.revision);
        return response;
      });
    },
    deleteRange: (request) => {
      checkDelete(request);
      return store.write((txn) => {
        const response = executeDelete(request, txn);
        response.header = member.headerAt(txn.revision);
        return response;
      });
    },
    txn: (request) => {
      checkTxn(request, maxTxnOps);
      if (isReadOnly(request)) {
        const response = executeReadOnlyTxn(request, store);
        response.header = member.headerAt(store.revision);
        return response;
      }
      sizes.check(request);
      return store.write((txn) => {
        const response = executeTxn(request, txn, lessor.exists);
        response.header = member.headerAt(txn.revision);
        return response;
      });
    },
    compact: async (request) => {
      await store.compact(Number(request.revision), request.physical);
      return { header: member.headerAt(store.revision) };
    },
  });
}
