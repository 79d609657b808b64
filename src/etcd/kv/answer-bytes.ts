import { RangeResponse, ResponseOp, TxnResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import { varintLength, writeVarint } from "../storage/row.js";
import { StoredRange } from "./stored-range.js";

/** Tags of TxnResponse.responses = 3 and of ResponseOp: response_range = 1, response_txn = 4. */
const RESPONSES_TAG = (3 << 3) | 2;
const RANGE_TAG = (1 << 3) | 2;
const TXN_TAG = (4 << 3) | 2;

/** A part of a message that knows its length before it is written; `write` returns where it ends. */
interface Piece {
  readonly length: number;
  write(into: Buffer, at: number): number;
}

/** The bytes of an answer to a Range, its pairs copied as they are stored. */
export function encodeRange(response: RangeResponse): Buffer {
  return (response instanceof StoredRange ? response.bytes : undefined) ?? written(rangePiece(response));
}

/** The bytes of an answer to a Txn, those of its ranges too. */
export function encodeTxn(response: TxnResponse): Buffer {
  return written(txnPiece(response));
}

function written(piece: Piece): Buffer {
  const bytes = Buffer.allocUnsafe(piece.length);
  piece.write(bytes, 0);
  return bytes;
}

function rangePiece(response: RangeResponse): Piece {
  return response instanceof StoredRange ? response : plain(RangeResponse.encode(response).finish());
}

function txnPiece({ header, succeeded, responses }: TxnResponse): Piece {
  const pieces = [plain(TxnResponse.encode({ header, succeeded, responses: [] }).finish()), ...responses.map((op) => field(RESPONSES_TAG, opPiece(op)))];
  return { length: pieces.reduce((sum, { length }) => sum + length, 0), write: (into, at) => pieces.reduce((end, piece) => piece.write(into, end), at) };
}

function opPiece(op: ResponseOp): Piece {
  switch (op.response?.$case) {
    case "responseRange":
      return field(RANGE_TAG, rangePiece(op.response.value));
    case "responseTxn":
      return field(TXN_TAG, txnPiece(op.response.value));
    default:
      return plain(ResponseOp.encode(op).finish());
  }
}

/** A message as a field of another; one that is empty stands there all the same. */
function field(tag: number, message: Piece): Piece {
  return {
    length: 1 + varintLength(message.length) + message.length,
    write: (into, at) => {
      into[at] = tag;
      return message.write(into, writeVarint(into, message.length, at + 1));
    },
  };
}

function plain(bytes: Uint8Array): Piece {
  return {
    length: bytes.length,
    write: (into, at) => {
      into.set(bytes, at);
      return at + bytes.length;
    },
  };
}
