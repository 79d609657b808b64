import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import { ManualClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import { VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { AddRuleRequest, Rule } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, podSpec, World } from "./world.js";

const HELD_MS = 300_000;
const HOST_MHZ = HOST.cores * HOST.coreMhz;

let world: World;
let monotonic: ManualClock;
afterEach(() => world.close());

async function manual(hosts: number): Promise<void> {
  monotonic = new ManualClock();
  world = await World.start(hosts, { monotonic });
  await behave(DrsBehavior.MANUAL);
}

async function behave(defaultVmBehavior: DrsBehavior): Promise<void> {
  const drsConfig = { enabled: true, defaultVmBehavior, migrationThreshold: 3, consumedMemoryMetric: false };
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
}

/** A VM that is off, on host 1, and reserves this part of a host's CPU. */
async function create(name: string, part = 0.5): Promise<ManagedObjectReference> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 8, memoryMb: 256, cpuAllocation: { reservation: part * HOST_MHZ } });
  const task = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false }));
  return task.result ?? assert.fail("no VM");
}

const recommend = (...vms: readonly ManagedObjectReference[]) => world.machines.powerOnVms({ requestId: "", vms: [...vms], overrideAutomationLevel: false });
const apply = (...keys: readonly (string | undefined)[]): Promise<TaskInfo> => world.drs.applyRecommendations({ requestId: "", keys: keys.map((key) => key ?? assert.fail("no key")) });
const expired = async (key: string | undefined): Promise<void> => assert.equal((await refusal(apply(key))).reason, "RecommendationExpired");

/** What is listed, as `a: 1 -> 2`. */
async function listed(): Promise<string[]> {
  const { recommendations } = await world.drs.listRecommendations({ cluster: undefined, pageSize: 0, pageToken: "" });
  return recommendations.filter(({ reason }) => reason === "powerOnVm").map((each) => `${each.vmName}: ${each.sourceHostName.slice(6, 7)} -> ${each.targetHostName.slice(6, 7)}`);
}

async function reserved(): Promise<(number | undefined)[]> {
  return (await world.inventory.getInventory({})).hosts.map((host) => host.usage?.reservedCpuMhz);
}

test("the example: a place is held and listed, applied by its key once, and nobody else gets it meanwhile", async () => {
  await manual(1);
  const [a, b, c] = [await create("a"), await create("b"), await create("c")];
  await world.ended(await world.machines.powerOnVm({ requestId: "", vm: c }));
  const answer = await recommend(a, b);
  assert.deepEqual(answer.notAttempted.map(({ vm }) => vm?.value), [b.value]);
  const [first] = answer.recommendations;
  assert.deepEqual([answer.recommendations.length, answer.attempted], [1, []]);
  assert.equal((first?.holdUntil?.seconds ?? 0n) - (first?.time?.seconds ?? 0n), BigInt(HELD_MS / 1000));
  assert.deepEqual([await listed(), await reserved()], [["a: 1 -> 1"], [HOST_MHZ]]);
  assert.equal((await world.place("uid-1", {}, 256)).recommendations.length, 0, "the CPU is held");

  const task = await world.ended(await apply(first?.key));
  assert.deepEqual([task.descriptionId, task.state], ["ClusterComputeResource.applyRecommendation", TaskState.SUCCESS]);
  const children = (await world.tasks.listTasks({ pageSize: 100, pageToken: "" })).tasks.filter(({ parentTaskKey }) => parentTaskKey === task.task?.value);
  assert.deepEqual(children.map(({ descriptionId, state, entity }) => [descriptionId, state, entity?.value]), [["VirtualMachine.powerOn", TaskState.SUCCESS, a.value]]);
  assert.equal((await world.machines.getVm({ target: { $case: "vm", value: a } })).powerState, VirtualMachinePowerState.POWERED_ON);
  assert.deepEqual([await listed(), await reserved()], [[], [HOST_MHZ]]);
  await expired(first?.key);
});

