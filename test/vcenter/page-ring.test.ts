import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyValueEntry } from "../../src/vcenter/store/key-value.js";
import { PageRing } from "../../src/vcenter/store/page-ring.js";
import { fc } from "../support/properties.js";

const small = { prefix: "/ring/", pages: 3, entriesAPage: 2 };

/** What etcd has of a ring. */
class Kept {
  readonly #records = new Map<string, string>();
  fails = false;

  readonly put = (puts: readonly KeyValueEntry[]): Promise<void> => {
    if (this.fails) return Promise.reject(new Error("no etcd"));
    for (const { key, value } of puts) this.#records.set(key, value);
    return Promise.resolve();
  };

  get entries(): readonly KeyValueEntry[] {
    return [...this.#records].map(([key, value]) => ({ key, value }));
  }
}

async function saveAll(ring: PageRing, kept: Kept): Promise<void> {
  while (await ring.save(1, kept.put));
}

test("the worked example: seven entries on three pages of two", async () => {
  const [ring, kept] = [new PageRing(small), new Kept()];
  for (const entry of "abcdefg") ring.append(entry);
  await saveAll(ring, kept);
  assert.deepEqual(Object.fromEntries(kept.entries.map(({ key, value }) => [key, value])), {
    "/ring/000": '{"first":6,"entries":["g"]}',
    "/ring/001": '{"first":2,"entries":["c","d"]}',
    "/ring/002": '{"first":4,"entries":["e","f"]}',
  });
  assert.deepEqual(new PageRing(small).restore(kept.entries), ["c", "d", "e", "f", "g"]);
});

test("whatever is added, saved, fails to be saved and is read again: what was last saved is there, in order, and no more pages than the ring has", async () => {
  const step = fc.oneof(fc.constant("add" as const), fc.constant("add" as const), fc.constant("save" as const), fc.constant("fail" as const), fc.constant("restart" as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const kept = new Kept();
      let ring = new PageRing(small);
      let model: number[] = [];
      let saved: number[] = [];
      let next = 0;
      for (const each of steps) {
        if (each === "add") {
          ring.append(next);
          model.push(next);
          next += 1;
        } else if (each === "save") {
          await saveAll(ring, kept);
          saved = [...model];
        } else if (each === "fail") {
          kept.fails = true;
          if (!ring.isSaved) await assert.rejects(ring.save(2, kept.put));
          kept.fails = false;
        } else {
          ring = new PageRing(small);
          const restored = ring.restore(kept.entries);
          assert.deepEqual(restored, saved.slice(saved.length - restored.length));
          assert.ok(restored.length >= Math.min(saved.length, 4), `${restored.length} of ${saved.length}`);
          model = [...saved];
        }
        assert.ok(kept.entries.length <= 3);
      }
    }),
  );
});

test("pages go along as long as they are small enough together, and one that is too large by itself goes alone", async () => {
  const ring = new PageRing({ prefix: "/ring/", pages: 5, entriesAPage: 1 });
  for (const entry of ["a", "\u00e9".repeat(40), "b", "c", "d"]) ring.append(entry);
  const keys: string[][] = [];
  const put = async (puts: readonly KeyValueEntry[]): Promise<void> => void keys.push(puts.map(({ key }) => key));
  while (await ring.save(60, put));
  assert.deepEqual(keys, [["/ring/000"], ["/ring/001"], ["/ring/002", "/ring/003"], ["/ring/004"]]);
});
