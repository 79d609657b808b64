import { isDeepStrictEqual } from "node:util";
import type { Operation, Pair, WatchEvent, WatchHistory } from "./history.js";
import { inRange, type KvModel } from "./kv-model.js";

/** One promise of a watch: returns what breaks it. */
type Check = (watch: WatchHistory, model: KvModel, compactedBefore: (at: number) => number) => string[];

/** The promises of etcd's watch and what its robustness tests hold it to, each on its own, so that a broken one has a name. */
const CHECKS: Readonly<Record<string, Check>> = {
  /** Only what was asked for. */
  Filter: (watch) => events(watch).filter((event) => !wants(watch, event)).map((event) => `${text(event)} was not asked for`),

  /** Revisions never go back. */
  Ordered: (watch) => pairsOf(events(watch)).filter(([a, b]) => b.modRevision < a.modRevision).map(([a, b]) => `${text(b)} after ${text(a)}`),

  /** A change is told once. */
  Unique: (watch) => {
    const seen = new Set<string>();
    return events(watch).filter((event) => {
      const name = `${event.modRevision} ${event.key}`;
      return seen.has(name) || !seen.add(name);
    }).map((event) => `${text(event)} came twice`);
  },

  /** The changes of one revision come in one answer. */
  Atomic: (watch) => pairsOf(watch.answers.filter((answer) => answer.events.length > 0)).filter(([a, b]) => a.events.at(-1)?.modRevision === b.events[0]?.modRevision).map(([a]) => `revision ${a.events.at(-1)?.modRevision} is in two answers`),

  /** After a progress notice nothing comes of revisions up to it, and notices never go back. */
  Bookmarkable: (watch) => {
    const violations: string[] = [];
    let [notice, last] = [0, 0];
    for (const { events: news, revision, compactRevision } of watch.answers) {
      if (compactRevision !== undefined) continue;
      if (news.length === 0) {
        if (revision < notice) violations.push(`a progress notice of ${revision} after one of ${notice}`);
        if (revision < last) violations.push(`a progress notice of ${revision} after an event of ${last}`);
        notice = Math.max(notice, revision);
      }
      for (const event of news) {
        if (event.modRevision <= notice) violations.push(`${text(event)} after a progress notice of ${notice}`);
        last = Math.max(last, event.modRevision);
      }
    }
    return violations;
  },

  /** The first event is the first one there is from the start on. */
  Resumable: (watch, model) => {
    const [first] = events(watch);
    if (first === undefined) return [];
    const should = expected(watch, model, watch.start, first.modRevision)[0];
    return should?.modRevision === first.modRevision && should.key === first.key ? [] : [`begins with ${text(first)} instead of ${text(should)}`];
  },

  /** Between the first and the last revision heard of, everything comes, and as it was. */
  Reliable: (watch, model) => {
    const got = events(watch);
    const heard = Math.max(0, ...watch.answers.filter(({ compactRevision, events: news }) => compactRevision === undefined && news.length === 0).map(({ revision }) => revision), ...got.map(({ modRevision }) => modRevision));
    const should = expected(watch, model, watch.start, heard);
    const plain = ({ previous: _, ...event }: WatchEvent): object => event;
    const at = should.findIndex((event, index) => !isDeepStrictEqual(plain(event), got[index] === undefined ? undefined : plain(got[index])));
    if (at >= 0) return [`${text(should[at])} is missing or different: ${text(got[at])}`];
    return got.length > should.length ? [`${text(got[should.length])} never happened`] : [];
  },

  /** The pair before is the right one; absent only where there was none or it was compacted by then. */
  PrevKV: (watch, model, compactedBefore) =>
    watch.answers.flatMap(({ at, events: news }) => news.flatMap((event) => {
      const should = model.get(event.key, event.modRevision - 1);
      if (event.previous !== undefined) return watch.previous && samePair(event.previous, should) ? [] : [`${text(event)} has the pair before ${JSON.stringify(event.previous)}, history has ${JSON.stringify(should)}`];
      return !watch.previous || should === undefined || compactedBefore(at) > event.modRevision - 1 ? [] : [`${text(event)} lacks the pair before`];
    })),

  /** A put says it created its key where the key was not there, and only there. */
  IsCreate: (watch, model) =>
    events(watch).filter(({ type }) => type === "put").filter((event) => (event.createRevision === event.modRevision) !== (model.get(event.key, event.modRevision - 1) === undefined)).map((event) => `${text(event)} has the wrong create_revision ${event.createRevision}`),

  /** Compaction ends a watch only where it needs what is gone. */
  Compacted: (watch, _model, compactedBefore) => {
    let next = watch.start;
    const violations: string[] = [];
    for (const { at, events: news, revision, compactRevision } of watch.answers) {
      if (compactRevision === undefined) next = Math.max(next, (news.at(-1)?.modRevision ?? revision) + 1);
      else if (compactRevision <= next || compactRevision > compactedBefore(at)) violations.push(`was ended by a compaction at ${compactRevision} while it needed ${next}; compacted was ${compactedBefore(at)}`);
    }
    return violations;
  },
};

/** Names of all checks. */
export const WATCH_CHECKS: readonly string[] = Object.keys(CHECKS);

/** Everything in which watches break a promise, each line with the name of the check. */
export function checkWatches(watches: readonly WatchHistory[], model: KvModel, operations: readonly Operation[]): string[] {
  const compactions = operations.flatMap(({ input, call }) => (input.kind === "compact" ? [{ call, revision: input.revision }] : []));
  const compactedBefore = (at: number): number => compactions.reduce((highest, { call, revision }) => (call < at ? Math.max(highest, revision) : highest), 0);
  return watches.flatMap((watch) =>
    Object.entries(CHECKS).flatMap(([name, check]) => check(watch, model, compactedBefore).map((violation) => `${name}: watch of [${watch.key}, ${watch.end}) from ${watch.start} by client ${watch.client}: ${violation}`)),
  );
}

function events({ answers }: WatchHistory): WatchEvent[] {
  return answers.flatMap((answer) => answer.events);
}

function wants(watch: WatchHistory, { type, key, modRevision }: WatchEvent): boolean {
  return inRange(key, watch.key, watch.end) && modRevision >= watch.start && watch.filter !== (type === "put" ? "noput" : "nodelete");
}

function expected(watch: WatchHistory, model: KvModel, from: number, to: number): WatchEvent[] {
  const found: WatchEvent[] = [];
  for (let revision = from; revision <= to; revision += 1) found.push(...model.eventsAt(revision).filter((event) => wants(watch, event)));
  return found;
}

function pairsOf<T>(list: readonly T[]): [T, T][] {
  return list.slice(1).map((item, index) => [list[index] as T, item]);
}

function samePair(a: Pair, b: Pair | undefined): boolean {
  return isDeepStrictEqual(a, b);
}

function text(event: WatchEvent | undefined): string {
  return event === undefined ? "nothing" : `${event.type} ${event.key}${event.type === "put" ? `=${event.value}` : ""} @${event.modRevision}`;
}