test("a move comes before it where another host is better; several are applied below one task", async () => {
  await manual(2);
  const [a, b] = [await create("a", 1), await create("b", 1)];
  const { recommendations } = await recommend(a, b);
  assert.deepEqual((await listed()).map((each) => each.slice(-1)).toSorted(), ["1", "2"]);
  assert.equal((await world.ended(await apply(...recommendations.map(({ key }) => key)))).state, TaskState.SUCCESS);
  assert.deepEqual(await reserved(), [HOST_MHZ, HOST_MHZ]);
  assert.deepEqual(world.esxi.vms.map((vm) => vm.hostName).toSorted(), [hostName(1), hostName(2)]);
});

test("it ends when its time is up, and its place is free; asked again in time, it is the same one", async () => {
  await manual(1);
  const a = await create("a", 1);
  const [first] = (await recommend(a)).recommendations;
  await monotonic.advance(HELD_MS - 1_000);
  const [again] = (await recommend(a)).recommendations;
  assert.equal(again?.key, first?.key);
  await monotonic.advance(HELD_MS - 1_000);
  assert.deepEqual(await listed(), ["a: 1 -> 1"]);
  await monotonic.advance(1_000);
  assert.deepEqual([await listed(), await reserved()], [[], [0]]);
  await expired(first?.key);
});

test("it is stale once its VM is on, gone, of another size or on another host, and holds nothing then", async () => {
  await manual(2);
  const changes: Readonly<Record<string, (vm: ManagedObjectReference) => Promise<TaskInfo>>> = {
    "powered on": (vm) => world.machines.powerOnVm({ requestId: "", vm }),
    "powered on by DRS, told to act": async (vm) => {
      const { attempted } = await world.machines.powerOnVms({ requestId: "", vms: [vm], overrideAutomationLevel: true });
      return world.tasks.getTask({ task: attempted[0]?.task });
    },
    destroyed: (vm) => world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: vm }, powerOff: false, uuid: "" }),
    resized: (vm) => world.machines.reconfigureVm({ requestId: "", vm, name: undefined, numCpus: 4, memoryMb: undefined, cpuAllocation: undefined, memoryAllocation: undefined }),
    moved: (vm) => world.machines.migrateVm({ requestId: "", vm, host: hostKey(2) }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const vm = await create(what, 0.25);
    const [made] = (await recommend(vm)).recommendations;
    assert.equal((await world.ended(await change(vm))).state, TaskState.SUCCESS, what);
    await expired(made?.key);
    assert.deepEqual(await listed(), [], what);
    await eventually(`nothing is held for what was ${what}`, async () => {
      await monotonic.advance(100);
      return (await world.inventory.getInventory({})).holds.length === 0;
    });
  }
});

test("what its host or a rule says now counts: the task ends with the fault, and nothing is held any more", async () => {
  await manual(2);
  const a = await create("a");
  const [made] = (await recommend(a)).recommendations;
  const target = made?.actions[0]?.targetHostName === hostName(1) ? 1 : 2;
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(target), connected: false });
  const task = await world.ended(await apply(made?.key));
  assert.deepEqual([task.state, task.error?.fault?.$case], [TaskState.ERROR, "hostNotConnected"]);
  assert.deepEqual([await listed(), await reserved()], [[], [0, 0]]);
  await expired(made?.key);
});

test("VMs kept apart are recommended apart, before either of them runs", async () => {
  await manual(2);
  const [a, b, c] = [await create("a", 0.1), await create("b", 0.1), await create("c", 0.1)];
  await world.rules.addRule(AddRuleRequest.fromPartial({ rule: Rule.fromPartial({ name: "apart", rule: { $case: "antiAffinity", value: { vms: [a, b, c] } } }) }));
  const answer = await recommend(a, b, c);
  assert.deepEqual(new Set(answer.recommendations.map((each) => each.actions[0]?.targetHostName)), new Set([hostName(1), hostName(2)]));
  assert.deepEqual(answer.notAttempted.map(({ vm, fault }) => [vm?.value, fault?.fault?.$case]), [[c.value, "noCompatibleHost"]]);
});

