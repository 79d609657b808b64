import assert from "node:assert/strict";
import { test } from "node:test";
import { VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachineServiceClient } from "../../src/gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import { isAlreadyExists, isNotFound } from "../../src/kubernetes/status.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { administrator } from "../support/administrator.js";
import { vmsOnHosts } from "../support/host-vms.js";
import { processOf } from "../support/process-of-room.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { recorded, stepsOf } from "../support/step-watch.js";
import { through } from "../support/through.js";

const skip = process.platform === "linux" ? false : "reads /proc";

/**
 * After this step is recorded, the room in charge of the next one is killed. A room that had no part in the steps before is held (stopped,
 * as by a debugger) from the beginning, so that it certainly dies before it did anything; the others die as soon as the record is seen.
 */
interface Row {
  readonly after: number;
  readonly room: string;
  readonly held?: true;
}

const thereTable: readonly Row[] = [
  { after: 1, room: "etcd" },
  { after: 2, room: "scheduler", held: true },
  { after: 3, room: "vcenter", held: true },
  { after: 4, room: "scheduler" },
  { after: 5, room: "apiserver" },
  { after: 6, room: "vcenter" },
  // Step 7 has begun: vCenter has its records and waits for HostD.
  { after: 6, room: "hostd", held: true },
  { after: 7, room: "hostd" },
  { after: 8, room: "scheduler" },
  { after: 9, room: "apiserver" },
  { after: 10, room: "lifecycle" },
  { after: 11, room: "spherelet" },
  { after: 12, room: "crx" },
  { after: 13, room: "spherelet" },
  { after: 14, room: "hostd" },
];

/** D1 to D6 are 101 to 106. */
const backTable: readonly Row[] = [
  { after: 14, room: "apiserver", held: true },
  { after: 101, room: "spherelet", held: true },
  { after: 101, room: "crx", held: true },
  { after: 102, room: "spherelet" },
  { after: 103, room: "lifecycle", held: true },
  { after: 103, room: "vcenter", held: true },
  { after: 103, room: "hostd", held: true },
  { after: 104, room: "vcenter" },
  { after: 105, room: "lifecycle" },
  { after: 106, room: "etcd" },
];

const titleOf = ({ after, room, held }: Row): string => `${room} killed after ${after > 100 ? `D${after - 100}` : `step ${after}`}${held === true ? ", held since the beginning" : ""}`;

/** Holds the room if the row says so; what is returned kills it. */
function aim(running: RunningEmulator, { room, held }: Row): () => void {
  const pidNow = (): number => processOf(running.process.pid ?? 0, room) ?? assert.fail(`no process runs ${room}`);
  if (held !== true) return () => void process.kill(pidNow(), "SIGKILL");
  const pid = pidNow();
  process.kill(pid, "SIGSTOP");
  return () => void process.kill(pid, "SIGKILL");
}

/** A pod that asks for more than nothing, so that capacity given back twice or never would show. */
async function create(client: RestClient, name: string): Promise<string> {
  const spec = { containers: [{ name: "app", image: "nginx", resources: { requests: { cpu: "250m", memory: "128Mi" } } }], terminationGracePeriodSeconds: 5 };
  return through(async () => {
    try {
      const made = await client.create(pods, { metadata: { name, namespace: "default" }, spec });
      return made.metadata.uid;
    } catch (error) {
      if (isAlreadyExists(error)) return (await client.get(pods, { name, namespace: "default" })).metadata.uid;
      throw error;
    }
  });
}

/** Resolves with the pod when it runs, as the object it was, in the one VM that it names and that its host has. */
async function runsOnce(running: RunningEmulator, client: RestClient, name: string, uid: string): Promise<Pod> {
  return through(async () => {
    const pod = await client.get(pods, { name, namespace: "default" });
    assert.equal(pod.metadata.uid, uid);
    assert.equal(pod.status?.phase, "Running", `${JSON.stringify(pod.status)} ${running.stderr().slice(-2_000)}`);
    const vms = await vmsOnHosts(running, uid);
    assert.deepEqual(vms.map((vm) => [vm.config?.uuid, vm.hostName, vm.phase]), [[vmUuidOf(pod), pod.spec.nodeName, VmPhase.AGENT_READY]]);
    assert.ok(pod.status.containerStatuses?.every((status) => status.ready), "its containers are back");
    return pod;
  });
}

