import { KVService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { type Slices } from "../../base/slices.js";
import type { RangeRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { HandlersOf } from "../../rpc/service.js";
import { encodeRange, encodeTxn } from "../kv/answer-bytes.js";
import { AnswerSize } from "../kv/answer-size.js";
import type { Identity } from "../auth/auth-state.js";
import { permitDelete, permitPut, permitRange, permitTxn } from "../auth/request-permissions.js";
import { rangeSlices } from "../kv/range.js";
import { checkDelete, checkPut, checkRange, checkTxn } from "../kv/request-rules.js";
import type { StoredRange } from "../kv/stored-range.js";
import { executeDelete, executePut, executeReadOnlyTxn, executeTxn, isReadOnly } from "../kv/txn.js";
import { admittedHandlers } from "./admitted.js";
import { deepTxnDecoder } from "./deep-txn.js";
import { RequestSizes } from "./request-size.js";
import type { Room } from "./room.js";

/** etcdserverpb.KV without RangeStream, which clients replace by Range when it is not there. */
export function kvService(room: Room): ServedService {
  const sizes = new RequestSizes(room.maxRequestBytes);
  const definition = {
    ...KVService,
    range: { ...KVService.range, responseSerialize: encodeRange },
    put: { ...KVService.put, requestDeserialize: sizes.watch(KVService.put.requestDeserialize) },
    deleteRange: { ...KVService.deleteRange, requestDeserialize: sizes.watch(KVService.deleteRange.requestDeserialize) },
    txn: { ...KVService.txn, requestDeserialize: sizes.watch(deepTxnDecoder(room.maxTxnOps)), responseSerialize: encodeTxn },
  };
  return serve(definition, kvHandlers(room, sizes));
}

/** The methods themselves; Lock and Election call them too, in the name of their own callers. */
export function kvHandlers(room: Room, sizes: RequestSizes) {
  const { store, longReads, lessor, member, auth, gate, maxTxnOps } = room;
  /** All of it at one revision, that of the header: a watch from the next one on misses nothing. */
  function* answerRange(request: RangeRequest, who: Identity | undefined): Slices<StoredRange> {
    const header = member.headerAt(store.revision);
    const size = new AnswerSize();
    const response = yield* rangeSlices(request, store, size);
    size.check();
    response.header = header;
    yield* response.encode();
    // Users and roles may have changed meanwhile.
    if (who !== undefined) permitRange(auth.state, who, request);
    return response;
  }
  const handlers = {
    range: (request, call) => {
      checkRange(request);
      const who = gate.identify(call);
      permitRange(auth.state, who, request);
      return longReads.run(answerRange(request, who), call);
    },
    put: (request, call) => {
      checkPut(request);
      const who = gate.identify(call);
      sizes.check(request);
      return store.write((txn) => {
        permitPut(auth.newest, who, request, lessor.keysOf);
        const response = executePut(request, txn, lessor.exists);
        response.header = member.headerAt(txn.revision);
        return response;
      });
    },
    deleteRange: (request, call) => {
      checkDelete(request);
      const who = gate.identify(call);
      sizes.check(request);
      return store.write((txn) => {
        permitDelete(auth.newest, who, request);
        const response = executeDelete(request, txn);
        response.header = member.headerAt(txn.revision);
        return response;
      });
    },
    txn: async (request, call) => {
      checkTxn(request, maxTxnOps);
      const who = gate.identify(call);
      const size = new AnswerSize();
      if (isReadOnly(request)) {
        permitTxn(auth.state, who, request, lessor.keysOf);
        const response = executeReadOnlyTxn(request, store, size);
        size.check();
        response.header = member.headerAt(store.revision);
        return response;
      }
      sizes.check(request);
      const answer = await store.write((txn) => {
        permitTxn(auth.newest, who, request, lessor.keysOf);
        const response = executeTxn(request, txn, lessor.exists, size);
        response.header = member.headerAt(txn.revision);
        return response;
      });
      size.check();
      return answer;
    },
    compact: async (request, call) => {
      gate.requireAdmin(call);
      await store.compact(Number(request.revision), request.physical);
      return { header: member.headerAt(store.revision) };
    },
  } satisfies HandlersOf<typeof KVService>;
  return admittedHandlers(handlers, room);
}
