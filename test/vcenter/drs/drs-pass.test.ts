import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicClock } from "../../../src/base/clock.js";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { hostGrants, hostSums, vmScore } from "../../../src/vcenter/drs/pass/host-grants.js";
import { HostRole, type PassRule } from "../../../src/vcenter/drs/pass/pass-input.js";
import { PassThread } from "../../../src/vcenter/drs/pass/pass-thread.js";
import { between, HOST_MB, HOST_MHZ, passInput, type PassVm, type PassWorld, shown, vmHost } from "./pass-world.js";
import { fc } from "../../support/properties.js";

const small = { mhz: 500, mb: 1_000 };

test("a host gives what it has: guarantees first, then by entitlement, then by want", () => {
  const grants = (capacity: number, wanted: readonly number[], entitled: readonly number[], floors: readonly number[]): number[] => {
    const input = { hostOf: new Int32Array(wanted.length), capacity: Int32Array.of(capacity), wanted: Float64Array.from(wanted), entitled: Float64Array.from(entitled), guaranteed: (vm: number) => floors[vm] ?? 0 };
    return [...hostGrants(input, hostSums(input))];
  };
  assert.deepEqual(grants(100, [80, 80], [80, 80], [40, 0]), [60, 40], "the example");
  assert.deepEqual(grants(200, [80, 80], [80, 80], [40, 0]), [80, 80], "all that is wanted fits");
  assert.deepEqual(grants(100, [80, 80], [40, 20], [0, 0]), [56, 44], "entitlements fit, the rest goes by want beyond them");
  assert.deepEqual(grants(50, [80, 80], [80, 80], [60, 40]), [30, 20], "not even the guarantees fit");
  assert.equal(vmScore(1000, 500, 1000, 900), 50);
  assert.equal(vmScore(0, 0, 0, 0), 100);
});

test("the most loaded host gives VMs away until the difference is tolerable; a vSphere Pod never moves", () => {
  const busy = (host: number, pod = false): PassVm => ({ host, mhz: 2_000, mb: 1_000, pod });
  const five = [busy(0), busy(0), busy(0), busy(0), { host: 1, ...small }];
  const result = drsPass(passInput({ hosts: 2, vms: five }));
  assert.deepEqual(shown(result.moves), ["vm 0: 0 -> 1", "vm 1: 0 -> 1"], "80 % and 5 %, then 60 % and 25 %, then 40 % and 45 %");
  assert.deepEqual(result.moves.map(({ rating, reason }) => [rating, reason]), [[4, "fairnessCpuAvg"], [4, "fairnessCpuAvg"]]);
  assert.deepEqual([result.moves[0]?.fromLoad, result.moves[0]?.toLoad], [0.8, 0.05]);
  assert.deepEqual(drsPass(passInput({ hosts: 2, vms: five.map((vm) => ({ ...vm, pod: true })) })).moves, []);
});

test("what must be done comes first, at every threshold but 0: empty a host, obey rules", () => {
  const away = { roles: { 0: HostRole.EVACUATES }, threshold: 1 } as const;
  const vms: readonly PassVm[] = [{ host: 0, ...small }, { host: 0, ...small, pod: true }, { host: 1, mhz: 3_000, mb: 0 }, { host: 2, ...small }];
  const result = drsPass(passInput({ hosts: 3, vms, ...away }));
  assert.deepEqual(shown(result.moves), ["vm 0: 0 -> 2"], "the pod stays, host 2 is less loaded");
  assert.deepEqual(result.moves.map(({ rating, reason }) => [rating, reason]), [[5, "hostMaint"]]);

  const cases: readonly [string, PassRule, readonly string[]][] = [
    ["antiAffin", between("apart", 0, 3), []],
    ["antiAffin", between("apart", 0, 1), ["vm 0: 0 -> 2"]],
    ["jointAffin", between("together", 0, 1, 3), ["vm 3: 2 -> 0"]],
    ["vmHostHardAffinity", vmHost(3, [0, 3], [1, 2]), ["vm 0: 0 -> 2"]],
    ["vmHostSoftAffinity", vmHost(3, [0], [1], false), ["vm 0: 0 -> 1"]],
  ];
  for (const [reason, rule, expected] of cases) {
    const { moves } = drsPass(passInput({ hosts: 3, vms, rules: [rule], threshold: 1 }));
    assert.deepEqual(shown(moves), expected, reason);
    assert.ok(moves.every((move) => move.reason === reason && move.rating === 5));
    assert.deepEqual(drsPass(passInput({ hosts: 3, vms, rules: [rule], threshold: 0 })).moves, []);
  }
});

