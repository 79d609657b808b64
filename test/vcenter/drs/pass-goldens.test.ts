import assert from "node:assert/strict";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { vmScore } from "../../../src/vcenter/drs/pass/host-grants.js";
import { HostRole } from "../../../src/vcenter/drs/pass/pass-input.js";
import { PASS_EVERY_MS } from "../../../src/vcenter/drs-running/drs-passes.js";
import type { ByThreshold } from "./golden.js";
import { golden } from "./golden-test.js";
import { efficientLoads, mandatoryMoves, passTimes, shouldRule, toleratedDifferences } from "./goldens.js";
import { between, HOST_MHZ, passInput, type PassVm, type PassWorld, shown, vmHost } from "./pass-world.js";

/** Whether a pass moves something from a host of an even load, in percent, made of VMs of 2 %, to one of another load. */
function moves(threshold: number, fromPercent: number, toPercent: number): boolean {
  const small = Array.from({ length: fromPercent / 2 }, (): PassVm => ({ host: 0, mhz: HOST_MHZ / 50, mb: 0 }));
  return drsPass(passInput({ hosts: 2, vms: [...small, { host: 1, mhz: (toPercent * HOST_MHZ) / 100, mb: 0 }], threshold })).moves.length > 0;
}

function eachThreshold({ percent }: ByThreshold, check: (threshold: number, percent: number) => void): void {
  for (const [threshold, each] of Object.entries(percent)) check(Number(threshold), each);
}

golden(toleratedDifferences, (of) => {
  eachThreshold(of, (threshold, percent) => assert.deepEqual([moves(threshold, 90, 90 - percent + 1), moves(threshold, 90, 90 - percent - 1)], [false, true], `threshold ${threshold}`));
});

golden(efficientLoads, (of) => {
  eachThreshold(of, (threshold, percent) => assert.deepEqual([moves(threshold, percent, 0), moves(threshold, percent + 2, 0)], [false, true], `threshold ${threshold}`));
});

golden(mandatoryMoves, ({ threshold, causes }) => {
  assert.equal(moves(threshold, 100, 0), false, "whatever the loads");
  const vms: readonly PassVm[] = [{ host: 0, mhz: 500, mb: 1_000 }, { host: 0, mhz: 500, mb: 1_000, pod: true }];
  const worlds: Readonly<Record<(typeof causes)[number]["cause"], Partial<PassWorld>>> = { "maintenance mode": { roles: { 0: HostRole.EVACUATES } }, "proactive HA": { roles: { 0: HostRole.RELIEVED } }, "rule violation": { rules: [between("apart", 0, 1)] } };
  for (const { cause, reason } of causes) {
    const found = drsPass(passInput({ hosts: 2, vms, threshold, ...worlds[cause] })).moves;
    assert.deepEqual([shown(found), found.map((move) => [move.reason, move.rating])], [["vm 0: 0 -> 1"], [[reason, 5]]], cause);
  }
});

golden(shouldRule, ({ usedUpPercent }) => {
  // The VM uses 5 % and must leave its host; the host its rule likes is as full as that, or a little fuller.
  const goesTo = (percent: number): string[] => {
    const vms: readonly PassVm[] = [{ host: 0, mhz: HOST_MHZ / 20, mb: 0 }, { host: 1, mhz: ((percent - 5) * HOST_MHZ) / 100, mb: 0, pod: true }];
    return shown(drsPass(passInput({ hosts: 3, vms, rules: [vmHost(3, [0], [1], false)], roles: { 0: HostRole.EVACUATES }, threshold: 1 })).moves);
  };
  assert.deepEqual([goesTo(usedUpPercent), goesTo(usedUpPercent + 1)], [["vm 0: 0 -> 1"], ["vm 0: 0 -> 2"]]);
});

golden(passTimes, ({ everySeconds, bestScore }) => {
  assert.equal(PASS_EVERY_MS, everySeconds * 1_000);
  assert.deepEqual([vmScore(1000, 1000, 1000, 1000), vmScore(1000, 0, 1000, 1000)], [bestScore, 0]);
});
