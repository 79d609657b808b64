import { Backoff } from "../../base/backoff.js";
import { type Clock, nextTurn } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { EPOCH_KEY, ROOT } from "./keyspace.js";
import type { KeyCompare, KeyValue, KeyValueEntry } from "./key-value.js";
import { MAX_RUNNING_TASKS } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";
import { inGroups, type Write } from "./write-groups.js";

/** Writes along with commits. */
export interface Rider {
  /** Calls `commit` with what it is to write along, at once or when it may; answers what that answers. */
  along<T>(commit: (puts: readonly KeyValueEntry[]) => Promise<T>): Promise<T>;
}

/** A commit found a key that should be absent. */
export class KeyTaken extends Error {
  readonly entry: KeyValueEntry;

  constructor(entry: KeyValueEntry) {
    super(`${entry.key} exists already`);
    this.name = "KeyTaken";
    this.entry = entry;
  }
}

/** A commit that has not been sent yet. */
interface Unsent {
  readonly write: Write;
  readonly done: (revision: Promise<bigint>) => void;
}

/**
 * Commits that wait for etcd at the same time; beyond it callers get RESOURCE_EXHAUSTED. More than tasks may run, of which each waits for
 * one commit at a time: what has begun can always store its end.
 */
const MAX_PENDING = MAX_RUNNING_TASKS + 1_000;
const RETRY = { initialMs: 50, maxMs: 2_000 } as const;
const TRANSIENT: ReadonlySet<RpcCode> = new Set([RpcCode.UNAVAILABLE, RpcCode.DEADLINE_EXCEEDED, RpcCode.UNKNOWN, RpcCode.RESOURCE_EXHAUSTED]);
/** A request that no server takes, however often it is made: the one RESOURCE_EXHAUSTED that does not pass. The words of grpc-go and grpc-js. */
const TOO_LARGE = /message larger than max/i;

/**
 * The durable state of vCenter, fenced by an epoch: opening a store raises `/spheresim/vcenter/epoch` by one, and every commit
 * compares it. So a vCenter that was paused while another took over cannot write any more: its next commit throws StaleWriter.
 *
 * Order at start: first the epoch, then the reading. What the predecessor had under way either happened before the epoch rose, and
 * is read, or fails.
 *
 * A commit whose answer was lost is repeated until it is known: there is one writer, so a failed `absent` that finds our own bytes is
 * our own success. A commit therefore never ends in doubt; it ends with the store closed at the latest.
 *
 * Commits of one turn share Txns, so that a wave of placements costs a few of them. A shared Txn that fails is done again, each commit by itself:
 * none fails for what is another's fault.
 */
export class Store {
  readonly epoch: bigint;
  readonly #kv: KeyValue;
  readonly #monotonic: Clock;
  readonly #log: Logger;
  readonly #closing: AbortSignal;
  #pending = 0;
  #unsent: Unsent[] = [];
  #commits = 0;
  #stale: VimFault | undefined;
  #onStale: (fault: VimFault) => void = () => undefined;
  #rider: Rider = { along: (commit) => commit([]) };

  private constructor(kv: KeyValue, epoch: bigint, monotonic: Clock, log: Logger, closing: AbortSignal) {
    this.#kv = kv;
    this.epoch = epoch;
    this.#monotonic = monotonic;
    this.#log = log;
    this.#closing = closing;
  }

  /** Takes over as the one writer and reads everything. Waits for etcd until `closing` aborts. */
  static async open(kv: KeyValue, options: { readonly monotonic: Clock; readonly log: Logger; readonly closing: AbortSignal }): Promise<{ readonly store: Store; readonly entries: readonly KeyValueEntry[] }> {
    const { monotonic, log, closing } = options;
    const persist = <T>(what: string, attempt: () => Promise<T>): Promise<T> => untilKnown(what, attempt, monotonic, log, closing);
    for (;;) {
      const before = (await persist("reading the epoch", () => kv.list(EPOCH_KEY))).find((entry) => entry.key === EPOCH_KEY);
      const epoch = BigInt(before?.value ?? "0") + 1n;
      const compare: KeyCompare = before === undefined ? { key: EPOCH_KEY, absent: true } : { key: EPOCH_KEY, value: before.value };
      const taken = await persist("raising the epoch", () => kv.txn({ compare: [compare], puts: [{ key: EPOCH_KEY, value: String(epoch) }], deletes: [], readOnFailure: [] }));
      // A lost race, or our own lost answer: either way the next round takes an epoch nobody has.
      if (!taken.succeeded) continue;
      const entries = await persist("reading the inventory", () => kv.list(ROOT));
      return { store: new Store(kv, epoch, monotonic, log, closing), entries };
    }
  }

  /** Called once, when another vCenter has taken over. */
  set onStale(listener: (fault: VimFault) => void) {
    this.#onStale = listener;
  }

