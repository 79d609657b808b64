import { compare, type Connection, del, opDelete, opPut, opRange, opTxn, put, range, txn } from "../wire.js";
import type { Compare, RequestOp, TxnRequest } from "../../../src/gen/etcd/etcdserverpb/rpc.js";

type Fields<F extends (fields: never) => unknown> = Omit<Parameters<F>[0], "key" | "rangeEnd" | "value"> & { readonly key: string; readonly rangeEnd?: string; readonly value?: string };

/** Fields of a Put; keys and values are Latin-1, one letter a byte. */
export type PutFields = Omit<Fields<typeof put>, "rangeEnd">;
export type RangeFields = Fields<typeof range>;
export type DeleteFields = Fields<typeof del>;
/** A condition: `given` may be missing, as on the wire. */
export interface CompareFields {
  readonly key: string;
  readonly target: "VERSION" | "CREATE" | "MOD" | "VALUE" | "LEASE";
  readonly result: "EQUAL" | "GREATER" | "LESS" | "NOT_EQUAL";
  readonly given?: number | string | undefined;
  readonly rangeEnd?: string;
}
/** One operation of a Txn; without any member it is the empty one of the wire. */
export interface OpFields {
  readonly put?: PutFields;
  readonly range?: RangeFields;
  readonly delete?: DeleteFields;
  readonly txn?: TxnFields;
}
export interface TxnFields {
  readonly compare: readonly CompareFields[];
  readonly success: readonly OpFields[];
  readonly failure: readonly OpFields[];
}

/**
 * One call that can be sent to any server, as plain data, so that a list of them can be printed and read again. Revisions are counted from
 * a base the sender names: 3 is the third one after it, 0 and below stay what they are.
 */
export type Call =
  | { readonly kind: "put"; readonly fields: PutFields }
  | { readonly kind: "range"; readonly fields: RangeFields }
  | { readonly kind: "delete"; readonly fields: DeleteFields }
  | { readonly kind: "txn"; readonly fields: TxnFields }
  | { readonly kind: "compact"; readonly revision: number; readonly physical?: boolean }
  | { readonly kind: "hashKv"; readonly revision: number }
  | { readonly kind: "grant"; readonly id: number; readonly ttl: number }
  | { readonly kind: "grantAnyId"; readonly ttl: number }
  | { readonly kind: "revoke" | "timeToLive" | "keepAlive"; readonly id: number }
  | { readonly kind: "leases" };

/** Sends a call and resolves with the answer, without what servers may choose: ids of the server, its term, seconds that pass. */
export async function sendCall(call: Call, etcd: Connection, base: number): Promise<unknown> {
  const at = (revision: number): bigint => BigInt(revision > 0 ? revision + base : revision);
  switch (call.kind) {
    case "put":
      return withoutIds(await etcd.kv.put(put(putFields(call.fields))));
    case "range":
      return withoutIds(await etcd.kv.range(range(rangeFields(call.fields, base))));
    case "delete":
      return withoutIds(await etcd.kv.deleteRange(del(deleteFields(call.fields))));
    case "txn":
      return withoutIds(await etcd.kv.txn(txnMessage(call.fields, base)));
    case "compact":
      return withoutIds(await etcd.kv.compact({ revision: at(call.revision), physical: call.physical ?? false }));
    case "hashKv":
      return withoutIds(await etcd.maintenance.hashKv({ revision: at(call.revision) }));
    case "grant":
      return withoutIds(await etcd.grant(call.ttl, BigInt(call.id)));
    case "grantAnyId":
      return grantAnyId(etcd, call.ttl);
    case "revoke":
      return withoutIds(await etcd.lease.leaseRevoke({ ID: BigInt(call.id) }));
    case "timeToLive":
      return timeToLive(etcd, BigInt(call.id));
    case "keepAlive":
      return keepAlive(etcd, BigInt(call.id));
    case "leases":
      return withoutIds(await etcd.lease.leaseLeases({}));
  }
}

/** A lease whose id the server chooses, ended at once. No key hangs on it, because its id would stand in history, and is different on each side. */
async function grantAnyId(etcd: Connection, ttl: number): Promise<unknown> {
  const granted = await etcd.grant(ttl);
  const facts = await timeToLive(etcd, granted.ID);
  const revoked = withoutIds(await etcd.lease.leaseRevoke({ ID: granted.ID }));
  return [{ ...withoutIds(granted), ID: granted.ID > 0n }, { ...facts, ID: 0n }, revoked];
}

/** The seconds left depend on when one asks; keys come in no order. */
async function timeToLive(etcd: Connection, id: bigint): Promise<object> {
  const facts = withoutIds(await etcd.timeToLive(id));
  return { ...facts, TTL: facts.TTL < 0n ? -1n : 0n, keys: facts.keys.map(String).sort() };
}

async function keepAlive(etcd: Connection, id: bigint): Promise<unknown> {
  const stream = etcd.lease.leaseKeepAlive();
  try {
    await stream.write({ ID: id });
    for await (const answer of stream) return withoutIds(answer);
    throw new Error("the server ended a keep-alive stream");
  } finally {
    stream.cancel();
  }
}

/** Who answers and in which term is each server's own; only the outermost header tells. */
function withoutIds<T extends { header?: { revision: bigint } | undefined }>(answer: T): T & { readonly revision: bigint | undefined } {
  return { ...answer, header: undefined, revision: answer.header?.revision };
}

/** A text as bytes, one letter a byte. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function putFields(fields: PutFields): Parameters<typeof put>[0] {
  return { ...fields, key: latin1(fields.key), value: latin1(fields.value ?? "") };
}

function rangeFields(fields: RangeFields, base: number): Parameters<typeof range>[0] {
  const at = (revision: bigint | number | undefined): number => (Number(revision ?? 0) > 0 ? Number(revision) + base : Number(revision ?? 0));
  return {
    ...fields,
    key: latin1(fields.key),
    rangeEnd: latin1(fields.rangeEnd ?? ""),
    revision: at(fields.revision),
    minModRevision: at(fields.minModRevision),
    maxModRevision: at(fields.maxModRevision),
    minCreateRevision: at(fields.minCreateRevision),
    maxCreateRevision: at(fields.maxCreateRevision),
  };
}

function deleteFields(fields: DeleteFields): Parameters<typeof del>[0] {
  return { ...fields, key: latin1(fields.key), rangeEnd: latin1(fields.rangeEnd ?? "") };
}

function txnMessage(fields: TxnFields, base: number): TxnRequest {
  return txn({
    compare: fields.compare.map((condition) => compareMessage(condition, base)),
    success: fields.success.map((op) => opMessage(op, base)),
    failure: fields.failure.map((op) => opMessage(op, base)),
  });
}

function opMessage(op: OpFields, base: number): RequestOp {
  if (op.put !== undefined) return opPut(putFields(op.put));
  if (op.range !== undefined) return opRange(rangeFields(op.range, base));
  if (op.delete !== undefined) return opDelete(deleteFields(op.delete));
  if (op.txn !== undefined) return opTxn(txnMessage(op.txn, base));
  return { request: undefined };
}

function compareMessage({ key, target, result, given, rangeEnd = "" }: CompareFields, base: number): Compare {
  const counted = target === "CREATE" || target === "MOD";
  const message = compare("", target, result, counted && typeof given === "number" && given > 0 ? given + base : given);
  return { ...message, key: latin1(key), rangeEnd: latin1(rangeEnd) };
}
