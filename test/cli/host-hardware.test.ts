import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { findCondition } from "../../src/kubernetes/condition.js";
import { nodes } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { withDirectory } from "../support/command.js";
import { run, type RunningEmulator, withEmulator, withEmulatorOn } from "../support/running-emulator.js";

/** The command line as a user types it, and what it says. */
function typist({ ready }: RunningEmulator) {
  const type = (line: string) => run([...line.split(" "), "--data-dir", ready.dataDir]);
  return {
    says: async (line: string, expected: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await type(line);
      assert.deepEqual([code, stderr], [0, ""], line);
      assert.match(stdout, expected, line);
    },
    /** One line what, at most one what next. */
    refuses: async (line: string, code: number, expected: RegExp): Promise<void> => {
      const answer = await type(line);
      assert.deepEqual([answer.code, answer.stdout], [code, ""], `${line}: ${answer.stderr}`);
      assert.match(answer.stderr, expected, line);
      assert.match(answer.stderr, /^spheresim: [^\n]+\n(?: {2}[^\n]+\n)?$/, line);
    },
  };
}

/** `name: Ready` of every Node. */
async function nodesOf(running: RunningEmulator): Promise<Readonly<Record<string, string | undefined>>> {
  const client = administrator(running.ready);
  try {
    const { items } = await client.list(nodes);
    return Object.fromEntries(items.map(({ metadata, status }) => [metadata.name.split(".", 1)[0], findCondition(status?.conditions, "Ready")?.status]));
  } finally {
    await client.close();
  }
}

