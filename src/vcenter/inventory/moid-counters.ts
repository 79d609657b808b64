import { COUNTERS_KEY } from "../store/keyspace.js";
import type { KeyValueEntry } from "../store/key-value.js";
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
/** A new block is set aside when fewer than this are left; so many may be handed out and not yet committed. */
const MARGIN = 500;

/**
 * Hands out moids that are never used twice, also across a crash.
 *
 * In etcd stand, per type, the numbers that may have been handed out ("ceiling"); a start continues there. Ceilings move in blocks,
 * with a commit that is made anyway, so a placement costs no Txn for its ids. A clean stop writes the true next numbers, so the ids of
 * a seed repeat; after a crash they jump to the next block.
 */
export class MoidCounters {
  readonly #next = new Map<Counted, number>();
  readonly #ceiling = new Map<Counted, number>();

  /** `stored` is the value of the counters key; undefined in a new inventory. */
  constructor(stored: string | undefined) {
    const numbers = stored === undefined ? {} : (JSON.parse(stored) as Readonly<Record<string, number>>);
    for (const type of types()) {
      const next = numbers[type] ?? KINDS[type].start;
      this.#next.set(type, next);
      this.#ceiling.set(type, next);
    }
  }

  /** The next moid of a type. Example: `next("HostSystem")` is `host-21` in a new inventory. */
  next(type: Counted): string {
    const number = this.#next.get(type) ?? KINDS[type].start;
    this.#next.set(type, number + 1);
    return `${KINDS[type].prefix}${number}`;
  }

  /** What the next commit must write along, if anything: new ceilings. */
  due(): readonly KeyValueEntry[] {
    if (!types().some((type) => this.#left(type) < MARGIN)) return [];
    for (const type of types()) if (this.#left(type) < MARGIN) this.#ceiling.set(type, (this.#next.get(type) ?? 0) + BLOCK);
    return [entry(this.#ceiling)];
  }

  /** What a clean stop writes. */
  final(): KeyValueEntry {
    return entry(this.#next);
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
