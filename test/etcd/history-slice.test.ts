import assert from "node:assert/strict";
import { it } from "node:test";
import { Change } from "../../src/etcd/watch/change.js";
import { HistorySlice } from "../../src/etcd/watch/history-slice.js";
import { inRange, rangeOf } from "../../src/etcd/key-index/key-range.js";
import { Watcher } from "../../src/etcd/watch/watcher.js";
import { fc } from "../support/properties.js";

it("gives each watch what its range and filters let through, whoever asked before", () => {
  const key = fc.constantFrom("a", "b", "ab", "c");
  const change = fc.record({ key, tombstone: fc.boolean() });
  const asked = fc.record({ start: key, end: fc.constantFrom("", "\0", "b", "bc", "d"), skipPuts: fc.boolean(), skipDeletes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(asked, { maxLength: 100 }), (changes, watches) => {
      const commits = changes.map((each, index) => ({ revision: index + 2, changes: [new Change(each.key, index + 2, 0, each.tombstone, Buffer.alloc(1))] }));
      const slice = new HistorySlice(commits, changes.length + 1);
      for (const { start, end, skipPuts, skipDeletes } of watches) {
        const range = rangeOf(Buffer.from(start), Buffer.from(end));
        const watcher = new Watcher({ id: 0n, range, startRevision: 2, previous: false, fragment: false, progressNotify: false, skipPuts, skipDeletes }, () => undefined);
        const expected = commits.flatMap((commit) => commit.changes.filter((each) => inRange(range, each.key) && !(each.tombstone ? skipDeletes : skipPuts)));
        assert.deepEqual(slice.select(watcher), expected);
      }
    }),
  );
});
