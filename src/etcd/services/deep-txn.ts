import { MessageDepthError, MessageReader } from "../../base/message-reader.js";
import { Compare, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";

/** Levels beyond which the stack of a thread, which all work on a Txn goes down, may end. */
const MAX_LEVELS = 1_000;
/** A level of a Txn is a TxnRequest and a RequestOp; the last one holds one message more. */
const MESSAGES_PER_LEVEL = 2;

/**
 * A decoder of Txn requests that follows as many levels as can be executed: each takes one operation at least of the `maxTxnOps` that
 * those below it share. One that is deeper is too large by that alone, whatever else it holds; an empty request with too many conditions
 * stands for it, so that it is refused where and as others are.
 */
export function deepTxnDecoder(maxTxnOps: number): (bytes: Buffer) => TxnRequest {
  const levels = Math.min(maxTxnOps, MAX_LEVELS);
  const depth = (levels + 1) * MESSAGES_PER_LEVEL + 1;
  return (bytes) => {
    try {
      return TxnRequest.decode(new MessageReader(bytes, depth));
    } catch (error) {
      if (!(error instanceof MessageDepthError)) throw error;
      return TxnRequest.create({ compare: Array.from({ length: maxTxnOps + 1 }, () => Compare.create()) });
    }
  };
}
