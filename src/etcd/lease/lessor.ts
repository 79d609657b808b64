import type { Clock, Timer } from "../../base/clock.js";
import { secretHex } from "../../base/ids.js";
import type { Logger } from "../../base/log.js";
import { Lease as StoredLease } from "../../gen/etcd/leasepb/lease.js";
import { DeadlineHeap } from "./deadline-heap.js";
import { etcdError } from "../errors.js";
import { type Key } from "../key-index/key-range.js";
import { allLeases, leaseKey } from "../storage/keyspace.js";
import type { Store } from "../kv/store.js";
import type { LeaseAttachments } from "../kv/write-txn.js";

/** Shortest time to live where nobody says otherwise: 1.5 of etcd's election timeouts of 1 s, rounded up. */
const MIN_TTL_SECONDS = 2;
const MAX_TTL_SECONDS = 9_000_000_000;
/** How often ended leases are looked for, and how many are revoked at most each time. */
const SCAN_MS = 500;
const MAX_REVOKES_PER_SCAN = 500;
/** Ended, renewed and revoked leases looked at in one stretch. */
const MAX_LOOKS_PER_SCAN = 2_000;
/** Pause after such a stretch if there is more. */
const NEXT_STRETCH_MS = 1;
/** Entries of revoked leases kept, besides as many as there are leases. */
const MAX_REVOKED_ENTRIES = 1_000;
const CHUNK_ROWS = 1_000;

interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  expiryMs: number;
  readonly keys: Set<Key>;
}

/** What is known about a lease. */
export interface LeaseFacts {
  readonly id: bigint;
  /** Granted time to live. */
  readonly grantedSeconds: number;
  /** Time left, rounded towards 0: a lease that has ended and is not revoked yet has 0, below it only when that takes a second. */
  readonly leftSeconds: number;
  readonly keys: readonly Key[];
}

/**
 * All leases: who has how much time, which keys hang on them (etcd's lessor). Time is the monotonic clock's; a lease that was alive
 * when the server stopped gets its full time to live at the next start, so a pause never ends one.
 */
export class Lessor implements LeaseAttachments {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #minTtlSeconds: number;
  readonly #leases = new Map<bigint, Lease>();
  /** Leases by the time they end; one that is being revoked is not in it. */
  readonly #deadlines = new DeadlineHeap<Lease>();
  #timer: Timer | undefined;
  #closed = false;

