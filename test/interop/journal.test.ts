import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { findProgram, skipWithout } from "../support/external-program.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";

/** The room that takes each of the fourteen steps. */
const rooms = ["apiserver", "apiserver", "scheduler", "vcenter", "scheduler", "scheduler", "vcenter", "hostd", "scheduler", "scheduler", "lifecycle", "spherelet", "crx", "spherelet"];

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
      for (const { uid, name } of await placedPods(running, file)) {
        const parameters = ["--endpoints", running.ready.endpoints["etcd"] ?? "", "get", "--prefix", `/spheresim/placements/${uid}/`];
        const lines = execFileSync(findProgram("etcdctl") ?? "", parameters, { env: { ...process.env, ETCDCTL_API: "3" } }).toString().trimEnd().split("\n");
        const records = lines.filter((_, at) => at % 2 === 1).map((line) => JSON.parse(line) as { readonly step: number; readonly room: string; readonly name: string });
        assert.deepEqual(records.map(({ step, room }) => [step, room]), rooms.map((room, at) => [at + 1, room]), name);
        assert.deepEqual(new Set(records.map((record) => record.name)), new Set([name]));
      }
    }
  });
});
