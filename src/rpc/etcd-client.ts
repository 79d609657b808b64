import { Backoff } from "../base/backoff.js";
import { type Clock, monotonicClock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  PutRequest,
  RangeRequest,
  type RequestOp,
  type ResponseOp,
  type StatusResponse,
  TxnRequest,
} from "../gen/etcd/etcdserverpb/rpc.js";
import { KVClient, type KVService, LeaseClient, type LeaseService, MaintenanceClient, type MaintenanceService, WatchClient, type WatchService } from "../gen/etcd/etcdserverpb/rpc_service.js";
import { type Channel, openChannel, type PromiseClient } from "./channel.js";
import { type EtcdKeys, type EtcdPair, pairOf, rangeBytes } from "./etcd-pair.js";
import { type EtcdWatchBatch, type EtcdWatchOptions, watchEtcd } from "./etcd-watch.js";
import type { TlsMaterial } from "./tls.js";

export { type EtcdKeys, type EtcdPair, prefixEnd } from "./etcd-pair.js";
export { EtcdCompactedError, type EtcdEvent, type EtcdWatchBatch, type EtcdWatchOptions } from "./etcd-watch.js";

/** What a connection to etcd needs. */
export interface EtcdClientOptions {
  /** `host:port` of each member, or `http://host:port`; one is enough. */
  readonly endpoints: readonly string[];
  readonly tls?: TlsMaterial | undefined;
  /** Monotonic; the process's own when absent. */
  readonly clock?: Clock;
  /** Longest time for one call, its retries included; 10,000 ms when absent. */
  readonly deadlineMs?: number;
}

/** What to read. */
export type EtcdRange = EtcdKeys & {
  /** Read the state of this revision; the current one when absent. */
  readonly revision?: number;
  /** At most so many pairs. */
  readonly limit?: number;
  /** Begin at this key inside the prefix. */
  readonly from?: string;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
};

/** What was read. */
export interface EtcdRangeResult {
  /** Current store revision, also when an older one was read: a watch from the next one misses nothing. */
  readonly revision: number;
  readonly pairs: readonly EtcdPair[];
  /** The limit cut something off. */
  readonly more: boolean;
  /** Keys there are, whatever the limit. */
  readonly count: number;
}

/** A condition of a Txn. mod_revision 0 means that the key does not exist. */
export type EtcdCondition =
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly createRevision: number }
  | { readonly key: string; readonly version: number }
  | { readonly key: string; readonly value: string | Uint8Array }
  | { readonly key: string; readonly exists: boolean };

/** An operation of a Txn. */
export type EtcdOp =
  | { readonly put: string; readonly value: string | Uint8Array; readonly lease?: bigint }
  | { readonly delete: EtcdKeys }
  | { readonly get: EtcdRange };

/** A Txn: `success` if every condition holds, `failure` if not; at most 128 of each. The names are etcd's. */
export interface EtcdTxn {
  readonly compare?: readonly EtcdCondition[];
  readonly success: readonly EtcdOp[];
  readonly failure?: readonly EtcdOp[];
}

/** What a Txn did. */
export interface EtcdTxnResult {
  readonly succeeded: boolean;
  /** Revision of the Txn, or the current one if it changed nothing. */
  readonly revision: number;
  /** Per operation: the pairs a `get` found, or undefined. */
  readonly gets: readonly (EtcdRangeResult | undefined)[];
}

interface Member {
  readonly channel: Channel;
  readonly kv: PromiseClient<typeof KVService>;
  readonly watch: PromiseClient<typeof WatchService>;
  readonly lease: PromiseClient<typeof LeaseService>;
  readonly maintenance: PromiseClient<typeof MaintenanceService>;
}

const DEFAULT_DEADLINE_MS = 10_000;
const MAX_RECEIVE_BYTES = 256 * 1024 * 1024;
const RETRY = { initialMs: 20, maxMs: 500 };
/** Pairs asked for at a time when a whole prefix is read. */
const PAGE = 1_000;

/**
 * A plain etcd v3 client over any etcd, ours or the real one. Reads are tried again on the next endpoint while nobody answers; writes only
 * when they certainly never left, so that UNAVAILABLE from a write means that it may have happened.
 */
