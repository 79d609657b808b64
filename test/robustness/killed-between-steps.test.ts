import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "../../src/kubernetes/resource-type.js";
import { isAlreadyExists } from "../../src/kubernetes/status.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import { administrator } from "../support/administrator.js";
import { processOf } from "../support/process-of-room.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { through } from "../support/through.js";

/** After this step is recorded, the room in charge of the next one is killed. */
const table: ReadonlyArray<readonly [after: number, room: string]> = [
  [1, "etcd"],
  [2, "scheduler"],
  [3, "vcenter"],
  [4, "scheduler"],
  [5, "apiserver"],
  [6, "vcenter"],
  [7, "hostd"],
  [8, "scheduler"],
  [9, "apiserver"],
  [10, "lifecycle"],
  [11, "spherelet"],
  [12, "crx"],
  [13, "spherelet"],
];

async function create(client: RestClient, name: string): Promise<string> {
  return through(async () => {
    try {
      const made = await client.create(pods, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "app", image: "nginx" }] } });
      return made.metadata.uid;
    } catch (error) {
      if (isAlreadyExists(error)) return (await client.get(pods, { name, namespace: "default" })).metadata.uid;
      throw error;
    }
  });
}

/** Resolves when the step was recorded; the journal itself may be away for a moment. */
async function recorded(running: RunningEmulator, podUid: string, step: number): Promise<void> {
  await through(async () => {
    for await (const update of running.emulator.watchPlacements({ podUid, namespace: "", name: "", untilNow: false, resumeToken: "" })) {
      if ((update.step?.step ?? 0) >= step) return;
    }
    throw new Error("the watch of placements ended");
  });
}

/** What a killed room had not sent is rebuilt from what it left on the pod. */
async function wholeJournal(running: RunningEmulator, podUid: string): Promise<void> {
  const steps = new Set<number>();
  for await (const { step } of running.emulator.watchPlacements({ podUid, namespace: "", name: "", untilNow: true, resumeToken: "" })) {
    if (step !== undefined) steps.add(step.step);
  }
  assert.deepEqual([...steps].toSorted((a, b) => a - b), Array.from({ length: 14 }, (_, index) => index + 1));
}

test("whichever room is killed between two steps, the pod runs once in the end and both planes agree", { skip: process.platform === "linux" ? false : "reads /proc" }, async (t) => {
  await withEmulator(["--processes", "rooms", "--profile", "article", "--log-level", "error"], async (running) => {
    const client = administrator(running.ready);
    try {
      for (const [after, room] of table) {
        await t.test(`${room} killed after step ${after}`, async () => {
          const name = `killed-after-${after}`;
          const uid = await create(client, name);
          await recorded(running, uid, after);
          const pid = processOf(running.process.pid ?? 0, room);
          assert.ok(pid !== undefined, `no process runs ${room}`);
          process.kill(pid, "SIGKILL");
          await through(async () => {
            const pod = await client.get(pods, { name, namespace: "default" });
            assert.equal(pod.metadata.uid, uid);
            assert.equal(pod.status?.phase, "Running", `${JSON.stringify(pod.status)} ${running.stderr().slice(-2_000)}`);
          });
          const { violations } = await through(() => running.emulator.checkInvariants({ settle: { seconds: 20n, nanos: 0 } }));
          assert.deepEqual(violations, []);
          await through(() => wholeJournal(running, uid));
        });
      }
    } finally {
      await client.close();
    }
  });
});
