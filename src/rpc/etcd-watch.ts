import { Backoff } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { WatchCreateRequest, type WatchRequest, type WatchResponse } from "../gen/etcd/etcdserverpb/rpc.js";
import { type Event, Event_EventType } from "../gen/etcd/mvccpb/kv.js";
import type { DuplexStream } from "./channel.js";
import { type EtcdKeys, type EtcdPair, pairOf, rangeBytes } from "./etcd-pair.js";

/** What to watch. */
export type EtcdWatchOptions = EtcdKeys & {
  /** First revision wanted; the one after the current when absent. */
  readonly fromRevision?: number;
  /** Also get the pair before each change. */
  readonly previous?: boolean;
  /** Also get batches without events when the server says how far it is. */
  readonly progress?: boolean;
  /** Ends the watch; the loop just ends. */
  readonly signal?: AbortSignal;
};

/** One change. */
export interface EtcdEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /** Store revision of the change. */
  readonly revision: number;
  /** The pair after a put. */
  readonly pair: EtcdPair | undefined;
  /** The pair before, if asked for and not compacted. */
  readonly previous: EtcdPair | undefined;
}

/** Changes that belong together; all of one revision are always in one batch. Without events it is a progress notice. */
export interface EtcdWatchBatch {
  /** Everything up to this revision has been delivered. */
  readonly revision: number;
  readonly events: readonly EtcdEvent[];
}

/** The watch needs history that is compacted: whoever watches has to list again. */
export class EtcdCompactedError extends Error {
  /** Oldest revision that can still be watched. */
  readonly compactRevision: number;

  constructor(compactRevision: number) {
    super(`etcd has compacted its history up to revision ${compactRevision}`);
    this.name = "EtcdCompactedError";
    this.compactRevision = compactRevision;
  }
}

/** How a watch reaches etcd. */
export interface EtcdWatchConnection {
  readonly open: (signal: AbortSignal) => DuplexStream<WatchRequest, WatchResponse>;
  /** Told when a connection was lost, before the next `open`. */
  readonly lost: () => void;
  readonly clock: Clock;
}

const RETRY = { initialMs: 20, maxMs: 1_000 };
/** Ends of a stream after which the next one may do better. */
const PASSING: ReadonlySet<RpcCode> = new Set([RpcCode.UNAVAILABLE, RpcCode.CANCELLED, RpcCode.INTERNAL, RpcCode.UNKNOWN, RpcCode.RESOURCE_EXHAUSTED]);

/** A watch that goes on after each lost connection at the revision after the last one it delivered. */
export async function* watchEtcd(options: EtcdWatchOptions, connection: EtcdWatchConnection): AsyncGenerator<EtcdWatchBatch, void> {
  const signal = options.signal ?? new AbortController().signal;
  const backoff = new Backoff(RETRY);
  let next = options.fromRevision ?? 0;
  while (!signal.aborted) {
    const stream = connection.open(signal);
    try {
      await stream.write({ requestUnion: { $case: "createRequest", value: createRequest(options, next) } });
      let fragments: Event[] = [];
      for await (const response of stream) {
        refuse(response);
        const revision = Number(response.header?.revision ?? 0n);
        backoff.reset();
        // From now on the start is known, also if nothing happens before the connection is lost.
        if (response.created && next === 0) next = revision + 1;
        if (response.created) continue;
        fragments.push(...response.events);
        if (response.fragment) continue;
        const events = fragments.map(eventOf);
        fragments = [];
        const upTo = events[events.length - 1]?.revision ?? revision;
        // A server may repeat itself, and say where it is before the watch has begun; neither is news.
        if (upTo < (events.length > 0 ? next : next - 1)) continue;
        next = Math.max(next, upTo + 1);
        if (events.length > 0 || options.progress === true) yield { revision: upTo, events };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RpcError) || !PASSING.has(error.code)) throw error;
    } finally {
      stream.cancel();
    }
    connection.lost();
    await connection.clock.sleep(backoff.nextMs(), signal).catch(() => undefined);
  }
}

function createRequest(options: EtcdWatchOptions, startRevision: number): WatchCreateRequest {
  return WatchCreateRequest.create({
    ...rangeBytes(options),
    startRevision: BigInt(startRevision),
    prevKv: options.previous ?? false,
    progressNotify: true,
    fragment: true,
  });
}

/** Throws when the server ended or refused the watch. */
function refuse(response: WatchResponse): void {
  if (!response.canceled) return;
  if (response.compactRevision > 0n) throw new EtcdCompactedError(Number(response.compactRevision));
  if (response.created) throw RpcError.invalidArgument(response.cancelReason || "etcd refused the watch");
  throw RpcError.unavailable(response.cancelReason || "etcd ended the watch");
}

function eventOf(event: Event): EtcdEvent {
  const pair = event.kv === undefined ? undefined : pairOf(event.kv);
  const put = event.type === Event_EventType.PUT;
  return {
    type: put ? "put" : "delete",
    key: pair?.key ?? "",
    revision: pair?.modRevision ?? 0,
    pair: put ? pair : undefined,
    previous: event.prevKv === undefined ? undefined : pairOf(event.prevKv),
  };
}