test("its key is DrsService's alone; CancelRecommendation gives the place back; switched off, DRS stands for none", async () => {
  await manual(1);
  const a = await create("a");
  const [made] = (await recommend(a)).recommendations;
  const key = made?.key ?? "";
  const wrong = await refusal(world.placement.applyRecommendation({ requestId: "", key, ownerUid: "", spec: undefined }));
  assert.deepEqual(wrong.fields, ["key"]);
  await world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig: { enabled: false, defaultVmBehavior: DrsBehavior.MANUAL, migrationThreshold: 3, consumedMemoryMetric: false }, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
  await expired(key);
  await behave(DrsBehavior.MANUAL);
  assert.deepEqual(await listed(), ["a: 1 -> 1"]);
  await world.placement.cancelRecommendation({ requestId: "", key, ownerUid: "" });
  assert.deepEqual([await listed(), await reserved()], [[], [0]]);
  await expired(key);
  assert.equal((await refusal(apply("power-on-1.99"))).reason, "RecommendationExpired");
});

test("a vCenter that starts again has forgotten them, and holds nothing", async () => {
  await manual(1);
  const [made] = (await recommend(await create("a"))).recommendations;
  await world.stopVcenter();
  await world.startVcenter();
  await world.connected(1);
  await expired(made?.key);
  assert.deepEqual([await listed(), await reserved()], [[], [0]]);
});

test("whatever is recommended, applied, placed, migrated, powered off and left alone at the same time, no host reserves more than it has", async () => {
  const vms = 10;
  const hosts = 3;
  await manual(hosts);
  const dice = new Dice("power-ons");
  const refs: ManagedObjectReference[] = [];
  for (let vm = 0; vm < vms; vm += 1) refs.push(await create(`vm-${vm}`, (1 + dice.int(5)) / 10));
  const known: string[] = [];
  let applied = 0;
  let recommended = 0;
  const operation = async (own: Dice): Promise<void> => {
    const vm = own.pick(refs);
    switch (own.int(8)) {
      case 0:
      case 1: {
        const { recommendations } = await recommend(vm);
        recommended += recommendations.length;
        known.push(...recommendations.map(({ key }) => key));
        break;
      }
      case 2:
      case 3: {
        if (known.length === 0) return;
        await apply(own.pick(known));
        applied += 1;
        break;
      }
      case 4:
        await world.machines.powerOffVm({ requestId: "", vm });
        break;
      case 5:
        await world.placement.placeVm({ requestId: "", spec: podSpec(`uid-${own.int(9)}`, {}, 256), holdFor: undefined, verdictDetail: VerdictDetail.NONE });
        break;
      case 6:
        await (own.int(2) === 0 ? world.machines.powerOnVm({ requestId: "", vm }) : world.machines.migrateVm({ requestId: "", vm, host: hostKey(1 + own.int(hosts)) }));
        break;
      default:
        await monotonic.advance(own.int(HELD_MS / 4));
    }
  };
  const check = async (): Promise<void> => {
    for (const { spec, usage } of (await world.inventory.getInventory({})).hosts) {
      const { reservedCpuMhz = 0, reservedMemoryMb = 0 } = usage ?? {};
      assert.ok(reservedCpuMhz >= 0 && reservedCpuMhz <= HOST_MHZ && reservedMemoryMb >= 0 && reservedMemoryMb <= HOST.memoryMb, `${reservedCpuMhz} MHz and ${reservedMemoryMb} MB on ${spec?.name}`);
    }
  };
  await Promise.all(
    Array.from({ length: 12 }, async (_, worker) => {
      const own = dice.fork(`worker ${worker}`);
      for (let count = 0; count < 100; count += 1) {
        await operation(own).catch((error: unknown) => {
          if (!(error instanceof RpcError) || error.reason === undefined) throw error;
        });
        if (worker === 0) await check();
      }
    }),
  );
  assert.ok(recommended > 20 && applied > 10, `${recommended} recommended, ${applied} applied`);

  await eventually("all is off, and nothing is reserved", async () => {
    await monotonic.advance(HELD_MS);
    for (const vm of refs) await world.machines.powerOffVm({ requestId: "", vm }).catch(() => undefined);
    return (await reserved()).every((mhz) => mhz === 0);
  });
});
