import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bar } from "../../src/cli/bar.js";
import { type FigureRow, figureTable } from "../../src/cli/figure-table.js";
import { screen } from "../../src/cli/screen.js";

test("the worked example of a bar, also in ASCII; figures beyond the capacity fill it and no more", () => {
  const use = { reserved: 30, entitled: 80, active: 60, capacity: 100 };
  assert.equal(bar(use, 10), "[███▒▒▒·┃··]");
  assert.equal(bar(use, 10, false), "[###===.|..]");
  assert.equal(bar({ reserved: 900, active: 5, capacity: 100 }, 4), "[████]");
  assert.equal(bar({ reserved: undefined, active: undefined, capacity: 0 }, 4), "[····]");
});

const row = (name: string): FigureRow => ({
  name,
  about: ["connected", "2 on"],
  figures: [[2600, 24_576], [4100, 30_000], [3000, undefined], [41_600, 65_536]],
  bars: [
    { reserved: 2600, entitled: 4100, active: 3000, capacity: 41_600 },
    { reserved: 24_576, entitled: 30_000, active: 8000, capacity: 65_536 },
  ],
  more: ["host-21"],
});
const columns = { name: "host", about: ["state", "vms"], figures: ["reserved", "entitled", "active", "of"], more: ["id"] };
const draw: (columnCount: number | undefined, options?: { readonly wide?: boolean; readonly unicode?: boolean; readonly name?: string }) => string = (columnCount, { wide = false, unicode = true, name = "esxi-01.spheresim.test" } = {}) =>
  figureTable(columns, [row(name)], { wide, screen: { columns: columnCount, unicode } });

describe("a table of figures", () => {
  test("at 80 columns: two lines, a bar, and nothing beyond the edge", () => {
    assert.equal(
      draw(80),
      `HOST                                    RESERVED   ENTITLED   ACTIVE          OF
esxi-01.spheresim.test   [┃·········]       2600       4100     3000   41600 MHz
  connected, 2 on        [████┃·····]      24576      30000        -    65536 MB

█ reserved   ▒ active beyond that   ┃ entitled
`,
    );
  });

  test("no line is wider than the terminal, at any width from 60; without room there is no bar, and long names are cut", () => {
    for (let width = 60; width <= 200; width += 1) {
      for (const name of ["a", "esxi-01.spheresim.test", "a-host-with-a-name-that-is-far-too-long-for-most.example.test"]) {
        for (const line of draw(width, { name }).split("\n")) assert.ok(line.length <= width, `${width}: ${line}`);
      }
    }
    assert.doesNotMatch(draw(60), /█/);
    assert.match(draw(200), /\[[█▒┃·]{30}\]/);
    assert.match(draw(80, { name: "a-host-with-a-name-that-is-far-too-long-for-most.example.test" }), /^a-host-with-a-name\S*… {3}/m);
  });

  test("wide adds columns; ASCII where the terminal has no blocks", () => {
    assert.match(draw(120, { wide: true }), /OF +ID\n.* 41600 MHz +host-21\n/);
    assert.match(draw(80, { unicode: false }), /\[\|\.+\] +2600.*\n.*\[####\|\.+\] +24576/);
  });

  test("in a pipe: one line each, plain figures, no bar; what is unknown is a dash", () => {
    assert.equal(
      draw(undefined, { wide: true }),
      `HOST                     STATE       VMS    RESERVED MHZ   ENTITLED MHZ   ACTIVE MHZ   OF MHZ   RESERVED MB   ENTITLED MB   ACTIVE MB   OF MB   ID
esxi-01.spheresim.test   connected   2 on   2600           4100           3000         41600    24576         30000         -           65536   host-21
`,
    );
  });
});

test("the screen is as wide as the terminal says, 80 when it does not, and none in a pipe", () => {
  assert.deepEqual(screen({ isTTY: true, columns: 100 }, { LANG: "en_US.UTF-8" }), { columns: 100, unicode: true });
  assert.deepEqual(screen({ isTTY: true }, {}), { columns: 80, unicode: true });
  assert.deepEqual(screen({}, { LC_ALL: "C", LANG: "en_US.UTF-8" }), { columns: undefined, unicode: false });
  assert.equal(screen({ isTTY: true }, { TERM: "dumb" }).unicode, false);
});
