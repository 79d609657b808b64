import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { skipWithout } from "../support/external-program.js";
import { run, withEmulator } from "../support/running-emulator.js";
import { onTerminal } from "../support/terminal.js";

const busy = ["--inventory", join(examplesDirectory, "inventories", "busy-cluster.yaml"), "--processes", "one"];

const reading = [
  "host list", "host list -o wide", "vm list", "vm list -o wide", "pool list", "pool list -o wide", "rule list", "rule list -o wide", "group list", "group list -o wide",
  "drs usage", "drs usage -o wide", "drs settings", "drs recommendations --refresh", "drs recommendations -o wide", "events", "events -o wide", "task list", "task list -o wide",
  "inventory", "inventory -o wide", "explain cache", "explain cache -o wide", "trace cache", "trace cache -o wide",
];

test("what commands show fits a terminal of 80 columns, and one of 120", { skip: process.platform === "linux" ? skipWithout("script", "stty") : "wants util-linux's script" }, async (t) => {
  await withEmulator(busy, async ({ ready }) => {
    const placed = await run(["place", "-f", join(examplesDirectory, "manifests", "cache.yaml"), "--data-dir", ready.dataDir]);
    assert.equal(placed.code, 0, placed.stderr);
    for (const columns of [80, 120]) {
      for (const line of reading) {
        await t.test(`${line}, ${columns}`, async () => {
          const shown = await onTerminal([...line.split(" "), "--data-dir", ready.dataDir], columns);
          assert.notEqual(shown.trim(), "");
          for (const each of shown.split("\n")) assert.ok(each.length <= columns, `${each.length} columns: ${each}`);
          assert.doesNotMatch(shown, /…/, "nothing is cut");
        });
      }
    }
    await t.test("at 80 columns hosts, VMs and pools have bars of MHz and of MB", async () => {
      for (const [line, name] of [["host list", "esxi-01\\.spheresim\\.test"], ["vm list", "shop-db"], ["pool list", " +databases"]] as const) {
        const shown = await onTerminal([...line.split(" "), "--data-dir", ready.dataDir], 80);
        assert.match(shown, new RegExp(`^${name} +\\[[█▒┃·]{8,}\\] +\\d+ +\\d+ +\\d+ +\\d+ MHz\\n.* +\\[[█▒┃·]{8,}\\] +\\d+ +\\d+ +\\d+ +\\d+ MB$`, "m"), line);
      }
    });
  });
});
