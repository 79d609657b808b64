import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { History, Input, Operation, Output, Pair, WatchAnswer, WatchEvent, WatchHistory } from "./history.js";
import { KvModel } from "./kv-model.js";
import { checkLinearizable } from "./linearizability.js";
import { checkWatches, WATCH_CHECKS } from "./watch-checks.js";

// History: a=1 at 2 | a=2 at 3 | b=1 (lease 7) at 4 | a deleted at 5 | a=3, b=2 in one Txn at 6 | b=4 (lease 7) at 7 | lease 7 revoked at 8.
const put = (key: string, value: string, createRevision: number, modRevision: number, version: number, lease = 0): WatchEvent => ({ type: "put", key, value, createRevision, modRevision, version, lease });
const gone = (key: string, modRevision: number): WatchEvent => ({ type: "delete", key, value: "", createRevision: 0, modRevision, version: 0, lease: 0 });
const LEDGER: readonly WatchEvent[] = [put("a", "1", 2, 2, 1), put("a", "2", 2, 3, 2), put("b", "1", 4, 4, 1, 7), gone("a", 5), put("a", "3", 6, 6, 1), put("b", "2", 4, 6, 2), put("b", "4", 4, 7, 3, 7), gone("b", 8)];
const pair = ({ key, value, createRevision, modRevision, version, lease }: WatchEvent): Pair => ({ key, value, createRevision, modRevision, version, lease });
const at = (index: number): Pair => pair(LEDGER[index] as WatchEvent);

const op = (client: number, call: number, until: number, input: Input, output: Output): Operation => ({ client, call, return: until, input, output });
const lost = (client: number, call: number, input: Input): Operation => ({ client, call, input });
const putOf = (key: string, value: string, lease = 0): Input => ({ kind: "put", key, value, lease });
const readAll = (revision = 0): Input => ({ kind: "range", key: "a", end: "z", revision });

/** Each call under a name, so that a test can exchange it. */
const CALLS = {
  firstPut: op(1, 10, 12, putOf("a", "1"), { revision: 2 }),
  // No answer came, but revision 3 is its.
  lostPut: lost(1, 13, putOf("a", "2")),
  grant: op(2, 10, 11, { kind: "grant", lease: 7 }, { revision: 1 }),
  leasedPut: op(2, 20, 22, putOf("b", "1", 7), { revision: 4 }),
  read: op(3, 23, 24, readAll(), { revision: 4, pairs: [at(1), at(2)] }),
  deletion: op(1, 25, 26, { kind: "delete", key: "a", end: "" }, { revision: 5, deleted: 1 }),
  noDeletion: op(3, 26.5, 26.8, { kind: "delete", key: "a", end: "" }, { revision: 5, deleted: 0 }),
  txn: op(2, 27, 28, { kind: "txn", key: "a", modRevision: 0, puts: [{ key: "a", value: "3" }, { key: "b", value: "2" }] }, { revision: 6, succeeded: true }),
  failedTxn: op(2, 29, 30, { kind: "txn", key: "a", modRevision: 5, puts: [{ key: "a", value: "x" }] }, { revision: 6, succeeded: false, pairs: [at(4)] }),
  compaction: op(4, 30.5, 31, { kind: "compact", revision: 4 }, { revision: 6 }),
  compactedRead: op(3, 32, 33, readAll(3), { refused: "etcdserver: mvcc: required revision has been compacted" }),
  oldRead: op(3, 34, 35, readAll(5), { revision: 6, pairs: [at(2)] }),
  secondLeasedPut: op(1, 36, 37, putOf("b", "4", 7), { revision: 7 }),
  revocation: op(2, 38, 39, { kind: "revoke", lease: 7 }, { revision: 8 }),
  leaseGone: op(1, 40, 41, putOf("b", "5", 7), { refused: "etcdserver: requested lease not found" }),
} as const satisfies Record<string, Operation>;

function judge(changes: Partial<Record<keyof typeof CALLS, Operation>>, ledger = LEDGER): string {
  const history: History = { operations: Object.values({ ...CALLS, ...changes }), watches: [], ledger };
  return checkLinearizable(history, new KvModel(ledger)).join("\n");
}

