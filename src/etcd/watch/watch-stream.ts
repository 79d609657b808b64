import type { Clock, Timer } from "../../base/clock.js";
import type { Dice } from "../../base/seeded-random.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { type WatchCreateRequest, WatchCreateRequest_FilterType } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { Change } from "./change.js";
import { etcdErrorText } from "../errors.js";
import { type KeyRange, rangeOf } from "../key-index/key-range.js";
import type { WatchHub } from "./watch-hub.js";
import { MAX_WAITING, WatchQueue } from "./watch-queue.js";
import { encodeControl, encodeEvents, type HeaderAt } from "./watch-response.js";
import { Watcher } from "./watcher.js";

/** What a stream of watches needs. */
export interface WatchStreamOptions {
  readonly hub: WatchHub;
  readonly clock: Clock;
  readonly headerAt: HeaderAt;
  /** Sends one message; resolves when the next may follow. */
  readonly send: (message: Buffer) => Promise<void>;
  /** Time between two progress notices of a silent watch, at least; with `dice` up to a tenth more, drawn once for the stream. */
  readonly progressIntervalMs: number;
  readonly dice?: Dice | undefined;
  /** Throws an RpcError when the client may not read a range; when absent, it may read all. */
  readonly permit?: (range: KeyRange) => void;
}

/** Streams that were opened together do not send their notices together (etcd: up to a tenth of the interval). */
const PROGRESS_JITTER = 0.1;
/** Id of answers that belong to no watch. */
const NO_WATCH = -1n;
/** Waiting answers sent between two turns of the watches that are behind, so that these get on while others are busy. */
const SENDS_PER_TURN = 32;

/** Go's names of the codes that a refused watch can have. */
const GO_CODE_NAMES: Readonly<Record<number, string>> = {
  [RpcCode.INVALID_ARGUMENT]: "InvalidArgument",
  [RpcCode.PERMISSION_DENIED]: "PermissionDenied",
  [RpcCode.UNAUTHENTICATED]: "Unauthenticated",
};

const ZERO_KEY = Buffer.from([0]);
const EMPTY_RANGE = "mvcc: watcher range is empty";
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";

