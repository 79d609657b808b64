import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RpcCode } from "../../src/base/rpc-error.js";
import { Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import type { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { refusal } from "../vcenter/refusal.js";
import { crx, HOST, ordinary, personality, PoweredVm, vm } from "./powered-vm.js";
import { crxSpec, podUid } from "./vm-specs.js";

type Fault = NonNullable<MethodFault["fault"]>;
/** What a method answers: `ok` where the state is right for it, which other tests show; `same` where it is answered by the VM as it is. */
type Answer = "ok" | "same" | Fault;

const authority = { authority: HOST };
const off: Fault = { $case: "invalidPowerState", value: { requestedState: "poweredOff", existingState: "poweredOff" } };
const mustBeOn: Fault = { $case: "invalidPowerState", value: { requestedState: "poweredOn", existingState: "poweredOff" } };
const on: Fault = { $case: "invalidPowerState", value: { requestedState: "poweredOn", existingState: "poweredOn" } };
const mustBeOff: Fault = { $case: "invalidPowerState", value: { requestedState: "poweredOff", existingState: "poweredOn" } };
const notSupported: Fault = { $case: "notSupported", value: {} };
const invalidState: Fault = { $case: "invalidState", value: {} };
const exists: Fault = { $case: "duplicateName", value: { name: "web-1", object: { type: "VirtualMachine", value: "1" } } };
const other: Fault = { $case: "ownerMismatch", value: { vm: { type: "VirtualMachine", value: "1" }, requestedOwnerUid: podUid(2), existingOwnerUid: podUid(1) } };
const busy = (task: string): Fault => ({ $case: "taskInProgress", value: { task: { type: "Task", value: `haTask-1-vim.${task}` } } });
const creating = busy("ResourcePool.createVm-1");
const configuring = busy("VirtualMachine.reconfigure-2");

const CODES: Readonly<Partial<Record<Fault["$case"], RpcCode>>> = {
  invalidPowerState: RpcCode.FAILED_PRECONDITION,
  invalidState: RpcCode.FAILED_PRECONDITION,
  notSupported: RpcCode.FAILED_PRECONDITION,
  ownerMismatch: RpcCode.FAILED_PRECONDITION,
  duplicateName: RpcCode.ALREADY_EXISTS,
  taskInProgress: RpcCode.ABORTED,
};

/** Every way to change a VM, as a call on the VM that is there. */
const METHODS: Readonly<Record<string, (world: PoweredVm, config: VirtualMachineConfigSpec) => Promise<unknown>>> = {
  PowerOnVm: ({ host }) => host.powerOnVm({ requestId: "", vm }, authority),
  PowerOffVm: ({ host }) => host.powerOffVm({ requestId: "", vm }, authority),
  ResetVm: ({ host }) => host.resetVm({ requestId: "", vm }, authority),
  "ReconfigureVm cpus": ({ host }, config) => host.reconfigureVm({ requestId: "", vm, config: { ...config, numCpus: 2 } }, authority),
  "ReceiveVm on": ({ host }, config) => host.receiveVm({ requestId: "", config, poweredOn: true, powerOnCount: 1 }, authority),
  "ReceiveVm off": ({ host }, config) => host.receiveVm({ requestId: "", config, poweredOn: false, powerOnCount: 1 }, authority),
  ReleaseVm: ({ host }) => host.releaseVm({ requestId: "", vm }, authority),
  DestroyVm: ({ host }) => host.destroyVm({ requestId: "", vm, powerOff: false }, authority),
  "DestroyVm with power-off": ({ host }) => host.destroyVm({ requestId: "", vm, powerOff: true }, authority),
  "ConfigurePersonality of another one": ({ host }) => host.configurePersonality({ requestId: "", vm, personality: { ...personality, hostname: "other" } }, authority),
  "ConfigurePersonality of a foreign pod": ({ host }) => host.configurePersonality({ requestId: "", vm, personality: Personality.create({ podUid: podUid(2), name: "web-2" }) }, authority),
  "CreateVm with another spec": ({ host }, config) => host.createVm({ requestId: "", config: { ...config, memoryMb: 1024 }, powerOn: true }, authority),
};

const never = { "ReconfigureVm cpus": notSupported, "ReceiveVm on": notSupported, "ReceiveVm off": notSupported, ReleaseVm: notSupported, "CreateVm with another spec": exists } as const;
/** While something else is at work on the VM. */
const held = (task: Fault): Record<string, Answer> => ({ PowerOnVm: task, PowerOffVm: task, ResetVm: task, DestroyVm: task, "DestroyVm with power-off": task });
const runs = { PowerOnVm: on, PowerOffVm: "ok", ResetVm: "ok", DestroyVm: mustBeOff, "DestroyVm with power-off": "ok" } as const;
const isOff = { PowerOnVm: "ok", PowerOffVm: off, ResetVm: mustBeOn, DestroyVm: "ok", "DestroyVm with power-off": "ok" } as const;

/** What a CRX instance answers in each phase. */
const CRX: Readonly<Partial<Record<VmPhase, Readonly<Record<string, Answer>>>>> = {
  [VmPhase.OFF]: { ...never, ...isOff, "ConfigurePersonality of another one": mustBeOn, "ConfigurePersonality of a foreign pod": other },
  [VmPhase.VMX]: { ...never, ...held(creating), "ConfigurePersonality of another one": creating, "ConfigurePersonality of a foreign pod": other },
  [VmPhase.VMM]: { ...never, ...held(creating), "ConfigurePersonality of another one": creating, "ConfigurePersonality of a foreign pod": other },
  [VmPhase.KERNEL]: { ...never, ...held(creating), "ConfigurePersonality of another one": creating, "ConfigurePersonality of a foreign pod": other },
  [VmPhase.INIT_WAITING]: { ...never, ...runs, "ConfigurePersonality of another one": "ok", "ConfigurePersonality of a foreign pod": other },
  [VmPhase.PERSONALITY]: { ...never, ...held(configuring), "ConfigurePersonality of another one": invalidState, "ConfigurePersonality of a foreign pod": other },
  [VmPhase.AGENT_READY]: { ...never, ...runs, "ConfigurePersonality of another one": invalidState, "ConfigurePersonality of a foreign pod": other },
};

const noCrx = { "ConfigurePersonality of another one": notSupported, "ConfigurePersonality of a foreign pod": notSupported, "CreateVm with another spec": exists } as const;
const heldOrdinary = { ...noCrx, ...held(creating), "ReconfigureVm cpus": creating, "ReceiveVm on": creating, "ReceiveVm off": creating, ReleaseVm: creating };

/** What an ordinary VM answers in each phase. */
const ORDINARY: Readonly<Partial<Record<VmPhase, Readonly<Record<string, Answer>>>>> = {
  [VmPhase.OFF]: { ...noCrx, ...isOff, "ReconfigureVm cpus": "ok", "ReceiveVm on": "ok", "ReceiveVm off": "same", ReleaseVm: "ok" },
  [VmPhase.VMX]: heldOrdinary,
  [VmPhase.VMM]: heldOrdinary,
  [VmPhase.RUNNING]: { ...noCrx, ...runs, "ReconfigureVm cpus": mustBeOff, "ReceiveVm on": "same", "ReceiveVm off": mustBeOff, ReleaseVm: "ok" },
};

const PHASES = [VmPhase.OFF, VmPhase.VMX, VmPhase.VMM, VmPhase.KERNEL, VmPhase.INIT_WAITING, VmPhase.PERSONALITY, VmPhase.AGENT_READY, VmPhase.RUNNING];

for (const [kind, config, table] of [["a CRX instance", crx, CRX], ["an ordinary VM", ordinary, ORDINARY]] as const) {
  describe(`every method on ${kind} in each phase`, () => {
    for (const phase of PHASES) {
      const answers: Readonly<Record<string, Answer>> | undefined = table[phase];
      if (answers === undefined) continue;
      test(`${VmPhase[phase]}: the real fault with its payload, and nothing changes`, async () => {
        assert.deepEqual(Object.keys(answers).toSorted(), Object.keys(METHODS).toSorted(), "the table knows every method");
        const world = await PoweredVm.open(config, phase);
        try {
          const before = await world.picture();
          assert.equal(before.vms[0]?.phase, phase);
          for (const [name, call] of Object.entries(METHODS)) {
            const answer: Answer | undefined = answers[name];
            if (answer === "ok" || answer === undefined) continue;
            if (answer === "same") assert.deepEqual(await call(world, config), before.vms[0], name);
            else {
              const { code, reason, fault, message } = await refusal(call(world, config));
              assert.deepEqual([name, fault.fault, code], [name, answer, CODES[answer.$case]]);
              assert.equal(reason, answer.$case.charAt(0).toUpperCase() + answer.$case.slice(1));
              assert.equal(message, fault.localizedMessage);
            }
            assert.deepEqual(await world.picture(), before, `${name} changed something`);
          }
        } finally {
          await world.close();
        }
      });
    }
  });
}

test("a request that is made twice at once, or again, is done once; other bodies under its id are refused", async () => {
  const world = await PoweredVm.open(ordinary, VmPhase.OFF);
  try {
    const request = { requestId: "on-1", vm };
    const both = [world.host.powerOnVm(request, authority), world.host.powerOnVm(request, authority)];
    const without = refusal(world.host.powerOnVm({ requestId: "", vm }, authority));
    let done = false;
    const all = Promise.all(both).then((answers) => {
      done = true;
      return answers;
    });
    while (!done) await world.clock.advance(10);
    const [one, two] = await all;
    assert.deepEqual(one, two);
    assert.equal(one?.powerOnCount, 1);
    assert.deepEqual((await without).fault.fault, busy("VirtualMachine.powerOn-2"));
    assert.deepEqual(await world.host.powerOnVm(request, authority), one);
    const reused = await refusal(world.host.powerOnVm({ requestId: "on-1", vm: { key: { $case: "vmId", value: "1" } } }, authority));
    assert.deepEqual([reused.code, reused.reason], [RpcCode.ALREADY_EXISTS, "RequestIdReused"]);
  } finally {
    await world.close();
  }
});

test("of two operations at once on a VM that runs one is done and the other finds it at work", async () => {
  const world = await PoweredVm.open(crx, VmPhase.INIT_WAITING);
  try {
    const [destroyed, refused] = await Promise.all([world.host.destroyVm({ requestId: "", vm, powerOff: true }, authority), refusal(world.host.powerOffVm({ requestId: "", vm }, authority))]);
    assert.deepEqual(destroyed, {});
    assert.deepEqual(refused.fault.fault, busy("VirtualMachine.destroy-2"));
    assert.deepEqual((await refusal(world.host.powerOffVm({ requestId: "", vm }, authority))).fault.fault, { $case: "managedObjectNotFound", value: { obj: { type: "VirtualMachine", value: crx.instanceUuid } } });
  } finally {
    await world.close();
  }
});

type Backing = NonNullable<NonNullable<VirtualMachineConfigSpec["devices"][number]>["backing"]>;
const disk = (controller: string): Backing => ({ $case: "disk", value: { capacityKb: 1n, uuid: "6000c29f", datastore: "datastore-01", controller } });
const card = (cardType: string): Backing => ({ $case: "ethernetCard", value: { cardType, macAddress: "", network: "workload-01" } });
const usb: Backing = { $case: "other", value: "VirtualUSBController" };

/** Which VM takes which device; who does not names the device and the field. */
const DEVICES: readonly { readonly device: Backing; readonly named: string; readonly field: string; readonly crx: boolean; readonly ordinary: boolean }[] = [
  ...["pvscsi", "lsilogic", "nvme", "sata", "floppy", ""].map((name) => ({ device: disk(name), named: name || "disk controller", field: "disk.controller", crx: name === "pvscsi", ordinary: !["floppy", ""].includes(name) })),
  ...["vmxnet3", "e1000e", "ne2000", ""].map((name) => ({ device: card(name), named: name || "network card", field: "ethernet_card.card_type", crx: name === "vmxnet3", ordinary: ["vmxnet3", "e1000e"].includes(name) })),
  { device: usb, named: "VirtualUSBController", field: "other", crx: false, ordinary: true },
  { device: { $case: "other", value: "" }, named: "device", field: "other", crx: false, ordinary: false },
];

for (const kind of ["crx", "ordinary"] as const) {
  test(`devices of ${kind === "crx" ? "a CRX instance: paravirtual ones alone" : "an ordinary VM: those of real hardware, too"}`, async () => {
    const base = kind === "crx" ? crx : ordinary;
    const world = await PoweredVm.open(base, VmPhase.OFF);
    try {
      let n = 1;
      for (const each of DEVICES) {
        n += 1;
        const spec = crxSpec(n, { guestId: base.guestId, ownerUid: kind === "crx" ? podUid(n) : "", devices: [...crx.devices, { key: 9, backing: each.device }] });
        const before = await world.picture();
        const call = world.host.createVm({ requestId: "", config: spec, powerOn: false }, authority);
        if (each[kind]) {
          assert.deepEqual((await call).config?.devices.at(-1)?.backing, each.device);
          continue;
        }
        const { code, fault, fields } = await refusal(call);
        assert.equal(code, RpcCode.FAILED_PRECONDITION);
        assert.ok(fault.fault?.$case === "deviceNotSupported", `${each.named} on ${kind}`);
        assert.deepEqual([fault.fault.value.device, fields], [each.named, [`config.devices[2].${each.field}`]]);
        assert.deepEqual(await world.picture(), before);
      }
      const nothing = await refusal(world.host.createVm({ requestId: "", config: crxSpec(99, { guestId: base.guestId, devices: [{ key: 1, backing: undefined }] }), powerOn: false }, authority));
      assert.deepEqual([nothing.code, nothing.fields], [RpcCode.INVALID_ARGUMENT, ["config.devices[0]"]]);
    } finally {
      await world.close();
    }
  });
}

/** A specification with one field wrong, and the field that is named. */
const WRONG: readonly (readonly [change: Partial<VirtualMachineConfigSpec>, field: string])[] = [
  [{ name: "" }, "config.name"],
  [{ instanceUuid: "" }, "config.instance_uuid"],
  [{ instanceUuid: "50010000-0000-4ABC-8000-000000000007" }, "config.instance_uuid"],
  [{ uuid: "420d" }, "config.uuid"],
  [{ numCpus: 0 }, "config.num_cpus"],
  [{ numCpus: -1 }, "config.num_cpus"],
  [{ memoryMb: 0 }, "config.memory_mb"],
  [{ memoryMb: 514 }, "config.memory_mb"],
  [{ memoryMb: -4 }, "config.memory_mb"],
  [{ overheadMemoryMb: -1 }, "config.overhead_memory_mb"],
  [{ cpuAllocation: { reservation: -1, limit: undefined, expandableReservation: undefined, shares: undefined } }, "config.cpu_allocation.reservation"],
  [{ cpuAllocation: { reservation: 0, limit: -2, expandableReservation: undefined, shares: undefined } }, "config.cpu_allocation.limit"],
  [{ cpuAllocation: { reservation: 200, limit: 100, expandableReservation: undefined, shares: undefined } }, "config.cpu_allocation.reservation"],
  [{ memoryAllocation: { reservation: 1024, limit: undefined, expandableReservation: undefined, shares: undefined } }, "config.memory_allocation.reservation"],
];

test("a specification with a field wrong is refused by the field's name, by each method that takes one, and nothing comes of it", async () => {
  const world = await PoweredVm.open(ordinary, VmPhase.OFF);
  try {
    const before = await world.picture();
    for (const [change, field] of WRONG) {
      const config = VirtualMachineConfigSpec.create({ ...crxSpec(7, { guestId: "otherLinux64Guest", ownerUid: "" }), ...change });
      const calls = [
        world.host.createVm({ requestId: "", config, powerOn: true }, authority),
        world.host.reconfigureVm({ requestId: "", vm, config }, authority),
        world.host.receiveVm({ requestId: "", config, poweredOn: false, powerOnCount: 0 }, authority),
      ];
      for (const call of calls) {
        const { code, reason, fields } = await refusal(call);
        assert.deepEqual([code, reason, fields], [RpcCode.INVALID_ARGUMENT, "InvalidArgument", [field]]);
      }
    }
    assert.deepEqual((await refusal(world.host.createVm({ requestId: "", config: undefined, powerOn: true }, authority))).fields, ["config"]);
    for (const [change, field] of [[{ uuid: crxSpec(2).uuid }, "config.uuid"], [{ instanceUuid: crxSpec(2).instanceUuid }, "config.instance_uuid"], [{ ownerUid: podUid(2) }, "config.owner_uid"]] as const) {
      assert.deepEqual((await refusal(world.host.reconfigureVm({ requestId: "", vm, config: { ...ordinary, ...change } }, authority))).fields, [field]);
    }
    const taken = await refusal(world.host.createVm({ requestId: "", config: crxSpec(2, { uuid: ordinary.uuid }), powerOn: false }, authority));
    assert.deepEqual([taken.code, taken.fault.fault], [RpcCode.ALREADY_EXISTS, { $case: "resourceInUse", value: { type: "VirtualMachine.config.uuid", name: ordinary.uuid } }]);
    assert.deepEqual(await world.picture(), before);
  } finally {
    await world.close();
  }
});

test("a VM that is not there, or not named, for every method", async () => {
  const world = await PoweredVm.open(crx, VmPhase.OFF);
  try {
    const before = await world.picture();
    const missing = { key: { $case: "vmId" as const, value: "99" } };
    for (const [key, code] of [[missing, RpcCode.NOT_FOUND], [undefined, RpcCode.INVALID_ARGUMENT], [{ key: undefined }, RpcCode.INVALID_ARGUMENT]] as const) {
      const request = { requestId: "", vm: key };
      const calls = [
        world.host.powerOnVm(request, authority),
        world.host.powerOffVm(request, authority),
        world.host.resetVm(request, authority),
        world.host.reconfigureVm({ ...request, config: ordinary }, authority),
        world.host.releaseVm(request, authority),
        world.host.destroyVm({ ...request, powerOff: true }, authority),
        world.host.configurePersonality({ ...request, personality }, authority),
        world.host.getVm({ vm: key }, authority),
      ];
      for (const call of calls) assert.equal((await refusal(call)).code, code);
    }
    assert.deepEqual(await world.picture(), before);
  } finally {
    await world.close();
  }
});
