import assert from "node:assert/strict";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
  type RequestOp,
  TxnRequest,
  WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { ClusterClient, KVClient, LeaseClient, MaintenanceClient, WatchClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { Event_EventType } from "../../src/gen/etcd/mvccpb/kv.js";
import { type DuplexStream, openChannel } from "../../src/rpc/channel.js";

type Partly<T> = { [K in keyof T]?: T[K] extends Buffer ? string | Buffer : T[K] extends bigint ? bigint | number : T[K] };

/** Turns texts into bytes and numbers into bigints, so that tests read like the requests they send. */
function wireForm(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [name, typeof value === "string" ? Buffer.from(value) : typeof value === "number" && !ENUMS.has(name) ? BigInt(value) : value]),
  );
}

const ENUMS: ReadonlySet<string> = new Set(["sortOrder", "sortTarget", "target", "result"]);

export const range = (fields: Partly<RangeRequest>): RangeRequest => RangeRequest.create(wireForm(fields));
export const put = (fields: Partly<PutRequest>): PutRequest => PutRequest.create(wireForm(fields));
export const del = (fields: Partly<DeleteRangeRequest>): DeleteRangeRequest => DeleteRangeRequest.create(wireForm(fields));
export const txn = (fields: Partial<TxnRequest>): TxnRequest => TxnRequest.create(fields);
export const create = (fields: Partly<WatchCreateRequest>): WatchRequest => ({ requestUnion: { $case: "createRequest", value: WatchCreateRequest.create(wireForm(fields)) } });
export const cancel = (watchId: bigint): WatchRequest => ({ requestUnion: { $case: "cancelRequest", value: { watchId } } });
export const progress: WatchRequest = { requestUnion: { $case: "progressRequest", value: {} } };

export const opPut = (fields: Partly<PutRequest>): RequestOp => ({ request: { $case: "requestPut", value: put(fields) } });
export const opRange = (fields: Partly<RangeRequest>): RequestOp => ({ request: { $case: "requestRange", value: range(fields) } });
export const opDelete = (fields: Partly<DeleteRangeRequest>): RequestOp => ({ request: { $case: "requestDeleteRange", value: del(fields) } });
export const opTxn = (fields: Partial<TxnRequest>): RequestOp => ({ request: { $case: "requestTxn", value: txn(fields) } });

/** A comparison by words: `compare("k", "VERSION", "EQUAL", 1)`. */
export function compare(key: string, target: keyof typeof Compare_CompareTarget, result: keyof typeof Compare_CompareResult, given?: number | string, rangeEnd = ""): Compare {
  const cases = { VERSION: "version", CREATE: "createRevision", MOD: "modRevision", VALUE: "value", LEASE: "lease", UNRECOGNIZED: "version" } as const;
  const name = cases[target];
  const targetUnion = given === undefined ? undefined : { $case: name, value: typeof given === "string" ? Buffer.from(given) : BigInt(given) };
  return Compare.create({ key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd), target: Compare_CompareTarget[target], result: Compare_CompareResult[result], targetUnion: targetUnion as Compare["targetUnion"] });
}

/** Every service of a server, as generated, and short ways to ask what cases ask most. */
export function connect(address: string) {
  const channel = openChannel({ address, defaultDeadlineMs: 10_000 });
  const kv = channel.client(KVClient);
  const lease = channel.client(LeaseClient);
  return {
    kv,
    watch: channel.client(WatchClient),
    lease,
    maintenance: channel.client(MaintenanceClient),
    cluster: channel.client(ClusterClient),
    grant: (ttl: number, id = 0n) => lease.leaseGrant(LeaseGrantRequest.create({ TTL: BigInt(ttl), ID: id })),
    timeToLive: (id: bigint) => lease.leaseTimeToLive(LeaseTimeToLiveRequest.create({ ID: id, keys: true })),
    /** The pairs of a range as `key=value`. */
    texts: async (fields: Parameters<typeof range>[0]): Promise<string[]> => (await kv.range(range(fields))).kvs.map((pair) => `${text(pair.key)}=${text(pair.value)}`),
    /** The store's revision. */
    current: async (): Promise<bigint> => (await kv.range(range({ key: "current" }))).header?.revision ?? 0n,
    close: () => channel.close(),
  };
}

export type Connection = ReturnType<typeof connect>;

/** A watch stream whose answers are taken one by one. */
export class WatchTap {
  readonly #stream: DuplexStream<WatchRequest, WatchResponse>;
  readonly #answers: AsyncIterator<WatchResponse>;

  constructor(connection: Connection) {
    this.#stream = connection.watch.watch();
    this.#answers = this.#stream[Symbol.asyncIterator]();
  }

  send(request: WatchRequest): Promise<void> {
    return this.#stream.write(request);
  }

  async next(): Promise<WatchResponse> {
    const answer = await this.#answers.next();
    if (answer.done === true) throw new Error("the watch stream ended");
    return answer.value;
  }

  /** Answers until `count` events are there. */
  async events(count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) seen.push(...eventTexts(await this.next()));
    return seen;
  }

  close(): void {
    this.#stream.cancel();
  }
}

/** Whether an error is this refusal of etcd's, code and text. */
export const refused = (code: RpcCode, text: string) => (error: unknown) => {
  assert.ok(error instanceof RpcError, String(error));
  assert.deepEqual([error.codeName, error.message], [Object.entries(RpcCode).find(([, value]) => value === code)?.[0], `etcdserver: ${text}`]);
  return true;
};

/** Refusals that more than one contract knows. */
export const COMPACTED = refused(RpcCode.OUT_OF_RANGE, "mvcc: required revision has been compacted");
export const NO_LEASE = refused(RpcCode.NOT_FOUND, "requested lease not found");

/** Events as short texts: `PUT a=1 @5`, `DELETE a @6`, with ` was 1@4` where prev_kv is there. */
export function eventTexts(response: WatchResponse): string[] {
  return response.events.map(({ type, kv, prevKv }) => {
    const change = type === Event_EventType.DELETE ? `DELETE ${text(kv?.key)} @${kv?.modRevision}` : `PUT ${text(kv?.key)}=${text(kv?.value)} @${kv?.modRevision}`;
    return prevKv === undefined ? change : `${change} was ${text(prevKv.value)}@${prevKv.modRevision}`;
  });
}

function text(bytes: Buffer | undefined): string {
  return bytes?.toString() ?? "";
}
