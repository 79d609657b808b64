import type { Dice } from "../../src/base/seeded-random.js";
import { type Compare, type RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget, type RequestOp } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { compare, type Connection, del, opDelete, opPut, opRange, opTxn, put, range, txn } from "./wire.js";

/** One operation that can be sent to any server; its text says what it is. */
export interface Operation {
  readonly text: string;
  readonly send: (etcd: Connection) => Promise<unknown>;
}

const KEYS = ["a", "a\0", "aa", "ab", "b", "b/1", "b/2", "c", "\u007f"];
const ENDS = ["", "", "", "b", "c", "\0", "a", "b0"];
const LEASES = [101n, 102n, 103n];
const TARGETS = ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"] as const;
const RESULTS = ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"] as const;

/** Draws operations on few keys, so that they meet: about half change something, some are wrong on purpose. */
export class OperationDice {
  readonly #dice: Dice;
  #values = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** `revision` and `compactRevision` are those of the servers now. */
  next(revision: number, compactRevision: number): Operation {
    const roll = this.#dice.int(100);
    if (roll < 30) return this.#operation("put", this.#put(), (etcd, fields) => etcd.kv.put(put(fields)));
    if (roll < 45) return this.#operation("range", this.#range(revision), (etcd, fields) => etcd.kv.range(range(fields)));
    if (roll < 55) return this.#operation("delete", this.#delete(), (etcd, fields) => etcd.kv.deleteRange(del(fields)));
    if (roll < 84) return this.#operation("txn", this.#txn(revision, 0), (etcd, fields) => etcd.kv.txn(txn(fields)));
    if (roll < 89) return this.#operation("grant", { ID: this.#dice.pick(LEASES) }, (etcd, { ID }) => etcd.grant(3600, ID));
    if (roll < 92) return this.#operation("revoke", { ID: this.#dice.pick(LEASES) }, (etcd, fields) => etcd.lease.leaseRevoke(fields));
    if (roll < 95) return this.#operation("timeToLive", { ID: this.#dice.pick(LEASES) }, async (etcd, { ID }) => withoutTime(await etcd.timeToLive(ID)));
    if (roll < 97) return this.#operation("compact", { revision: BigInt(compactRevision + 1 + this.#dice.int(Math.max(1, revision - compactRevision + 1))), physical: true }, (etcd, fields) => etcd.kv.compact(fields));
    return this.#operation("hashKV", { revision: BigInt(this.#chance(0.5) ? 0 : this.#between(compactRevision + 1, revision)) }, (etcd, fields) => etcd.maintenance.hashKv(fields));
  }

  #operation<T>(name: string, fields: T, send: (etcd: Connection, fields: T) => Promise<unknown>): Operation {
    return { text: `${name} ${textOf(fields)}`, send: (etcd) => send(etcd, fields) };
  }

  #put(): Parameters<typeof put>[0] {
    const lease = this.#chance(0.2) ? this.#dice.pick(LEASES) : 0n;
    const odd = this.#dice.int(12);
    this.#values += 1;
    return { key: this.#key(), value: odd === 0 ? "" : `v${this.#values % 7}`, lease, prevKv: this.#chance(0.4), ignoreValue: odd <= 1, ignoreLease: odd === 2 };
  }

  #range(revision: number): Parameters<typeof range>[0] {
    const [none, key] = [RangeRequest_SortOrder.NONE, RangeRequest_SortTarget.KEY];
    const sorted = this.#chance(0.3);
    return {
      key: this.#key(),
      rangeEnd: this.#dice.pick(ENDS),
      limit: this.#chance(0.3) ? this.#dice.int(4) : 0,
      revision: this.#chance(0.3) ? this.#between(0, revision + 1) : 0,
      // etcd leaves open how equal ones are ordered, so only targets without equal ones.
      sortOrder: sorted ? (this.#dice.int(3) as RangeRequest["sortOrder"]) : none,
      sortTarget: key,
      keysOnly: this.#chance(0.1),
      countOnly: this.#chance(0.1),
      minModRevision: this.#chance(0.1) ? this.#between(0, revision) : 0,
      maxCreateRevision: this.#chance(0.1) ? this.#between(0, revision) : 0,
    };
  }

  #delete(): Parameters<typeof del>[0] {
    return { key: this.#key(), rangeEnd: this.#dice.pick(ENDS), prevKv: this.#chance(0.5) };
  }

  #txn(revision: number, depth: number): Parameters<typeof txn>[0] {
    const list = (): RequestOp[] => Array.from({ length: this.#dice.int(3) }, () => this.#op(revision, depth));
    return { compare: Array.from({ length: this.#dice.int(3) }, () => this.#compare(revision)), success: list(), failure: list() };
  }

  #op(revision: number, depth: number): RequestOp {
    const roll = this.#dice.int(10);
    if (roll < 4) return opPut(this.#put());
    if (roll < 6) return opRange(this.#range(revision));
    if (roll < 8 || depth === 2) return opDelete(this.#delete());
    return opTxn(this.#txn(revision, depth + 1));
  }

  #compare(revision: number): Compare {
    const target = this.#dice.pick(TARGETS);
    const given = { VERSION: this.#dice.int(4), CREATE: this.#between(0, revision), MOD: this.#between(0, revision), VALUE: `v${this.#dice.int(7)}`, LEASE: this.#chance(0.5) ? 0 : 101 }[target];
    return compare(this.#key(), target, this.#dice.pick(RESULTS), this.#chance(0.05) ? undefined : given, this.#chance(0.2) ? this.#dice.pick(ENDS) : "");
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

/** The seconds left depend on when one asks; keys come in no order. */
function withoutTime(facts: Awaited<ReturnType<Connection["timeToLive"]>>): object {
  return { ...facts, TTL: facts.TTL < 0n ? -1n : 0n, keys: facts.keys.map(String).sort() };
}

/** A message as text, without ids of servers. */
export function textOf(message: unknown): string {
  return JSON.stringify(message, (name, value: unknown) => {
    if (name === "clusterId" || name === "memberId" || name === "raftTerm") return undefined;
    if (typeof value === "bigint") return String(value);
    if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value) return Buffer.from(value.data as number[]).toString();
    return value;
  });
}