/**
 * The watches of one client stream. Each is
 * - **synced**: the hub hands it each commit, which waits here to be sent; or
 * - **behind**: it started in the past, or the client reads too slowly. It is in `#behind` with the revision to go on from; `run` reads
 *   history for one such watch at a time and makes it synced in the same step in which nothing is left to read, so that no commit is
 *   missed or sent twice.
 *
 * Everything goes through one queue, so a progress notice never overtakes an event.
 */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #hub: WatchHub;
  readonly #progressIntervalMs: number;
  readonly #watchers = new Map<bigint, Watcher>();
  readonly #behind = new Set<Watcher>();
  /** Ids of watches that a compaction ended: taken until the client cancels them too, as etcd has it. */
  readonly #compacted = new Set<bigint>();
  readonly #queue = new WatchQueue();
  #nextId = 0n;
  #progressTimer: Timer | undefined;
  #closed = false;
  #wakeSender: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#hub = options.hub;
    this.#progressIntervalMs = options.progressIntervalMs * (1 + (options.dice?.next() ?? 0) * PROGRESS_JITTER);
  }

  /** Watches of the stream, and those of them that are behind. */
  get watches(): { readonly all: number; readonly behind: number } {
    return { all: this.#watchers.size, behind: this.#behind.size };
  }

  /** Begins a watch; the answer is the first thing its client hears of it. */
  create(request: WatchCreateRequest): void {
    const { revision } = this.#hub.store;
    const range = rangeOf(request.key.length === 0 ? ZERO_KEY : request.key, request.rangeEnd);
    const refusal = this.#refusal(request, range);
    if (refusal !== undefined) {
      this.#push(encodeControl(this.#options.headerAt(revision), { watchId: NO_WATCH, created: true, canceled: true, cancelReason: refusal }));
      return;
    }
    const watcher = new Watcher(
      {
        id: request.watchId === 0n ? this.#freeId() : request.watchId,
        range,
        startRevision: request.startRevision === 0n ? revision + 1 : Number(request.startRevision),
        previous: request.prevKv,
        fragment: request.fragment,
        progressNotify: request.progressNotify,
        skipPuts: request.filters.includes(WatchCreateRequest_FilterType.NOPUT),
        skipDeletes: request.filters.includes(WatchCreateRequest_FilterType.NODELETE),
      },
      this.#onCommit,
    );
    this.#watchers.set(watcher.options.id, watcher);
    this.#push(encodeControl(this.#options.headerAt(revision), { watchId: watcher.options.id, created: true }));
    if (watcher.options.startRevision > revision) this.#hub.join(watcher);
    else this.#behind.add(watcher);
    if (watcher.options.progressNotify) this.#startProgressTimer();
  }

  /** Ends a watch; an unknown one is ignored. */
  cancel(id: bigint): void {
    const watcher = this.#watchers.get(id);
    if (watcher !== undefined) this.#forget(watcher);
    else if (!this.#compacted.delete(id)) return;
    this.#push(encodeControl(this.#options.headerAt(this.#hub.store.revision), { watchId: id, canceled: true }));
  }

  /** Says how far the stream is, if every one of its watches is that far; else nothing, and the client asks again. */
  requestProgress(): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of this.#watchers.values()) if (!this.#upToDate(watcher)) return;
    this.#pushProgress(NO_WATCH);
  }

  /** Resolves when the client may be asked for its next request. */
  async room(): Promise<void> {
    while (!this.#closed && this.#queue.controls >= MAX_WAITING) await new Promise<void>((resolve) => (this.#wakeReader = resolve));
  }

  /** Sends until the stream is closed; rejects as `send` does. */
  async run(): Promise<void> {
    for (let sends = 0; !this.#closed; ) {
      if (this.#behind.size > 0 && (this.#queue.length === 0 || sends >= SENDS_PER_TURN)) {
        sends = 0;
        await this.#catchUp();
      } else if (this.#queue.length > 0) {
        sends += 1;
        await this.#sendNext();
      } else {
        await new Promise<void>((resolve) => (this.#wakeSender = resolve));
      }
    }
  }

  /** Ends all watches. */
  close(): void {
    this.#closed = true;
    this.#progressTimer?.cancel();
    for (const watcher of this.#watchers.values()) if (watcher.synced) this.#hub.leave(watcher);
    this.#watchers.clear();
    this.#behind.clear();
    this.#queue.clear();
    this.#wakeSender?.();
    this.#wakeReader?.();
  }

  #refusal(request: WatchCreateRequest, range: KeyRange): string | undefined {
    if (request.startRevision < 0n) return etcdErrorText("compacted");
    try {
      this.#options.permit?.(range);
    } catch (error) {
      if (!RpcError.is(error)) throw error;
      // The reason is what Go prints of a gRPC error, and clients look for the text inside.
      return `rpc error: code = ${GO_CODE_NAMES[error.code] ?? "Unknown"} desc = ${error.message}`;
    }
    if (!range.single && range.end !== undefined && range.end <= range.start) return EMPTY_RANGE;
    return request.watchId !== 0n && this.#taken(request.watchId) ? DUPLICATE_ID : undefined;
  }

  #taken(id: bigint): boolean {
    return this.#watchers.has(id) || this.#compacted.has(id);
  }

  #freeId(): bigint {
    while (this.#taken(this.#nextId)) this.#nextId += 1n;
    const id = this.#nextId;
    this.#nextId += 1n;
    return id;
  }

  /** A commit for a synced watch: wait to be sent, or, when too much waits already, read it again later. */
  readonly #onCommit = (watcher: Watcher, revision: number, changes: readonly Change[]): void => {
    if (this.#queue.offer(watcher, revision, changes, this.#watchers.size)) {
      watcher.active = true;
      this.#wakeSender?.();
      return;
    }
    this.#hub.leave(watcher);
    watcher.nextRevision = revision;
    this.#behind.add(watcher);
  };

  /** One slice of history for the watch that has waited longest. */
  async #catchUp(): Promise<void> {
    const [watcher] = this.#behind;
    if (watcher === undefined || this.#cancelIfCompacted(watcher)) return;
    const slice = await this.#hub.history(watcher.nextRevision);
    // Both may have happened meanwhile: the client cancelled, or what was read is no longer whole.
    if (!this.#behind.has(watcher) || this.#cancelIfCompacted(watcher)) return;
    const { revision, compactRevision } = this.#hub.store;
    const { upTo } = slice;
    const selected = slice.select(watcher);
    const changes = selected[0] !== undefined && selected[0].main <= compactRevision ? selected.map((change) => (change.main > compactRevision ? change : change.withoutPrevious())) : selected;
    this.#behind.delete(watcher);
    watcher.nextRevision = upTo + 1;
    if (upTo < revision) this.#behind.add(watcher);
    else this.#hub.join(watcher);
    if (changes.length > 0) this.#pushEvents(watcher, upTo, changes);
  }

  #cancelIfCompacted(watcher: Watcher): boolean {
    const { compactRevision } = this.#hub.store;
    if (watcher.nextRevision >= compactRevision) return false;
    this.#forget(watcher);
    this.#compacted.add(watcher.options.id);
    this.#push(encodeControl(this.#options.headerAt(0), { watchId: watcher.options.id, canceled: true, compactRevision: BigInt(compactRevision) }));
    return true;
  }

  #forget(watcher: Watcher): void {
    if (watcher.synced) this.#hub.leave(watcher);
    this.#behind.delete(watcher);
    this.#watchers.delete(watcher.options.id);
  }

  async #sendNext(): Promise<void> {
    const next = this.#queue.take();
    this.#wakeReader?.();
    if (Buffer.isBuffer(next)) {
      await this.#options.send(next);
      return;
    }
    for (const message of encodeEvents(next, this.#options.headerAt, this.#hub.store.previousRow)) await this.#options.send(message);
  }

  #pushEvents(watcher: Watcher, revision: number, changes: readonly Change[]): void {
    watcher.active = true;
    this.#queue.events(watcher, revision, changes);
    this.#wakeSender?.();
  }

  #pushProgress(watchId: bigint): void {
    this.#push(encodeControl(this.#options.headerAt(this.#hub.store.revision), { watchId }));
  }

  #push(answer: Buffer): void {
    this.#queue.control(answer);
    this.#wakeSender?.();
  }

  /** Nothing up to the store's revision is missing, and the watch has begun to look. */
  #upToDate(watcher: Watcher): boolean {
    return watcher.synced && watcher.options.startRevision <= this.#hub.store.revision + 1;
  }

  #startProgressTimer(): void {
    if (this.#progressTimer !== undefined || this.#closed) return;
    this.#progressTimer = this.#options.clock.timer(this.#progressIntervalMs, () => {
      this.#progressTimer = undefined;
      let wanted = false;
      for (const watcher of this.#watchers.values()) {
        if (!watcher.options.progressNotify) continue;
        wanted = true;
        if (!watcher.active && this.#upToDate(watcher) && this.#queue.length < MAX_WAITING) this.#pushProgress(watcher.options.id);
        watcher.active = false;
      }
      if (wanted) this.#startProgressTimer();
    });
  }
}
