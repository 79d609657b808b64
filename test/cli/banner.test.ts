import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { banner } from "../../src/cli/banner.js";

const environment = { XDG_STATE_HOME: "/state" };
const ready = (name: string, dataDir: string): ReadyLine => ({
  ready: true, version: "0.1.0", pid: 1, name, seed: 1, profile: "instant", dataDir, kubeconfig: `${dataDir}/kubeconfig`,
  hosts: [{ moid: "host-21", name: "esxi-01.spheresim.test" }], endpoints: { etcd: "127.0.0.1:7436" },
});

for (const [what, name, dataDir, options] of [
  ["the default emulator needs no option", "default", "/state/spheresim/default", ""],
  ["another name is said", "lab", "/state/spheresim/lab", " --name lab"],
  ["a directory elsewhere is said, whatever the name", "default", "/elsewhere", " --data-dir /elsewhere"],
] as const) {
  test(`what the banner has pasted finds this emulator: ${what}`, () => {
    const text = banner(ready(name, dataDir), environment);
    assert.ok(text.includes(`\n    npx spheresim place -f examples/manifests/web.yaml${options}\n`), text);
    assert.ok(text.endsWith(`\n  Ctrl-C stops it; state stays in ${dataDir}\n`), text);
    assert.match(text, /^spheresim 0\.1\.0 is ready: 1 host, /);
  });
}

test("the demo's banner does not promise what Ctrl-C removes", () => {
  const text = banner(ready("demo", "/tmp/spheresim-x"), environment, "ends the demo and removes all of it");
  assert.ok(text.endsWith("\n  Ctrl-C ends the demo and removes all of it\n"), text);
});