  /** Who writes along with every commit from now on. */
  set rider(rider: Rider) {
    this.#rider = rider;
  }

  /** How many Txns were committed since the start. */
  get commits(): number {
    return this.#commits;
  }

  /** Writes all or nothing; resolves with the revision when it is durable. Throws KeyTaken, StaleWriter, or RESOURCE_EXHAUSTED. */
  commit(write: Write): Promise<bigint> {
    return this.#rider.along((puts) => this.#commit(puts.length === 0 ? write : { ...write, puts: [...(write.puts ?? []), ...puts] }));
  }

  async #commit(write: Write): Promise<bigint> {
    if (this.#stale !== undefined) throw this.#stale;
    if (this.#pending >= MAX_PENDING) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `${MAX_PENDING} changes wait for etcd`);
    this.#pending += 1;
    try {
      return await new Promise<bigint>((resolve) => {
        if (this.#unsent.length === 0) void nextTurn().then(() => this.#send());
        this.#unsent.push({ write, done: resolve });
      });
    } finally {
      this.#pending -= 1;
    }
  }

  #send(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const group of inGroups(unsent, ({ write }) => write)) {
      const together = this.#txn(group.map(({ write }) => write));
      for (const { write, done } of group) done(group.length === 1 ? together : together.catch((error: unknown) => this.#alone(write, error)));
    }
  }

  /** After a shared Txn failed for `cause`. */
  #alone(write: Write, cause: unknown): Promise<bigint> {
    if (this.#stale !== undefined || this.#closing.aborted) throw cause;
    return this.#txn([write]);
  }

  /** One Txn of all these writes. */
  async #txn(writes: readonly Write[]): Promise<bigint> {
    const puts = writes.flatMap((write) => write.puts ?? []);
    const deletes = writes.flatMap((write) => write.deletes ?? []);
    const absent = writes.flatMap((write) => write.absent ?? []);
    const compare: KeyCompare[] = [{ key: EPOCH_KEY, value: String(this.epoch) }, ...absent.map((key) => ({ key, absent: true }) as const)];
    const txn = { compare, puts, deletes, readOnFailure: [EPOCH_KEY, ...absent] };
    const result = await untilKnown("a commit", () => this.#kv.txn(txn), this.#monotonic, this.#log, this.#closing);
    if (!result.succeeded) this.#explain(result.found, puts, absent);
    this.#commits += 1;
    return result.revision;
  }

  /** Makes sure that no other vCenter has taken over; throws StaleWriter. For what is done on a host without a commit before it. Resolves with the revision at which that was so. */
  async confirm(): Promise<bigint> {
    if (this.#stale !== undefined) throw this.#stale;
    const txn = { compare: [{ key: EPOCH_KEY, value: String(this.epoch) }], puts: [], deletes: [], readOnFailure: [EPOCH_KEY] };
    const result = await untilKnown("confirming the epoch", () => this.#kv.txn(txn), this.#monotonic, this.#log, this.#closing);
    if (!result.succeeded) this.#explain(result.found);
    return result.revision;
  }

  /** Returns when the failed comparison was our own earlier success; throws otherwise. */
  #explain(found: readonly KeyValueEntry[], puts: readonly KeyValueEntry[] = [], absent: readonly string[] = []): void {
    const current = found.find((entry) => entry.key === EPOCH_KEY)?.value ?? "0";
    if (current !== String(this.epoch)) {
      const stale = VimFault.staleWriter(this.epoch, BigInt(current));
      if (this.#stale === undefined) {
        this.#stale = stale;
        this.#onStale(stale);
      }
      throw stale;
    }
    const taken = found.filter((entry) => entry.key !== EPOCH_KEY);
    const foreign = taken.find((entry) => !puts.some((put) => put.key === entry.key && put.value === entry.value));
    // All of it or nothing: a commit that shares its Txn with one that is there already may not be there.
    if (foreign === undefined && taken.length > 0 && taken.length === absent.length) return;
    if (taken.length > 0) throw new KeyTaken(foreign ?? taken[0]!);
    throw new RpcError(RpcCode.ABORTED, "a commit failed without a cause etcd could show");
  }
}

async function untilKnown<T>(what: string, attempt: () => Promise<T>, monotonic: Clock, log: Logger, signal: AbortSignal): Promise<T> {
  const backoff = new Backoff(RETRY);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw new RpcError(RpcCode.UNAVAILABLE, "vCenter is shutting down", { cause: error });
      if (!(error instanceof RpcError) || !TRANSIENT.has(error.code) || TOO_LARGE.test(error.message)) throw error;
      if (backoff.attempts === 3) log.warn({ err: error }, `etcd does not answer; ${what} waits for it`);
      await monotonic.sleep(backoff.nextMs(), signal);
    }
  }
}
