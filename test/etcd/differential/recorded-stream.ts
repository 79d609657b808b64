import type { WatchRequest, WatchResponse } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import type { Event } from "../../../src/gen/etcd/mvccpb/kv.js";
import type { DuplexStream } from "../../../src/rpc/channel.js";
import type { Connection } from "../wire.js";
import { Mismatch } from "./mismatch.js";

/** What came for one watch. */
export interface WatchRecord {
  readonly created: WatchResponse;
  readonly events: Event[];
  canceled: WatchResponse | undefined;
  /** The answer to cancelling a watch that compaction had ended before. */
  canceledAgain: WatchResponse | undefined;
}

/** A watch stream that keeps what it hears, by watch, and notes what no stream may ever say. */
export class RecordedStream {
  /** Every watch in order of creation, refused ones included. */
  readonly records: WatchRecord[] = [];
  readonly violations: string[] = [];
  progressAnswers = 0;
  readonly #stream: DuplexStream<WatchRequest, WatchResponse>;
  /** Ended by compaction; the server keeps their ids until the client cancels them. */
  readonly #compacted = new Map<bigint, WatchRecord>();
  readonly #open = new Map<bigint, { readonly record: WatchRecord; lastRevision: bigint; progressRevision: bigint; fragment: boolean }>();
  #failure: string | undefined;
  #closed = false;
  #changed: () => void = () => undefined;
  readonly #checksProgress: boolean;

  readonly #limitMs: number;

  /** `checksProgress`: hold the stream to what a progress notice promises. `limitMs`: how long something that must come may take. */
  constructor(connection: Connection, checksProgress: boolean, limitMs: number) {
    this.#limitMs = limitMs;
    this.#stream = connection.watch.watch();
    this.#checksProgress = checksProgress;
    void this.#read();
  }

  send(request: WatchRequest): Promise<void> {
    return this.#stream.write(request);
  }

  /** Resolves when `done` holds; rejects when it does not for a long time, or the stream ends before. */
  async until(what: string, done: () => boolean): Promise<void> {
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      this.#changed();
    }, this.#limitMs);
    try {
      while (!done()) {
        if (this.#failure !== undefined) throw new Mismatch(`the watch stream ended before ${what}: ${this.#failure}`);
        if (late) throw new Mismatch(`${what} did not come within ${this.#limitMs} ms`);
        await new Promise<void>((resolve) => (this.#changed = resolve));
      }
    } finally {
      clearTimeout(limit);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stream.cancel();
  }

  async #read(): Promise<void> {
    try {
      for await (const response of this.#stream) {
        this.#take(response);
        this.#changed();
      }
      this.#failure = "no error";
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : "unknown error";
    }
    if (!this.#closed) this.#changed();
  }

  #take(response: WatchResponse): void {
    const { watchId, events, header } = response;
    const revision = header?.revision ?? 0n;
    if (response.created) {
      const record: WatchRecord = { created: response, events: [], canceled: response.canceled ? response : undefined, canceledAgain: undefined };
      this.records.push(record);
      if (!response.canceled) this.#open.set(watchId, { record, lastRevision: 0n, progressRevision: 0n, fragment: false });
      return;
    }
    const open = this.#open.get(watchId);
    if (response.canceled) {
      this.#takeEnd(response, open?.record);
    } else if (events.length === 0) {
      if (watchId === -1n) {
        this.progressAnswers += 1;
        for (const each of this.#open.values()) each.progressRevision = revision;
      } else if (open === undefined) this.violations.push(`progress of watch ${watchId}, which is not open`);
    } else if (open === undefined) this.violations.push(`events for watch ${watchId}, which is not open`);
    else this.#takeEvents(response, open);
  }

  #takeEnd(response: WatchResponse, open: WatchRecord | undefined): void {
    const compacted = this.#compacted.get(response.watchId);
    if (open !== undefined) {
      open.canceled = response;
      if (response.compactRevision > 0n) this.#compacted.set(response.watchId, open);
    } else if (compacted !== undefined) {
      compacted.canceledAgain = response;
      this.#compacted.delete(response.watchId);
    } else this.violations.push(`watch ${response.watchId} was canceled and is not open`);
    this.#open.delete(response.watchId);
  }

  #takeEvents({ events, header, fragment, watchId }: WatchResponse, open: { readonly record: WatchRecord; lastRevision: bigint; readonly progressRevision: bigint; fragment: boolean }): void {
    const revisions = events.map(({ kv }) => kv?.modRevision ?? 0n);
    const [first, last] = [revisions[0] ?? 0n, revisions.at(-1) ?? 0n];
    if (!open.fragment && first <= open.lastRevision) this.violations.push(`watch ${watchId} got revision ${first} in a response after one that ended with ${open.lastRevision}`);
    if (last > (header?.revision ?? 0n)) this.violations.push(`watch ${watchId} got revision ${last} under a header of ${header?.revision}`);
    if (this.#checksProgress && first <= open.progressRevision) this.violations.push(`watch ${watchId} got revision ${first} after a progress notice at ${open.progressRevision}`);
    open.lastRevision = last;
    open.fragment = fragment;
    open.record.events.push(...events);
  }
}