async function bothPlanesAgree(running: RunningEmulator): Promise<void> {
  const { violations } = await through(() => running.emulator.checkInvariants({ settle: { seconds: 20n, nanos: 0 } }));
  assert.deepEqual(violations, []);
}

test("whichever room is killed between two steps, the pod runs once in the end and both planes agree", { skip }, async (t) => {
  await withEmulator(["--processes", "rooms", "--profile", "article", "--log-level", "error"], async (running) => {
    const client = administrator(running.ready);
    try {
      for (const [index, row] of thereTable.entries()) {
        await t.test(titleOf(row), async () => {
          const name = `there-${index}`;
          const kill = aim(running, row);
          const uid = await create(client, name);
          await recorded(running, uid, row.after);
          if (row.room === "hostd" && row.held === true) {
            await through(() => running.open("vcenter").client(VirtualMachineServiceClient).getVm({ target: { $case: "ownerUid", value: uid } }));
          }
          kill();
          const restarted = await restartsOf(running, client, name, uid, row);
          const expected = row.after === 14 ? [1] : row.room === "hostd" || row.room === "crx" ? [0, 1] : [0];
          assert.ok(expected.includes(restarted), `containers were started ${restarted} times again`);
          await bothPlanesAgree(running);
          // A VM that was given back on the way, as after a binding that failed, is told as D4 and D5.
          await through(async () => assert.deepEqual((await stepsOf(running, uid)).filter((step) => step <= 14), Array.from({ length: 14 }, (_, step) => step + 1)));
        });
      }
    } finally {
      await client.close();
    }
  });
});

/** How often the pod's containers had to start again, once it runs; a host that died with the pod running takes them with it. */
async function restartsOf(running: RunningEmulator, client: RestClient, name: string, uid: string, { after }: Row): Promise<number> {
  return through(async () => {
    const pod = await runsOnce(running, client, name, uid);
    const count = pod.status?.containerStatuses?.[0]?.restartCount ?? -1;
    if (after === 14) assert.equal(count, 1);
    return count;
  });
}

test("whichever room is killed between two steps of the way back, the pod is gone in the end, and its VM, and both planes agree", { skip }, async (t) => {
  await withEmulator(["--processes", "rooms", "--profile", "article", "--log-level", "error"], async (running) => {
    const client = administrator(running.ready);
    try {
      for (const [index, row] of backTable.entries()) {
        await t.test(titleOf(row), async () => {
          const name = `back-${index}`;
          const uid = await create(client, name);
          await runsOnce(running, client, name, uid);
          const kill = aim(running, row);
          // The API server cannot answer while it is held: what kills it must not wait for the answer.
          const removal = remove(client, name, uid);
          await recorded(running, uid, row.after);
          kill();
          await removal;
          await through(async () => {
            const left = await client.get(pods, { name, namespace: "default" }).catch((error: unknown) => (isNotFound(error) ? undefined : Promise.reject(error as Error)));
            assert.equal(left, undefined, `${JSON.stringify(left?.metadata)} ${running.stderr().slice(-2_000)}`);
            assert.deepEqual(await vmsOnHosts(running, uid), []);
          });
          await bothPlanesAgree(running);
          assert.equal((await through(() => running.emulator.checkInvariants({ settle: undefined }))).vms, 0);
        });
      }
    } finally {
      await client.close();
    }
  });
});

/** Deletes the pod, however often it takes until the API server has heard of it. */
async function remove(client: RestClient, name: string, uid: string): Promise<void> {
  await through(() =>
    client.delete(pods, { name, namespace: "default" }, { preconditions: { uid } }).then(
      () => undefined,
      (error: unknown) => (isNotFound(error) ? undefined : Promise.reject(error as Error)),
    ),
  );
}
