import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { twoCaptainsInventory } from "../../src/cli/two-captains.js";
import { start, withDirectory } from "../support/command.js";
import { eventually } from "../support/eventually.js";
import { descendantsOf, isRunning } from "../support/process-tree.js";
import { run, type RunningEmulator, withEmulator } from "../support/running-emulator.js";

/** What the journal of an emulator says in step 5 of the newcomer, and what vCenter says of the host it went to. */
async function played(running: RunningEmulator): Promise<{ readonly node: string; readonly reason: string }> {
  for (const file of ["two-captains-before.yaml", "two-captains.yaml"]) {
    const manifest = readFileSync(join(examplesDirectory, "manifests", file), "utf8");
    for await (const { event } of running.emulator.place({ manifest, namespace: "", timeout: undefined })) if (event?.$case === "result") assert.equal(event.value.allRunning, true);
  }
  for await (const { step } of running.emulator.watchPlacements({ podUid: "", namespace: "", name: "newcomer", untilNow: true, resumeToken: "" })) {
    if (step?.step === 5) return { node: step.subject, reason: step.message };
  }
  throw new Error("step 5 is not recorded");
}

test("demo --exit: every step, and the article's choice made twice, differently, for reasons that stand in the journal", async () => {
  await withDirectory(async (directory) => {
    const { code, stdout, stderr } = await run(["demo", "--exit"], { env: { TMPDIR: directory, XDG_STATE_HOME: join(directory, "state") } });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith("spheresim") || name === "state"), []);

    const [first = "", second = ""] = stdout.split(/^Scene 2: /m);
    for (const name of ["cache", "report"]) {
      const steps = [...first.matchAll(new RegExp(`^${name} +(\\d+) ✓`, "gm"))].map((match) => Number(match[1]));
      assert.deepEqual(steps, Array.from({ length: 14 }, (_, index) => index + 1), name);
    }
    assert.equal([...first.matchAll(/^default +web-\S+ +Running/gm)].length, 2);

    assert.match(second, /^ {3,}KUBERNETES ALONE +WITH DRS$/m);
    const chosen = /^host chosen +(\S+) +(\S+)$/m.exec(second);
    assert.deepEqual(chosen?.slice(1), ["esxi-b.spheresim.test", "esxi-c.spheresim.test"]);
    // 40 GB of pods, 30 and 5 GB of ordinary VMs, 35 GB of the newcomer.
    assert.match(second, /^memory active there now +107520 of 102400 MB, 105 % +81920 of 102400 MB, 80 %$/m);

    // The same flags and seed give the same choice and the same words; here they are read from the journal itself.
    const runs: { readonly node: string; readonly reason: string }[] = [];
    for (const decider of ["kubernetes", "drs"]) runs.push(await withEmulator(["--inventory", twoCaptainsInventory, "--processes", "one", "--decider", decider], played));
    assert.deepEqual(runs.map((each) => each.node), chosen?.slice(1));
    assert.match(runs[0]?.reason ?? "", /drawn among 2 of that score$/, "to Kubernetes two hosts are equal");
    assert.ok(second.includes(`Kubernetes alone, step 5 of the journal: ${runs[0]?.reason}\n`), second);
    assert.ok(second.includes(`with DRS, step 5 of the journal: ${runs[1]?.reason}\n`), second);
    assert.match(second, /^esxi-c\.spheresim\.test +chosen /m);
    assert.match(second, /^esxi-b\.spheresim\.test +feasible +60\.6$/m);
    assert.match(second, /^esxi-c\.spheresim\.test +feasible +60\.6$/m);
  });
});

test("Ctrl-C in the middle of the demo ends it with nothing left", { skip: process.platform === "linux" ? false : "reads /proc" }, async () => {
  await withDirectory(async (directory) => {
    const demo = start(["demo"], { env: { TMPDIR: directory } });
    for (let line = ""; !line.startsWith("cache "); line = await demo.line());
    const below = descendantsOf(demo.pid);
    assert.ok(below.length >= 4);
    process.kill(demo.pid, "SIGINT");
    for (let more = true; more; ) more = await demo.line().then(() => true, () => false);
    assert.equal(await demo.ended, 130);
    await eventually("nothing is left", () => !below.some(isRunning));
    assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith("spheresim")), []);
  });
});
