import { RangeRequest_SortOrder, RangeRequest_SortTarget, WatchCreateRequest_FilterType } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import type { Dice } from "../../../src/base/seeded-random.js";
import type { CompareFields, DeleteFields, OpFields, PutFields, RangeFields, TxnFields } from "./operation.js";
import type { Step, WatchFields } from "./step.js";

/** At most 12: Go sorts so few by insertion, hence pairs that compare equal stay in key order on both sides. */
const KEYS = ["a", "a\0", "aa", "ab", "b", "b/1", "b/2", "b\xff", "c", "\x7f", "\xff"];
const ENDS = ["", "", "", "b", "c", "\0", "a", "b0", "\xff", "\xff\xff"];
const LEASES = [101, 102, 103, 104];
const TARGETS = ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"] as const;
const SORT_ORDERS = [RangeRequest_SortOrder.NONE, RangeRequest_SortOrder.ASCEND, RangeRequest_SortOrder.DESCEND];
const SORT_TARGETS = [RangeRequest_SortTarget.KEY, RangeRequest_SortTarget.VERSION, RangeRequest_SortTarget.CREATE, RangeRequest_SortTarget.MOD, RangeRequest_SortTarget.VALUE];
const FILTERS = [[WatchCreateRequest_FilterType.NOPUT], [WatchCreateRequest_FilterType.NODELETE], [WatchCreateRequest_FilterType.NOPUT, WatchCreateRequest_FilterType.NODELETE]];
const RESULTS = ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"] as const;
/** Streams of watches that are open at a time. */
export const STREAMS = 3;
const MAX_DEPTH = 3;

/** Where the servers stand, counted from the base of the epoch. */
export interface Standing {
  readonly revision: number;
  readonly compactRevision: number;
}

/** What may stand together in one Txn, see `#txn`. */
interface TxnStyle {
  readonly keeps: boolean;
}

/** Draws steps on few keys, so that they meet: about half change something, some are wrong on purpose. */
export class OperationDice {
  readonly #dice: Dice;
  readonly #unknownEnums: boolean;
  #values = 0;

  /** `unknownEnums`: the servers survive sort options they do not know. */
  constructor(dice: Dice, unknownEnums: boolean) {
    this.#dice = dice;
    this.#unknownEnums = unknownEnums;
  }

