import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import type { GuestKey } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { HostVm, Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { GuestHeartbeats } from "../../src/hostd/guest-heartbeats.js";
import { PowerLife } from "../../src/hostd/power-life.js";
import { VirtualMachine } from "../../src/hostd/virtual-machine.js";
import { EsxiFixture, FakeMachine, vmKey } from "./esxi-fixture.js";
import { crxSpec, podUid } from "./vm-specs.js";

const { GRAY, GREEN, YELLOW, RED } = ManagedEntityStatus;
const guest = (n: number, powerOnCount = 1): GuestKey => ({ uuid: crxSpec(n).uuid, powerOnCount });

describe("the heartbeat of guests", () => {
  let fixture: EsxiFixture;
  let machine: FakeMachine;
  beforeEach(async () => {
    fixture = await new EsxiFixture().boot();
    machine = new FakeMachine(fixture.esxi).connect();
  });
  afterEach(() => fixture.close());

  const status = (n: number): ManagedEntityStatus => fixture.host.get(vmKey(n)).guestHeartbeatStatus;
  const beat = (...guests: GuestKey[]): Promise<void> => fixture.esxi.heard({ message: { $case: "heartbeat", value: { guests } } });

  test("green from init's first word, yellow 15 s after the last beat, red after 30, green with the next one", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    assert.equal(status(1), GREEN);
    // The worked example: the beats at 0 and 5 s, then none.
    await fixture.monotonic.advance(5_000);
    await beat(guest(1));
    const seen = new Map<number, ManagedEntityStatus>();
    for (let second = 6; second <= 40; second += 1) {
      await fixture.monotonic.advance(1_000);
      if (status(1) !== [...seen.values()].at(-1)) seen.set(second, status(1));
    }
    assert.deepEqual([...seen], [[6, GREEN], [20, YELLOW], [35, RED]]);
    assert.equal(fixture.host.get(vmKey(1)).powerState, VirtualMachinePowerState.POWERED_ON, "HostD leaves a guest that hangs as it is");
    await beat(guest(1));
    assert.equal(status(1), GREEN);
  });

  test("only a change of colour is told, to watches; each VM goes by its own guest", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    await fixture.host.createVm(crxSpec(2), true);
    const { changes } = fixture.esxi;
    const before = changes.revision;
    for (let round = 0; round < 8; round += 1) {
      await fixture.monotonic.advance(5_000);
      await beat(guest(1));
    }
    assert.deepEqual([status(1), status(2)], [GREEN, RED]);
    assert.equal(changes.revision - before, 2n, "yellow and red of one VM");
    assert.deepEqual([changes.after(before)?.vm.config?.name, changes.after(before)?.vm.guestHeartbeatStatus], ["web-2", YELLOW]);
  });

  test("gray where no init runs: powered off, kernel boots, an ordinary VM; a beat of a former life counts for nothing", async () => {
    await fixture.host.createVm(crxSpec(1), false);
    assert.equal(status(1), GRAY);
    machine.answersBoot = false;
    const booting = fixture.host.powerOnVm(vmKey(1));
    while (machine.orders.length === 0) await fixture.clock.advance(0);
    await fixture.monotonic.advance(60_000);
    await beat(guest(1));
    assert.equal(status(1), GRAY);
    await fixture.esxi.heard({ message: { $case: "initWaiting", value: { guest: guest(1) } } });
    await booting;
    assert.equal(status(1), GREEN, "a boot that took long is not held against it");
    await fixture.monotonic.advance(5_000);
    assert.equal(status(1), GREEN);
    await fixture.monotonic.advance(30_000);
    assert.equal(status(1), RED);
    await beat(guest(1, 7));
    assert.equal(status(1), RED);
    await fixture.host.powerOffVm(vmKey(1));
    assert.equal(status(1), GRAY);
    await fixture.host.createVm(crxSpec(2, { guestId: "otherLinux64Guest", ownerUid: "" }), true);
    await fixture.monotonic.advance(60_000);
    assert.equal(status(2), GRAY);
  });

  test("a guest that is reset, or lost with its machine process, begins with a new heart", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    await fixture.monotonic.advance(40_000);
    assert.equal(status(1), RED);
    await fixture.host.resetVm(vmKey(1));
    assert.equal(status(1), GREEN);
    await fixture.monotonic.advance(10_000);
    assert.equal(status(1), GREEN);
    await fixture.monotonic.advance(40_000);
    assert.equal(status(1), RED);
    await machine.disconnect();
    machine = new FakeMachine(fixture.esxi).connect();
    while (fixture.host.get(vmKey(1)).powerOnCount !== 3 || status(1) !== GREEN) await fixture.clock.advance(0);
    await fixture.monotonic.advance(10_000);
    assert.equal(status(1), GREEN);
  });

  test("a machine process that is away leaves hearts unheard; one that comes back has said nothing of them yet", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    await fixture.host.configurePersonality(vmKey(1), Personality.create({ podUid: podUid(1), name: "web-1" }));
    await machine.disconnect();
    await fixture.monotonic.advance(40_000);
    assert.equal(status(1), RED);
    machine = new FakeMachine(fixture.esxi).connect([guest(1)]);
    assert.equal(status(1), RED);
    await beat(guest(1));
    assert.deepEqual([status(1), fixture.host.get(vmKey(1)).powerOnCount], [GREEN, 1]);
  });

  test("a jump of the emulated clock is no death", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    await fixture.clock.advance(86_400_000);
    assert.equal(status(1), GREEN);
  });

  test("after a restart of the hosts the colour on disk counts for nothing", async () => {
    await fixture.host.createVm(crxSpec(1), true);
    await fixture.host.configurePersonality(vmKey(1), Personality.create({ podUid: podUid(1), name: "web-1" }));
    await fixture.stop();
    await fixture.boot();
    assert.equal(status(1), GRAY);
  });
});

/** A clock whose process can be stopped: time goes on, and timers fire late. */
class PausedClock extends ManualClock {
  #pausedMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.#pausedMs;
  }

  pause(ms: number): void {
    this.#pausedMs += ms;
  }
}

test("a process that stood still has not seen its guests die", async () => {
  const clock = new PausedClock();
  const vm = new VirtualMachine(HostVm.create({ config: crxSpec(1), phase: VmPhase.AGENT_READY, guestHeartbeatStatus: GREEN }));
  vm.life = new PowerLife();
  const hearts = new GuestHeartbeats({ monotonic: clock, vms: () => [{ vm }], find: () => vm, changed: (changed, guestHeartbeatStatus) => void (changed.state = { ...changed.state, guestHeartbeatStatus }) });
  await clock.advance(4_000);
  hearts.beat([guest(1)]);
  clock.pause(3_600_000);
  await clock.advance(14_000);
  assert.equal(vm.state.guestHeartbeatStatus, GREEN);
  await clock.advance(5_000);
  assert.equal(vm.state.guestHeartbeatStatus, YELLOW);
  hearts.close();
  assert.equal(clock.waiting, 0);
});
