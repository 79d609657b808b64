import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { ClockServiceClient } from "../../src/gen/spheresim/emulator/v1/clock_service.js";
import { AppliedObject, type PlaceResponse, type PlaceResult, WaitForRequest_Condition as Condition } from "../../src/gen/spheresim/emulator/v1/emulator.js";
import { FaultServiceClient } from "../../src/gen/spheresim/emulator/v1/fault_service.js";
import { Outcome, StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { JournalServiceClient } from "../../src/gen/spheresim/emulator/v1/journal_service.js";
import type { Inventory } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";

const pod = (name: string, container = "{name: app, image: nginx}"): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [${container}]}\n`;
const second = { seconds: 1n, nanos: 0 };
const negative = { seconds: -1n, nanos: 0 };

async function collected<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

function refusal(code: RpcCode, field?: string, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(RpcError.is(error), String(error));
    assert.equal(error.code, code, error.message);
    if (field !== undefined) assert.deepEqual(error.violations.map((each) => each.field), [field]);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  };
}

test("EmulatorService at the wire", async (t) => {
  await withEmulator(["--hosts", "2", "--processes", "one", "--seed", "5"], async (running: RunningEmulator) => {
    const { emulator, ready } = running;
    const place = (manifest: string, fields: { namespace?: string; timeout?: typeof second } = {}): Promise<PlaceResponse[]> => collected(emulator.place({ manifest, namespace: "", timeout: undefined, ...fields }));
    const resultOf = (events: readonly PlaceResponse[]): PlaceResult => {
      const last = events.at(-1)?.event;
      assert.ok(last?.$case === "result", "the result is the last on every stream");
      return last.value;
    };

    await t.test("GetInfo: one address finds all", async () => {
      const info = await emulator.getInfo({});
      assert.deepEqual(info.endpoints, ready.endpoints);
      assert.deepEqual([info.version, info.seed, info.profile, info.kubeconfig, info.dataDir, info.hosts], [ready.version, 5n, "instant", ready.kubeconfig, ready.dataDir, ready.hosts.map((host) => host.name)]);
      assert.notEqual(info.time, undefined);
    });

    // Right after the start the scheduler's copy of the Nodes may be a moment behind, and the very first pod need a second attempt.
    assert.equal(resultOf(await place(pod("warm-up"))).allRunning, true);

    let uid = "";
    await t.test("Place: what was applied, the steps in the article's order, the result", async () => {
      const events = await place(`${pod("one")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n`);
      const applied = events.flatMap(({ event }) => (event?.$case === "applied" ? [event.value] : []));
      assert.deepEqual(applied.map((each) => AppliedObject.create({ ...each, uid: "" })), [
        AppliedObject.create({ kind: "Pod", namespace: "default", name: "one", change: "created" }),
        AppliedObject.create({ kind: "ConfigMap", namespace: "default", name: "settings", change: "created" }),
      ]);
      uid = applied[0]?.uid ?? "";
      const steps = events.flatMap(({ event }) => (event?.$case === "step" ? [event.value] : []));
      assert.deepEqual(steps.map((each) => each.step), Array.from({ length: 14 }, (_, index) => index + 1));
      assert.ok(steps.every((each) => each.podUid === uid));
      assert.notEqual(steps.find((each) => each.step === 4)?.sized, undefined);
      const { pods: outcomes, allRunning, timedOut } = resultOf(events);
      assert.deepEqual([allRunning, timedOut, outcomes.map((each) => [each.name, each.phase, each.reason])], [true, false, [["one", "Running", ""]]]);
      assert.match(outcomes[0]?.vmUuid ?? "", /^[0-9a-f-]{36}$/);
    });

    await t.test("Place: no pods are a result, too; a pod nothing fits says why; time that is up is told apart", async () => {
      assert.deepEqual(resultOf(await place("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only}\n")), { pods: [], allRunning: true, timedOut: false });
      const big = resultOf(await place(pod("big", "{name: app, image: nginx, resources: {requests: {memory: 900Gi}}}")));
      assert.deepEqual([big.allRunning, big.timedOut, big.pods[0]?.reason], [false, false, "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."]);
      const late = resultOf(await place(pod("late", "{name: app, image: registry.invalid/late}"), { timeout: second }));
      assert.deepEqual([late.allRunning, late.timedOut, late.pods[0]?.name], [false, true, "late"]);
    });

    for (const [what, manifest, field] of [
      ["YAML that does not parse", "a: [", "manifest[0]"],
      ["the second document without a name", `${pod("x")}---\napiVersion: v1\nkind: Pod\n`, "manifest[1].metadata.name"],
      ["a kind there is not", "apiVersion: v1\nkind: Podd\nmetadata: {name: x}\n", "manifest[0].kind"],
      ["a group there is not", `${pod("x")}---\napiVersion: no.such/v1\nkind: Pod\nmetadata: {name: x}\n`, "manifest[1].kind"],
      ["a wrong field of the pod", pod("x", "{name: X_Y, image: nginx}"), "spec.containers[0].name"],
    ] as const) {
      await t.test(`Place: ${what} names ${field}`, () => assert.rejects(place(manifest), refusal(RpcCode.INVALID_ARGUMENT, field)));
    }

    await t.test("Place: a wrong kind in the second document applies nothing of the first", async () => {
      await assert.rejects(place(`${pod("half")}---\napiVersion: v1\nkind: Podd\nmetadata: {name: x}\n`), refusal(RpcCode.INVALID_ARGUMENT));
      await assert.rejects(emulator.waitFor({ namespace: "", name: "half", condition: Condition.RUNNING, timeout: { seconds: 0n, nanos: 1_000_000 } }), refusal(RpcCode.DEADLINE_EXCEEDED, undefined, /it does not exist$/));
    });

    await t.test("Place: the API server's own refusal comes with its code, reason and text", async () => {
      await assert.rejects(place(pod("x"), { namespace: "nowhere" }), (error: unknown) => refusal(RpcCode.NOT_FOUND, undefined, /namespaces "nowhere" not found/)(error) && (error as RpcError).reason?.reason === "NotFound");
    });

    await t.test("times that are negative are named", async () => {
      await assert.rejects(place(pod("x"), { timeout: negative }), refusal(RpcCode.INVALID_ARGUMENT, "timeout"));
      await assert.rejects(emulator.waitFor({ namespace: "", name: "one", condition: Condition.RUNNING, timeout: negative }), refusal(RpcCode.INVALID_ARGUMENT, "timeout"));
      await assert.rejects(emulator.reset({ requestId: "", timeout: negative }), refusal(RpcCode.INVALID_ARGUMENT, "timeout"));
      await assert.rejects(emulator.checkInvariants({ settle: negative }), refusal(RpcCode.INVALID_ARGUMENT, "settle"));
    });

    await t.test("WaitFor: running, unschedulable, deleted; what it saw last when time is up", async () => {
      const wait = (name: string, condition: Condition, timeout = { seconds: 10n, nanos: 0 }) => emulator.waitFor({ namespace: "", name, condition, timeout });
      assert.equal((await wait("one", Condition.RUNNING)).phase, "Running");
      assert.equal((await wait("one", Condition.UNSPECIFIED)).uid, uid);
      assert.match((await wait("big", Condition.UNSCHEDULABLE)).reason, /Insufficient memory/);
      assert.equal((await wait("never-was", Condition.DELETED)).reason, "deleted");
      await assert.rejects(wait("one", Condition.DELETED, { seconds: 0n, nanos: 50_000_000 }), refusal(RpcCode.DEADLINE_EXCEEDED, undefined, /default\/one .* after 50 ms: its phase is Running$/));
      await assert.rejects(wait("never-was", Condition.RUNNING, { seconds: 0n, nanos: 50_000_000 }), refusal(RpcCode.DEADLINE_EXCEEDED, undefined, /it does not exist$/));
      await assert.rejects(wait("", Condition.RUNNING), refusal(RpcCode.INVALID_ARGUMENT, "name"));
      await assert.rejects(wait("one", Condition.UNRECOGNIZED), refusal(RpcCode.INVALID_ARGUMENT, "condition"));

      // A pod that comes and goes while somebody waits.
      const coming = wait("two", Condition.RUNNING);
      await place(pod("two"));
      const two = await coming;
      const going = wait("two", Condition.DELETED);
      const client = administrator(ready);
      try {
        await client.delete(pods, { namespace: "default", name: "two" });
      } finally {
        await client.close();
      }
      assert.equal((await going).reason, "deleted");
      const { virtualMachines } = await inventory(running);
      assert.equal(virtualMachines.some((vm) => vm.ownerUid === two.uid), false, "pod and VM are gone");
    });

    await t.test("WatchPlacements: by name, by UID, of all; past, from a revision on, and to come", async () => {
      const watch = (fields: { podUid?: string; name?: string; namespace?: string; resumeToken?: string }) => collected(emulator.watchPlacements({ podUid: "", namespace: "", name: "", untilNow: true, resumeToken: "", ...fields }));
      const byUid = await watch({ podUid: uid });
      assert.equal(byUid.length, 15, "14 steps and SYNCED");
      assert.deepEqual((await watch({ name: "one" })).map(({ step }) => step), byUid.map(({ step }) => step));
      const all = await watch({});
      assert.ok(all.length > 15);
      // The steps of a pod that is gone: the way back is recorded behind the fourteen.
      assert.deepEqual((await watch({ name: "two" })).flatMap(({ step }) => (step === undefined ? [] : [step.step])).filter((step) => step <= 14).length, 14);
      await assert.rejects(watch({ name: "nobody" }), refusal(RpcCode.NOT_FOUND, undefined, /no step of pod default\/nobody is recorded/));
      await assert.rejects(watch({ podUid: uid, name: "one" }), refusal(RpcCode.INVALID_ARGUMENT, "pod_uid"));

      const heard: number[] = [];
      const resumeToken = all.at(-1)?.resumeToken ?? "";
      const placing = place(pod("three"));
      for await (const { step } of emulator.watchPlacements({ podUid: "", namespace: "", name: "", untilNow: false, resumeToken })) {
        if (step?.name === "three" && heard.push(step.step) === 14) break;
      }
      await placing;
      assert.deepEqual([...heard].sort((a, b) => a - b), Array.from({ length: 14 }, (_, index) => index + 1));
    });

    await t.test("RecordSteps: a process of one's own may record; records of no pod or no step are not counted as stored", async () => {
      const journal = running.open("emulator").client(JournalServiceClient);
      const send = async (records: StepRecord[]): Promise<number> => {
        const stream = journal.recordSteps();
        await stream.write({ records });
        return (await stream.end()).stored;
      };
      const mine = StepRecord.create({ podUid: "11111111-2222-4333-8444-555555555555", namespace: "lab", name: "mine", step: 3, room: "my-scheduler", outcome: Outcome.OK, message: "by me" });
      assert.equal(await send([mine]), 1);
      for await (const { step } of emulator.watchPlacements({ podUid: mine.podUid, namespace: "", name: "", untilNow: false, resumeToken: "" })) {
        if (step === undefined) continue; // SYNCED may come first
        assert.deepEqual([step.name, step.room, step.attempt, step.message], ["mine", "my-scheduler", 1, "by me"]);
        break;
      }
      assert.equal(await send([mine, StepRecord.create({ step: 3 }), StepRecord.create({ podUid: "u", step: 15 })]), 1);
    });

    await t.test("CheckInvariants and Reset: clean, empty, and clean again", async () => {
      const before = await emulator.checkInvariants({ settle: { seconds: 5n, nanos: 0 } });
      assert.deepEqual(before.violations, []);
      assert.ok(before.pods >= 3 && before.vms >= 2);
      assert.equal(before.hosts, 2);
      const { deleted } = await emulator.reset({ requestId: "reset", timeout: undefined });
      assert.deepEqual((await emulator.reset({ requestId: "reset", timeout: undefined })).deleted, deleted, "the same id: the same answer");
      await assert.rejects(emulator.reset({ requestId: "reset", timeout: second }), refusal(RpcCode.ALREADY_EXISTS, "request_id"));
      assert.ok((deleted["Pod"] ?? 0) >= 3);
      assert.equal(deleted["ConfigMap"], 2);
      const after = await emulator.checkInvariants({ settle: { seconds: 5n, nanos: 0 } });
      assert.deepEqual([after.violations, after.pods, after.vms], [[], 0, 0]);
      assert.deepEqual((await emulator.reset({ requestId: "", timeout: undefined })).deleted, {});
      // The journal is history and stays.
      assert.ok((await collected(emulator.watchPlacements({ podUid: uid, namespace: "", name: "", untilNow: true, resumeToken: "" }))).length >= 14);
    });

    await t.test("FaultService and ClockService answer UNIMPLEMENTED naming the method", async () => {
      const faults = running.open("emulator").client(FaultServiceClient);
      const clock = running.open("emulator").client(ClockServiceClient);
      for (const [method, call] of [
        ["FaultService/SetFault", () => faults.setFault({ requestId: "", rule: undefined })],
        ["FaultService/ListFaults", () => faults.listFaults({ pageSize: 0, pageToken: "" })],
        ["FaultService/ClearFaults", () => faults.clearFaults({ requestId: "", id: "" })],
        ["ClockService/GetClock", () => clock.getClock({})],
        ["ClockService/SetRate", () => clock.setRate({ requestId: "", rate: 2 })],
        ["ClockService/Advance", () => clock.advance({ requestId: "", by: undefined })],
      ] as const) {
        await assert.rejects(call(), refusal(RpcCode.UNIMPLEMENTED, undefined, new RegExp(`spheresim\\.emulator\\.v1\\.${method}`)), method);
      }
    });
    assert.equal(running.stderr(), "");
  });
});

function inventory(running: RunningEmulator): Promise<Inventory> {
  return running.open("vcenter").client(InventoryServiceClient).getInventory({});
}
