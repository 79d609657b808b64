import assert from "node:assert/strict";
import { test } from "node:test";
import { WaitForRequest_Condition as Condition } from "../../src/gen/spheresim/emulator/v1/emulator.js";
import { Outcome, type StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { KVClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { RangeRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { administrator } from "../support/administrator.js";

/** The room each step is recorded as: the table of the fourteen steps, and of the way back. */
const rooms: Readonly<Record<number, string>> = {
  1: "apiserver", 2: "apiserver", 3: "scheduler", 4: "vcenter", 5: "scheduler", 6: "scheduler", 7: "vcenter",
  8: "hostd", 9: "scheduler", 10: "scheduler", 11: "lifecycle", 12: "spherelet", 13: "crx", 14: "spherelet",
  101: "apiserver", 102: "spherelet", 103: "spherelet", 104: "lifecycle", 105: "vcenter", 106: "lifecycle",
};

const pod = (name: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  containers:
  - name: app
    image: nginx
    resources: {requests: {cpu: 250m, memory: 128Mi}}
`;

async function placed(running: RunningEmulator, name: string): Promise<{ readonly uid: string; readonly steps: StepRecord[] }> {
  const steps: StepRecord[] = [];
  for await (const { event } of running.emulator.place({ manifest: pod(name), namespace: "", timeout: undefined })) {
    if (event?.$case === "step") steps.push(event.value);
    if (event?.$case !== "result") continue;
    assert.equal(event.value.allRunning, true, `${JSON.stringify(event.value)} ${running.stderr()}`);
    return { uid: event.value.pods[0]?.uid ?? "", steps };
  }
  throw new Error("no result");
}

const ms = (record: StepRecord | undefined, end: "startTime" | "endTime"): number => Number(record?.[end]?.seconds ?? 0n) * 1000 + (record?.[end]?.nanos ?? 0) / 1e6;

test("a pod travels all fourteen steps, each from its room, and back", async () => {
  await withEmulator([], async (running) => {
    const { uid, steps } = await placed(running, "traveller");
    const byStep = new Map(steps.map((record) => [record.step, record]));

    assert.deepEqual([...byStep.keys()].sort((a, b) => a - b), Array.from({ length: 14 }, (_, index) => index + 1));
    for (const [step, record] of byStep) {
      assert.equal(record.room, rooms[step], `step ${step}`);
      assert.equal(record.outcome, Outcome.OK, `step ${step}: ${record.message}`);
      assert.equal(record.name, "traveller", `step ${step}`);
      assert.ok(ms(record, "startTime") <= ms(record, "endTime"), `step ${step} ends after it begins`);
    }
    // The partial order of the design: 7<8<9, {6,9}<10<11<12<13<14; a step begins after those before it have begun.
    for (const [before, after] of [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [5, 7], [7, 8], [8, 9], [6, 10], [9, 10], [10, 11], [11, 12], [12, 13], [13, 14]] as const) {
      assert.ok(ms(byStep.get(before), "startTime") <= ms(byStep.get(after), "startTime"), `step ${before} begins before step ${after}`);
    }

    // The journal is in etcd, under the keys anybody can read.
    const kv = running.open("etcd").client(KVClient);
    const prefix = `/spheresim/placements/${uid}/`;
    const { kvs } = await kv.range(RangeRequest.fromPartial({ key: Buffer.from(prefix), rangeEnd: Buffer.from(`${prefix.slice(0, -1)}0`) }));
    assert.deepEqual(kvs.map((each) => each.key.toString()).filter((key) => !/\/d\d$/.test(key)), Array.from({ length: 14 }, (_, index) => `${prefix}0001/${String(index + 1).padStart(2, "0")}`));

    // The way back.
    const client = administrator(running.ready);
    try {
      await client.delete(pods, { namespace: "default", name: "traveller" });
      await running.emulator.waitFor({ namespace: "", name: "traveller", condition: Condition.DELETED, timeout: undefined });
    } finally {
      await client.close();
    }
    const clean = await running.emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } });
    assert.deepEqual(clean.violations, []);
    assert.equal(clean.vms, 0);
    const back = new Map<number, StepRecord>();
    for await (const { step } of running.emulator.watchPlacements({ podUid: uid, namespace: "", name: "", untilNow: false, resumeToken: "" })) {
      if (step !== undefined && step.step > 100) back.set(step.step, step);
      if (back.size === 6) break;
    }
    for (const [step, record] of back) assert.equal(record.room, rooms[step], `step D${step - 100}`);
  });
});
