import type { Dice } from "../../../src/base/seeded-random.js";
import { RpcCode, RpcError } from "../../../src/base/rpc-error.js";
import { WatchCreateRequest_FilterType } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import { type Event, Event_EventType, type KeyValue } from "../../../src/gen/etcd/mvccpb/kv.js";
import { compare, type Connection, create, del, opPut, opRange, progress, put, range, txn } from "../wire.js";
import type { Input, Operation, Output, Pair, WatchEvent, WatchHistory } from "./history.js";

const TIMEOUT_MS = 400;
/** What a server that is not there costs before the next try. */
const PAUSE_MS = 15;
const PROGRESS_MS = 60;
/** Revisions that a watch may begin before or after the newest one that is known. */
const WATCH_OFFSET = 100;
const LONGEST_WATCH_MS = 700;
const NO_EXPIRY_SECONDS = 36_000;

/** Answers after which nothing has changed. */
const REFUSALS: ReadonlySet<number> = new Set([RpcCode.INVALID_ARGUMENT, RpcCode.OUT_OF_RANGE, RpcCode.NOT_FOUND, RpcCode.FAILED_PRECONDITION, RpcCode.RESOURCE_EXHAUSTED]);

/** What all clients of a run share. */
export interface Traffic {
  readonly keys: readonly string[];
  readonly operations: Operation[];
  readonly watches: WatchHistory[];
  /** Whether watchers ask how far their streams are. */
  readonly asksProgress: boolean;
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
  /** Newest revision any client heard of. */
  newestRevision: number;
  newestCompaction: number;
}

/** A client that writes and reads, one call at a time, until the run ends. */
export class Writer {
  readonly #traffic: Traffic;
  readonly #etcd: Connection;
  readonly #dice: Dice;
  readonly #client: number;
  readonly #seen = new Map<string, number>();
  #values = 0;
  #leases: number[] = [];

  constructor(traffic: Traffic, etcd: Connection, dice: Dice, client: number) {
    this.#traffic = traffic;
    this.#etcd = etcd;
    this.#dice = dice;
    this.#client = client;
  }

