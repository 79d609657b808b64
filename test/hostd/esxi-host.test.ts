import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fromTimestamp } from "../../src/base/timestamp.js";
import { Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { EsxiFixture, FakeMachine, instant, isFault, vmKey } from "./esxi-fixture.js";
import { crxSpec, podUid } from "./vm-specs.js";

const { POWERED_OFF, POWERED_ON } = VirtualMachinePowerState;
const personality = (n: number, change: Partial<Personality> = {}): Personality => Personality.create({ podUid: podUid(n), namespace: "default", name: `web-${n}`, ...change });

describe("power-on of a CRX instance", () => {
  let fixture: EsxiFixture;
  beforeEach(async () => void (fixture = await new EsxiFixture({ vmxMs: 40, vmmMs: 10, kernelMs: 30, personalityMs: 20 }).boot()));
  afterEach(() => fixture.close());

  test("passes VMX, one VMM per vCPU, kernel, init waiting, personality, agent ready, each with its times", async () => {
    new FakeMachine(fixture.esxi).connect();
    const startMs = fixture.clock.nowMs();
    const created = await fixture.settle(fixture.host.createVm(crxSpec(1, { numCpus: 2 }), true));
    const times = created.phaseTimes.map((each) => [each.phase, each.startTime && fromTimestamp(each.startTime) - startMs]);
    // The commit before VMX takes no emulated time, but settling steps of 5 ms do.
    const beginMs = times[0]?.[1] as number;
    assert.deepEqual(times, [
      [VmPhase.VMX, beginMs],
      [VmPhase.VMM, beginMs + 40],
      [VmPhase.KERNEL, beginMs + 60],
      [VmPhase.INIT_WAITING, beginMs + 90],
    ]);
    assert.equal(created.phaseTimes.at(-1)?.endTime, undefined);
    const ready = await fixture.settle(fixture.host.configurePersonality(vmKey(1), personality(1)));
    assert.equal(ready.phase, VmPhase.AGENT_READY);
    assert.equal(ready.agentAddress, "127.0.0.1:9");
    assert.equal(ready.phaseTimes.length, 6);
    assert.deepEqual(fixture.facts.map((fact) => [fact.config.ownerUid, fact.endMs - fact.startMs, fact.fault]), [[podUid(1), 90, undefined]]);
  });

  test("without a machine process it ends Timedout, powered off, its reservation given back", async () => {
    const call = fixture.host.createVm(crxSpec(1), true);
    let settled = false;
    const done = (): void => void (settled = true);
    call.then(done, done);
    for (let round = 0; round < 5_000 && !settled; round += 1) {
      await fixture.clock.advance(5);
      await fixture.monotonic.advance(50);
    }
    await assert.rejects(call, isFault("timedout"));
    const vm = fixture.host.get(vmKey(1));
    assert.equal(vm.powerState, POWERED_OFF);
    assert.equal(vm.lastFault?.fault?.$case, "timedout");
    assert.equal(fixture.host.info().reservedMemoryMb, 0);
    assert.equal(fixture.facts[0]?.fault?.fault?.$case, "timedout");
  });

  test("an ordinary VM ends with RUNNING after VMM, and takes no personality", async () => {
    const spec = crxSpec(1, { guestId: "otherLinux64Guest", ownerUid: "", devices: [{ key: 1, backing: { $case: "other", value: "VirtualUSBController" } }] });
    const vm = await fixture.settle(fixture.host.createVm(spec, true));
    assert.deepEqual(vm.phaseTimes.map((each) => each.phase), [VmPhase.VMX, VmPhase.VMM, VmPhase.RUNNING]);
    await assert.rejects(fixture.host.configurePersonality(vmKey(1), personality(1)), isFault("notSupported"));
  });
});

describe("HostD", () => {
  let fixture: EsxiFixture;
  let machine: FakeMachine;
  beforeEach(async () => {
    fixture = await new EsxiFixture().boot();
    machine = new FakeMachine(fixture.esxi).connect();
  });
  afterEach(() => fixture.close());

  test("creates once by instance uuid: the same spec is answered as it is, another one is DuplicateName", async () => {
    const { host } = fixture;
    const [one, two] = await Promise.all([host.createVm(crxSpec(1), true), host.createVm(crxSpec(1), true)]);
    assert.deepEqual(one, two);
    assert.equal(one.powerOnCount, 1);
    await assert.rejects(host.createVm(crxSpec(1, { memoryMb: 1024 }), true), isFault("duplicateName"));
    assert.equal((await host.createVm(crxSpec(1), false)).phase, VmPhase.INIT_WAITING);
    assert.equal(host.vms().length, 1);
    await assert.rejects(fixture.otherHost.createVm(crxSpec(2, { uuid: crxSpec(1).uuid }), false), isFault("resourceInUse"));
  });

  test("admits by reservation and overhead", async () => {
    const { host } = fixture;
    await host.createVm(crxSpec(1, { cpuAllocation: { reservation: 3600, expandableReservation: undefined, limit: undefined, shares: undefined } }), true);
    await assert.rejects(
      host.createVm(crxSpec(2), true),
      isFault("insufficientHostCpuCapacityFault", ({ fault }) => assert.deepEqual(fault.fault?.value, { unreserved: 400, requested: 500, host: { type: "HostSystem", value: "ha-host" } })),
    );
    assert.equal(host.vms().length, 1, "a VM that is not admitted is not created");
    // Created without power it takes nothing, and is refused when the power is asked for.
    await host.createVm(crxSpec(3), false);
    await assert.rejects(host.powerOnVm(vmKey(3)), isFault("insufficientHostCpuCapacityFault"));
    const big = crxSpec(4, { memoryMb: 4096, memoryAllocation: { reservation: 4096, expandableReservation: undefined, limit: undefined, shares: undefined }, cpuAllocation: undefined });
    await assert.rejects(host.createVm(big, true), isFault("insufficientHostMemoryCapacityFault", ({ fault }) => assert.deepEqual(fault.fault?.value, { unreserved: 3790, requested: 4146, host: { type: "HostSystem", value: "ha-host" } })));
    await assert.rejects(host.createVm(crxSpec(5, { numCpus: 5 }), true), isFault("notEnoughCpus", ({ fault }) => assert.deepEqual(fault.fault?.value, { numCpuDest: 4, numCpuVm: 5 })));
    await host.powerOffVm(vmKey(1));
    assert.equal((await host.powerOnVm(vmKey(3))).powerState, POWERED_ON);
  });

  test("takes paravirtual devices only on a CRX", async () => {
    const disk = { capacityKb: 1n, uuid: "6000c29f", datastore: "d", controller: "lsilogic" };
    await assert.rejects(fixture.host.createVm(crxSpec(1, { devices: [{ key: 1, backing: { $case: "disk", value: disk } }] }), true), isFault("deviceNotSupported", (fault) => assert.equal(fault.field, "config.devices[0].disk.controller")));
    await assert.rejects(fixture.host.createVm(crxSpec(1, { devices: [{ key: 1, backing: { $case: "ethernetCard", value: { cardType: "e1000e", macAddress: "", network: "n" } } }] }), true), isFault("deviceNotSupported"));
    await assert.rejects(fixture.host.createVm(crxSpec(1, { devices: [{ key: 1, backing: { $case: "other", value: "VirtualUSBController" } }] }), true), isFault("deviceNotSupported"));
  });

  test("refuses what no VM can be made of, naming the field", async () => {
    const wrong: [Parameters<typeof crxSpec>[1], string][] = [
      [{ name: "" }, "config.name"],
      [{ instanceUuid: "x" }, "config.instance_uuid"],
      [{ uuid: "420D" }, "config.uuid"],
      [{ numCpus: 0 }, "config.num_cpus"],
      [{ memoryMb: 3 }, "config.memory_mb"],
      [{ memoryMb: 514 }, "config.memory_mb"],
      [{ overheadMemoryMb: -1 }, "config.overhead_memory_mb"],
    ];
    for (const [change, field] of wrong) await assert.rejects(fixture.host.createVm(crxSpec(1, change), true), isFault("invalidArgument", (fault) => assert.equal(fault.field, field)));
    await assert.rejects(fixture.host.createVm(undefined, true), isFault("invalidArgument"));
  });

  test("power operations in the wrong state, twice at once, or on a VM that is not there", async () => {
    const { host } = fixture;
    await host.createVm(crxSpec(1), false);
    await assert.rejects(host.powerOffVm(vmKey(1)), isFault("invalidPowerState", ({ fault }) => assert.deepEqual(fault.fault?.value, { requestedState: "poweredOff", existingState: "poweredOff" })));
    const first = host.powerOnVm(vmKey(1));
    await assert.rejects(host.powerOnVm(vmKey(1)), isFault("taskInProgress", ({ message }) => assert.match(message, /haTask-1-vim\.VirtualMachine\.powerOn-2/)));
    await assert.rejects(host.powerOffVm(vmKey(1)), isFault("taskInProgress"));
    await first;
    await assert.rejects(host.powerOnVm(vmKey(1)), isFault("invalidPowerState"));
    await assert.rejects(host.destroyVm(vmKey(1), false), isFault("invalidPowerState"));
    await host.destroyVm(vmKey(1), true);
    assert.equal(machine.orders.at(-1)?.$case, "kill");
    await assert.rejects(host.destroyVm(vmKey(1), true), isFault("managedObjectNotFound"));
    assert.throws(() => host.get({ key: undefined }), isFault("invalidArgument"));
  });

  test("a personality is its owner's, given once, and the same one again changes nothing", async () => {
    const { host } = fixture;
    await host.createVm(crxSpec(1), false);
    await assert.rejects(host.configurePersonality(vmKey(1), personality(1)), isFault("invalidPowerState"));
    await host.powerOnVm(vmKey(1));
    await assert.rejects(
      host.configurePersonality(vmKey(1), personality(2)),
      isFault("ownerMismatch", ({ fault }) => assert.deepEqual(fault.fault?.value, { vm: { type: "VirtualMachine", value: "1" }, requestedOwnerUid: podUid(2), existingOwnerUid: podUid(1) })),
    );
    await assert.rejects(host.configurePersonality(vmKey(1), undefined), isFault("invalidArgument"));
    const card = { mac: "04:50:56:00:90:0d", ip: "300.1.1.1", prefixLength: 24, gateway: "", attachmentId: "" };
    await assert.rejects(host.configurePersonality(vmKey(1), personality(1, { networkInterfaces: [card] })), isFault("invalidArgument", (fault) => assert.equal(fault.field, "personality.network_interfaces[0].ip")));
    const [one, two] = await Promise.all([host.configurePersonality(vmKey(1), personality(1)), host.configurePersonality(vmKey(1), personality(1))]);
    assert.deepEqual(one, two);
    assert.deepEqual(await host.configurePersonality(vmKey(1), personality(1)), one);
    await assert.rejects(host.configurePersonality(vmKey(1), personality(1, { hostname: "other" })), isFault("invalidState"));
    assert.equal(machine.orders.filter((order) => order.$case === "personality").length, 1);
    // A new life waits for a personality again, and may get another one.
    await host.powerOffVm(vmKey(1));
    assert.equal((await host.powerOnVm(vmKey(1))).personality, undefined);
    assert.equal((await host.configurePersonality(vmKey(1), personality(1, { hostname: "other" }))).phase, VmPhase.AGENT_READY);
  });

  test("the death of a guest powers its VM off and ends what waited for it", async () => {
    const { host, esxi } = fixture;
    await host.createVm(crxSpec(1), true);
    machine.answersPersonality = false;
    const waiting = host.configurePersonality(vmKey(1), personality(1));
    while (host.get(vmKey(1)).phase !== VmPhase.PERSONALITY) await fixture.clock.advance(0);
    const guest = { uuid: crxSpec(1).uuid, powerOnCount: 1 };
    await esxi.heard({ message: { $case: "died", value: { guest: { ...guest, powerOnCount: 7 }, reason: "of another life" } } });
    assert.equal(host.get(vmKey(1)).powerState, POWERED_ON);
    await Promise.all([
      assert.rejects(waiting, isFault("invalidState", ({ message }) => assert.equal(message, "The guest died: kernel panic"))),
      esxi.heard({ message: { $case: "died", value: { guest, reason: "kernel panic" } } }),
    ]);
    const vm = host.get(vmKey(1));
    assert.deepEqual([vm.powerState, vm.phase, vm.personality, vm.lastFault?.localizedMessage], [POWERED_OFF, VmPhase.OFF, undefined, "The guest died: kernel panic"]);
    assert.equal((await host.powerOnVm(vmKey(1))).lastFault, undefined);
  });

  test("after the channel broke, guests that are named live on, unknown ones are killed, lost ones boot again", async () => {
    const { host, esxi } = fixture;
    await host.createVm(crxSpec(1), true);
    await host.createVm(crxSpec(2), true);
    await host.configurePersonality(vmKey(2), personality(2));
    await machine.disconnect();
    const stranger = { uuid: crxSpec(9).uuid, powerOnCount: 1 };
    machine = new FakeMachine(esxi).connect([{ uuid: crxSpec(1).uuid, powerOnCount: 1 }, stranger]);
    while (host.get(vmKey(2)).phase !== VmPhase.INIT_WAITING) await fixture.clock.advance(0);
    assert.deepEqual(host.get(vmKey(1)).powerOnCount, 1);
    const second = host.get(vmKey(2));
    assert.deepEqual([second.powerOnCount, second.personality], [2, undefined]);
    assert.deepEqual(machine.orders.map((order) => [order.$case, order.value.guest]), [
      ["kill", stranger],
      ["boot", { uuid: crxSpec(2).uuid, powerOnCount: 2 }],
    ]);
    // A second machine process takes over from the first.
    new FakeMachine(esxi).connect([{ uuid: crxSpec(1).uuid, powerOnCount: 1 }, { uuid: crxSpec(2).uuid, powerOnCount: 2 }]);
    await machine.disconnect();
    assert.equal((await host.configurePersonality(vmKey(2), personality(2))).phase, VmPhase.AGENT_READY);
  });

  test("VMs survive on disk; after a restart they are off and ids go on", async () => {
    const { host } = fixture;
    await host.createVm(crxSpec(1), true);
    await host.configurePersonality(vmKey(1), personality(1));
    await host.createVm(crxSpec(2), false);
    await host.destroyVm(vmKey(2), false);
    const { bootId } = host.info();
    const token = fixture.esxi.changes.token(fixture.esxi.changes.revision);
    await fixture.stop();
    await fixture.boot();
    const found = fixture.host.get(vmKey(1));
    assert.deepEqual([found.vmId, found.powerState, found.phase, found.powerOnCount, found.personality, found.phaseTimes], ["1", POWERED_OFF, VmPhase.OFF, 1, undefined, []]);
    assert.notEqual(fixture.host.info().bootId, bootId);
    assert.throws(() => fixture.esxi.changes.position(token), isFault("invalidCollectorVersion"));
    new FakeMachine(fixture.esxi).connect();
    assert.equal((await fixture.host.createVm(crxSpec(1), true)).powerOnCount, 2, "the same create powers the VM it finds on");
    assert.equal((await fixture.host.createVm(crxSpec(3), false)).vmId, "3");
  });

  test("a locked directory is one clear line", async () => {
    await assert.rejects(
      new EsxiFixture(instant, fixture.directory).boot(),
      (error: Error) => error.name === "UserError" && error.message === `hostd: ${fixture.directory} is locked by another process`,
    );
  });

  test("shutting down ends calls with HostNotReachable", async () => {
    machine.answersBoot = false;
    const call = fixture.host.createVm(crxSpec(1), true);
    while (fixture.host.vms()[0]?.phase !== VmPhase.KERNEL) await fixture.clock.advance(0);
    fixture.esxi.powerDown();
    await assert.rejects(call, isFault("hostNotReachable"));
  });
});
