import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { internalError, type ResourceName } from "./errors.js";
import { type Kind, keyOf, type Lookup } from "./kinds/kind.js";
import type { ApiObject } from "./object.js";
import { type Backend, type Swap, type SwapResult } from "./storage/backend.js";
import { KeyTurns } from "./storage/key-turns.js";
import { Stored, StoredText } from "./storage/stored.js";
import type { WatchCache } from "./storage/watch-cache.js";

/** How often a read-modify-write starts over when others write the same object meanwhile. */
export const SWAP_LIMIT = 64;

/** Another object that changes in the same Txn, if it is still what it was: a quota that is charged. */
export interface Growth {
  readonly current: Stored;
  readonly to: ApiObject;
}

/** What a change makes of an object: a new content, its removal, or nothing at all. */
export type Change = { readonly to: ApiObject; readonly along?: readonly Growth[] } | "remove" | "keep";

/** The outcome of a change. */
export interface Changed {
  readonly stored: Stored;
  /** The revision of the Txn; absent when nothing was written. */
  readonly revision?: number;
  readonly removed: boolean;
}

/** Everything a kind's objects need that is not the kind: the store, its cache, time and chance. */
export class Registry implements Lookup {
  readonly backend: Backend;
  readonly cache: WatchCache;
  readonly kinds: readonly Kind[];
  /** Emulated: timestamps in objects. */
  readonly emulated: Clock;
  /** Monotonic: deadlines. */
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Changes of one object take turns, so that only another server can win the race for its revision. */
  readonly #turns = new KeyTurns();
  #lease: { readonly id: bigint; readonly untilMs: number } | undefined;
  #leaseUnderWay: Promise<bigint> | undefined;

  constructor(options: { backend: Backend; cache: WatchCache; kinds: readonly Kind[]; emulated: Clock; monotonic: Clock; dice: Dice; log: Logger }) {
    this.backend = options.backend;
    this.cache = options.cache;
    this.kinds = options.kinds;
    this.emulated = options.emulated;
    this.monotonic = options.monotonic;
    this.dice = options.dice;
    this.log = options.log;
  }

  kindOf({ group, resource }: ResourceName): Kind {
    const kind = this.kinds.find((row) => row.group === group && row.resource === resource);
    if (!kind) throw internalError(`no kind ${resource}.${group}`);
    return kind;
  }

  /** What this server knows of an object without asking the store; may be a moment old. */
  cached(kind: Kind, namespace: string, name: string): Stored | undefined {
    return this.cache.get(kind.prefix, keyOf(kind, namespace, name));
  }

  /** The object as the store has it now. */
  async fresh(kind: Kind, namespace: string, name: string): Promise<Stored | undefined> {
    const key = keyOf(kind, namespace, name);
    const { rows, revision } = await this.backend.range({ key });
    const known = this.cached(kind, namespace, name);
    const stored = rows[0] && known?.revision === rows[0].modRevision ? known : rows[0] ? Stored.fromRow(rows[0]) : undefined;
    this.cache.learn(key, stored?.revision ?? revision, stored);
    return stored;
  }

  async find(of: ResourceName, namespace: string, name: string): Promise<ApiObject | undefined> {
    const kind = this.kindOf(of);
    return (this.cached(kind, namespace, name) ?? (await this.fresh(kind, namespace, name)))?.object;
  }

  *all(of: ResourceName): Iterable<ApiObject> {
    for (const stored of this.cache.shelf(this.kindOf(of).prefix).objects.values()) yield stored.object;
  }

  *inNamespace(of: ResourceName, namespace: string): Iterable<ApiObject> {
    for (const stored of this.storedIn(this.kindOf(of), namespace)) yield stored.object;
  }

  /** What this server knows of a kind in one namespace, its own writes included. */
  storedIn(kind: Kind, namespace: string): Iterable<Stored> {
    return this.cache.under(kind.prefix, `${kind.prefix}${namespace}/`);
  }

  /** Does work that waits for other work of the same key. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(key, work);
  }

  /** Writes a new object; undefined when the name is taken. One Txn. */
  async insert(kind: Kind, object: ApiObject): Promise<Stored | undefined> {
    const outcome = await this.insertAlong(kind, object, []);
    return typeof outcome === "string" ? undefined : outcome;
  }