describe("the check of calls", () => {
  it("passes a history that is right, unanswered and refused calls included", () => assert.equal(judge({}), ""));

  const planted: Readonly<Record<string, [ReturnType<typeof judge>, RegExp]>> = {
    "an acknowledged put that is not in history": [judge({ leasedPut: op(2, 20, 22, putOf("b", "0", 7), { revision: 4 }) }), /acknowledged at revision 4, where history has/],
    "an acknowledged put beyond the end of history": [judge({ leaseGone: op(1, 40, 41, putOf("b", "5"), { revision: 9 }) }), /history ends at 8/],
    "one revision acknowledged twice": [judge({ noDeletion: op(3, 26.5, 26.8, putOf("a", "1"), { revision: 2 }) }), /both acknowledged at revision 2/],
    "a change nobody made": [judge({ lostPut: lost(1, 13, putOf("a", "9")) }), /revision 3 has .* which no call explains/],
    "a change done twice by one call": [judge({ secondLeasedPut: lost(1, 36, putOf("a", "9")) }), /revision 7 has .* no call explains/],
    "a change before its call": [judge({ lostPut: lost(1, 24.5, putOf("a", "2")) }), /revision 3 has .* no call explains/],
    "a write that got a revision already told": [judge({ firstPut: op(1, 24.5, 24.6, putOf("a", "1"), { revision: 2 }) }), /got revision 2, but began after revision 4/],
    "a stale read": [judge({ oldRead: op(3, 34, 35, readAll(), { revision: 5, pairs: [at(2)] }) }), /answered at revision 5, but began after revision 6/],
    "a read of what was not there": [judge({ read: op(3, 23, 24, readAll(), { revision: 4, pairs: [at(0), at(2)] }) }), /read .* at revision 4, history has/],
    "a read of an old revision that is wrong": [judge({ oldRead: op(3, 34, 35, readAll(5), { revision: 6, pairs: [at(1), at(2)] }) }), /history has/],
    "a condition judged wrongly": [judge({ failedTxn: op(2, 29, 30, { kind: "txn", key: "a", modRevision: 6, puts: [] }, { revision: 6, succeeded: false, pairs: [at(4)] }) }), /answered false at revision 6/],
    "half a transaction": [judge({}, LEDGER.filter((event) => event.value !== "2" || event.key !== "b")), /revision 6, where history has/],
    "a deletion that left something": [judge({ noDeletion: op(3, 24.2, 24.8, { kind: "delete", key: "a", end: "" }, { revision: 4, deleted: 0 }) }), /deleted nothing at revision 4/],
    "a wrong count of deletions": [judge({ deletion: op(1, 25, 26, { kind: "delete", key: "a", end: "" }, { revision: 5, deleted: 2 }) }), /says it deleted 2/],
    "history read after its compaction": [judge({ compactedRead: op(3, 32, 33, readAll(3), { revision: 6, pairs: [at(1)] }) }), /answered, though the compaction at 4/],
    "a compaction nobody asked for": [judge({ compactedRead: op(3, 32, 33, readAll(5), { refused: "etcdserver: mvcc: required revision has been compacted" }) }), /nobody had compacted/],
    "revisions that went back": [judge({ compactedRead: op(3, 32, 33, readAll(6), { refused: "etcdserver: mvcc: required revision is a future revision" }) }), /revisions went back/],
    "a lost lease": [judge({ secondLeasedPut: op(1, 36, 37, putOf("b", "4", 7), { refused: "etcdserver: requested lease not found" }) }), /the lease is lost/],
    "a lease that lives on": [judge({ leaseGone: op(1, 40, 41, putOf("b", "4", 7), { revision: 7 }), secondLeasedPut: lost(1, 36, putOf("b", "4", 7)) }), /on a lease revoked before/],
    "a revocation that leaves a key": [judge({}, LEDGER.slice(0, -1)), /history ends at 7/],
    "a hole in history": [judge({}, LEDGER.filter(({ modRevision }) => modRevision !== 3)), /the ledger goes from revision 2 to 4/],
    "a version that does not count": [judge({}, LEDGER.map((event) => (event.modRevision === 3 ? { ...event, version: 1 } : event))), /says created 2, version 1/],
    "a deletion of nothing": [judge({}, [...LEDGER, gone("b", 9)]), /deletes b at 9, where it does not exist/],
  };
  for (const [name, [found, wanted]] of Object.entries(planted)) it(`finds ${name}`, () => assert.match(found, wanted));
});

