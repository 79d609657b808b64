import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeyHistory } from "../../src/etcd/key-index/key-history.js";
import { fc } from "../support/properties.js";

/** The worked example above the class: put at 2, put at 4, deleted at 6, put at 8. */
function example(): KeyHistory {
  const history = new KeyHistory("k");
  history.put(2, 0, 2, 1, 0n);
  history.put(4, 0, 2, 2, 0n);
  history.delete(6, 0);
  history.put(8, 0, 8, 1, 0n);
  return history;
}

describe("the worked example", () => {
  it("shows each reader its version", () => {
    const seen = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((revision) => example().at(revision)?.main);
    assert.deepEqual(seen, [undefined, 2, 2, 4, 4, undefined, undefined, 8, 8]);
  });

  it("drops what nobody can see any more", () => {
    const dropped = (revision: number): string[] => example().compact(revision).map(({ main, tombstone }) => `${main}${tombstone ? "t" : ""}`);
    assert.deepEqual(dropped(1), []);
    assert.deepEqual(dropped(4), ["2"]);
    assert.deepEqual(dropped(5), ["2"]);
    assert.deepEqual(dropped(6), ["2", "4"]);
    assert.deepEqual(dropped(7), ["2", "4", "6t"]);
    assert.deepEqual(dropped(8), ["2", "4", "6t"]);
  });

  it("is empty when the deletion was the last thing", () => {
    const history = new KeyHistory("k");
    history.put(2, 0, 2, 1, 0n);
    history.delete(3, 0);
    assert.equal(history.live, false);
    history.compact(3);
    assert.equal(history.empty, false);
    history.compact(4);
    assert.equal(history.empty, true);
  });
});

it("reads the same before and after a compaction, from the point on; and knows what a compaction keeps", () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), kind: fc.constantFrom("put", "delete") }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(steps, fc.nat({ max: 60 }), (list, point) => {
      const [kept, compacted] = [new KeyHistory("k"), new KeyHistory("k")];
      let main = 1;
      const versions: { main: number; tombstone: boolean }[] = [];
      for (const { gap, kind } of list) {
        main += gap;
        if (kind === "delete" && !kept.live) continue;
        for (const history of [kept, compacted]) {
          if (kind === "put") history.put(main, 0, main, 1, 0n);
          else history.delete(main, 0);
        }
        versions.push({ main, tombstone: kind === "delete" });
      }
      const dropped = new Set(compacted.compact(point).map((version) => version.main));
      for (let revision = point; revision <= main + 1; revision += 1) assert.deepEqual(compacted.at(revision), kept.at(revision));
      for (const version of versions) assert.equal(kept.keeps(version.main, 0, point), !dropped.has(version.main), `version ${version.main}`);
    }),
  );
});