  next(standing: Standing): Step {
    const roll = this.#dice.int(1000);
    if (roll < 280) return { kind: "put", fields: this.#put({ keeps: true }) };
    if (roll < 420) return { kind: "range", fields: this.#range(standing) };
    if (roll < 500) return { kind: "delete", fields: this.#delete() };
    if (roll < 800) return { kind: "txn", fields: this.#txn(standing, 0, { keeps: this.#chance(0.5) }) };
    if (roll < 840) return { kind: "grant", id: this.#dice.pick(LEASES), ttl: this.#dice.pick([3600, 7200, 3600, 9_000_000_001]) };
    if (roll < 860) return { kind: "revoke", id: this.#dice.pick(LEASES) };
    if (roll < 880) return { kind: "timeToLive", id: this.#dice.pick(LEASES) };
    if (roll < 890) return { kind: "keepAlive", id: this.#dice.pick(LEASES) };
    if (roll < 900) return { kind: "leases" };
    if (roll < 905) return { kind: "grantAnyId", ttl: this.#dice.pick([-1, 0, 1, 3600]) };
    if (roll < 915) return { kind: "compact", revision: this.#compactionPoint(standing), physical: this.#chance(0.7) };
    if (roll < 940) return { kind: "hashKv", revision: this.#chance(0.5) ? 0 : this.#between(standing.compactRevision, standing.revision + 1) };
    const stream = this.#dice.int(STREAMS);
    if (roll < 975) return { kind: "watch", stream, fields: this.#watch(standing) };
    if (roll < 990) return { kind: "cancel", stream, watchId: this.#watchId() };
    if (roll < 997) return { kind: "progress", stream };
    return { kind: "reopen", stream };
  }

  /** Mostly old, sometimes done already or in the future. */
  #compactionPoint({ revision, compactRevision }: Standing): number {
    if (this.#chance(0.1)) return this.#between(compactRevision - 1, revision + 2);
    return compactRevision + 1 + this.#dice.int(Math.max(1, revision - compactRevision));
  }

  #put({ keeps }: TxnStyle): PutFields {
    const lease = this.#chance(0.25) ? this.#dice.pick(LEASES) : 0;
    const odd = keeps ? this.#dice.int(12) : 11;
    this.#values += 1;
    return { key: this.#key(), value: odd === 0 ? "" : `v${this.#values % 7}`, lease, prevKv: this.#chance(0.4), ignoreValue: odd <= 1, ignoreLease: odd === 2 || odd === 0 };
  }

  #range(standing: Standing, known = false): RangeFields {
    const sorted = this.#chance(0.4);
    const filter = (): number => (this.#chance(0.08) ? this.#between(0, standing.revision) : 0);
    const odd = !known && this.#chance(0.01) && this.#unknownEnums;
    return {
      key: this.#key(),
      rangeEnd: this.#dice.pick(ENDS),
      limit: this.#chance(0.3) ? this.#dice.int(5) - 1 : 0,
      revision: this.#chance(0.3) ? this.#between(0, standing.revision + 1) : 0,
      sortOrder: sorted ? this.#dice.pick(SORT_ORDERS) : RangeRequest_SortOrder.NONE,
      sortTarget: odd ? RangeRequest_SortTarget.UNRECOGNIZED : sorted ? this.#dice.pick(SORT_TARGETS) : RangeRequest_SortTarget.KEY,
      serializable: this.#chance(0.2),
      keysOnly: this.#chance(0.1),
      countOnly: this.#chance(0.1),
      minModRevision: filter(),
      maxModRevision: filter(),
      minCreateRevision: filter(),
      maxCreateRevision: filter(),
    };
  }

  #delete(ends = ENDS): DeleteFields {
    return { key: this.#key(), rangeEnd: this.#dice.pick(ends), prevKv: this.#chance(0.5) };
  }

  /**
   * A Txn either keeps values and leases or deletes without end: etcd's check of duplicates overlooks a put beside such a deletion, and
   * to keep what the Txn itself deleted ends etcd 3.4 with a panic.
   */
  #txn(standing: Standing, depth: number, style: TxnStyle): TxnFields {
    const list = (): OpFields[] => Array.from({ length: this.#dice.int(4) }, () => this.#op(standing, depth, style));
    return { compare: Array.from({ length: this.#dice.int(3) }, () => this.#compare(standing)), success: list(), failure: list() };
  }

  #op(standing: Standing, depth: number, style: TxnStyle): OpFields {
    const roll = this.#dice.int(100);
    if (roll < 40) return { put: this.#put(style) };
    // A sort option only one side knows would let the Txn change only one side.
    if (roll < 60) return { range: this.#range(standing, true) };
    if (roll < 99 && (roll < 75 || depth >= MAX_DEPTH)) return { delete: this.#delete(style.keeps ? ENDS.filter((end) => end !== "\0") : ENDS) };
    if (roll < 99) return { txn: this.#txn(standing, depth + 1, style) };
    return {};
  }

  #compare({ revision }: Standing): CompareFields {
    const target = this.#dice.pick(TARGETS);
    const given = { VERSION: this.#dice.int(4), CREATE: this.#between(0, revision), MOD: this.#between(0, revision), VALUE: `v${this.#dice.int(7)}`, LEASE: this.#chance(0.5) ? 0 : 101 }[target];
    return { key: this.#key(), target, result: this.#dice.pick(RESULTS), given: this.#chance(0.05) ? undefined : given, rangeEnd: this.#chance(0.3) ? this.#dice.pick(ENDS) : "" };
  }

  #watch({ revision, compactRevision }: Standing): WatchFields {
    const filters = this.#dice.int(8);
    return {
      key: this.#chance(0.05) ? "" : this.#dice.pick(KEYS),
      rangeEnd: this.#dice.pick([...ENDS, "\0", "\xff\xff"]),
      // From now, from the past, from before the compaction, from the future.
      startRevision: this.#chance(0.4) ? 0 : this.#between(Math.max(1, compactRevision - 2), revision + 4),
      watchId: this.#chance(0.3) ? this.#watchId() : 0,
      filters: FILTERS[filters] ?? [],
      prevKv: this.#chance(0.5),
      fragment: this.#chance(0.3),
      progressNotify: this.#chance(0.2),
    };
  }

  #watchId(): number {
    return this.#dice.int(6);
  }

  #key(): string {
    return this.#chance(0.01) ? "" : this.#dice.pick(KEYS);
  }

  #between(low: number, high: number): number {
    return low + this.#dice.int(Math.max(1, high - low + 1));
  }

  #chance(probability: number): boolean {
    return this.#dice.next() < probability;
  }
}
