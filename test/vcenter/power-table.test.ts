import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { hostKey, onHosts, World } from "./world.js";

/** The states a VM can be asked something in. */
const STATES = ["off", "on", "busy", "gone", "host disconnected", "pod on", "pod off"] as const;
type State = (typeof STATES)[number];

type Operation = (vm: ManagedObjectReference) => Promise<TaskInfo>;

/** How each operation ends in each state: `ok`, or the reason of the call's error, or `task: ` and the reason of the task's. */
const TABLE: Readonly<Record<string, { readonly ask: Operation; readonly ends: Readonly<Record<State, string>> }>> = {
  powerOn: {
    ask: (vm) => world.machines.powerOnVm({ requestId: "", vm }),
    ends: { off: "ok", on: "InvalidPowerState", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "HostNotConnected", "pod on": "InvalidPowerState", "pod off": "ok" },
  },
  powerOff: {
    ask: (vm) => world.machines.powerOffVm({ requestId: "", vm }),
    ends: { off: "InvalidPowerState", on: "ok", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "InvalidPowerState", "pod on": "ok", "pod off": "InvalidPowerState" },
  },
  reset: {
    ask: (vm) => world.machines.resetVm({ requestId: "", vm }),
    ends: { off: "InvalidPowerState", on: "ok", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "InvalidPowerState", "pod on": "NotSupported", "pod off": "NotSupported" },
  },
  rename: {
    ask: (vm) => world.machines.reconfigureVm({ requestId: "", vm, name: `renamed ${vm.value}`, numCpus: undefined, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: undefined }),
    ends: { off: "ok", on: "ok", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "task: HostNotConnected", "pod on": "NotSupported", "pod off": "NotSupported" },
  },
  resize: {
    ask: (vm) => world.machines.reconfigureVm({ requestId: "", vm, name: undefined, numCpus: 4, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: undefined }),
    ends: { off: "ok", on: "InvalidPowerState", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "task: HostNotConnected", "pod on": "NotSupported", "pod off": "NotSupported" },
  },
  migrate: {
    ask: (vm) => world.machines.migrateVm({ requestId: "", vm, host: undefined }),
    ends: { off: "ok", on: "ok", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "HostNotConnected", "pod on": "NotSupported", "pod off": "NotSupported" },
  },
  "destroy, not powering off": {
    ask: (vm) => world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm }, powerOff: false, uuid: "" }),
    ends: { off: "ok", on: "InvalidPowerState", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "task: HostNotConnected", "pod on": "InvalidPowerState", "pod off": "ok" },
  },
  "destroy, powering off": {
    ask: (vm) => world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm }, powerOff: true, uuid: "" }),
    ends: { off: "ok", on: "ok", busy: "TaskInProgress", gone: "ManagedObjectNotFound", "host disconnected": "task: HostNotConnected", "pod on": "ok", "pod off": "ok" },
  },
};

/** Which power states an InvalidPowerState names. */
const NAMES: Readonly<Record<string, readonly [string, string]>> = {
  "powerOn on": ["poweredOn", "poweredOn"],
  "powerOn pod on": ["poweredOn", "poweredOn"],
  "powerOff off": ["poweredOff", "poweredOff"],
  "powerOff pod off": ["poweredOff", "poweredOff"],
  "reset off": ["poweredOn", "poweredOff"],
  "resize on": ["poweredOff", "poweredOn"],
  "destroy, not powering off on": ["poweredOff", "poweredOn"],
};

let world: World;
let number = 0;
before(async () => void (world = await World.start(3)));
after(() => world.close());

/** A new VM in a state, and how to let go of what it took to get it there. */
async function vmIn(state: State): Promise<{ readonly vm: ManagedObjectReference; readonly settle: () => Promise<void> }> {
  number += 1;
  const settle = async (): Promise<void> => undefined;
  if (state === "gone") return { vm: { type: "VirtualMachine", value: "vm-9999" }, settle };
  if (state === "pod on" || state === "pod off") {
    const uid = `uid-${number}`;
    await world.place(uid, { hosts: onHosts(1, 2, 3) }, 64);
    const task = await world.ended(await world.apply(uid));
    const vm = task.result ?? assert.fail();
    if (state === "pod off") await world.ended(await world.machines.powerOffVm({ requestId: "", vm }));
    return { vm, settle };
  }
  const config = VirtualMachineConfigSpec.fromPartial({ name: `vm-${number}`, numCpus: 1, memoryMb: 64 });
  const vm = (await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: state === "on" }))).result ?? assert.fail();
  if (state === "busy") {
    const go = deferred<void>();
    world.esxi.before = (method) => (method === "powerOnVm" ? go.promise : undefined);
    const task = await world.machines.powerOnVm({ requestId: "", vm });
    return {
      vm,
      settle: async () => {
        world.esxi.before = undefined;
        go.resolve();
        await world.ended(task);
      },
    };
  }
  if (state === "host disconnected") {
    await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false });
    return {
      vm,
      settle: async () => {
        await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true });
        await world.connected(3);
      },
    };
  }
  return { vm, settle };
}

async function outcome(name: string, ask: Operation, state: State, vm: ManagedObjectReference): Promise<string> {
  try {
    const task = await world.ended(await ask(vm));
    if (task.state === TaskState.SUCCESS) return "ok";
    return `task: ${upper(task.error?.fault?.$case)}`;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { fault } = MethodFault.decode(error.detail("spheresim.vim.v1.MethodFault") ?? assert.fail("no fault"));
    assert.equal(upper(fault?.$case), error.reason?.reason, "the typed fault is the one in ErrorInfo");
    const named = NAMES[`${name} ${state}`];
    if (fault?.$case === "invalidPowerState" && named !== undefined) assert.deepEqual([fault.value.requestedState, fault.value.existingState], named);
    return error.reason?.reason ?? "";
  }
}

function upper(name: string | undefined): string {
  return name === undefined ? "" : name.charAt(0).toUpperCase() + name.slice(1);
}

for (const [name, { ask, ends }] of Object.entries(TABLE)) {
  test(`${name} in every state`, async () => {
    for (const state of STATES) {
      const { vm, settle } = await vmIn(state);
      assert.equal(await outcome(name, ask, state, vm), ends[state], `${name}, ${state}`);
      await settle();
    }
  });
}

test("afterwards no task is on record, and every VM is where its record says", async () => {
  assert.deepEqual(world.kv.keys("/spheresim/vcenter/tasks/"), []);
  const { virtualMachines } = await world.inventory.getInventory({});
  const there = world.esxi.vms.map((vm) => `${vm.config?.instanceUuid} ${vm.hostName}`).toSorted();
  assert.deepEqual(virtualMachines.map((vm) => `${vm.config?.instanceUuid} ${vm.hostName}`).toSorted(), there);
});