  async run(): Promise<void> {
    while (!this.#traffic.signal.aborted) {
      const output = await record(this.#traffic, this.#etcd, this.#client, this.#next());
      if (output === undefined) await pause(PAUSE_MS);
      else if ("pairs" in output) for (const { key, modRevision } of output.pairs ?? []) this.#seen.set(key, modRevision);
    }
  }

  #next(): Input {
    const roll = this.#dice.int(100);
    const { keys } = this.#traffic;
    const key = this.#dice.pick(keys);
    if (roll < 35) return { kind: "put", key, value: this.#value(), lease: 0 };
    if (roll < 43) return { kind: "put", key, value: this.#value(), lease: this.#leases.length > 0 ? this.#dice.pick(this.#leases) : 0 };
    if (roll < 51) return { kind: "delete", key, end: "" };
    if (roll < 54) return { kind: "delete", key, end: `${key.slice(0, -1)}${Math.min(9, Number(key.slice(-1)) + 3)}` };
    if (roll < 74) return this.#compareAndPut(key);
    if (roll < 84) return { kind: "range", key: "k", end: "l", revision: 0 };
    if (roll < 90) return { kind: "range", key, end: "", revision: 0 };
    if (roll < 95) return { kind: "range", key: "k", end: "l", revision: Math.max(1, this.#traffic.newestRevision - this.#dice.int(80)) };
    if (roll < 98 || this.#leases.length === 0) return { kind: "grant", lease: this.#newLease() };
    return { kind: "revoke", lease: this.#leases.splice(this.#dice.int(this.#leases.length), 1)[0] as number };
  }

  #compareAndPut(key: string): Input {
    const other = this.#dice.pick(this.#traffic.keys);
    const puts = [key, ...(other === key ? [] : [other])].map((name) => ({ key: name, value: this.#value() }));
    return { kind: "txn", key, modRevision: this.#seen.get(key) ?? 0, puts };
  }

  #value(): string {
    this.#values += 1;
    return `${this.#client}.${this.#values}`;
  }

  #newLease(): number {
    const lease = (this.#client + 1) * 1_000_000 + this.#dice.int(1_000_000);
    this.#leases.push(lease);
    return lease;
  }
}

/** Compacts now and then, never beyond what `limit` names. */
export async function runCompactor(traffic: Traffic, etcd: Connection, dice: Dice, client: number, everyMs: number, limit: () => number): Promise<void> {
  while (!traffic.signal.aborted) {
    await pause(everyMs);
    const revision = limit() - dice.int(60);
    if (revision <= traffic.newestCompaction) continue;
    const output = await record(traffic, etcd, client, { kind: "compact", revision });
    if (output !== undefined) traffic.newestCompaction = Math.max(traffic.newestCompaction, revision);
  }
}

/** Opens one watch after another, each from about where history stands, with all sorts of options. */
export async function runWatcher(traffic: Traffic, etcd: Connection, dice: Dice, client: number): Promise<void> {
  while (!traffic.signal.aborted) {
    const start = dice.int(4) === 0 ? 0 : Math.max(1, traffic.newestRevision + dice.int(2 * WATCH_OFFSET) - WATCH_OFFSET);
    const key = dice.int(3) === 0 ? dice.pick(traffic.keys) : "k";
    const watch = { client, key, end: key === "k" ? dice.pick(["l", "\0", "k5"]) : "", start, previous: dice.int(2) === 0, filter: dice.pick(["none", "none", "noput", "nodelete"] as const), answers: [] };
    await follow(traffic, etcd, watch, dice.int(LONGEST_WATCH_MS));
  }
}

/** Records one watch for some time, or until it ends. */
async function follow(traffic: Traffic, etcd: Connection, wanted: WatchHistory, forMs: number): Promise<void> {
  const filters = { none: [], noput: [WatchCreateRequest_FilterType.NOPUT], nodelete: [WatchCreateRequest_FilterType.NODELETE] }[wanted.filter];
  const end = new AbortController();
  const stop = (): void => end.abort();
  const limit = setTimeout(stop, forMs);
  traffic.signal.addEventListener("abort", stop, { once: true });
  const stream = etcd.watch.watch({ signal: end.signal });
  const asking = traffic.asksProgress ? setInterval(() => void stream.write(progress).catch(() => undefined), PROGRESS_MS) : undefined;
  try {
    await stream.write(create({ key: wanted.key, rangeEnd: wanted.end, startRevision: wanted.start, prevKv: wanted.previous, filters, progressNotify: true }));
    let watch: WatchHistory | undefined;
    for await (const { created, canceled, header, events, compactRevision } of stream) {
      const revision = Number(header?.revision ?? 0);
      traffic.newestRevision = Math.max(traffic.newestRevision, revision);
      if (created) {
        if (canceled) return;
        watch = { ...wanted, start: wanted.start === 0 ? revision + 1 : wanted.start };
        traffic.watches.push(watch);
        continue;
      }
      watch?.answers.push({ at: performance.now(), revision, events: events.map(watchEvent), ...(canceled ? { compactRevision: Number(compactRevision) } : {}) });
      if (canceled) return;
    }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (!end.signal.aborted) await pause(PAUSE_MS);
  } finally {
    clearTimeout(limit);
    clearInterval(asking);
    traffic.signal.removeEventListener("abort", stop);
    stream.cancel();
  }
}

/** Makes one call and writes down what became of it. */
export async function record(traffic: Traffic, etcd: Connection, client: number, input: Input): Promise<Output | undefined> {
  const call = performance.now();
  const output = await send(etcd, input);
  traffic.operations.push(output === undefined ? { client, input, call } : { client, input, call, output, return: performance.now() });
  if (output !== undefined && "revision" in output) traffic.newestRevision = Math.max(traffic.newestRevision, output.revision);
  return output;
}

async function send(etcd: Connection, input: Input): Promise<Output | undefined> {
  const options = { deadlineMs: TIMEOUT_MS };
  try {
    switch (input.kind) {
      case "put":
        return { revision: revisionOf(await etcd.kv.put(put({ key: input.key, value: input.value, lease: input.lease }), options)) };
      case "delete": {
        const answer = await etcd.kv.deleteRange(del({ key: input.key, rangeEnd: input.end }), options);
        return { revision: revisionOf(answer), deleted: Number(answer.deleted) };
      }
      case "txn": {
        const request = txn({ compare: [compare(input.key, "MOD", "EQUAL", input.modRevision)], success: input.puts.map(opPut), failure: [opRange({ key: input.key })] });
        const answer = await etcd.kv.txn(request, options);
        const read = answer.responses[0]?.response;
        return { revision: revisionOf(answer), succeeded: answer.succeeded, ...(read?.$case === "responseRange" ? { pairs: read.value.kvs.map(pairOf) } : {}) };
      }
      case "range": {
        const answer = await etcd.kv.range(range({ key: input.key, rangeEnd: input.end, revision: input.revision }), options);
        return { revision: revisionOf(answer), pairs: answer.kvs.map(pairOf) };
      }
      case "grant":
        return { revision: revisionOf(await etcd.lease.leaseGrant({ ID: BigInt(input.lease), TTL: BigInt(NO_EXPIRY_SECONDS) }, options)) };
      case "revoke":
        return { revision: revisionOf(await etcd.lease.leaseRevoke({ ID: BigInt(input.lease) }, options)) };
      case "compact":
        return { revision: revisionOf(await etcd.kv.compact({ revision: BigInt(input.revision), physical: false }, options)) };
    }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return REFUSALS.has(error.code) ? { refused: error.message } : undefined;
  }
}

function revisionOf(answer: { readonly header?: { readonly revision: bigint } | undefined }): number {
  return Number(answer.header?.revision);
}

function pairOf({ key, value, createRevision, modRevision, version, lease }: KeyValue): Pair {
  return { key: key.toString(), value: value.toString(), createRevision: Number(createRevision), modRevision: Number(modRevision), version: Number(version), lease: Number(lease) };
}

/** An event in the terms of a history. */
export function watchEvent({ type, kv, prevKv }: Event): WatchEvent {
  if (kv === undefined) throw new Error("an event without a pair");
  return { type: type === Event_EventType.DELETE ? "delete" : "put", ...pairOf(kv), ...(prevKv === undefined ? {} : { previous: pairOf(prevKv) }) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