  /** Writes a new object and changes others in the same Txn: the object, `taken` when its name is, `moved` when one of the others is not what it was. */
  async insertAlong(kind: Kind, object: ApiObject, changes: readonly Growth[]): Promise<Stored | "taken" | "moved"> {
    const key = keyOf(kind, object.metadata.namespace ?? "", object.metadata.name);
    const leaseId = kind.ttlSeconds === undefined ? undefined : await this.#leaseFor(kind.ttlSeconds);
    const text = new StoredText(object);
    const result = await this.#swapAlong({ key, expectedRevision: 0, value: text.value, ...(leaseId === undefined ? {} : { leaseId }) }, text, changes);
    if (result.succeeded) return text.at(key, result.revision);
    if (result.current) this.cache.learn(key, result.current.modRevision, Stored.fromRow(result.current));
    return result.current || changes.length === 0 ? "taken" : "moved";
  }

  /**
   * Reads, lets `decide` change, writes if nobody else wrote meanwhile, and starts over if somebody did.
   *
   * The first round starts from the cache, so that an undisturbed change costs exactly one Txn. Whatever `decide` refuses
   * on cached state is decided again on fresh state before it counts.
   */
  change(kind: Kind, namespace: string, name: string, decide: (current: Stored | undefined) => Promise<Change> | Change): Promise<Changed> {
    return this.#turns.take(keyOf(kind, namespace, name), () => this.#change(kind, namespace, name, decide));
  }

  async #change(kind: Kind, namespace: string, name: string, decide: (current: Stored | undefined) => Promise<Change> | Change): Promise<Changed> {
    const key = keyOf(kind, namespace, name);
    let current = this.cached(kind, namespace, name);
    let certain = false;
    for (let round = 0; round < SWAP_LIMIT; round++) {
      let change: Change;
      try {
        change = await decide(current);
      } catch (error) {
        if (certain) throw error;
        change = "keep";
      }
      if (change === "keep" || !current) {
        if (certain) {
          if (!current) throw internalError(`${key} vanished while it was changed`);
          if (change === "keep") return { stored: current, removed: false };
        }
        current = await this.fresh(kind, namespace, name);
        certain = true;
        continue;
      }
      const leaseId = kind.ttlSeconds === undefined || change === "remove" ? undefined : await this.#leaseFor(kind.ttlSeconds);
      const text = change === "remove" ? undefined : new StoredText(change.to);
      const swap: Swap = { key, expectedRevision: current.revision, ...(text === undefined ? {} : { value: text.value }), ...(leaseId === undefined ? {} : { leaseId }) };
      const result = await this.#swapAlong(swap, text, change === "remove" ? [] : (change.along ?? []));
      if (result.succeeded) {
        if (text !== undefined) return { stored: text.at(key, result.revision), revision: result.revision, removed: false };
        this.cache.learn(key, result.revision);
        return { stored: current.at(result.revision), revision: result.revision, removed: true };
      }
      current = result.current ? Stored.fromRow(result.current) : undefined;
      this.cache.learn(key, current?.revision ?? result.revision, current);
      certain = true;
    }
    throw internalError(`${key} changed ${SWAP_LIMIT} times while one change of it was tried`);
  }

  /** One Txn; what it wrote beside its own key, or found there instead, is known here at once. */
  async #swapAlong(swap: Swap, text: StoredText | undefined, changes: readonly Growth[]): Promise<SwapResult> {
    const others = changes.map(({ current, to }) => ({ key: current.key, text: new StoredText(to) }));
    const along = others.map(({ key, text: { value } }, index) => ({ key, expectedRevision: changes[index]!.current.revision, value }));
    const writes = text === undefined ? others : [{ key: swap.key, text }, ...others];
    const result = await this.cache.write(writes, () => this.backend.swap(along.length > 0 ? { ...swap, along } : swap));
    if (!result.succeeded) result.currentAlong?.forEach((row, index) => this.cache.learn(along[index]!.key, row?.modRevision ?? result.revision, row && Stored.fromRow(row)));
    return result;
  }

  /** One etcd lease serves all objects written within a minute, as kube-apiserver does for events. */
  async #leaseFor(ttlSeconds: number): Promise<bigint> {
    const nowMs = this.monotonic.nowMs();
    if (this.#lease && this.#lease.untilMs > nowMs) return this.#lease.id;
    this.#leaseUnderWay ??= this.backend.grantLease(ttlSeconds + 60).then(
      (id) => {
        this.#lease = { id, untilMs: nowMs + 60_000 };
        this.#leaseUnderWay = undefined;
        return id;
      },
      (error: unknown) => {
        this.#leaseUnderWay = undefined;
        throw error;
      },
    );
    return this.#leaseUnderWay;
  }
}