test("a VM goes only where it fits: reservation, cores and memory, datastores, host states, rules", () => {
  const vm: PassVm = { host: 0, ...small, reservedMhz: 400, reservedMb: 500, need: 1 };
  const filler = (host: number, reservedMhz: number, reservedMb: number): PassVm => ({ host, ...small, pod: true, reservedMhz, reservedMb });
  const out = (vms: readonly PassVm[], needs: readonly (readonly number[])[], roles: Readonly<Record<number, number>> = {}): string[] =>
    shown(drsPass(passInput({ hosts: 3, vms, needs, roles: { 0: HostRole.EVACUATES, ...roles } })).moves);
  assert.deepEqual(out([vm], [[0, 1, 2]]), ["vm 0: 0 -> 1"]);
  assert.deepEqual(out([vm], [[0, 2]]), ["vm 0: 0 -> 2"]);
  assert.deepEqual(out([vm, filler(1, HOST_MHZ - 399, 0)], [[0, 1]]), []);
  assert.deepEqual(out([vm, filler(1, 0, HOST_MB - 499)], [[0, 1]]), []);
  assert.deepEqual(out([vm], [[0, 1]], { 1: HostRole.KEEPS }), []);
  assert.deepEqual(out([{ ...vm, mb: HOST_MB + 1 }], [[0, 1, 2]]), []);
});

test("VMs that belong together leave a host that must be empty together, to one that takes them all", () => {
  const pair: readonly PassVm[] = [{ host: 0, ...small, reservedMb: 60_000 }, { host: 0, ...small, reservedMb: 30_000 }];
  const away = (vms: readonly PassVm[]): string[] => shown(drsPass(passInput({ hosts: 3, vms, rules: [between("together", 0, 1)], roles: { 0: HostRole.EVACUATES }, threshold: 1 })).moves);
  assert.deepEqual(away([...pair, { host: 1, ...small, reservedMb: 20_000 }, { host: 2, mhz: 5_000, mb: 0 }]), ["vm 0: 0 -> 2", "vm 1: 0 -> 2"], "host 1 is less loaded, but takes only one");
  assert.deepEqual(away([...pair, { host: 1, ...small, reservedMb: 20_000 }, { host: 2, ...small, reservedMb: 20_000 }]), [], "none takes both");
  assert.deepEqual(away([pair[0] ?? assert.fail(), { host: 1, ...small }]), ["vm 0: 0 -> 1"], "the other one is elsewhere");
});

test("a rule that the first choice cannot obey is obeyed another way", () => {
  const rules = [between("apart", 0, 1)];
  // Both may move; the second one fits nowhere else, so the first one goes.
  const tall: readonly PassVm[] = [{ host: 0, ...small }, { host: 0, ...small, reservedMb: 50_000 }, { host: 1, ...small, reservedMb: 60_000 }];
  assert.deepEqual(shown(drsPass(passInput({ hosts: 2, vms: tall, rules, threshold: 1 })).moves), ["vm 0: 0 -> 1"]);
  // Kept together, and no room where most of them are: all go to a third host.
  const three: readonly PassVm[] = [{ host: 0, ...small, reservedMb: 10_000 }, { host: 0, ...small, reservedMb: 10_000 }, { host: 1, ...small, reservedMb: 10_000 }, { host: 0, ...small, reservedMb: 75_000, pod: true }, { host: 1, ...small, reservedMb: 75_000, pod: true }];
  assert.deepEqual(shown(drsPass(passInput({ hosts: 3, vms: three, rules: [between("together", 0, 1, 2)], threshold: 1 })).moves), ["vm 0: 0 -> 2", "vm 1: 0 -> 2", "vm 2: 1 -> 2"]);
  // One of them cannot move: the others come to it.
  const fixed = three.slice(0, 3).map((vm, row): PassVm => ({ ...vm, pod: row === 2 }));
  assert.deepEqual(shown(drsPass(passInput({ hosts: 3, vms: fixed, rules: [between("together", 0, 1, 2)], threshold: 1 })).moves), ["vm 0: 0 -> 1", "vm 1: 0 -> 1"]);
});

test("a VM that only should be elsewhere stays where the host its rule likes has no room", () => {
  const full: PassVm = { host: 1, mhz: 9_800, mb: 0, pod: true };
  assert.deepEqual(shown(drsPass(passInput({ hosts: 2, vms: [{ host: 0, ...small }, full], rules: [vmHost(2, [0], [1], false)], threshold: 1 })).moves), []);
});