const withPrevious = (event: WatchEvent, previous: Pair | undefined): WatchEvent => (previous === undefined ? event : { ...event, previous });
const EVENTS = LEDGER.map((event) => withPrevious(event, new KvModel(LEDGER).get(event.key, event.modRevision - 1)));
const one = (index: number): WatchEvent => EVENTS[index] as WatchEvent;
const answer = (revision: number, ...events: WatchEvent[]): WatchAnswer => ({ at: revision * 10, revision, events });
const RIGHT: readonly WatchAnswer[] = [answer(3, one(0), one(1)), answer(3), answer(4, one(2)), answer(5, one(3)), answer(6, one(4), one(5)), answer(7, one(6)), answer(7), answer(8, one(7))];

function watched(answers: readonly WatchAnswer[], fields: Partial<WatchHistory> = {}): string[] {
  const watch: WatchHistory = { client: 9, key: "a", end: "z", start: 2, previous: true, filter: "none", answers: [...answers], ...fields };
  const compaction = op(4, 62, 63, { kind: "compact", revision: 4 }, { revision: 6 });
  return checkWatches([watch], new KvModel(LEDGER), [compaction]);
}

const replaced = (index: number, ...answers: WatchAnswer[]): WatchAnswer[] => [...RIGHT.slice(0, index), ...answers, ...RIGHT.slice(index + 1)];

describe("the checks of watches", () => {
  it("pass a watch that is right", () => assert.deepEqual(watched(RIGHT), []));
  it("pass a watch that is filtered, ends early, or got no event", () => {
    assert.deepEqual(watched([answer(5, one(3)), answer(8, one(7))], { filter: "noput" }), []);
    assert.deepEqual(watched(RIGHT.slice(0, 4)), []);
    assert.deepEqual(watched([]), []);
  });
  it("pass a pair before that compaction took, and a watch it ended", () => {
    const { previous: _, ...second } = one(1);
    assert.deepEqual(watched([{ at: 70, revision: 4, events: [one(0), second] }]), []);
    assert.deepEqual(watched([{ at: 70, revision: 0, events: [], compactRevision: 4 }]), []);
  });

  const planted: Readonly<Record<string, [string[], string]>> = {
    "an event of another key": [watched([...RIGHT, answer(9, { ...one(0), key: "zz", modRevision: 9 })]), "Filter"],
    "an event the filter drops": [watched(RIGHT, { filter: "nodelete" }), "Filter"],
    "a step back": [watched([RIGHT[2] as WatchAnswer, RIGHT[0] as WatchAnswer]), "Ordered"],
    "an event twice": [watched(replaced(2, answer(4, one(2)), answer(4, one(2)))), "Unique"],
    "a revision in two answers": [watched(replaced(4, answer(6, one(4)), answer(6, one(5)))), "Atomic"],
    "an event after a notice of it": [watched(replaced(1, answer(4))), "Bookmarkable"],
    "a notice that goes back": [watched(replaced(6, answer(6))), "Bookmarkable"],
    "a late beginning": [watched(RIGHT.slice(2)), "Resumable"],
    "a missing event": [watched(replaced(3)), "Reliable"],
    "a missing event before a notice": [watched([answer(3)]), "Reliable"],
    "half a revision": [watched(replaced(4, answer(6, one(4)))), "Reliable"],
    "another value": [watched(replaced(2, answer(4, { ...one(2), value: "0" }))), "Reliable"],
    "a wrong pair before": [watched(replaced(5, answer(7, { ...one(6), previous: at(2) }))), "PrevKV"],
    "a missing pair before": [watched(replaced(5, answer(7, put("b", "4", 4, 7, 3, 7)))), "PrevKV"],
    "a creation that was none": [watched(replaced(5, answer(7, { ...one(6), createRevision: 7 }))), "IsCreate"],
    "an end without a reason": [watched([...RIGHT, { at: 90, revision: 8, events: [], compactRevision: 4 }]), "Compacted"],
    "an end by a compaction that was not": [watched([{ at: 20, revision: 2, events: [], compactRevision: 4 }]), "Compacted"],
  };
  for (const [name, [found, check]] of Object.entries(planted)) it(`${check} finds ${name}`, () => assert.ok(found.some((line) => line.startsWith(`${check}:`)), found.join("\n")));

  it("are all among those that find something", () => assert.deepEqual([...new Set(Object.values(planted).map(([, check]) => check))].sort(), [...WATCH_CHECKS].sort()));
});
