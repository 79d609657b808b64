import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HardwareServiceClient } from "../../src/gen/spheresim/hostd/v1/hardware_service.js";
import { HostConnectionState } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { withDirectory } from "../support/command.js";
import { run, type RunningEmulator, withEmulatorOn } from "../support/running-emulator.js";

async function hostsOf(running: RunningEmulator): Promise<readonly (readonly [name: string, moid: string, state: string])[]> {
  const { hosts } = await running.open("vcenter").client(InventoryServiceClient).getInventory({});
  return hosts.map(({ spec, ref, connectionState }) => [spec?.name.split(".", 1)[0] ?? "", ref?.value ?? "", HostConnectionState[connectionState]]);
}

const flags = ["--hosts", "4", "--processes", "one", "--log-level", "error"];

test("a start that was killed when half of its hosts were in vCenter is finished by the next one, and by one more nothing changes", async () => {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    await withEmulatorOn(state, flags, async (running) => {
      // What lies on disk when the fill is killed after the second host: two hosts, and no note of what vCenter was given.
      for (const name of ["esxi-03.spheresim.test", "esxi-04.spheresim.test"]) await running.open("vcenter").client(InventoryServiceClient).removeHost({ requestId: "", host: { key: { $case: "name", value: name } } });
      running.process.kill("SIGKILL");
    });
    rmSync(join(state, "known-hosts.json"));
    const second = await withEmulatorOn(state, flags, hostsOf);
    assert.deepEqual(second.map(([name, , connection]) => [name, connection]), ["01", "02", "03", "04"].map((number) => [`esxi-${number}`, "CONNECTED"]));
    assert.deepEqual(second.slice(0, 2).map(([, moid]) => moid), ["host-21", "host-22"]);
    // Free ports are others each time: the hosts are found where they answer now.
    assert.deepEqual(await withEmulatorOn(state, flags, hostsOf), second);
  });
});

test("an inventory file that says otherwise of a host than the first start did is refused in two lines", async () => {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    const file = join(directory, "inventory.yaml");
    const say = (cores: number): void => writeFileSync(file, `hosts:\n  - {name: esxi-01.spheresim.test, cores: ${cores}, cpuMhz: 2000, memoryMb: 8192}\n`);
    say(4);
    await withEmulatorOn(state, ["--inventory", file, "--processes", "one"], hostsOf);
    say(8);
    const { code, stderr } = await run(["up", "--data-dir", state, "--ports", "auto", "--inventory", file, "--processes", "one", "--log-level", "error"]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^spheresim: .*esxi-01\.spheresim\.test.*\n {2}.+\n$/);
    say(4);
    assert.deepEqual(await withEmulatorOn(state, ["--inventory", file, "--processes", "one"], hostsOf), [["esxi-01", "host-21", "CONNECTED"]]);
  });
});

test("host add goes on where a command before it ended half way, with the host in the rack alone; two at once add one host", async () => {
  await withDirectory(async (directory) => {
    await withEmulatorOn(join(directory, "state"), ["--hosts", "1", "--processes", "one", "--log-level", "error"], async (running) => {
      await running.open("esxi").client(HardwareServiceClient).addHardware({ requestId: "", name: "esxi-07.spheresim.test", numCpuCores: 8, cpuMhz: 2000, memoryMb: 16_384, labels: {} });
      const add = (...more: string[]) => run(["host", "add", "esxi-07.spheresim.test", ...more, "--data-dir", running.ready.dataDir]);
      const line = /^esxi-07\.spheresim\.test is (host-\d+): 8 cores of 2000 MHz, 16384 MB, at 127\.0\.0\.1:\d+; connected and Ready(; it was there already)?\n$/;
      const answers = await Promise.all([add(), add()]);
      assert.deepEqual(answers.map(({ code, stderr }) => [code, stderr]), [[0, ""], [0, ""]]);
      assert.equal(new Set(answers.map(({ stdout }) => line.exec(stdout)?.[1] ?? assert.fail(stdout))).size, 1);
      assert.match((await add()).stdout, /; it was there already\n$/);
      assert.deepEqual((await hostsOf(running)).map(([name]) => name), ["esxi-01", "esxi-07"]);
    });
  });
});
