import type { Input, Pair, WatchEvent } from "./history.js";

/** One change of a revision: a put, or a deletion where `value` is undefined. */
export interface Effect {
  readonly key: string;
  readonly value: string | undefined;
  readonly lease: number;
}

/**
 * The key-value store as a sequence of revisions, replayed from the ledger. It says what the state was at each revision, and what an
 * input does there.
 *
 * Example: put a=1 makes revision 2, put a=2 revision 3: at 2 a has version 1, at 3 version 2, and "delete a" after 3 has one effect.
 */
export class KvModel {
  /** What is wrong with the ledger itself. */
  readonly violations: string[] = [];
  readonly #byRevision = new Map<number, WatchEvent[]>();
  readonly #versions = new Map<string, (Pair & { readonly live: boolean })[]>();
  readonly last: number;

  constructor(ledger: readonly WatchEvent[]) {
    let last = 1;
    for (const event of ledger) {
      const revision = event.modRevision;
      if (revision !== last && revision !== last + 1) this.violations.push(`the ledger goes from revision ${last} to ${revision}`);
      last = Math.max(last, revision);
      const events = this.#byRevision.get(revision);
      if (events === undefined) this.#byRevision.set(revision, [event]);
      else events.push(event);
      this.#apply(event);
    }
    this.last = last;
  }

  /** The events of a revision. */
  eventsAt(revision: number): readonly WatchEvent[] {
    return this.#byRevision.get(revision) ?? [];
  }

  /** The changes of a revision. */
  effectsAt(revision: number): Effect[] {
    return this.eventsAt(revision).map(({ type, key, value, lease }) => ({ key, value: type === "put" ? value : undefined, lease }));
  }

  /** The pair of a key at a revision. */
  get(key: string, revision: number): Pair | undefined {
    const version = this.#versions.get(key)?.findLast(({ modRevision }) => modRevision <= revision);
    if (version === undefined || !version.live) return undefined;
    const { live: _, ...pair } = version;
    return pair;
  }

  /** The pairs of [key, end) at a revision, or of one key where `end` is empty, in key order. */
  range(key: string, end: string, revision: number): Pair[] {
    const keys = [...this.#versions.keys()].filter((candidate) => inRange(candidate, key, end)).sort();
    return keys.flatMap((candidate) => this.get(candidate, revision) ?? []);
  }

  /** What an input changes when it runs right after `revision`. */
  effectsOf(input: Input, revision: number): Effect[] {
    switch (input.kind) {
      case "put":
        return [{ key: input.key, value: input.value, lease: input.lease }];
      case "delete":
        return this.range(input.key, input.end, revision).map(deletion);
      case "txn":
        return this.compareHolds(input, revision) ? input.puts.map(({ key, value }) => ({ key, value, lease: 0 })) : [];
      case "revoke":
        return this.range("\0", "\0", revision).filter(({ lease }) => lease === input.lease).map(deletion);
      case "range":
      case "grant":
      case "compact":
        return [];
    }
  }

  /** Whether the condition of a Txn holds at a revision. */
  compareHolds(input: Input & { readonly kind: "txn" }, revision: number): boolean {
    return (this.get(input.key, revision)?.modRevision ?? 0) === input.modRevision;
  }

  #apply(event: WatchEvent): void {
    const { type, key, value, modRevision, lease } = event;
    const before = this.get(key, modRevision - 1);
    const pair = type === "put" ? { key, value, createRevision: before?.createRevision ?? modRevision, modRevision, version: (before?.version ?? 0) + 1, lease } : undefined;
    if (pair !== undefined && (event.createRevision !== pair.createRevision || event.version !== pair.version)) {
      this.violations.push(`the ledger's put of ${key} at ${modRevision} says created ${event.createRevision}, version ${event.version}; its history says ${pair.createRevision} and ${pair.version}`);
    }
    if (pair === undefined && before === undefined) this.violations.push(`the ledger deletes ${key} at ${modRevision}, where it does not exist`);
    const versions = this.#versions.get(key) ?? [];
    this.#versions.set(key, versions);
    versions.push(pair === undefined ? { key, value: "", createRevision: 0, modRevision, version: 0, lease: 0, live: false } : { ...pair, live: true });
  }
}

/** Whether a key lies in a range as the wire writes it. */
export function inRange(candidate: string, key: string, end: string): boolean {
  if (end === "") return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

function deletion({ key }: Pair): Effect {
  return { key, value: undefined, lease: 0 };
}
