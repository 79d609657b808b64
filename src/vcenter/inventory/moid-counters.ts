import { COUNTERS_KEY } from "../store/keyspace.js";
import type { KeyValueEntry } from "../store/key-value.js";
import type { Rider } from "../store/store.js";
import type { MoType } from "./moref.js";

/** What is numbered: managed objects, and the rules of clusters, whose key is a bare number. */
type Counted = MoType | "ClusterRule";

interface Kind {
  readonly prefix: string;
  readonly start: number;
}

/** Prefix and first number of each type, near those a fresh vCenter shows: host-21, vm-101, domain-c8, resgroup-9. */
const KINDS: Readonly<Record<Counted, Kind>> = {
  Datacenter: { prefix: "datacenter-", start: 3 },
  ClusterComputeResource: { prefix: "domain-c", start: 8 },
  ResourcePool: { prefix: "resgroup-", start: 9 },
  HostSystem: { prefix: "host-", start: 21 },
  VirtualMachine: { prefix: "vm-", start: 101 },
  Task: { prefix: "task-", start: 1 },
  ClusterRule: { prefix: "", start: 1 },
};

/** Numbers are set aside in etcd in blocks of this size. */
const BLOCK = 1_000;
/** A new block is set aside when fewer than this are left. */
const MARGIN = 500;

/**
 * Hands out moids that are never used twice, also across a crash.
 *
 * In etcd stand, per type, the numbers that may have been handed out ("ceiling"); a start continues there. Ceilings move in blocks,
 * with a commit that is made anyway, so a placement costs no Txn for its ids. A clean stop writes the true next numbers, so the ids of
 * a seed repeat; after a crash they jump to the next block.
 *
 * Example: hosts up to host-1020 are set aside. The commit that comes after host-521 was numbered sets those up to host-1521 aside as well. While
 * etcd does not answer it, commits of host-522 to host-1020 go on; as soon as host-1021 is numbered, all wait for it.
 */
export class MoidCounters implements Rider {
  readonly #next = new Map<Counted, number>();
  /** As they stand in etcd for certain. */
  #ceiling: ReadonlyMap<Counted, number>;
  /** Settles with the commit that moves the ceilings, when there is one under way: two could arrive in either order. */
  #moving: Promise<void> | undefined;

  /** `stored` is the value of the counters key; undefined in a new inventory. */
  constructor(stored: string | undefined) {
    const numbers = stored === undefined ? {} : (JSON.parse(stored) as Readonly<Record<string, number>>);
    for (const type of types()) {
      const next = numbers[type] ?? KINDS[type].start;
      this.#next.set(type, next);
    }
    this.#ceiling = new Map(this.#next);
  }

  /** The next moid of a type. Example: `next("HostSystem")` is `host-21` in a new inventory. */
  next(type: Counted): string {
    const number = this.#next.get(type) ?? KINDS[type].start;
    this.#next.set(type, number + 1);
    return `${KINDS[type].prefix}${number}`;
  }

  /** Has a commit write new ceilings along where they are due. One whose numbers may lie beyond those in etcd waits for the commit that moves them. */
  async along<T>(commit: (puts: readonly KeyValueEntry[]) => Promise<T>): Promise<T> {
    while (this.#moving !== undefined && this.#isShort(0)) await this.#moving;
    if (this.#moving !== undefined || !this.#isShort(MARGIN)) return commit([]);
    const ceiling = new Map(types().map((type) => [type, Math.max(this.#ceiling.get(type) ?? 0, (this.#next.get(type) ?? 0) + (this.#left(type) < MARGIN ? BLOCK : 0))]));
    const committed = commit([entry(ceiling)]);
    this.#moving = committed.then(
      () => void (this.#ceiling = ceiling),
      // Who commits hears of it; the next commit tries again.
      () => undefined,
    ).finally(() => (this.#moving = undefined));
    return committed;
  }

  /** What a clean stop writes; nothing is numbered after it. */
  final(): KeyValueEntry {
    this.#ceiling = new Map(types().map((type) => [type, Infinity]));
    return entry(this.#next);
  }

  #isShort(margin: number): boolean {
    return types().some((type) => this.#left(type) < margin);
  }

  #left(type: Counted): number {
    return (this.#ceiling.get(type) ?? 0) - (this.#next.get(type) ?? 0);
  }
}

/** The number in a moid, for ordering: `host-21` is 21. */
export function moidNumber(moid: string): number {
  return Number(/\d+$/.exec(moid)?.[0] ?? 0);
}

function types(): readonly Counted[] {
  return Object.keys(KINDS) as Counted[];
}

function entry(numbers: ReadonlyMap<Counted, number>): KeyValueEntry {
  return { key: COUNTERS_KEY, value: JSON.stringify(Object.fromEntries(numbers)) };
}
