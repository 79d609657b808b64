import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { readQualityOptions } from "./options.js";
import { measureQuality, objections } from "./quality-figures.js";
import { qualityPage } from "./quality-page.js";
import { qualityPlot } from "./quality-plot.js";
import { PLACERS } from "./placers.js";

const said: string[] = [];
const figures = measureQuality(readQualityOptions(["--hosts", "8", "--seeds", "2", "--seed", "3"]), undefined, new ManualClock(), (line) => said.push(line));

test("a run becomes a page with a table for each set, and a plot with a line for each placer", () => {
  assert.equal(said.length, 6);
  assert.deepEqual(objections(figures), []);
  const page = qualityPage(figures, "the command");
  for (const placer of PLACERS) assert.equal(page.split(`\n| ${placer} |`).length - 1, 3, placer);
  assert.match(page, /## The worst of 2 seeds/);
  const [first] = figures.sets;
  assert.ok(first !== undefined);
  const svg = qualityPlot(first);
  assert.match(svg, /^<svg [^]*<\/svg>\n$/);
  const lines = svg.split(/<path d="M[^"]*L[^"]*" fill="none" stroke="#[0-9a-f]{6}" stroke-width="2"/).length - 1;
  assert.equal(lines, 2 * PLACERS.length);
  for (const placer of PLACERS) assert.ok(svg.includes(`>${placer}</text>`), placer);
  assert.doesNotMatch(svg, /NaN|undefined/);
});

test("a placer that does as well as DRS, and a broken rule, are told", () => {
  const spoilt = figures.sets.slice(0, 1).map((set) => ({ ...set, placers: set.placers.map((each) => (each.placer === "first fit" ? { ...each, unserved: { ...each.unserved, short: { cpuMhz: 0, memoryMb: 0 } } } : { ...each, ruleViolations: each.placer === "DRS" ? 2 : 0 })) }));
  assert.deepEqual(objections({ ...figures, sets: spoilt, otherSeeds: [] }), ["mixed, short of both, seed 3: DRS broke rules 2 times", "mixed, short of both, seed 3: DRS leaves no less unserved than first fit"]);
});

test("options are checked", () => {
  assert.throws(() => readQualityOptions(["--seeds", "0"]), { message: '--seeds must be a whole number from 1, not "0"' });
  assert.throws(() => readQualityOptions(["--hosts", "4"]), /--hosts must be a whole number from 8/);
  assert.equal(readQualityOptions(["--traces", "here"]).traces, "here");
});
