import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { entitledByHost } from "../../src/cli/host.js";
import { VmUsage } from "../../src/gen/spheresim/vcenter/v1/drs.js";
import { VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { run, withEmulator } from "../support/running-emulator.js";

test("the worked example: a VM that moved since the last pass counts where it is now", () => {
  const vm = (host: string, powerState = VirtualMachinePowerState.POWERED_ON): VirtualMachine => VirtualMachine.fromPartial({ ref: { value: "vm-1" }, host: { value: host }, powerState });
  const usage = new Map([["vm-1", VmUsage.fromPartial({ entitledCpuMhz: 4000, entitledMemoryMb: 512 })]]);
  assert.deepEqual([...entitledByHost([vm("host-22")], usage)], [["host-22", [4000, 512]]]);
  assert.deepEqual([...entitledByHost([vm("host-22", VirtualMachinePowerState.POWERED_OFF)], usage)], []);
  assert.deepEqual([...entitledByHost([vm("host-22")], new Map())], [], "nothing is known yet");
});

test("hosts have their entitlement from the start, and VMs take theirs along when they move", async () => {
  await withEmulator(["--inventory", join(examplesDirectory, "inventories", "busy-cluster.yaml"), "--processes", "one"], async ({ ready }) => {
    const says = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await run([...line.split(" "), "--data-dir", ready.dataDir]);
      assert.deepEqual([code, stderr], [0, ""], line);
      return stdout;
    };
    const entitledMhz = async (): Promise<number[]> => (await says("host list")).trimEnd().split("\n").slice(1).map((row) => Number(row.split(/ {3,}/)[4]));
    const before = await entitledMhz();
    assert.ok(before[0]! > 6000 && before[1]! > 50_000, String(before));
    assert.equal(before[2], 0);
    assert.equal(await says("drs recommendations"), "no recommendation stands; let DRS look now with: spheresim drs recommendations --refresh\n");
    await says("vm migrate shop-batch --host esxi-03");
    const after = await entitledMhz();
    // The wave of the front ends goes on meanwhile.
    assert.ok(after[1]! < 20_000 && Math.abs(after[2]! - 38_000) <= 5, String(after));
  });
});
