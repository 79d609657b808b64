import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import { CreateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import { ScaleSharesBehavior, SharesLevel } from "../../src/gen/spheresim/vim/v1/resource.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { DrsWorld } from "./drs-world.js";
import { hostKey } from "./world.js";

let drs: DrsWorld;
afterEach(() => drs.world.close());

async function pool(name: string, level: SharesLevel): Promise<ManagedObjectReference> {
  const allocation = { shares: { level, shares: 0 } };
  const made = await drs.world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name, config: { cpuAllocation: allocation, memoryAllocation: allocation } }));
  return made.ref ?? assert.fail("no pool");
}

/** A VM with the shares of VMware's example, 2 vCPUs and 32 GB, that wants a quarter of the only host. */
async function machine(name: string, pool: ManagedObjectReference): Promise<void> {
  const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 2, memoryMb: 1024, memoryAllocation: { shares: { level: SharesLevel.CUSTOM, shares: 327_680 } }, activity: { profile: { $case: "constant", value: { cpuMhz: 4000, memoryMb: 256 } } } });
  const task = await drs.world.ended(await drs.world.machines.createVm({ requestId: "", config, host: hostKey(1), pool, powerOn: true }));
  assert.ok(task.result, JSON.stringify(task.error));
}

async function scale(scaleDescendantsShares: ScaleSharesBehavior): Promise<void> {
  await drs.world.clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial({ scaleDescendantsShares }));
  await drs.minute();
}

/** Shares in force of both pools, what they are entitled to, and what one VM in each is. */
async function figures() {
  const { resourcePools } = await drs.world.inventory.getInventory({});
  const vms = await drs.usage();
  const of = (name: string) => {
    const usage = resourcePools.find((each) => each.name === name)?.usage ?? assert.fail(name);
    const vm = vms.find(({ vmName }) => vmName === `${name}-1`) ?? assert.fail(name);
    return { cpuShares: usage.effectiveCpuShares, memoryShares: usage.effectiveMemoryShares, entitledCpuMhz: usage.entitledCpuMhz, vmMhz: vm.entitledCpuMhz };
  };
  return { high: of("high"), normal: of("normal") };
}

test("scalable shares of a cluster, by VMware's example of a pool with six VMs and one with two: the figures over the wire follow the switch", async () => {
  drs = await DrsWorld.start(1);
  const [high, normal] = [await pool("high", SharesLevel.HIGH), await pool("normal", SharesLevel.NORMAL)];
  for (let vm = 1; vm <= 6; vm += 1) await machine(`high-${vm}`, high);
  for (let vm = 1; vm <= 2; vm += 1) await machine(`normal-${vm}`, normal);

  await scale(ScaleSharesBehavior.DISABLED);
  const fixed = await figures();
  assert.deepEqual(fixed.high, { cpuShares: 8000, memoryShares: 327_680, entitledCpuMhz: 10_667, vmMhz: 1778 });
  assert.deepEqual(fixed.normal, { cpuShares: 4000, memoryShares: 163_840, entitledCpuMhz: 5333, vmMhz: 2667 }, "static shares punish the fuller pool");

  await scale(ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES);
  const scaled = await figures();
  // 14.29 and 7.14 % of 16,000 MHz for each VM.
  assert.deepEqual(scaled.high, { cpuShares: 24_000, memoryShares: 3_932_160, entitledCpuMhz: 13_714, vmMhz: 2286 });
  assert.deepEqual(scaled.normal, { cpuShares: 4000, memoryShares: 655_360, entitledCpuMhz: 2286, vmMhz: 1143 });

  await scale(ScaleSharesBehavior.DISABLED);
  assert.deepEqual(await figures(), fixed);
});
