import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { table } from "../../src/cli/table.js";
import { fc } from "../support/properties.js";

const headings = ["host", "verdict", "why"];
const rows = [["esxi-01", "ruled out", "The host esxi-01 is in maintenance mode."], ["esxi-02", "chosen", ""]];

describe("a table", () => {
  test("in a pipe and where there is room: a line for each row", () => {
    const plain = "HOST      VERDICT     WHY\nesxi-01   ruled out   The host esxi-01 is in maintenance mode.\nesxi-02   chosen\n";
    assert.equal(table(headings, rows), plain);
    assert.equal(table(headings, rows, 62), plain);
  });

  test("the worked example: the last column is folded, or stands below its row", () => {
    assert.equal(table(headings, rows, 50), "HOST      VERDICT     WHY\nesxi-01   ruled out   The host esxi-01 is in\n                      maintenance mode.\nesxi-02   chosen\n");
    assert.equal(table(headings, rows, 30), "HOST      VERDICT\n  WHY\nesxi-01   ruled out\n  The host esxi-01 is in\n  maintenance mode.\nesxi-02   chosen\n");
  });

  test("headings are stacked before anything else; several columns that are left over stand below with their headings", () => {
    const wide = ["host", "cpu use then", "memory use then"];
    const cells = [["esxi-01", "2600 MHz", "1050 MB"]];
    assert.equal(table(wide, cells, 33), "          CPU USE    MEMORY USE\nHOST      THEN       THEN\nesxi-01   2600 MHz   1050 MB\n");
    assert.equal(table(wide, cells, 30), "          CPU USE\nHOST      THEN\n  MEMORY USE THEN\nesxi-01   2600 MHz\n  1050 MB\n");
    assert.equal(table(wide, cells, 16), "HOST\nesxi-01\n  cpu use then:\n  2600 MHz;\n  memory use\n  then: 1050 MB\n");
  });

  test("as many rows as there may be VMs, in a pipe and on a terminal", () => {
    const many = Array.from({ length: 100_000 }, (_, at) => [`vm-${at}`, "ruled out", "as its host is in maintenance mode"]);
    for (const [columns, lines] of [[undefined, 1], [50, 2], [30, 3]] as const) {
      const text = table(headings, many, columns);
      assert.equal(text.match(/^vm-/gm)?.length, many.length);
      assert.ok(text.split("\n").length > many.length * lines, `${columns}`);
    }
  });

  test("no line is wider than the terminal unless a single word is; no word is lost, and rows keep their order", () => {
    const cell = fc.array(fc.string({ minLength: 1, maxLength: 9, unit: fc.constantFrom("a", "7", "-") }), { maxLength: 12 }).map((words) => words.join(" "));
    const name = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom("n", "1") });
    const given = fc.integer({ min: 1, max: 6 }).chain((count) => fc.tuple(fc.constant(Array.from({ length: count }, (_, at) => `title ${at}`)), fc.array(fc.tuple(name, fc.array(cell, { minLength: count - 1, maxLength: count - 1 })), { minLength: 1, maxLength: 4 })));
    fc.assert(
      fc.property(given, fc.integer({ min: 24, max: 200 }), ([titles, named], columns) => {
        const all = named.map(([first, rest]) => [first, ...rest]);
        const text = table(titles, all, columns);
        for (const line of text.split("\n")) assert.ok(line.length <= columns, `${columns}: ${line}`);
        const words = text.split(/\s+/).map((word) => word.replace(/[;:]$/, ""));
        for (const word of all.flat().flatMap((each) => each.split(" "))) assert.ok(word === "" || words.includes(word), `${word} in\n${text}`);
        const firsts = text.split("\n").filter((line) => /^[n1]/.test(line)).map((line) => line.split(" ", 1)[0]);
        assert.deepEqual(firsts, named.map(([first]) => first));
      }),
    );
  });
});
