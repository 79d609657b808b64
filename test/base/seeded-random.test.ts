import assert from "node:assert/strict";
import { test } from "node:test";
import { isUuid, MoidCounter } from "../../src/base/ids.js";
import { Dice } from "../../src/base/seeded-random.js";
import { fc } from "../support/properties.js";

test("the same seed gives the same numbers, another one others", () => {
  const draw = (seed: number | string): number[] => Array.from({ length: 5 }, (() => { const dice = new Dice(seed); return () => dice.next(); })());
  assert.deepEqual(draw(1), draw(1));
  assert.deepEqual(draw(1), draw("1"));
  assert.notDeepEqual(draw(1), draw(2));
});

test("a fork does not depend on what was drawn before", () => {
  const [fresh, used] = [new Dice(7), new Dice(7)];
  used.hex(100);
  assert.equal(fresh.fork("vcenter").uuid(), used.fork("vcenter").uuid());
  assert.notEqual(fresh.fork("vcenter").uuid(), fresh.fork("hostd").uuid());
});

test("draws keep their ranges and shapes", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (seed, limit) => {
      const dice = new Dice(seed);
      const fraction = dice.next();
      assert.ok(fraction >= 0 && fraction < 1);
      const whole = dice.int(limit);
      assert.ok(Number.isInteger(whole) && whole >= 0 && whole < limit);
      assert.ok(isUuid(dice.uuid()));
      assert.match(dice.uuid(), /^.{14}4.{4}[89ab]/);
      assert.match(dice.hex(7), /^[0-9a-f]{7}$/);
      assert.ok(["a", "b"].includes(dice.pick(["a", "b"])));
    }),
  );
  assert.throws(() => new Dice(1).int(0), RangeError);
  assert.throws(() => new Dice(1).pick([]), RangeError);
});

test("numbers are spread evenly", () => {
  const dice = new Dice("spread");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const bucket = dice.int(10);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 850 && count < 1_150, String(counts));
});

test("managed object ids grow and skip what storage already knows", () => {
  const hosts = new MoidCounter("host", 21);
  assert.equal(hosts.next(), "host-21");
  hosts.taken("host-40");
  hosts.taken("host-30");
  hosts.taken("vm-99");
  assert.equal(hosts.next(), "host-41");
});
