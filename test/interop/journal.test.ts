import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { twoCaptainsInventory } from "../../src/cli/two-captains.js";
import { findProgram, skipWithout } from "../support/external-program.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";

/** The room that takes each of the fourteen steps. */
const rooms = ["apiserver", "apiserver", "scheduler", "vcenter", "scheduler", "scheduler", "vcenter", "hostd", "scheduler", "scheduler", "lifecycle", "spherelet", "crx", "spherelet"];

const fourteen = rooms.map((room, at) => [at + 1, room] as const);

/** Steps with their rooms as `etcdctl get` shows them under a pod's prefix; every record carries the pod's name. */
function shown({ ready }: RunningEmulator, { uid, name }: { readonly uid: string; readonly name: string }): readonly (readonly [step: number, room: string])[] {
  const parameters = ["--endpoints", ready.endpoints["etcd"] ?? "", "get", "--prefix", `/spheresim/placements/${uid}/`];
  const lines = execFileSync(findProgram("etcdctl") ?? "", parameters, { env: { ...process.env, ETCDCTL_API: "3" } }).toString().trimEnd().split("\n");
  const keys = lines.filter((_, at) => at % 2 === 0);
  assert.deepEqual(keys, rooms.map((_, at) => `/spheresim/placements/${uid}/0001/${String(at + 1).padStart(2, "0")}`), name);
  const records = lines.filter((_, at) => at % 2 === 1).map((line) => JSON.parse(line) as { readonly step: number; readonly room: string; readonly name: string });
  assert.deepEqual(new Set(records.map((record) => record.name)), new Set([name]));
  return records.map(({ step, room }) => [step, room]);
}

async function placedPods({ emulator }: RunningEmulator, file: string): Promise<readonly { readonly uid: string; readonly name: string }[]> {
  const manifest = readFileSync(join(examplesDirectory, "manifests", file), "utf8");
  for await (const { event } of emulator.place({ manifest, namespace: "", timeout: undefined })) {
    if (event?.$case !== "result") continue;
    assert.equal(event.value.allRunning, true);
    return event.value.pods;
  }
  throw new Error("Place ended without a result");
}

test("etcdctl shows steps 1 to 14 of every pod of the demo, each from its room", { skip: skipWithout("etcdctl") }, async () => {
  await withEmulator([], async (running) => {
    for (const file of ["cache.yaml", "report.yaml", "web.yaml"]) {
      for (const pod of await placedPods(running, file)) assert.deepEqual(shown(running, pod), fourteen, pod.name);
    }
  });
  for (const decider of ["kubernetes", "drs"]) {
    await withEmulator(["--inventory", twoCaptainsInventory, "--decider", decider], async (running) => {
      const files = ["two-captains-before.yaml", "two-captains.yaml"];
      for (const file of files) for (const pod of await placedPods(running, file)) assert.deepEqual(shown(running, pod), fourteen, `${pod.name}, ${decider}`);
    });
  }
});
