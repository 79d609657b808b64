import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { toTimestamp } from "../../src/base/timestamp.js";
import { Cluster, HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type ActivityProfile, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { completeConfig } from "../../src/vcenter/clusters/pool-allocation.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";
import { moref } from "../../src/vcenter/inventory/moref.js";
import { completeVmConfig } from "../../src/vcenter/machines/vm-config.js";
import type { VmRecord } from "../../src/vcenter/store/records.js";
import { fc } from "../support/properties.js";

const NOON = Date.UTC(2026, 0, 1, 12);

function constant(memoryMb: number): ActivityProfile {
  return { profile: { $case: "constant", value: { cpuMhz: 100, memoryMb } }, startTime: undefined };
}

function wave(maxMemoryMb: number): ActivityProfile {
  return { profile: { $case: "dailyWave", value: { minCpuMhz: 0, maxCpuMhz: 100, minMemoryMb: 0, maxMemoryMb, peakHour: 14 } }, startTime: toTimestamp(NOON) };
}

/** A running VM of 4,096 MB, and what changes it. */
class OneVm {
  readonly clock = new ManualClock(NOON);
  readonly inventory = new Inventory(1n, () => undefined, this.clock);

  constructor(activity: ActivityProfile | undefined) {
    this.inventory.putCluster(Cluster.fromPartial({ ref: moref("ClusterComputeResource", "domain-c1"), rootPool: moref("ResourcePool", "resgroup-1") }), { moid: "resgroup-1", name: "Resources", parent: undefined, config: completeConfig(undefined, "config"), namespace: "" });
    this.inventory.putHost({ moid: "host-1", spec: HostSpec.fromPartial({ name: "esxi", numCpuCores: 16, cpuMhz: 2000, memoryMb: 65_536 }), cluster: "domain-c1", address: "", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true });
    const config = completeVmConfig(VirtualMachineConfigSpec.fromPartial({ name: "a", numCpus: 1, memoryMb: 4096 }), "config");
    this.inventory.putVm({ moid: "vm-1", config: { ...config, activity }, host: "host-1", pool: "resgroup-1", createDate: undefined, wantedOn: true, isOn: true, onHost: true });
  }

  get vm(): VmRecord {
    return this.inventory.vm("vm-1");
  }

  get consumedMb(): number {
    return this.inventory.meter.read(this.vm)?.consumedMemoryMb ?? assert.fail("no use");
  }

  set(change: { readonly activity?: ActivityProfile | undefined; readonly memoryMb?: number }): void {
    this.inventory.putVm({ ...this.vm, config: { ...this.vm.config, ...change } });
  }

  power(isOn: boolean): void {
    this.inventory.putVm({ ...this.vm, wantedOn: isOn, isOn });
  }
}

test("the worked example: 3,000 MB until noon and 1,000 since is 3,000 consumed, until it is powered off", () => {
  const one = new OneVm(constant(3000));
  one.set({ activity: constant(1000) });
  assert.deepEqual([one.inventory.meter.read(one.vm)?.memoryMb, one.consumedMb], [1000, 3000]);
  one.power(false);
  one.power(true);
  assert.equal(one.consumedMb, 1000);
});

test("whatever it is told to use and however large it is, a VM consumes the most it has used since it runs, at most what it has", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("constant" as const), mb: fc.integer({ min: 0, max: 4096 }) }),
    fc.record({ kind: fc.constant("wave" as const), mb: fc.integer({ min: 0, max: 4096 }) }),
    fc.record({ kind: fc.constant("none" as const), mb: fc.constant(0) }),
    fc.record({ kind: fc.constant("resize" as const), mb: fc.integer({ min: 4, max: 4096 }) }),
    fc.record({ kind: fc.constant("later" as const), mb: fc.integer({ min: 1, max: 600 }) }),
    fc.record({ kind: fc.constant("again" as const), mb: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const one = new OneVm(constant(100));
      let most = 100;
      for (const { kind, mb } of steps) {
        if (kind === "constant") one.set({ activity: constant(mb) });
        else if (kind === "wave") one.set({ activity: wave(mb) });
        else if (kind === "none") one.set({ activity: undefined });
        else if (kind === "resize") one.set({ memoryMb: mb });
        else if (kind === "later") await one.clock.advance(mb * 60_000);
        else {
          one.power(false);
          one.power(true);
          most = 0;
        }
        const { vm } = one;
        const use = one.inventory.meter.read(vm) ?? assert.fail("no use");
        most = Math.max(use.memoryMb, Math.min(most, vm.config.memoryMb));
        assert.equal(use.consumedMemoryMb, most);
      }
    }),
  );
});