  private constructor(store: Store, clock: Clock, log: Logger, minTtlSeconds: number) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#minTtlSeconds = minTtlSeconds;
  }

  /** Reads the leases of the last run and takes over the store's attachments. */
  static async open(store: Store, clock: Clock, log: Logger, minTtlSeconds: number = MIN_TTL_SECONDS): Promise<Lessor> {
    const lessor = new Lessor(store, clock, log, minTtlSeconds);
    for await (const rows of store.table.scan(allLeases(), CHUNK_ROWS)) {
      for (const [, value] of rows) {
        const { ID, TTL } = StoredLease.decode(value);
        lessor.#add(ID, Number(TTL));
      }
    }
    store.attach(lessor);
    return lessor;
  }

  /** Whether the lease exists in the newest state. */
  readonly exists = (id: bigint): boolean => this.#leases.has(id);

  /** Begins a lease; id 0 lets this server choose. */
  grant(id: bigint, ttlSeconds: bigint): Promise<LeaseFacts> {
    return this.#store.write((txn) => {
      if (ttlSeconds > BigInt(MAX_TTL_SECONDS)) throw etcdError("leaseTtlTooLarge");
      const chosen = id === 0n ? this.#freeId() : id;
      if (this.#leases.has(chosen)) throw etcdError("leaseExists");
      const ttl = Math.max(this.#minTtlSeconds, Number(ttlSeconds));
      const stored = StoredLease.encode({ ID: chosen, TTL: BigInt(ttl), RemainingTTL: 0n }).finish();
      txn.alsoWrite({ type: "put", key: leaseKey(chosen), value: Buffer.from(stored) });
      return this.#facts(this.#add(chosen, ttl));
    });
  }

  /** The keys on a lease in the newest state; none if the lease does not exist. */
  readonly keysOf = (id: bigint): Iterable<Key> => this.#leases.get(id)?.keys ?? [];

  /** Ends a lease and deletes its keys in one revision, in byte order; `permit` throws when the caller may not. */
  revoke(id: bigint, permit?: (keys: Iterable<Key>) => void): Promise<void> {
    return this.#store.write((txn) => {
      const lease = this.#leases.get(id);
      if (lease === undefined) throw etcdError("leaseNotFound");
      permit?.(lease.keys);
      for (const key of [...lease.keys].sort((a, b) => (a < b ? -1 : 1))) txn.delete({ start: key, end: `${key}\0`, single: true }, false);
      txn.alsoWrite({ type: "del", key: leaseKey(id) });
      this.#leases.delete(id);
    });
  }

  /** Gives a lease its full time again and returns it in seconds; 0 if the lease does not exist or has ended. */
  renew(id: bigint): number {
    const lease = this.#leases.get(id);
    const nowMs = this.#clock.nowMs();
    if (lease === undefined || lease.expiryMs <= nowMs) return 0;
    lease.expiryMs = nowMs + lease.ttlSeconds * 1000;
    return lease.ttlSeconds;
  }

  /** A lease as it is once everything before is durable; undefined if there is none. */
  lookup(id: bigint): Promise<LeaseFacts | undefined> {
    return this.#store.write(() => {
      const lease = this.#leases.get(id);
      return lease === undefined ? undefined : this.#facts(lease);
    });
  }

  /** Ids of all leases, the next to end first. */
  list(): Promise<bigint[]> {
    return this.#store.write(() => [...this.#leases.values()].sort((a, b) => a.expiryMs - b.expiryMs).map(({ id }) => id));
  }

  move(key: Key, from: bigint, to: bigint): void {
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #add(id: bigint, ttlSeconds: number): Lease {
    const lease: Lease = { id, ttlSeconds, expiryMs: this.#clock.nowMs() + ttlSeconds * 1000, keys: new Set() };
    this.#leases.set(id, lease);
    this.#deadlines.add(lease, lease.expiryMs);
    // Whoever grants and revokes without end leaves entries behind for as long as the leases would have lived.
    if (this.#deadlines.size > 2 * this.#leases.size + MAX_REVOKED_ENTRIES) this.#deadlines.sweep(this.#deadlineOf);
    this.#schedule();
    return lease;
  }

  #facts(lease: Lease): LeaseFacts {
    // Clients take -1 for a lease that is not there. Adding 0 makes 0 of -0.
    const leftSeconds = Math.trunc((lease.expiryMs - this.#clock.nowMs()) / 1000) + 0;
    return { id: lease.id, grantedSeconds: lease.ttlSeconds, leftSeconds, keys: [...lease.keys] };
  }

  /** A positive 63-bit number nobody holds; unforeseeable, so that the id of an ended lease does not come again after a restart. */
  #freeId(): bigint {
    for (;;) {
      const id = BigInt.asUintN(63, BigInt(`0x${secretHex(8)}`));
      if (id !== 0n && !this.#leases.has(id)) return id;
    }
  }

  /** When a lease ends by now; undefined if it is no more. */
  readonly #deadlineOf = (lease: Lease): number | undefined => (this.#leases.get(lease.id) === lease ? lease.expiryMs : undefined);

  #schedule(waitMs = SCAN_MS): void {
    if (this.#closed || this.#timer !== undefined || this.#leases.size === 0) return;
    this.#timer = this.#clock.timer(waitMs, () => {
      this.#timer = undefined;
      this.#schedule(this.#revokeEnded());
    });
  }

  /** Revokes what has ended; returns when to look again. */
  #revokeEnded(): number {
    const { items, more } = this.#deadlines.takeDue(this.#clock.nowMs(), { items: MAX_REVOKES_PER_SCAN, looks: MAX_LOOKS_PER_SCAN }, this.#deadlineOf);
    for (const lease of items) {
      void this.revoke(lease.id)
        // A store that is busy gets the lease again with the next scan; one that stopped is reported by its owner.
        .catch((error: unknown) => this.#log.debug({ lease: lease.id.toString(16), err: error }, "an ended lease could not be revoked yet"))
        .finally(() => this.#deadlineOf(lease) !== undefined && this.#deadlines.add(lease, lease.expiryMs));
    }
    return more && items.length < MAX_REVOKES_PER_SCAN ? NEXT_STRETCH_MS : SCAN_MS;
  }
}