export class EtcdClient {
  readonly #members: readonly Member[];
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #current = 0;

  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) throw RpcError.invalidArgument("an etcd client needs at least one endpoint");
    this.#clock = options.clock ?? monotonicClock();
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#members = options.endpoints.map((endpoint) => openMember(endpoint.replace(/^https?:\/\//, ""), options.tls));
  }

  /** Reads a range in one answer. */
  async range(range: EtcdRange): Promise<EtcdRangeResult> {
    return rangeResult(await this.#read((member, deadlineMs) => member.kv.range(rangeRequest(range), { deadlineMs })));
  }

  /** One pair, if the key exists. */
  async get(key: string): Promise<EtcdPair | undefined> {
    return (await this.range({ key })).pairs[0];
  }

  /**
   * All pairs below a prefix as they are at one revision (the current one when none is named), read in pages; `revision` of the answer is the
   * one to watch from (plus one).
   */
  async list(prefix: string, how: Pick<EtcdRange, "revision" | "keysOnly"> = {}): Promise<EtcdRangeResult> {
    const first = await this.range({ ...how, prefix, limit: PAGE });
    const pairs = [...first.pairs];
    for (let page = first; page.more; ) {
      page = await this.range({ ...how, prefix, from: `${pairs[pairs.length - 1]?.key ?? prefix}\0`, limit: PAGE, revision: how.revision ?? first.revision });
      pairs.push(...page.pairs);
    }
    return { revision: first.revision, pairs, more: false, count: pairs.length };
  }

  /** Creates or overwrites a key; returns the revision. */
  async put(key: string, value: string | Uint8Array, lease?: bigint): Promise<number> {
    const request = putRequest({ put: key, value, ...(lease === undefined ? {} : { lease }) });
    const { header } = await this.#write((member, deadlineMs) => member.kv.put(request, { deadlineMs }));
    return Number(header?.revision ?? 0n);
  }

  /** Deletes a key or a prefix; returns how many keys were there and the revision. */
  async delete(keys: EtcdKeys): Promise<{ readonly deleted: number; readonly revision: number }> {
    const response = await this.#write((member, deadlineMs) => member.kv.deleteRange(deleteRequest(keys), { deadlineMs }));
    return { deleted: Number(response.deleted), revision: Number(response.header?.revision ?? 0n) };
  }

  /** Runs a Txn. */
  async txn(txn: EtcdTxn): Promise<EtcdTxnResult> {
    const request = TxnRequest.create({ compare: (txn.compare ?? []).map(compareOf), success: txn.success.map(opOf), failure: (txn.failure ?? []).map(opOf) });
    const response = await this.#write((member, deadlineMs) => member.kv.txn(request, { deadlineMs }));
    const revision = Number(response.header?.revision ?? 0n);
    return { succeeded: response.succeeded, revision, gets: response.responses.map((op) => getResult(op, revision)) };
  }

  /** Forgets history before a revision. */
  async compact(revision: number, physical = false): Promise<void> {
    await this.#write((member, deadlineMs) => member.kv.compact({ revision: BigInt(revision), physical }, { deadlineMs }));
  }

  /**
   * Changes in revision order from `fromRevision` on (the next one when absent), across lost connections without a hole or a repetition.
   * Read at the pace of the loop; nothing piles up here. Throws EtcdCompactedError when history it needs is compacted: list again then.
   */
  watch(options: EtcdWatchOptions): AsyncGenerator<EtcdWatchBatch, void> {
    return watchEtcd(options, { open: (signal) => this.#member.watch.watch({ signal, metadata: { hasleader: "true" } }), lost: () => this.#next(), clock: this.#clock });
  }

  /** Begins a lease; the server may lengthen the time. */
  async grantLease(ttlSeconds: number): Promise<{ readonly id: bigint; readonly ttlSeconds: number }> {
    const response = await this.#write((member, deadlineMs) => member.lease.leaseGrant(LeaseGrantRequest.create({ TTL: BigInt(ttlSeconds) }), { deadlineMs }));
    return { id: response.ID, ttlSeconds: Number(response.TTL) };
  }

  /** Gives a lease its full time again; returns the seconds, 0 if it does not exist any more. */
  async keepLease(id: bigint): Promise<number> {
    return this.#read(async (member, deadlineMs) => {
      const stream = member.lease.leaseKeepAlive({ deadlineMs });
      try {
        await stream.write(LeaseKeepAliveRequest.create({ ID: id }));
        for await (const response of stream) return Number(response.TTL);
        throw RpcError.unavailable("etcd ended the keep-alive without an answer");
      } finally {
        stream.cancel();
      }
    });
  }

  /** Ends a lease and deletes its keys. */
  async revokeLease(id: bigint): Promise<void> {
    await this.#write((member, deadlineMs) => member.lease.leaseRevoke({ ID: id }, { deadlineMs }));
  }

  /** Version, size and revision of the member in use. */
  status(): Promise<StatusResponse> {
    return this.#read((member, deadlineMs) => member.maintenance.status({}, { deadlineMs }));
  }

  /** Ends all connections; calls and watches under way fail. */
  close(): void {
    for (const member of this.#members) member.channel.close();
  }

  get #member(): Member {
    return this.#members[this.#current] as Member;
  }

  #next(): void {
    this.#current = (this.#current + 1) % this.#members.length;
  }

  #read<T>(call: (member: Member, deadlineMs: number) => Promise<T>): Promise<T> {
    return this.#retry(call, (error) => RpcError.is(error, RpcCode.UNAVAILABLE));
  }

  #write<T>(call: (member: Member, deadlineMs: number) => Promise<T>): Promise<T> {
    return this.#retry(call, neverLeft);
  }

  async #retry<T>(call: (member: Member, deadlineMs: number) => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
    const endMs = this.#clock.nowMs() + this.#deadlineMs;
    const backoff = new Backoff(RETRY);
    for (;;) {
      try {
        return await call(this.#member, Math.max(1, endMs - this.#clock.nowMs()));
      } catch (error) {
        const waitMs = backoff.nextMs();
        if (!again(error) || this.#clock.nowMs() + waitMs >= endMs) throw error;
        this.#next();
        await this.#clock.sleep(waitMs);
      }
    }
  }
}

