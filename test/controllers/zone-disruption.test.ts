import assert from "node:assert/strict";
import { test } from "node:test";
import { EvictionLine } from "../../src/controllers/eviction-line.js";
import { HeardTime } from "../../src/controllers/heard-time.js";
import { type JudgedNode, ZoneDisruption } from "../../src/controllers/zone-disruption.js";
import { evictionRateOf, zoneOf, zoneStateOf } from "../../src/controllers/zone-state.js";
import type { Node } from "../../src/kubernetes/node.js";
import { fc } from "../support/properties.js";

const node = (name: string, zone: string, ready: boolean, more: Partial<JudgedNode> = {}): JudgedNode => ({ name, zone, ready, tainted: false, excluded: false, ...more });
/** `a0`, `a1` ... of zone `a`, the last `notReady` of them not Ready. */
const zone = (name: string, size: number, notReady: number): JudgedNode[] => Array.from({ length: size }, (_, at) => node(`${name}${at}`, name, at < size - notReady));

test("time counts as heard for at most so long between two proofs", () => {
  const heard = new HeardTime(0, 1_000);
  for (const nowMs of [200, 5_200, 5_400]) heard.proven(nowMs);
  assert.equal(heard.at(5_400), 1_400);
  assert.deepEqual([heard.at(5_900), heard.at(9_000)], [1_900, 2_400]);
});

test("a zone is disrupted by how many of its nodes are not Ready", () => {
  const states = [[0, 0], [3, 0], [0, 1], [1, 2], [2, 3], [3, 3], [9, 11], [46, 54], [45, 55]] as const;
  assert.deepEqual(
    states.map(([ready, notReady]) => zoneStateOf(ready, notReady)),
    ["Normal", "Normal", "FullDisruption", "Normal", "PartialDisruption", "Normal", "PartialDisruption", "Normal", "PartialDisruption"],
  );
});

test("nodes of a zone are given up at the rate of its state and size", () => {
  assert.deepEqual(
    ([["Normal", 3], ["FullDisruption", 3], ["PartialDisruption", 50], ["PartialDisruption", 51]] as const).map(([state, size]) => evictionRateOf(state, size)),
    [0.1, 0.1, 0, 0.01],
  );
});

test("a node's zone is its region and zone, also by the labels of old", () => {
  const of = (labels: Record<string, string>) => zoneOf({ metadata: { labels } } as unknown as Node);
  assert.deepEqual(
    [of({}), of({ "topology.kubernetes.io/zone": "a" }), of({ "topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "a" }), of({ "failure-domain.beta.kubernetes.io/zone": "a" })],
    ["", "/a", "r/a", "/a"],
  );
});

test("a line gives out its first node at once, the next ones by the rate, none at a rate of 0, and waits for the token after it", () => {
  const line = new EvictionLine(0.1, 0);
  for (const name of ["a", "b", "c", "a"]) line.add(name);
  assert.deepEqual([line.next(0), line.next(0), line.next(9_999), line.next(10_000), line.next(19_999), line.next(20_000)], ["a", undefined, undefined, "b", undefined, "c"]);
  line.add("d");
  line.setRate(0, 30_000);
  assert.equal(line.next(1_000_000), undefined);
  line.setRate(0.01, 1_000_000);
  assert.deepEqual([line.next(1_099_999), line.next(1_100_000)], [undefined, "d"]);
  line.setRate(0.1, 2_000_000);
  line.add("e");
  assert.equal(line.next(2_000_000), "e", "a full token stays where only the rate changes");
});

test("however a line is asked, it gives out no more than one node and those its rate allows, in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 30_000 }), rate: fc.constantFrom(0, 0.01, 0.1) }), { maxLength: 60 }), (turns) => {
      const line = new EvictionLine(0.1, 0);
      const names = turns.map((_, at) => `n${at}`);
      for (const name of names) line.add(name);
      const given: string[] = [];
      let nowMs = 0;
      let allowed = 1;
      let rate = 0.1;
      for (const turn of turns) {
        nowMs += turn.afterMs;
        allowed += (turn.afterMs * rate) / 1000;
        for (let name = line.next(nowMs); name !== undefined; name = line.next(nowMs)) given.push(name);
        assert.ok(given.length <= allowed + 1e-6);
        line.setRate((rate = turn.rate), nowMs);
      }
      assert.deepEqual(given, names.slice(0, given.length));
    }),
  );
});

test("each zone has a rate of its own: a small one that is partly disrupted stops, the others go on", () => {
  const zones = new ZoneDisruption();
  const nodes = [...zone("a", 5, 3), ...zone("b", 5, 2), ...zone("c", 2, 2)];
  assert.deepEqual(zones.look(nodes, 0), ["b3", "c0"]);
  assert.deepEqual(zones.look(nodes.map((seen) => (seen.name === "b3" ? { ...seen, tainted: true } : seen)), 10_000), ["b4", "c1"]);
  assert.equal(zones.isTotal, false);
});

test("a large zone that is partly disrupted goes on slowly", () => {
  const zones = new ZoneDisruption();
  const nodes = zone("a", 60, 40);
  assert.deepEqual([0, 50_000, 99_999, 100_000].map((nowMs) => zones.look(nodes, nowMs)), [["a20"], [], [], ["a21"]]);
});

test("while no node of any zone is Ready none is given up, and the first one afterwards waits for its turn", () => {
  const zones = new ZoneDisruption();
  const all = [...zone("a", 2, 2), ...zone("b", 1, 1)];
  assert.deepEqual(zones.look(all, 0), []);
  assert.equal(zones.isTotal, true);
  assert.deepEqual(zones.look(all, 600_000), []);
  const heard = [...zone("a", 2, 1), ...zone("b", 1, 1)];
  assert.deepEqual(zones.look(heard, 600_000), []);
  assert.equal(zones.isTotal, false);
  assert.deepEqual(zones.look(heard, 610_000), ["a1", "b0"]);
});

test("a node that is Ready again, gone or elsewhere leaves its line, and one that is excluded says nothing of its zone", () => {
  const zones = new ZoneDisruption();
  const [a0, a1, a2, other] = [node("a0", "a", false), node("a1", "a", false), node("a2", "a", false), node("b0", "b", true)];
  zones.look([a0, a1, a2, node("a3", "a", true), node("a4", "a", true), node("a5", "a", true), other], 0);
  zones.forget("a1");
  assert.deepEqual(zones.look([{ ...a0, ready: true }, { ...a2, zone: "b" }, node("a3", "a", false), node("a4", "a", true), other], 10_000), ["a3", "a2"]);
  assert.deepEqual(new ZoneDisruption().look([node("x", "a", true, { excluded: true }), node("y", "a", false)], 0), [], "the one node that counts is not Ready");
});
