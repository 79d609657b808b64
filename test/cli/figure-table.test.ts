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
  more: ["host-21", "topology=a"],
});
const columns = { name: "host", about: ["state", "vms"], figures: ["reserved", "entitled", "active", "of"], more: ["id", "labels"] };
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

  const longName = "a-host-with-a-name-that-is-far-too-long-for-most.example.test";

  test("no line is wider than the terminal, at any width from 62, and nothing is cut; without room there is no bar", () => {
    for (let width = 62; width <= 200; width += 1) {
      for (const name of ["a", "esxi-01.spheresim.test", longName]) {
        for (const wide of [false, true]) {
          const text = draw(width, { name, wide });
          for (const line of text.split("\n")) assert.ok(line.length <= width, `${width}: ${line}`);
          for (const said of [name, "connected, 2 on", ...(wide ? ["host-21", "topology=a"] : [])]) assert.ok(text.includes(said), `${width}: ${said} in\n${text}`);
        }
      }
    }
    assert.doesNotMatch(draw(60), /█/);
    assert.match(draw(200), /\[[█▒┃·]{30}\]/);
  });

  test("a terminal too narrow for the figures has none beside each other that do not fit, and all are there", () => {
    for (let width = 24; width < 62; width += 1) {
      const text = draw(width, { name: "esxi-01", wide: true });
      for (const line of text.split("\n")) assert.ok(line.length <= width, `${width}: ${line}`);
      for (const said of ["esxi-01", "connected", "2600", "24576", "4100", "30000", "3000", "41600", "65536", "topology=a"]) assert.ok(text.includes(said), `${width}: ${said} in\n${text}`);
    }
  });

  test("a name and a note without room have lines of their own; wide columns without room stand below with their headings", () => {
    assert.equal(
      figureTable(columns, [{ ...row(longName), about: ["connected, entering maintenance mode, in quarantine", "12 on"] }], { wide: true, screen: { columns: 80, unicode: true } }),
      `HOST                                    RESERVED   ENTITLED   ACTIVE          OF
a-host-with-a-name-that-is-far-too-long-for-most.example.test
                         [┃·········]       2600       4100     3000   41600 MHz
                         [████┃·····]      24576      30000        -    65536 MB
  connected, entering maintenance mode, in quarantine, 12 on
    id: host-21; labels: topology=a

█ reserved   ▒ active beyond that   ┃ entitled
`,
    );
  });

  test("a name of several words is folded where even a line of its own is too short for it", () => {
    const name = "the database of the shop that was moved here from the old data centre in spring";
    const lines = draw(62, { name }).split("\n");
    for (const line of lines) assert.ok(line.length <= 62, line);
    assert.equal(lines.slice(1, 3).join(" "), name);
  });

  test("as many rows as there may be VMs", () => {
    const many = Array.from({ length: 100_000 }, (_, at) => row(`vm-${at}`));
    for (const count of [undefined, 80]) assert.equal(figureTable(columns, many, { wide: true, screen: { columns: count, unicode: true } }).match(/^vm-/gm)?.length, many.length);
  });

  test("of a tree names and notes are indented, also in a pipe", () => {
    const deep = { ...row("pool"), depth: 2 };
    assert.match(figureTable(columns, [deep], { wide: false, screen: { columns: 80, unicode: true } }), /^ {4}pool +\[.*\n {6}connected, 2 on +\[/m);
    assert.match(figureTable(columns, [deep], { wide: false, screen: { columns: undefined, unicode: true } }), /^ {4}pool +connected/m);
  });

  test("wide adds columns; ASCII where the terminal has no blocks", () => {
    assert.match(draw(120, { wide: true }), /OF +ID +LABELS\n.* 41600 MHz +host-21 +topology=a\n/);
    assert.match(draw(80, { unicode: false }), /\[\|\.+\] +2600.*\n.*\[####\|\.+\] +24576/);
  });

  test("in a pipe: one line each, plain figures, no bar; what is unknown is a dash", () => {
    assert.equal(
      draw(undefined, { wide: true }),
      `HOST                     STATE       VMS    RESERVED MHZ   ENTITLED MHZ   ACTIVE MHZ   OF MHZ   RESERVED MB   ENTITLED MB   ACTIVE MB   OF MB   ID        LABELS
esxi-01.spheresim.test   connected   2 on   2600           4100           3000         41600    24576         30000         -           65536   host-21   topology=a
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