/** grpc-js says so when a call ended before any connection was there to send it on. */
function neverLeft(error: unknown): boolean {
  return RpcError.is(error, RpcCode.UNAVAILABLE) && error.message.startsWith("No connection established");
}

function openMember(address: string, tls: TlsMaterial | undefined): Member {
  const channel = openChannel({ address, tls, maxReceiveBytes: MAX_RECEIVE_BYTES });
  return { channel, kv: channel.client(KVClient), watch: channel.client(WatchClient), lease: channel.client(LeaseClient), maintenance: channel.client(MaintenanceClient) };
}

function rangeRequest(range: EtcdRange): RangeRequest {
  const { key, rangeEnd } = rangeBytes(range);
  return RangeRequest.create({
    key: range.from === undefined ? key : Buffer.from(range.from),
    rangeEnd,
    revision: BigInt(range.revision ?? 0),
    limit: BigInt(range.limit ?? 0),
    keysOnly: range.keysOnly ?? false,
    countOnly: range.countOnly ?? false,
  });
}

function rangeResult(response: Awaited<ReturnType<Member["kv"]["range"]>>): EtcdRangeResult {
  return { revision: Number(response.header?.revision ?? 0n), pairs: response.kvs.map(pairOf), more: response.more, count: Number(response.count) };
}

function getResult({ response }: ResponseOp, revision: number): EtcdRangeResult | undefined {
  return response?.$case === "responseRange" ? { ...rangeResult(response.value), revision } : undefined;
}

function putRequest(op: Extract<EtcdOp, { put: string }>): PutRequest {
  return PutRequest.create({ key: Buffer.from(op.put), value: bytesOf(op.value), lease: op.lease ?? 0n });
}

function deleteRequest(keys: EtcdKeys): DeleteRangeRequest {
  return DeleteRangeRequest.create(rangeBytes(keys));
}

function opOf(op: EtcdOp): RequestOp {
  if ("put" in op) return { request: { $case: "requestPut", value: putRequest(op) } };
  if ("delete" in op) return { request: { $case: "requestDeleteRange", value: deleteRequest(op.delete) } };
  return { request: { $case: "requestRange", value: rangeRequest(op.get) } };
}

function compareOf(condition: EtcdCondition): Compare {
  const key = Buffer.from(condition.key);
  const result = Compare_CompareResult.EQUAL;
  if ("exists" in condition) {
    const exists = condition.exists ? Compare_CompareResult.GREATER : Compare_CompareResult.EQUAL;
    return Compare.create({ key, result: exists, target: Compare_CompareTarget.VERSION, targetUnion: { $case: "version", value: 0n } });
  }
  if ("modRevision" in condition) return Compare.create({ key, result, target: Compare_CompareTarget.MOD, targetUnion: { $case: "modRevision", value: BigInt(condition.modRevision) } });
  if ("createRevision" in condition) {
    return Compare.create({ key, result, target: Compare_CompareTarget.CREATE, targetUnion: { $case: "createRevision", value: BigInt(condition.createRevision) } });
  }
  if ("version" in condition) return Compare.create({ key, result, target: Compare_CompareTarget.VERSION, targetUnion: { $case: "version", value: BigInt(condition.version) } });
  return Compare.create({ key, result, target: Compare_CompareTarget.VALUE, targetUnion: { $case: "value", value: bytesOf(condition.value) } });
}

function bytesOf(value: string | Uint8Array): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
