import assert from "node:assert/strict";
import { test } from "node:test";
import { type Reclaimed, reclaimMemory } from "../../../src/vcenter/drs/pass/memory-reclaim.js";
import { FREE_AT, MAX_BALLOON, MemoryState } from "../../../src/vcenter/drs/pass/memory-state.js";
import { fc } from "../../support/properties.js";

interface Vm {
  readonly size: number;
  readonly touched: number;
  readonly held?: number;
  readonly wanted: number;
  readonly entitled?: number;
  readonly guaranteed?: number;
}

/** VMs on one host of so much memory. */
function reclaim(capacityMb: number, vms: readonly Vm[]): Reclaimed {
  const column = (of: (vm: Vm) => number): Float64Array => Float64Array.from(vms, of);
  return reclaimMemory({
    hostOf: new Int32Array(vms.length),
    capacityMb: Int32Array.of(capacityMb),
    sizeMb: Int32Array.from(vms, ({ size }) => size),
    touchedMb: column(({ touched }) => touched),
    heldMb: column(({ held, touched }) => held ?? touched),
    wantedMb: column(({ wanted }) => wanted),
    entitledMb: column(({ entitled, wanted }) => entitled ?? wanted),
    guaranteedMb: column(({ guaranteed = 0 }) => guaranteed),
  });
}

test("the worked example: what is held beyond demand goes first", () => {
  const first = { size: 60_000, touched: 58_000, wanted: 58_000 };
  for (const [touched, ballooned] of [[40_000, 4_000], [45_000, 9_000]] as const) {
    const { state, balloonedMb, swappedMb, grantedMb, freeMb } = reclaim(100_000, [first, { size: 60_000, touched, wanted: 10_000 }]);
    assert.deepEqual([[...state], [...balloonedMb].map(Math.round), [...swappedMb], [...grantedMb], [...freeMb].map(Math.round)], [[MemoryState.SOFT], [0, ballooned], [0, 0], [58_000, 10_000], [6_000]]);
  }
});

test("a limit is kept by the balloon, and beyond it by the swap file, on a host with memory to spare", () => {
  const { state, balloonedMb, swappedMb, grantedMb } = reclaim(100_000, [{ size: 10_000, touched: 10_000, held: 2_000, wanted: 2_000 }]);
  assert.deepEqual([state[0], balloonedMb[0], swappedMb[0], grantedMb[0]], [MemoryState.HIGH, 6_500, 1_500, 2_000]);
});

test("whatever is held: nothing guaranteed is taken, nothing is taken twice, and each state is what is free", () => {
  const vm = fc.tuple(fc.integer({ min: 1, max: 50_000 }), ...[0, 1, 2, 3].map(() => fc.double({ min: 0, max: 1, noNaN: true }))).map(([size, touched, wanted, entitled, guaranteed]) => {
    const held = size * (touched as number);
    return { size, touched: held, wanted: held * (wanted as number), entitled: held * (wanted as number) * (entitled as number), guaranteed: held * (wanted as number) * (entitled as number) * (guaranteed as number) };
  });
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 200_000 }), fc.array(vm, { maxLength: 12 }), (capacity, vms) => {
      const { state, freeMb, balloonedMb, swappedMb, grantedMb } = reclaim(capacity, vms);
      const guaranteed = vms.reduce((sum, each) => sum + each.guaranteed, 0);
      let kept = 0;
      for (const [row, each] of vms.entries()) {
        const [ballooned, swapped] = [balloonedMb[row] ?? 0, swappedMb[row] ?? 0];
        const keeps = each.touched - ballooned - swapped;
        kept += keeps;
        assert.ok(ballooned >= -1e-6 && swapped >= -1e-6 && keeps >= -1e-6 && ballooned <= MAX_BALLOON * each.size + 1e-6);
        assert.ok(guaranteed > capacity || keeps >= each.guaranteed - 1e-6);
        assert.ok(Math.abs((grantedMb[row] ?? 0) - Math.min(each.wanted, keeps)) < 1e-6);
        assert.ok(swapped < 1e-6 || state[0] === MemoryState.HARD || state[0] === MemoryState.LOW);
        assert.ok(swapped < 1e-6 || ballooned > MAX_BALLOON * each.size - 1e-6, "a balloon is full before anything is swapped");
      }
      const free = freeMb[0] ?? 0;
      assert.ok(Math.abs(capacity - kept - free) < 1e-3 && free > -1e-3);
      const least = { [MemoryState.HIGH]: FREE_AT.soft, [MemoryState.SOFT]: FREE_AT.hard, [MemoryState.HARD]: FREE_AT.low, [MemoryState.LOW]: 0 }[state[0] as 0 | 1 | 2 | 3];
      assert.ok(free >= least * capacity - 1e-3);
      if (state[0] === MemoryState.LOW) assert.ok(free < FREE_AT.low * capacity && guaranteed > (1 - FREE_AT.low) * capacity - 1e-3);
    }),
    { numRuns: 500 },
  );
});