test("a host is added to a running emulator, broken and mended in every way, and taken out again", async (t) => {
  await withEmulator(["--hosts", "2", "--processes", "rooms", "--tls", "--node-grace", "4s", "--log-level", "error"], async (running) => {
    const { says, refuses } = typist(running);

    await t.test("add: a new host is connected and Ready when the line is printed, and adding it again changes nothing", async () => {
      const line = (end: string): RegExp => new RegExp(`^esxi-09\\.spheresim\\.test is host-\\d+: 8 cores of 2000 MHz, 16384 MB, at 127\\.0\\.0\\.1:\\d+; connected and Ready${end}\\n$`);
      await says("host add esxi-09.spheresim.test --cpu-cores 8 --cpu-mhz 2000 --memory-mb 16384 --label rack=b", line(""));
      assert.deepEqual(await nodesOf(running), { "esxi-01": "True", "esxi-02": "True", "esxi-09": "True" });
      await says("host add esxi-09.spheresim.test", line("; it was there already"));
      await refuses("host add esxi-09.spheresim.test --cpu-cores 5", 1, /^spheresim: esxi-09\.spheresim\.test has cpu-cores 8, not 5\n {2}leave --cpu-cores out, or /);
      await refuses("host add esxi-10", 1, /^spheresim: .*esxi-10.*\n/);
      await refuses("host add esxi-10.spheresim.test --memory-mb 12", 1, /^spheresim: .*memory.*\n/);
      await says("host list -o wide", /^esxi-09\.spheresim\.test +connected +0 on .* rack=b$/m);
    });

    await t.test("add: what is not said is as in the default inventory", () => says("host add esxi-08.spheresim.test", /: 16 cores of 2600 MHz, 65536 MB, at .*; connected and Ready\n$/));

    await t.test("power, network and services, and what the list says of them", async () => {
      await says("host power esxi-09 off", /^esxi-09\.spheresim\.test has no power: its VMs are off\n$/);
      await says("host list", /^esxi-09\.spheresim\.test +not responding, no power /m);
      await says("host network esxi-09 cut", /^esxi-09\.spheresim\.test is cut off: its VMs run on\n$/);
      await says("host power esxi-09 on", /^esxi-09\.spheresim\.test has power: still no network\n$/);
      await says("host network esxi-09 restore", /^esxi-09\.spheresim\.test is on the network: connected and Ready\n$/);
      await says("host service esxi-09 hostd stop", /^hostd of esxi-09\.spheresim\.test is down: its VMs run on\n$/);
      await says("host list", /^esxi-09\.spheresim\.test +not responding, hostd down /m);
      await says("host service esxi-09 hostd start", /^hostd of esxi-09\.spheresim\.test runs: connected and Ready\n$/);
      await says("host service esxi-09 spherelet restart", /^spherelet of esxi-09\.spheresim\.test was restarted: connected and Ready\n$/);
      await says("host power esxi-09 reset --no-wait", /^esxi-09\.spheresim\.test was reset: it comes back\n$/);
      await says("host power esxi-09 on", /^esxi-09\.spheresim\.test has power: connected and Ready\n$/);
    });

    await t.test("mistakes", async () => {
      await refuses("host power esxi-09 up", 2, /It must be off, on or reset; /);
      await refuses("host network esxi-09 off", 2, /It must be cut or restore; /);
      await refuses("host service esxi-09 vpxa stop", 2, /It must be hostd or spherelet; /);
      await refuses("host power esxi-19 off", 1, /^spheresim: no host is named "esxi-19"; near it: /);
      await says("host power esxi-08 off", /has no power/);
      await refuses("host add esxi-08.spheresim.test", 1, /^spheresim: esxi-08\.spheresim\.test cannot answer vCenter: no power\n {2}mend it first: spheresim host power/);
      await says("host power esxi-08 on", /connected and Ready/);
    });

    await t.test("remove: refused while a VM is there; then out of vCenter, out of the rack, and no Node any more", async () => {
      await says("vm create far --cpus 1 --memory-mb 512 --host esxi-09 --power-on", /powered on/);
      await refuses("host remove esxi-09", 1, /^spheresim: The resource "esxi-09\.spheresim\.test" is in use: /);
      await says("vm destroy far --power-off", /destroyed/);
      await says("host remove esxi-09", /^esxi-09\.spheresim\.test removed, from the rack too\n$/);
      assert.deepEqual(await nodesOf(running), { "esxi-01": "True", "esxi-02": "True", "esxi-08": "True" });
      await refuses("host remove esxi-09", 1, /^spheresim: no host is named "esxi-09"; near it: /);
      await says("host remove esxi-02", /^esxi-02\.spheresim\.test removed\n$/);
      await refuses("host remove esxi-02", 1, /^spheresim: vCenter does not have esxi-02\.spheresim\.test, and the rack has it from its inventory\n/);
      await says("host add esxi-02.spheresim.test --cpu-cores 16", /connected and Ready\n$/);
      await says("check --settle 30s", /^clean: 0 pods, 0 VMs, 3 hosts\n$/);
    });
  });
});

test("hosts that were added, removed, or have no power or network come back so with the next start, which does not wait for them", async () => {
  const flags = ["--hosts", "4", "--node-grace", "4s", "--log-level", "error"];
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    await withEmulatorOn(state, flags, async (running) => {
      const { says } = typist(running);
      await says("host add esxi-09.spheresim.test --label rack=b", /connected and Ready/);
      await says("host power esxi-01 off", /no power/);
      await says("host network esxi-02 cut", /cut off/);
      await says("host service esxi-03 spherelet stop", /is down/);
      await says("host remove esxi-04", /removed/);
    });
    await withEmulatorOn(state, flags, async (running) => {
      const { says, refuses } = typist(running);
      await says("host list", /^esxi-01\.spheresim\.test +not responding, no power .*\nesxi-02\.spheresim\.test +not responding, no network .*\nesxi-03\.spheresim\.test +spherelet down .*\nesxi-09\.spheresim\.test +connected /m);
      await refuses("host maintenance esxi-04 enter", 1, /^spheresim: no host is named "esxi-04"/);
      assert.equal((await nodesOf(running))["esxi-09"], "True");
      await says("host service esxi-03 spherelet start", /connected and Ready/);
      await says("host power esxi-01 on", /connected and Ready/);
      await says("host network esxi-02 restore", /connected and Ready/);
      await says("check --settle 30s", /^clean: 0 pods, 0 VMs, 4 hosts\n$/);
    });
  });
});
