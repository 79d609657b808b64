import assert from "node:assert/strict";
import { scoreBucket } from "../../../src/vcenter/drs/pass/cluster-score.js";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { lookbackMinutes } from "../../../src/vcenter/drs/pass/lookback.js";
import { MemoryState } from "../../../src/vcenter/drs/pass/memory-state.js";
import { activeEstimate, follow } from "../../../src/vcenter/activity/active-estimate.js";
import { SAMPLE_PERIOD_MS } from "../../../src/vcenter/activity/varying-use.js";
import { golden } from "./golden-test.js";
import { activeSampling, lookback, memoryStates, scoreBuckets } from "./goldens.js";
import { HOST_MB, passInput, type PassVm } from "./pass-world.js";

/** How a host stands whose VMs hold so much, and what each balloon and swap file has; MB. */
function stands(...vms: readonly Pick<PassVm, "mb" | "reservedMb">[]): { readonly state: number; readonly freeMb: number; readonly balloons: number[]; readonly swapped: number[] } {
  const { hosts, vms: of } = drsPass(passInput({ hosts: 1, threshold: 0, vms: vms.map((vm) => ({ host: 0, mhz: 0, ...vm })) }));
  const whole = (column: Float64Array): number[] => Array.from(vms, (_, row) => Math.round(column[row] ?? 0));
  return { state: hosts.memoryState[0] ?? -1, freeMb: Math.round(hosts.freeMb[0] ?? -1), balloons: whole(of.balloonedMb), swapped: whole(of.swappedMb) };
}

golden(memoryStates, ({ freePercent: { high, soft, hard, low }, mostBallooned }) => {
  const leaving = (percent: number): number => (HOST_MB * (100 - percent)) / 100;
  assert.deepEqual(stands({ mb: leaving(high) }), { state: MemoryState.HIGH, freeMb: leaving(100 - high), balloons: [0], swapped: [0] });
  assert.deepEqual(stands({ mb: leaving(soft) }).state, MemoryState.HIGH, "nothing is taken back before soft is reached");
  assert.deepEqual(stands({ mb: leaving(soft) + 1 }), { state: MemoryState.SOFT, freeMb: leaving(100 - high), balloons: [leaving(soft) + 1 - leaving(high)], swapped: [0] }, "balloons work until it is high again");
  // Four VMs whose balloons, blown up, leave just as much free as hard, and a little less.
  const mb = leaving(hard) / (4 * (1 - mostBallooned / 100));
  const all = (of: number): number[] => [of, of, of, of];
  const blownUp = Math.round((mostBallooned / 100) * mb);
  assert.deepEqual(stands({ mb }, { mb }, { mb }, { mb }), { state: MemoryState.SOFT, freeMb: leaving(100 - hard), balloons: all(blownUp), swapped: all(0) });
  const { state, freeMb, swapped, balloons } = stands({ mb: mb + 100 }, { mb: mb + 100 }, { mb: mb + 100 }, { mb: mb + 100 });
  assert.deepEqual([state, freeMb, balloons], [MemoryState.HARD, leaving(100 - soft), all(blownUp + mostBallooned)], "swapping works until it is soft again");
  assert.ok(swapped.every((each) => each > 0));
  // What is reserved is not taken back.
  const reserving = (percent: number): { readonly state: number; readonly swapped: number[] } => stands({ mb: leaving(percent), reservedMb: leaving(percent) }, { mb: 1000 });
  assert.deepEqual([reserving(low).state, reserving(low - 0.1).state], [MemoryState.HARD, MemoryState.LOW]);
  assert.deepEqual(reserving(low).swapped, [0, 350]);
});

golden(activeSampling, ({ everySeconds }) => {
  assert.equal(SAMPLE_PERIOD_MS, everySeconds * 1000);
  const averages = { fast: 1000, slow: 1000 };
  assert.equal(activeEstimate(averages, 4000), 4000, "what rises counts at once");
  const falls = Array.from({ length: 60 }, () => {
    follow(averages, 0);
    return activeEstimate(averages, 0);
  });
  assert.deepEqual(falls.slice(0, 2), [900, 810]);
  for (const [index, estimate] of falls.entries()) assert.ok(estimate < (falls[index - 1] ?? 1000) || estimate === 0);
  assert.ok((falls[4] ?? 0) > 500 && falls.at(-1) === 0);
});

golden(lookback, ({ threshold, minutes }) => {
  const GB = 1024;
  assert.equal(lookbackMinutes(threshold, 16 * GB), minutes);
  for (const eager of [1, 2, 3, 4, 5]) {
    assert.ok(lookbackMinutes(eager, 16 * GB) <= minutes && lookbackMinutes(eager, 2 * GB) < lookbackMinutes(eager, 16 * GB), "shorter for VMs of little memory");
    assert.ok(lookbackMinutes(eager, 16 * GB) <= lookbackMinutes(eager - 1, 16 * GB), "and for eager thresholds");
  }
});

golden(scoreBuckets, ({ buckets }) => {
  for (const [index, [from, to]] of buckets.entries()) for (let score = from; score <= to; score += 1) assert.equal(scoreBucket(score), index, String(score));
  // Of 10,000 MHz one VM is granted half of what it demands, the other one all.
  const { cluster } = drsPass(passInput({ hosts: 2, threshold: 0, vms: [{ host: 0, mhz: 10_000, mb: 0 }, { host: 0, mhz: 10_000, mb: 0 }, { host: 1, mhz: 5_000, mb: 0 }] }));
  assert.equal(cluster.numVmsPerDrsScoreBucket.length, buckets.length);
  assert.deepEqual(cluster, { drsScore: 60, numVmsPerDrsScoreBucket: [0, 0, 2, 0, 1] });
});
