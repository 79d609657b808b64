import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { ReconfigureClusterRequest } from "../../src/gen/spheresim/vcenter/v1/cluster.js";
import { DrsBehavior, type VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { PlaceVmRequest } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { AddRuleRequest } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { ResourceAllocationInfo } from "../../src/gen/spheresim/vim/v1/resource.js";
import { ActivityProfile, type HostKey, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { apartOf, unsettle, vmsThatAreOff } from "./unsteady-world.js";
import { HOST, hostKey, hostName, World } from "./world.js";

const HOSTS = 4;
const OPERATIONS = 1_200;
const AT_A_TIME = 12;
const VMS = 20;
const CAPACITY_MHZ = HOST.cores * HOST.coreMhz;
const ON = VirtualMachinePowerState.POWERED_ON;

let world: World;
afterEach(() => world.close());

const allVms = async (): Promise<readonly VirtualMachine[]> => (await world.machines.listVms({ pageSize: 1_000, pageToken: "", onlyOwned: false })).virtualMachines;

async function setDrs(defaultVmBehavior: DrsBehavior): Promise<void> {
  await world.clusters.reconfigureCluster(ReconfigureClusterRequest.fromPartial({ drsConfig: { enabled: true, defaultVmBehavior, migrationThreshold: 5 } }));
}

async function check(apart: readonly ManagedObjectReference[]): Promise<void> {
  const { hosts, virtualMachines } = await world.inventory.getInventory({});
  for (const { spec, usage } of hosts) assert.ok((usage?.reservedCpuMhz ?? 0) <= CAPACITY_MHZ, spec?.name);
  const names = virtualMachines.filter(({ ref, powerState }) => powerState === ON && apart.some(({ value }) => value === ref?.value)).map((vm) => vm.hostName);
  assert.equal(new Set(names).size, names.length, "kept apart");
}

/** What the hosts do to each other's VMs, and DRS, and people, and what becomes of vCenter. */
class Deeds {
  readonly #vms: readonly ManagedObjectReference[];
  #isDown = false;

  constructor(vms: readonly ManagedObjectReference[]) {
    this.#vms = vms;
  }

  async any(dice: Dice): Promise<void> {
    const host = hostKey(1 + dice.int(HOSTS));
    const vm = dice.pick(this.#vms);
    if (dice.int(2) === 0) await this.#ofHost(host, dice);
    else await this.#ofVm(vm, host, dice);
  }

  async #ofHost(host: HostKey, dice: Dice): Promise<void> {
    switch (dice.int(9)) {
      case 0:
        await world.inventory.setHostConnection({ requestId: "", host, connected: dice.int(4) > 0 });
        return;
      case 1:
        await world.inventory.enterMaintenanceMode({ requestId: "", host, timeout: dice.int(2) === 0 ? { seconds: 0n, nanos: 20_000_000 } : undefined, evacuatePoweredOffVms: dice.int(2) === 0 });
        return;
      case 2:
      case 3:
        await world.inventory.exitMaintenanceMode({ requestId: "", host });
        return;
      case 4:
        await openHosts(dice);
        return;
      case 5:
        await this.#reboot(dice);
        return;
      case 6:
        await setDrs(dice.int(2) === 0 ? DrsBehavior.MANUAL : DrsBehavior.FULLY_AUTOMATED);
        return;
      case 7: {
        const { recommendations } = await world.drs.refreshRecommendations({ requestId: "", cluster: undefined });
        const keys = recommendations.filter(() => dice.int(2) === 0).map(({ key }) => key);
        if (keys.length > 0) await world.drs.applyRecommendations({ requestId: "", keys });
        return;
      }
      default:
        // The one before is not told: it learns it from etcd.
        if (dice.int(4) === 0) await world.startVcenter();
    }
  }

  async #ofVm(vm: ManagedObjectReference, host: HostKey, dice: Dice): Promise<void> {
    const at = { requestId: "", vm };
    switch (dice.int(9)) {
      case 0:
      case 1:
        await world.machines.powerOnVm(at);
        return;
      case 2:
        await world.machines.powerOffVm(at);
        return;
      case 3:
        await world.machines.reconfigureVm({ ...at, name: undefined, numCpus: undefined, memoryMb: undefined, cpuAllocation: ResourceAllocationInfo.fromPartial({ reservation: 500 * dice.int(8) }), memoryAllocation: undefined });
        return;
      case 4: {
        const { task } = await world.machines.migrateVm({ ...at, host: dice.int(2) === 0 ? undefined : host });
        if (dice.int(4) === 0) await world.tasks.cancelTask({ requestId: "", task });
        return;
      }
      case 5:
        await world.machines.powerOnVms({ requestId: "", vms: this.#vms.filter(() => dice.int(5) === 0), overrideAutomationLevel: dice.int(2) === 0 });
        return;
      case 6: {
        const { recommendations } = await world.placement.placeVm(PlaceVmRequest.fromPartial({ spec: { vm } }));
        const key = recommendations[0]?.key;
        if (key === undefined) return;
        if (dice.int(3) === 0) await world.placement.cancelRecommendation({ requestId: "", key, ownerUid: "" });
        else await world.placement.applyRecommendation({ requestId: "", key, ownerUid: "", spec: undefined });
        return;
      }
      case 7:
        await world.machines.setActivity({ ...at, activity: ActivityProfile.fromPartial({ profile: { $case: "constant", value: { cpuMhz: 500 * dice.int(8), memoryMb: 256 } } }) });
        return;
      default:
        await world.machines.resetVm(at);
    }
  }

  async #reboot(dice: Dice): Promise<void> {
    if (this.#isDown || dice.int(4) > 0) return;
    this.#isDown = true;
    await world.esxi.stop();
    if (dice.int(2) === 0) world.esxi.loseGuests();
    for (let turn = dice.int(50); turn > 0; turn -= 1) await nextTurn();
    await world.esxi.start();
    this.#isDown = false;
  }
}

/** Calls evacuations off, and ends maintenance modes; with dice some of them. Whether there was none. */
async function openHosts(dice?: Dice): Promise<boolean> {
  const { hosts } = await world.inventory.listHosts({ pageSize: 0, pageToken: "" });
  for (const { ref, evacuation, inMaintenanceMode } of hosts) {
    if (dice?.int(2) === 1 || ref === undefined) continue;
    const host: HostKey = { key: { $case: "ref", value: ref } };
    const call = evacuation?.task !== undefined ? world.tasks.cancelTask({ requestId: "", task: evacuation.task }) : inMaintenanceMode ? world.inventory.exitMaintenanceMode({ requestId: "", host }) : undefined;
    await call?.catch((error: unknown) => assert.ok(error instanceof RpcError && error.code !== RpcCode.INTERNAL));
  }
  return hosts.every(({ evacuation, inMaintenanceMode }) => evacuation === undefined && !inMaintenanceMode);
}

test("hosts are lost, disconnected, emptied and rebooted while VMs are moved and powered, and vCenter is replaced again and again: in the end everything is true, and nothing waits", async () => {
  world = await World.start(HOSTS);
  const vms = await vmsThatAreOff(world, VMS, HOSTS);
  const apart = apartOf(vms);
  await world.rules.addRule(AddRuleRequest.fromPartial({ rule: { name: "together", rule: { $case: "affinity", value: { vms: vms.slice(3, 6) } } } }));
  const dice = new Dice("busy hosts");
  unsettle(world, dice.fork("chance"));

  const deeds = new Deeds(vms);
  const isRefusal = (error: unknown): boolean => error instanceof RpcError && error.code !== RpcCode.INTERNAL && error.code !== RpcCode.UNKNOWN;
  const tolerantly = async (call: Promise<unknown>): Promise<boolean> => {
    try {
      await call;
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return false;
    }
  };
  let done = 0;
  const workers = Array.from({ length: AT_A_TIME }, async (_, worker) => {
    const own = dice.fork(`worker ${worker}`);
    for (let count = 0; count < OPERATIONS / AT_A_TIME; count += 1) {
      if (await tolerantly(deeds.any(own))) done += 1;
      if (worker === 0) await tolerantly(check(apart));
    }
  });
  await Promise.all(workers);
  assert.ok(done > OPERATIONS / 4, `${done} were done`);

  world.kv.before = undefined;
  world.esxi.before = undefined;
  for (let host = 1; host <= HOSTS; host += 1) await world.inventory.setHostConnection({ requestId: "", host: hostKey(host), connected: true });
  await world.connected(HOSTS);
  await setDrs(DrsBehavior.MANUAL);
  await eventually("every host is open", () => openHosts());
  await eventually("every task ends", () => world.kv.keys("/spheresim/vcenter/tasks/").length === 0);
  await eventually("every VM is on the host its record names, as it says, and nowhere else", async () => {
    const recorded = (await allVms()).map((vm) => `${vm.config?.instanceUuid} ${vm.hostName} ${vm.powerState} ${vm.config?.cpuAllocation?.reservation}`).toSorted();
    const there = world.esxi.vms.map((vm) => `${vm.config?.instanceUuid} ${vm.hostName} ${vm.powerState} ${vm.config?.cpuAllocation?.reservation}`).toSorted();
    assert.deepEqual(there, recorded);
    return true;
  });
  await check(apart);
  await world.startVcenter();
  await world.connected(HOSTS);
  const { hosts, virtualMachines } = await world.inventory.getInventory({});
  assert.deepEqual(virtualMachines.filter((vm) => vm.migration !== undefined || vm.reconfiguringTo !== undefined), []);
  const reserved = hosts.map(({ spec }) => virtualMachines.filter((vm) => vm.hostName === spec?.name && vm.powerState === ON).reduce((sum, vm) => sum + (vm.config?.cpuAllocation?.reservation ?? 0), 0));
  assert.deepEqual(hosts.map(({ usage }) => usage?.reservedCpuMhz), reserved);
  assert.deepEqual(hosts.map(({ spec }) => spec?.name), [1, 2, 3, 4].map(hostName));
});
