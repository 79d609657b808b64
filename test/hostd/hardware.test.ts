import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type HostHardware, HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { type HostVm, Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { PhysicalHost } from "../../src/hostd/hardware/physical-host.js";
import { EsxiFixture, FakeMachine, instant, isFault, vmKey } from "./esxi-fixture.js";
import { crxSpec, podUid } from "./vm-specs.js";

const NAME = "esxi-01.spheresim.test";
const OTHER = "esxi-02.spheresim.test";
const { POWERED_OFF, POWERED_ON } = VirtualMachinePowerState;
const personality = Personality.create({ podUid: podUid(1), namespace: "default", name: "web-1" });
const ordinary = crxSpec(1, { guestId: "otherLinux64Guest", ownerUid: "" });

let fixture: EsxiFixture;
let machine: FakeMachine;

const rack = (): typeof fixture.esxi.rack => fixture.esxi.rack;
const physical = (name = NAME): PhysicalHost => fixture.esxi.hosts.get(name) as PhysicalHost;

/** What a caller of HostService meets. */
const call = {
  create: () => physical().answering((host) => host.createVm(crxSpec(1), true)),
  createOrdinary: () => physical().answering((host) => host.createVm(ordinary, true)),
  personality: () => physical().answering((host) => host.configurePersonality(vmKey(1), personality)),
  powerOn: () => physical().answering((host) => host.powerOnVm(vmKey(1))),
};

const guest = { uuid: crxSpec(1).uuid, powerOnCount: 1 };

/** Brings a VM into a phase, and answers the call that is under way there; in an array, so that nobody waits for it. */
async function enter(phase: keyof typeof PHASES): Promise<readonly Promise<HostVm>[]> {
  machine.answersBoot = phase !== "KERNEL";
  machine.answersPersonality = phase !== "PERSONALITY";
  let under: Promise<HostVm> | undefined;
  if (PHASES[phase].under === "create") under = call.create();
  else await fixture.settle(phase === "RUNNING" ? call.createOrdinary() : call.create());
  if (phase === "PERSONALITY") under = call.personality();
  if (phase === "AGENT_READY") await fixture.settle(call.personality());
  under?.catch(() => undefined);
  while (fixture.host.vms()[0]?.phase !== VmPhase[phase]) await fixture.clock.advance(5);
  // The kernel is loaded and the guest was told to boot, but says nothing.
  if (phase === "KERNEL" || phase === "PERSONALITY") await fixture.clock.advance(100);
  return under === undefined ? [] : [under];
}

/** Which call is under way in a phase, whether a guest runs, and where the VM is when time has passed. */
const PHASES = {
  VMX: { under: "create", booted: false, later: VmPhase.INIT_WAITING },
  VMM: { under: "create", booted: false, later: VmPhase.INIT_WAITING },
  KERNEL: { under: "create", booted: true, later: VmPhase.INIT_WAITING },
  INIT_WAITING: { under: undefined, booted: true, later: VmPhase.INIT_WAITING },
  PERSONALITY: { under: "personality", booted: true, later: VmPhase.AGENT_READY },
  AGENT_READY: { under: undefined, booted: true, later: VmPhase.AGENT_READY },
  RUNNING: { under: undefined, booted: false, later: VmPhase.RUNNING },
} as const;

const CUTS = {
  "its HostD does not run": (away: boolean): Promise<HostHardware> => rack().setService(NAME, HostServiceKey.HOSTD, !away),
  "its network cable is unplugged": (away: boolean): Promise<HostHardware> => rack().setNetwork(NAME, !away),
};

const unreachable = (why: string): ((error: unknown) => boolean) => isFault("hostNotReachable", ({ message }) => assert.equal(message, `The remote host ${NAME} is not reachable: ${why}.`));

describe("in each phase of a power-on", () => {
  beforeEach(async () => {
    fixture = await new EsxiFixture({ vmxMs: 40, vmmMs: 10, kernelMs: 30, personalityMs: 20 }).boot();
    machine = new FakeMachine(fixture.esxi).connect();
  });
  afterEach(() => fixture.close());

  for (const phase of Object.keys(PHASES) as (keyof typeof PHASES)[]) {
    const { booted, later, under } = PHASES[phase];

    test(`${phase}: without power the guest is gone at once and its call ended; the disk is there at the next boot, and the VM off`, async () => {
      const [underWay] = await enter(phase);
      const bootId = physical().state.bootId;
      const dark = await rack().setPower(NAME, false);
      assert.deepEqual([dark.poweredOn, dark.bootId, dark.bootTime], [false, "", undefined]);
      if (underWay !== undefined) await assert.rejects(underWay, unreachable("it has no power"));
      assert.equal(machine.orders.some(({ $case }) => $case === "kill"), booted);
      await assert.rejects(call.powerOn(), unreachable("it has no power"));
      await fixture.clock.advance(1_000);

      const again = await rack().setPower(NAME, true);
      assert.ok(again.bootId !== bootId && again.bootId !== "");
      const vm = fixture.host.get(vmKey(1));
      assert.deepEqual([vm.powerState, vm.phase, vm.personality, vm.agentAddress, vm.powerOnCount], [POWERED_OFF, VmPhase.OFF, undefined, "", 1]);
      assert.equal(fixture.host.info().reservedMemoryMb, 0);
      machine.answersBoot = true;
      const on = await fixture.settle(call.powerOn());
      assert.deepEqual([on.powerState, on.powerOnCount, on.phase], [POWERED_ON, 2, phase === "RUNNING" ? VmPhase.RUNNING : VmPhase.INIT_WAITING]);
    });

    for (const [why, cut] of Object.entries(CUTS)) {
      test(`${phase}: where ${why} the call ends, the VM goes on, and asking again tells what came of it`, async () => {
        const [underWay] = await enter(phase);
        await cut(true);
        if (underWay !== undefined) await assert.rejects(underWay, unreachable(why));
        await assert.rejects(call.create(), unreachable(why));
        assert.throws(() => physical().hostd(), unreachable(why));
        if (phase === "KERNEL") await fixture.esxi.heard({ message: { $case: "initWaiting", value: { guest } } });
        if (phase === "PERSONALITY") await fixture.esxi.heard({ message: { $case: "agentReady", value: { guest, agentAddress: "127.0.0.1:9" } } });
        for (let passedMs = 0; passedMs < 500; passedMs += 5) await fixture.clock.advance(5);
        await cut(false);
        const vm = await fixture.settle(under === "personality" ? call.personality() : phase === "RUNNING" ? call.createOrdinary() : call.create());
        assert.deepEqual([vm.powerState, vm.phase, vm.powerOnCount], [POWERED_ON, later, 1]);
        assert.equal(machine.orders.filter(({ $case }) => $case === "kill").length, 0);
        assert.equal(machine.orders.filter(({ $case }) => $case === "boot").length, phase === "RUNNING" ? 0 : 1);
      });
    }
  }

  test("a guest that dies while HostD is down is found out when it is back", async () => {
    void (await enter("AGENT_READY"));
    await rack().setService(NAME, HostServiceKey.HOSTD, false);
    await fixture.esxi.heard({ message: { $case: "died", value: { guest, reason: "kernel panic" } } });
    await rack().setService(NAME, HostServiceKey.HOSTD, true);
    const vm = fixture.host.get(vmKey(1));
    assert.deepEqual([vm.powerState, vm.lastFault?.localizedMessage], [POWERED_OFF, "The guest died: kernel panic"]);
  });

  test("a host without VMs that comes back names no change of another host that watchers are not told of", async () => {
    void (await enter("AGENT_READY"));
    const told = fixture.esxi.changes.revision;
    await rack().setNetwork(NAME, false);
    await fixture.esxi.heard({ message: { $case: "died", value: { guest, reason: "kernel panic" } } });
    assert.ok(fixture.esxi.changes.revision > told, "the guest's death is a change, and withheld");
    await rack().setNetwork(OTHER, false);
    await rack().setNetwork(OTHER, true);
    assert.ok((physical(OTHER).presence()?.revision ?? 0n) <= told, "who waits for a revision that is never told waits for ever");
  });

  test("the other host is not touched", async () => {
    await fixture.settle(physical(OTHER).answering((host) => host.createVm(crxSpec(2), true)));
    const before = physical(OTHER).presence();
    void (await enter("AGENT_READY"));
    await rack().setPower(NAME, false);
    assert.equal(fixture.otherHost.get(vmKey(2)).powerState, POWERED_ON);
    assert.deepEqual(physical(OTHER).presence()?.info.bootId, before?.info.bootId);
  });
});

describe("the rack", () => {
  beforeEach(async () => {
    fixture = await new EsxiFixture(instant).boot();
    machine = new FakeMachine(fixture.esxi).connect();
  });
  afterEach(() => fixture.close());

  const spec = { name: "esxi-09.spheresim.test", cores: 8, cpuMhz: 2000, memoryMb: 8192, labels: { zone: "c" } };
  /** The next process with the same disk. */
  const restart = async (): Promise<void> => {
    await fixture.stop();
    await fixture.boot();
    machine = new FakeMachine(fixture.esxi).connect();
  };

  test("everything that was done to a host is on disk: the next process finds it so", async () => {
    await rack().add(spec);
    await physical(spec.name).answering((host) => host.createVm(crxSpec(3), false));
    await rack().setPower(NAME, false);
    await rack().setNetwork(OTHER, false);
    await rack().setService(OTHER, HostServiceKey.SPHERELET, false);
    await rack().setService(OTHER, HostServiceKey.HOSTD, false);
    await restart();
    const stand = ({ poweredOn, networkConnected, stoppedServices, added, labels }: HostHardware): unknown[] => [poweredOn, networkConnected, stoppedServices, added, labels];
    assert.deepEqual(rack().list().map(stand), [
      [false, true, [], false, {}],
      [true, false, [HostServiceKey.HOSTD, HostServiceKey.SPHERELET], false, {}],
      [true, true, [], true, spec.labels],
    ]);
    assert.equal(physical(spec.name).hostd().vms().length, 1);
    assert.deepEqual([physical().reach.isThere, physical(OTHER).reach.isThere], [false, false]);
    // A boot starts every service.
    await rack().setPower(OTHER, false);
    assert.deepEqual((await rack().setPower(OTHER, true)).stoppedServices, []);
  });

  test("a host taken out leaves nothing: its name can be had by other hardware, with an empty disk", async () => {
    await rack().add(spec);
    await physical(spec.name).answering((host) => host.createVm(crxSpec(3), false));
    await rack().setPower(spec.name, false);
    await rack().remove(spec.name);
    await restart();
    assert.equal(fixture.esxi.hosts.has(spec.name), false);
    await rack().add({ ...spec, cores: 16 });
    assert.equal(physical(spec.name).hostd().vms().length, 0);
    assert.equal((await physical(spec.name).answering((host) => host.createVm(crxSpec(4), false))).vmId, "1");
  });

  test("virtual machines are listed in order of creation after a boot, too", async () => {
    for (const n of [3, 1, 2]) await physical().answering((host) => host.createVm(crxSpec(n), false));
    await rack().setPower(NAME, false);
    await rack().setPower(NAME, true);
    assert.deepEqual(physical().hostd().vms().map((vm) => vm.config?.name), ["web-3", "web-1", "web-2"]);
  });

  test("what is so already is answered as it is, and nothing is told", async () => {
    await rack().add(spec);
    const { revision } = rack().changes;
    const bootId = physical().state.bootId;
    await rack().setPower(NAME, true);
    await rack().setNetwork(NAME, true);
    await rack().setService(NAME, HostServiceKey.SPHERELET, true);
    await rack().add({ ...spec });
    assert.equal(rack().changes.revision, revision);
    assert.equal(physical().state.bootId, bootId);
  });

  test("many that pull and plug at once: each has its turn, and the last one counts", async () => {
    const turns = Array.from({ length: 20 }, (_, turn) => rack().setPower(NAME, turn % 2 === 1));
    await Promise.all(turns);
    assert.equal(physical().state.poweredOn, true);
    assert.equal(physical().reach.times, 11);
    await fixture.settle(call.create());
  });

  test("an instance whose uuid another host got while this one had no power cannot start beside it", async () => {
    await fixture.settle(call.create());
    await rack().setPower(NAME, false);
    await fixture.settle(physical(OTHER).answering((host) => host.createVm(crxSpec(2, { uuid: crxSpec(1).uuid }), true)));
    await rack().setPower(NAME, true);
    await assert.rejects(call.powerOn(), isFault("resourceInUse"));
    await physical(OTHER).answering((host) => host.destroyVm(vmKey(2), true));
    assert.equal((await fixture.settle(call.powerOn())).powerState, POWERED_ON);
  });
});
