import assert from "node:assert/strict";
import { it } from "node:test";
import { inRange, type KeyRange } from "../../src/etcd/key-index/key-range.js";
import { RangeTree } from "../../src/etcd/watch/range-tree.js";
import { fc } from "../support/properties.js";

const between = (start: string, end?: string): KeyRange => ({ start, end, single: false });

it("finds the ranges around a key (the example of its comment)", () => {
  const tree = new RangeTree<string>();
  for (const [name, range] of Object.entries({ ac: between("a", "c"), bz: between("b", "z"), de: between("d", "e"), f: between("f") })) tree.add(range, name);
  assert.deepEqual(["", "a", "c", "d", "e", "f", "zz"].map((key) => tree.around(key).join(" ")), ["", "ac", "bz", "bz de", "bz", "bz f", "f"]);
  tree.remove(between("b", "z"));
  assert.deepEqual([tree.around("c"), tree.size, tree.get(between("b", "z")), tree.get(between("f"))], [[], 3, undefined, "f"]);
});

/** A list that is searched from one end to the other. */
class Model {
  readonly entries: { readonly range: KeyRange; readonly value: number }[] = [];

  indexOf({ start, end }: KeyRange): number {
    return this.entries.findIndex(({ range }) => range.start === start && range.end === end);
  }

  around(key: string): number[] {
    return this.entries.filter(({ range }) => inRange(range, key)).map(({ value }) => value);
  }
}

it("says what a list says, whatever is added and removed", () => {
  // Every byte from a small alphabet with both ends of it, so that ranges meet, nest and share bounds.
  const key = fc.string({ unit: fc.constantFrom("\0", "a", "b", "\xff"), maxLength: 3 });
  const range = fc.record({ start: key, end: fc.option(key, { nil: undefined }), single: fc.constant(false) }).filter(({ start, end }) => end === undefined || start < end);
  const step = fc.record({ kind: fc.constantFrom("add", "add", "remove", "ask"), range, key, pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const [tree, model] = [new RangeTree<number>(), new Model()];
      for (const [value, { kind, range: given, key: asked, pick }] of steps.entries()) {
        // A removal mostly takes what is there.
        const chosen = kind === "remove" && pick % 4 > 0 ? (model.entries[pick % Math.max(1, model.entries.length)]?.range ?? given) : given;
        const at = model.indexOf(chosen);
        assert.equal(tree.get(chosen), model.entries[at]?.value);
        if (kind === "remove") {
          tree.remove(chosen);
          if (at >= 0) model.entries.splice(at, 1);
        } else if (kind === "add" && at < 0) {
          tree.add(chosen, value);
          model.entries.push({ range: chosen, value });
        }
        assert.equal(tree.size, model.entries.length);
        for (const probe of [asked, chosen.start, chosen.end ?? "\xff\xff\xff\xff"]) assert.deepEqual(tree.around(probe).sort((a, b) => a - b), model.around(probe).sort((a, b) => a - b));
      }
    }),
    { numRuns: 300 },
  );
});

for (const [order, place] of Object.entries({ rising: (index: number) => index, falling: (index: number) => 19_999 - index, mixed: (index: number) => (index * 7_919) % 20_000 })) {
  it(`looks at few of 20,000 ranges that came in ${order} order`, () => {
    const tree = new RangeTree<number>();
    let compared = 0;
    // An end that counts how often it is compared, as every visit of a node compares one.
    const counted = (end: string): string => ({ [Symbol.toPrimitive]: () => ((compared += 1), end) }) as unknown as string;
    const bound = (index: number): string => String(index).padStart(5, "0");
    for (let index = 0; index < 20_000; index += 1) tree.add({ start: bound(place(index)), end: counted(bound(place(index) + 1)), single: false }, place(index));
    compared = 0;
    assert.deepEqual(tree.around("12345"), [12_345]);
    assert.ok(compared > 0 && compared < 100, `${compared} comparisons`);
  });
}