test("a host in quarantine is relieved of what others have room for and rules like there; those kept together leave together; pods and what would go short stay", () => {
  const out = (vms: readonly PassVm[], more: Partial<PassWorld> = {}): string[] => shown(drsPass(passInput({ hosts: 3, vms, roles: { 0: HostRole.RELIEVED }, threshold: 1, ...more })).moves);
  const full = (host: number): PassVm => ({ host, mhz: 9_600, mb: 0, pod: true });
  assert.deepEqual(out([{ host: 0, ...small }, { host: 0, ...small, pod: true }, full(1)]), ["vm 0: 0 -> 2"]);
  assert.deepEqual(out([{ host: 0, ...small }, full(1), full(2)]), [], "maintenance would take it away all the same");
  assert.deepEqual(out([{ host: 0, ...small }], { rules: [vmHost(3, [0], [0], false)] }), [], "it should stay");
  const pair: readonly PassVm[] = [{ host: 0, ...small }, { host: 0, ...small }];
  assert.deepEqual(out([...pair, { host: 1, mhz: 9_200, mb: 0, pod: true }, { host: 2, mhz: 9_000, mb: 0, pod: true }], { rules: [between("together", 0, 1)] }), ["vm 0: 0 -> 2", "vm 1: 0 -> 2"]);
  assert.deepEqual(out([...pair, { host: 1, mhz: 9_200, mb: 0, pod: true }, { host: 2, mhz: 9_200, mb: 0, pod: true }], { rules: [between("together", 0, 1)] }), []);
  const eager: readonly PassVm[] = [{ host: 0, mhz: 3_000, mb: 0 }, { host: 0, mhz: 3_000, mb: 0 }];
  const byMemory: PassVm = { host: 1, mhz: 5_000, mb: 90_000, pod: true };
  assert.deepEqual(out([...eager, byMemory], { hosts: 2, rules: [between("together", 0, 1)] }), [], "each alone adds nothing to the host's memory load, both together too much CPU");
});

test("a migration under way counts where it goes, so that a pass does not relieve a host twice", () => {
  const vms: readonly PassVm[] = [{ host: 0, mhz: 4_000, mb: 0 }, { host: 0, mhz: 4_000, mb: 0, headsFor: 1 }];
  const { moves, hosts } = drsPass(passInput({ hosts: 2, vms, threshold: 5 }));
  assert.deepEqual(shown(moves), []);
  assert.deepEqual([...hosts.wantedMhz], [8_000, 0], "but it runs where it runs");
});

test("where the least loaded hosts do not take a VM, the others are looked at", () => {
  const busy: readonly PassVm[] = [{ host: 0, mhz: 4_000, mb: 0, need: 1 }, { host: 0, mhz: 4_000, mb: 0, need: 1 }, { host: 20, mhz: 1_000, mb: 0 }];
  assert.deepEqual(shown(drsPass(passInput({ hosts: 21, vms: busy, needs: [[0, 20]] })).moves), ["vm 0: 0 -> 20"]);
});

test("a host that must be empty and has more than one pass tries: the next pass begins elsewhere", () => {
  const vms = Array.from({ length: 3_000 }, (): PassVm => ({ host: 0, mhz: 1, mb: 1, reservedMhz: 0 }));
  const moved = (turn: number): number[] => drsPass(passInput({ hosts: 2, vms, roles: { 0: HostRole.EVACUATES }, threshold: 1, turn })).moves.map((move) => move.vm);
  assert.equal(moved(0).length, 2_000);
  assert.deepEqual([moved(0)[0], moved(1)[0], moved(2)[0], moved(3)[0]], [0, 1_000, 2_000, 0]);
  assert.equal(new Set([...moved(0), ...moved(1)]).size, 3_000);
});

test("a pass in the worker thread gives what it gives here", async () => {
  const vms = Array.from({ length: 40 }, (_, row): PassVm => ({ host: row % 3 === 0 ? 0 : 1, mhz: 100 * (1 + (row % 7)), mb: 500 * (1 + (row % 5)), pod: row % 4 === 0 }));
  const world = (): PassWorld => ({ hosts: 4, vms, rules: [between("apart", 1, 2, 4)], threshold: 5 });
  const thread = new PassThread(monotonicClock());
  try {
    assert.deepEqual(await thread.run(passInput(world())), drsPass(passInput(world())));
    assert.deepEqual(await thread.run(passInput(world())), drsPass(passInput(world())), "and again");
  } finally {
    await thread.close();
  }
  await assert.rejects(thread.run(passInput(world())), /shutting down/);
});

test("an input that is none fails, and the thread goes on with the next one", async () => {
  const world: PassWorld = { hosts: 2, vms: [{ host: 0, ...small }] };
  const thread = new PassThread(monotonicClock());
  try {
    const used = passInput(world);
    await thread.run(used);
    await assert.rejects(thread.run(used), /deserialize/, "it was moved to the thread before");
    const broken = passInput(world);
    broken.tree.vms.pool[0] = 9;
    await assert.rejects(thread.run(broken), /there is no pool 9/);
    assert.deepEqual(await thread.run(passInput(world)), drsPass(passInput(world)));
  } finally {
    await thread.close();
  }
});

