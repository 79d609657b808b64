import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { HostConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, onHosts, World } from "./world.js";

let world: World;
afterEach(() => world.close());

/** What brings host 1 of a connected world into a state. */
const STATES = {
  connected: async () => undefined,
  maintenance: async () => void (await world.maintain(1)),
  entering: async () => {
    await world.deploy("uid-1", { hosts: onHosts(1) });
    await world.enterMaintenance(1);
  },
  quarantine: async () => void (await world.inventory.setQuarantineMode({ requestId: "", host: hostKey(1), inQuarantineMode: true })),
  standBy: async () => void (await world.ended(await world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(1), timeout: undefined }))),
  notResponding: async () => {
    await world.esxi.stop();
    await eventually("no host responds", async () => (await world.inventory.getInventory({})).hosts.every((host) => host.connectionState === HostConnectionState.NOT_RESPONDING));
  },
  disconnected: async () => void (await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false })),
} satisfies Readonly<Record<string, () => Promise<void>>>;

const OPERATIONS = {
  enterMaintenance: () => world.enterMaintenance(1),
  exitMaintenance: () => world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey(1) }),
  powerDown: () => world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(1), timeout: undefined }),
  powerUp: () => world.inventory.powerUpHostFromStandBy({ requestId: "", host: hostKey(1) }),
  quarantine: () => world.inventory.setQuarantineMode({ requestId: "", host: hostKey(1), inQuarantineMode: true }),
  endQuarantine: () => world.inventory.setQuarantineMode({ requestId: "", host: hostKey(1), inQuarantineMode: false }),
  disconnect: () => world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false }),
  reconnect: () => world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true }),
  addAgain: () => world.addHost(1),
  addOther: () => world.addHost(1, { memoryMb: HOST.memoryMb + 4 }),
  remove: () => world.inventory.removeHost({ requestId: "", host: hostKey(1) }),
} satisfies Readonly<Record<string, () => Promise<unknown>>>;

type Operation = keyof typeof OPERATIONS;

const WELL: Readonly<Record<Operation, string>> = {
  enterMaintenance: "taken",
  exitMaintenance: "InvalidState",
  powerDown: "taken",
  powerUp: "InvalidPowerState",
  quarantine: "taken",
  endQuarantine: "taken",
  disconnect: "taken",
  reconnect: "taken",
  addAgain: "DuplicateName",
  addOther: "DuplicateName",
  remove: "taken",
};

function unreached(reason: string): Readonly<Record<Operation, string>> {
  return { ...WELL, enterMaintenance: reason, exitMaintenance: reason, powerDown: reason, powerUp: reason };
}

/** The answer to every operation in every state. */
const EXPECTED: Readonly<Record<keyof typeof STATES, Readonly<Record<Operation, string>>>> = {
  connected: WELL,
  quarantine: WELL,
  maintenance: { ...WELL, enterMaintenance: "InvalidState", exitMaintenance: "taken" },
  entering: { ...WELL, enterMaintenance: "InvalidState", powerDown: "InvalidState", remove: "ResourceInUse" },
  standBy: { ...WELL, enterMaintenance: "InvalidPowerState", powerDown: "InvalidPowerState", powerUp: "taken" },
  notResponding: unreached("HostNotReachable"),
  disconnected: unreached("HostNotConnected"),
};

