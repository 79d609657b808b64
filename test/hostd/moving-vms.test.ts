import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fromTimestamp } from "../../src/base/timestamp.js";
import { VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { type VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { EsxiFixture, FakeMachine, instant, isFault, vmKey } from "./esxi-fixture.js";
import { crxSpec } from "./vm-specs.js";

const { POWERED_OFF, POWERED_ON } = VirtualMachinePowerState;

/** The n-th ordinary VM: 500 MHz, 512 MB and 23 MB of overhead. */
function vmSpec(n: number, change: Partial<VirtualMachineConfigSpec> = {}): VirtualMachineConfigSpec {
  return crxSpec(n, { guestId: "otherLinux64Guest", ownerUid: "", devices: [], ...change });
}

function reservation(amount: number): VirtualMachineConfigSpec["cpuAllocation"] {
  return { reservation: amount, expandableReservation: undefined, limit: undefined, shares: undefined };
}

let fixture: EsxiFixture;
const start = async (durations = instant): Promise<void> => void (fixture = await new EsxiFixture(durations).boot());
beforeEach(() => start());
afterEach(() => fixture.close());

describe("ResetVm", () => {
  test("an ordinary VM boots again from VMM on, keeps what it reserves, and its number is on disk", async () => {
    await fixture.close();
    await start({ vmxMs: 40, vmmMs: 10, kernelMs: 0, personalityMs: 0 });
    await fixture.settle(fixture.host.createVm(vmSpec(1, { numCpus: 2 }), true));
    const before = fixture.host.info();
    const reset = await fixture.settle(fixture.host.resetVm(vmKey(1)));
    assert.deepEqual([reset.powerState, reset.powerOnCount, reset.phaseTimes.map((each) => each.phase)], [POWERED_ON, 2, [VmPhase.VMM, VmPhase.RUNNING]]);
    const [vmm] = reset.phaseTimes;
    assert.equal(vmm?.endTime && vmm.startTime && fromTimestamp(vmm.endTime) - fromTimestamp(vmm.startTime), 20);
    assert.deepEqual(fixture.host.info(), before);
    await fixture.stop();
    await fixture.boot();
    assert.deepEqual([fixture.host.get(vmKey(1)).powerOnCount, fixture.host.get(vmKey(1)).powerState], [2, POWERED_OFF]);
  });

  test("a CRX instance loses guest and personality, and its kernel is loaded again", async () => {
    const machine = new FakeMachine(fixture.esxi).connect();
    await fixture.host.createVm(crxSpec(1), true);
    const reset = await fixture.host.resetVm(vmKey(1));
    assert.deepEqual([reset.phase, reset.powerOnCount, reset.personality, reset.agentAddress], [VmPhase.INIT_WAITING, 2, undefined, ""]);
    const { uuid } = crxSpec(1);
    assert.deepEqual(machine.orders.map((order) => [order.$case, order.value.guest]), [
      ["boot", { uuid, powerOnCount: 1 }],
      ["kill", { uuid, powerOnCount: 1 }],
      ["boot", { uuid, powerOnCount: 2 }],
    ]);
  });

  test("one that is off, busy or unknown is not reset", async () => {
    await fixture.host.createVm(vmSpec(1), false);
    await assert.rejects(fixture.host.resetVm(vmKey(1)), isFault("invalidPowerState", ({ fault }) => assert.deepEqual(fault.fault?.value, { requestedState: "poweredOn", existingState: "poweredOff" })));
    const starting = fixture.host.powerOnVm(vmKey(1));
    await assert.rejects(fixture.host.resetVm(vmKey(1)), isFault("taskInProgress"));
    await starting;
    const resetting = fixture.host.resetVm(vmKey(1));
    await assert.rejects(fixture.host.powerOffVm(vmKey(1)), isFault("taskInProgress", ({ message }) => assert.match(message, /vim\.VirtualMachine\.reset-/)));
    await resetting;
    await assert.rejects(fixture.host.resetVm(vmKey(2)), isFault("managedObjectNotFound"));
  });
});

describe("ReconfigureVm", () => {
  test("a running VM reserves more where the host has it, also after a restart; CPUs and memory wait for power-off", async () => {
    const { host } = fixture;
    await host.createVm(vmSpec(1), true);
    await host.createVm(vmSpec(2), true);
    const more = vmSpec(1, { cpuAllocation: reservation(3000) });
    assert.equal((await host.reconfigureVm(vmKey(1), more)).config?.cpuAllocation?.reservation, 3000);
    assert.equal(host.info().reservedCpuMhz, 3500);
    const { revision } = host.get(vmKey(1));
    assert.equal((await host.reconfigureVm(vmKey(1), more)).revision, revision, "the same again changes nothing");
    await assert.rejects(
      host.reconfigureVm(vmKey(1), vmSpec(1, { cpuAllocation: reservation(3600) })),
      isFault("insufficientHostCpuCapacityFault", ({ fault }) => assert.deepEqual(fault.fault?.value, { unreserved: 3500, requested: 3600, host: { type: "HostSystem", value: "ha-host" } })),
    );
    assert.equal(host.info().reservedCpuMhz, 3500, "a refusal changes nothing");
    for (const change of [{ numCpus: 2 }, { memoryMb: 1024 }]) await assert.rejects(host.reconfigureVm(vmKey(1), { ...more, ...change }), isFault("invalidPowerState"));
    await host.powerOffVm(vmKey(1));
    assert.equal(host.info().reservedCpuMhz, 500, "what it reserved last is given back");
    await host.reconfigureVm(vmKey(1), { ...more, numCpus: 4 });
    await fixture.stop();
    await fixture.boot();
    assert.deepEqual([fixture.host.get(vmKey(1)).config?.numCpus, fixture.host.get(vmKey(1)).config?.cpuAllocation?.reservation], [4, 3000]);
  });

  test("another VM's uuids, a specification no VM can have, and CRX instances are refused", async () => {
    const { host } = fixture;
    new FakeMachine(fixture.esxi).connect();
    await host.createVm(vmSpec(1), false);
    await host.createVm(crxSpec(2), false);
    const wrong: [Partial<VirtualMachineConfigSpec>, string][] = [
      [{ instanceUuid: vmSpec(3).instanceUuid }, "config.instance_uuid"],
      [{ uuid: vmSpec(3).uuid }, "config.uuid"],
      [{ ownerUid: "somebody" }, "config.owner_uid"],
      [{ numCpus: 0 }, "config.num_cpus"],
      [{ memoryMb: 513 }, "config.memory_mb"],
      [{ cpuAllocation: reservation(-1) }, "config.cpu_allocation.reservation"],
    ];
    for (const [change, field] of wrong) await assert.rejects(host.reconfigureVm(vmKey(1), vmSpec(1, change)), isFault("invalidArgument", (fault) => assert.equal(fault.field, field)));
    await assert.rejects(host.reconfigureVm(vmKey(1), undefined), isFault("invalidArgument"));
    await assert.rejects(host.reconfigureVm(vmKey(2), crxSpec(2)), isFault("notSupported"));
    await assert.rejects(host.reconfigureVm(vmKey(1), vmSpec(1, { guestId: "crxPod1Guest" })), isFault("notSupported"));
    await assert.rejects(host.reconfigureVm(vmKey(9), vmSpec(9)), isFault("managedObjectNotFound"));
  });
});

describe("ReceiveVm and ReleaseVm", () => {
  test("a running VM goes on on another host of the same process, under the same uuids, without a boot", async () => {
    const { host, otherHost } = fixture;
    await host.createVm(vmSpec(1), true);
    const received = await otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 });
    assert.deepEqual([received.powerState, received.powerOnCount, received.phaseTimes.map((each) => each.phase)], [POWERED_ON, 1, [VmPhase.RUNNING]]);
    assert.deepEqual([host.info().reservedCpuMhz, otherHost.info().reservedCpuMhz], [500, 500], "both keep capacity");
    const again = await otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 });
    assert.deepEqual(again, received);
    await host.releaseVm(vmKey(1));
    assert.deepEqual([host.info().reservedCpuMhz, host.vms()], [0, []]);
    await assert.rejects(host.releaseVm(vmKey(1)), isFault("managedObjectNotFound"));
    assert.equal(otherHost.get({ key: { $case: "uuid", value: vmSpec(1).uuid } }).vmId, received.vmId);
    await otherHost.powerOffVm(vmKey(1));
    assert.equal(otherHost.info().reservedCpuMhz, 0);
    assert.equal((await otherHost.powerOnVm(vmKey(1))).powerOnCount, 2);
  });

  test("two calls at once receive one VM", async () => {
    const wanted = { config: vmSpec(1), poweredOn: true, powerOnCount: 3 };
    const [one, two] = await Promise.all([fixture.otherHost.receiveVm(wanted), fixture.otherHost.receiveVm(wanted)]);
    assert.deepEqual(one, two);
    assert.equal(fixture.otherHost.info().reservedCpuMhz, 500);
  });

  test("a release that comes while the VM is still being received takes that one away", async () => {
    const receiving = fixture.otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 });
    await fixture.otherHost.releaseVm(vmKey(1));
    await receiving;
    assert.deepEqual([fixture.otherHost.vms(), fixture.otherHost.info().reservedCpuMhz], [[], 0]);
  });

  test("the process dies after the target received it, or after the source released it: on disk stands what was answered", async () => {
    await fixture.host.createVm(vmSpec(1), true);
    await fixture.otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 });
    await fixture.stop();
    await fixture.boot();
    assert.deepEqual([fixture.host.vms().length, fixture.otherHost.vms().length], [1, 1]);
    // The guest was lost with its host; the source, had it lived, still has it.
    const again = await fixture.otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 });
    assert.deepEqual([again.powerState, again.powerOnCount, fixture.otherHost.info().reservedCpuMhz], [POWERED_ON, 1, 500]);
    await fixture.host.releaseVm(vmKey(1));
    await fixture.stop();
    await fixture.boot();
    assert.deepEqual([fixture.host.vms().length, fixture.otherHost.vms().map((vm) => vm.powerState)], [0, [POWERED_OFF]]);
    assert.equal((await fixture.otherHost.createVm(vmSpec(2), false)).vmId, "2", "ids go on");
  });

  test("the receiving host admits; one that is off needs nothing; what is there already must be the same", async () => {
    const { otherHost } = fixture;
    await otherHost.createVm(vmSpec(9, { cpuAllocation: reservation(3800) }), true);
    await assert.rejects(
      otherHost.receiveVm({ config: vmSpec(1), poweredOn: true, powerOnCount: 1 }),
      isFault("insufficientHostCpuCapacityFault", ({ fault }) => assert.deepEqual(fault.fault?.value, { unreserved: 200, requested: 500, host: { type: "HostSystem", value: "ha-host" } })),
    );
    await assert.rejects(otherHost.receiveVm({ config: vmSpec(2, { numCpus: 5 }), poweredOn: true, powerOnCount: 1 }), isFault("notEnoughCpus"));
    assert.equal(otherHost.vms().length, 1, "what is not admitted is not received");
    assert.equal((await otherHost.receiveVm({ config: vmSpec(1), poweredOn: false, powerOnCount: 4 })).powerOnCount, 4);
    await assert.rejects(otherHost.receiveVm({ config: vmSpec(1, { name: "other" }), poweredOn: false, powerOnCount: 4 }), isFault("duplicateName"));
    await assert.rejects(otherHost.receiveVm({ config: vmSpec(9, { cpuAllocation: reservation(3800) }), poweredOn: false, powerOnCount: 1 }), isFault("invalidPowerState"));
    await assert.rejects(otherHost.receiveVm({ config: vmSpec(3, { uuid: vmSpec(1).uuid }), poweredOn: false, powerOnCount: 1 }), isFault("resourceInUse"));
  });

  test("a CRX instance never moves, and nonsense is refused by its field", async () => {
    new FakeMachine(fixture.esxi).connect();
    await fixture.host.createVm(crxSpec(1), true);
    await assert.rejects(fixture.otherHost.receiveVm({ config: crxSpec(1), poweredOn: true, powerOnCount: 1 }), isFault("notSupported"));
    await assert.rejects(fixture.host.releaseVm(vmKey(1)), isFault("notSupported"));
    await assert.rejects(fixture.otherHost.receiveVm({ config: undefined, poweredOn: true, powerOnCount: 1 }), isFault("invalidArgument", (fault) => assert.equal(fault.field, "config")));
    await assert.rejects(fixture.otherHost.receiveVm({ config: vmSpec(2), poweredOn: true, powerOnCount: -1 }), isFault("invalidArgument", (fault) => assert.equal(fault.field, "power_on_count")));
    await fixture.host.createVm(vmSpec(3), false);
    const starting = fixture.host.powerOnVm(vmKey(3));
    await assert.rejects(fixture.host.releaseVm(vmKey(3)), isFault("taskInProgress"));
    await starting;
  });
});