const someWorld = fc.record({
  hosts: fc.integer({ min: 1, max: 5 }),
  threshold: fc.integer({ min: 1, max: 5 }),
  vms: fc.array(fc.record({ host: fc.nat(4), mhz: fc.nat(4_000), mb: fc.nat(40_000), reservedMhz: fc.nat(1_500), reservedMb: fc.nat(15_000), pod: fc.boolean() }), { maxLength: 25 }),
  apart: fc.uniqueArray(fc.nat(24), { maxLength: 4 }),
});

test("whatever the cluster: nothing fixed moves, no host reserves more than it has because of a move, balancing never raises the highest load", () => {
  fc.assert(
    fc.property(someWorld, ({ hosts, threshold, vms: drawn, apart }) => {
      const vms = drawn.map((vm) => ({ ...vm, host: vm.host % hosts, reservedMhz: Math.min(vm.reservedMhz, vm.mhz), reservedMb: Math.min(vm.reservedMb, vm.mb) }));
      const rules = apart.every((vm) => vm < vms.length) && apart.length > 1 ? [between("apart", ...apart)] : [];
      const input = passInput({ hosts, vms, threshold, rules });
      const before = loads(hosts, vms.map((vm) => vm.host), drsPass(input).vms);
      const { moves, vms: usage } = drsPass(input);
      const hostOf = vms.map((vm) => vm.host);
      const moved = new Set<number>();
      for (const { vm, from, to, rating } of moves) {
        assert.ok(vms[vm]?.pod === false && hostOf[vm] === from && from !== to && !moved.has(vm));
        assert.ok(rating === 5 || rating >= 6 - threshold);
        moved.add(vm);
        hostOf[vm] = to;
        const on = vms.filter((_, row) => hostOf[row] === to);
        assert.ok(on.reduce((sum, each) => sum + each.reservedMhz, 0) <= HOST_MHZ && on.reduce((sum, each) => sum + each.reservedMb, 0) <= HOST_MB);
      }
      if (moves.every((move) => move.rating < 5)) assert.ok(Math.max(...loads(hosts, hostOf, usage)) <= Math.max(...before) + 1e-9);
      for (let vm = 0; vm < vms.length; vm += 1) assert.ok((usage.grantedMhz[vm] ?? 0) <= (usage.wantedMhz[vm] ?? 0) + 1e-6);
    }),
    { numRuns: 300 },
  );
});

test("under constant demand moves come to an end, on cores of any speed: no layout comes twice", () => {
  fc.assert(
    fc.property(someWorld, fc.array(fc.constantFrom(800, 1_250, 2_000), { minLength: 5, maxLength: 5 }), ({ hosts, threshold, vms: drawn }, coreMhz) => {
      let vms: readonly PassVm[] = drawn.map((vm) => ({ ...vm, host: vm.host % hosts, reservedMhz: 0, reservedMb: 0 }));
      const been = new Set<string>();
      for (let pass = 0; ; pass += 1) {
        const input = passInput({ hosts, threshold, coreMhz, vms });
        // As the snapshot does: no more than its virtual CPU has on that host.
        vms.forEach((vm, row) => (input.tree.vms.cpu.sizeMhz[row] = coreMhz[vm.host] ?? 0));
        vms.forEach((vm, row) => (input.tree.vms.cpu.demandMhz[row] = Math.min(vm.mhz, coreMhz[vm.host] ?? 0)));
        const { moves } = drsPass(input);
        if (moves.length === 0) return;
        assert.ok(pass < 10, "it does not come to rest");
        const layout = vms.map((vm) => vm.host).join();
        assert.ok(!been.has(layout), `${layout} comes twice`);
        been.add(layout);
        for (const { vm, to } of moves) vms = vms.map((each, row) => (row === vm ? { ...each, host: to } : each));
      }
    }),
    { numRuns: 300 },
  );
});

function loads(hosts: number, hostOf: readonly number[], { entitledMhz, entitledMb }: { readonly entitledMhz: Float64Array; readonly entitledMb: Float64Array }): number[] {
  return Array.from({ length: hosts }, (_, host) => {
    const sum = (of: Float64Array): number => hostOf.reduce((total, on, vm) => (on === host ? total + (of[vm] ?? 0) : total), 0);
    return Math.max(sum(entitledMhz) / HOST_MHZ, sum(entitledMb) / HOST_MB);
  });
}