/** All that could have changed by a call. */
async function everything(): Promise<string> {
  const inventory = await world.inventory.getInventory({});
  const { tasks } = await world.tasks.listTasks({ pageSize: 1000, pageToken: "" });
  const records = world.kv.keys("/").filter((key) => !key.endsWith("/counters")).map((key) => [key, world.kv.map.get(key)]);
  return JSON.stringify([inventory, tasks.map((task) => TaskInfo.toJSON(task)), records], (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

for (const [state, enter] of Object.entries(STATES)) {
  test(`every operation on a host that is ${state}: taken, or refused with its fault and nothing changed`, async () => {
    for (const [operation, perform] of Object.entries(OPERATIONS)) {
      world = await World.start(2);
      await enter();
      const expected = EXPECTED[state as keyof typeof STATES][operation as Operation];
      if (expected === "taken") {
        await perform().catch((error: unknown) => assert.fail(`${operation}: ${String(error)}`));
      } else {
        const before = await everything();
        const { reason, fault } = await refusal(perform());
        assert.equal(reason, expected, operation);
        if (fault.fault?.$case === "invalidPowerState") assert.deepEqual(fault.fault.value, powerStates(state, operation));
        if (fault.fault?.$case === "duplicateName") assert.deepEqual(fault.fault.value, { name: hostName(1), object: { type: "HostSystem", value: "host-21" } });
        if (fault.fault?.$case === "resourceInUse") assert.deepEqual(fault.fault.value, { type: "HostSystem", name: hostName(1) });
        assert.equal(await everything(), before, operation);
      }
      await world.close();
    }
    world = await World.start(0);
  });
}

function powerStates(state: string, operation: string): object {
  const existingState = state === "standBy" ? "standBy" : "poweredOn";
  return { requestedState: operation === "powerDown" ? "standBy" : "poweredOn", existingState };
}

test("a host nobody has, or none at all, is refused by every operation", async () => {
  world = await World.start(1);
  const { inventory } = world;
  const request = { requestId: "", timeout: undefined, evacuatePoweredOffVms: false, inQuarantineMode: true, connected: true };
  for (const host of [hostKey(9), { key: { $case: "ref", value: { type: "HostSystem", value: "host-99" } } } as const, undefined, { key: undefined }]) {
    const calls = [
      inventory.enterMaintenanceMode({ ...request, host }),
      inventory.exitMaintenanceMode({ ...request, host }),
      inventory.powerDownHostToStandBy({ ...request, host }),
      inventory.powerUpHostFromStandBy({ ...request, host }),
      inventory.setQuarantineMode({ ...request, host }),
      inventory.setHostConnection({ ...request, host }),
      inventory.removeHost({ ...request, host }),
    ];
    for (const call of calls) {
      const { reason, fields, fault } = await refusal(call);
      if (host?.key === undefined) assert.deepEqual([reason, fields], ["InvalidArgument", ["host"]]);
      else assert.deepEqual([reason, fault.fault?.$case === "managedObjectNotFound" ? fault.fault.value.obj?.value : ""], ["ManagedObjectNotFound", host.key.$case === "name" ? hostName(9) : "host-99"]);
    }
  }
});

test("two that ask for maintenance mode at the same moment: one has the task, the other InvalidState", async () => {
  world = await World.start(1);
  await world.deploy("uid-1");
  const answers = await Promise.allSettled([world.enterMaintenance(1), world.enterMaintenance(1)]);
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});

test("what cannot be stored did not happen: the host is as before, the task is nowhere, and the next try is taken", async () => {
  world = await World.start(1);
  await world.deploy("uid-1");
  const before = await everything();
  world.kv.before = () => {
    throw new Error("the disk is full");
  };
  await assert.rejects(world.enterMaintenance(1));
  await assert.rejects(world.inventory.setQuarantineMode({ requestId: "", host: hostKey(1), inQuarantineMode: true }));
  await assert.rejects(world.inventory.removeHost({ requestId: "", host: hostKey(1) }));
  world.kv.before = undefined;
  assert.equal(await everything(), before);
  const request = { requestId: "once", host: hostKey(1), timeout: undefined, evacuatePoweredOffVms: false };
  const task = await world.inventory.enterMaintenanceMode(request);
  assert.equal((await world.inventory.enterMaintenanceMode(request)).task?.value, task.task?.value, "asked for twice by one request id");
  assert.equal((await refusal(world.inventory.enterMaintenanceMode({ ...request, evacuatePoweredOffVms: true }))).reason, "RequestIdReused");
  assert.equal(task.state, TaskState.RUNNING);
});
