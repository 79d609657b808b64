import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Change } from "../../src/etcd/watch/change.js";
import { type QueuedWatch, WatchQueue } from "../../src/etcd/watch/watch-queue.js";
import { Watcher } from "../../src/etcd/watch/watcher.js";
import { fc } from "../support/properties.js";

const watcher = (id: number): Watcher =>
  new Watcher({ id: BigInt(id), range: { start: "k", end: "k\0", single: true }, startRevision: 1, previous: false, fragment: false, progressNotify: false, skipPuts: false, skipDeletes: false }, () => undefined);

const change = (revision: number, bytes = 10): Change => new Change("k", revision, 0, false, Buffer.alloc(bytes));

/** Everything that waits: `a[2 3]` for events, the text of an answer. */
function drained(queue: WatchQueue, names: ReadonlyMap<QueuedWatch, string>): string[] {
  const taken: string[] = [];
  while (queue.length > 0) {
    const next = queue.take();
    taken.push(Buffer.isBuffer(next) ? next.toString() : `${names.get(next.watcher)}[${next.changes.map(({ main }) => main).join(" ")}]@${next.revision}`);
  }
  return taken;
}

describe("what waits for the client of a stream of watches", () => {
  it("is merged for each watch, and not across an answer (the example of its comment)", () => {
    const [queue, a, b] = [new WatchQueue(), watcher(0), watcher(1)];
    queue.offer(a, 2, [change(2)], 2);
    queue.offer(b, 3, [change(3)], 2);
    queue.offer(a, 3, [change(3)], 2);
    queue.control(Buffer.from("notice@3"));
    queue.offer(a, 4, [change(4)], 2);
    assert.deepEqual(drained(queue, new Map([[a, "a"], [b, "b"]])), ["a[2 3]@3", "b[3]@3", "notice@3", "a[4]@4"]);
  });

  it("leaves a list alone that other watches have too", () => {
    const [queue, a, b] = [new WatchQueue(), watcher(0), watcher(1)];
    const shared = [change(2)];
    for (const each of [a, b]) queue.offer(each, 2, shared, 2);
    queue.offer(a, 3, [change(3)], 2);
    assert.deepEqual([shared.length, drained(queue, new Map([[a, "a"], [b, "b"]]))], [1, ["a[2 3]@3", "b[2]@2"]]);
  });

  for (const [what, bytes] of [["small", 10], ["large", 300_000]] as const) {
    it(`has an end where nobody takes anything, with ${what} rows`, () => {
      const [queue, a] = [new WatchQueue(), watcher(0)];
      let [taken, revision] = [0, 2];
      while (queue.offer(a, revision, [change(revision, bytes)], 1)) {
        taken += 1;
        revision += 1;
        assert.ok(taken * bytes <= 5_000_000 && taken <= 20_000, `${taken} revisions wait`);
      }
      assert.ok(queue.length <= 129);
      // With room there, the next one is taken again.
      queue.take();
      assert.equal(queue.offer(a, revision, [change(revision, bytes)], 1), true);
    });
  }

  it("comes out whole, in order for each watch, and on the right side of every answer", () => {
    const step = fc.record({ kind: fc.constantFrom("events", "events", "events", "control", "take"), watch: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new WatchQueue();
        const watchers = Array.from({ length: 4 }, (_, id) => watcher(id));
        const queued = new Map<QueuedWatch, number[]>(watchers.map((each) => [each, []]));
        const sent = new Map<QueuedWatch, number[]>(watchers.map((each) => [each, []]));
        let revision = 1;
        const take = (): void => {
          const next = queue.take();
          if (!Buffer.isBuffer(next)) {
            sent.get(next.watcher)?.push(...next.changes.map(({ main }) => main));
            assert.equal(next.revision, next.changes.at(-1)?.main);
            return;
          }
          // An answer at R: all up to R was sent, nothing after it.
          const at = Number(next.toString());
          for (const each of watchers) assert.deepEqual(sent.get(each), queued.get(each)?.filter((main) => main <= at));
        };
        for (const { kind, watch } of steps) {
          if (kind === "take") {
            if (queue.length > 0) take();
          } else if (kind === "control") queue.control(Buffer.from(String(revision)));
          else {
            revision += 1;
            const each = watchers[watch] as Watcher;
            assert.equal(queue.offer(each, revision, [change(revision)], watchers.length), true);
            queued.get(each)?.push(revision);
          }
        }
        while (queue.length > 0) take();
        assert.deepEqual(sent, queued);
      }),
    );
  });
});
