import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../../src/base/seeded-random.js";
import { type HostVm } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { TaskServiceClient } from "../../src/gen/spheresim/vcenter/v1/task_service.js";
import { VirtualMachineServiceClient } from "../../src/gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { processOf } from "../support/process-of-room.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { through } from "../support/through.js";

const VMS = 6;

/** Every VM on every host. */
async function onHosts(running: RunningEmulator): Promise<HostVm[]> {
  const client = running.open("esxi").client(HostServiceClient);
  const lists = await Promise.all(running.ready.hosts?.map(({ name }) => client.listVms({ pageSize: 1000, pageToken: "" }, { authority: name })) ?? []);
  return lists.flatMap(({ vms }) => vms);
}

test("a real HostD: VMs move, boot again and grow; kill -9 of vCenter and of the hosts in the middle leaves each VM once, where its record says", { skip: process.platform === "linux" ? false : "reads /proc" }, async () => {
  await withEmulator(["--hosts", "3", "--log-level", "error"], async (running) => {
    const machines = running.open("vcenter").client(VirtualMachineServiceClient);
    const inventory = running.open("vcenter").client(InventoryServiceClient);
    const tasks = running.open("vcenter").client(TaskServiceClient);
    const ended = (task: TaskInfo): Promise<TaskInfo> =>
      through(async () => {
        const now = await tasks.getTask({ task: task.task });
        assert.ok(now.completeTime !== undefined);
        return now;
      });
    const vms = [];
    for (let number = 0; number < VMS; number += 1) {
      const config = VirtualMachineConfigSpec.fromPartial({ name: `vm-${number}`, numCpus: 2, memoryMb: 1024, cpuAllocation: { reservation: 1000 } });
      const made = await ended(await machines.createVm({ requestId: `make ${number}`, config, host: undefined, pool: undefined, powerOn: true }));
      assert.equal(made.state, TaskState.SUCCESS, made.error?.localizedMessage);
      vms.push(made.result ?? assert.fail());
    }
    const [first] = vms;
    assert.equal((await ended(await machines.resetVm({ requestId: "", vm: first }))).state, TaskState.SUCCESS);
    const cpuAllocation = { reservation: 2000, expandableReservation: undefined, limit: undefined, shares: undefined };
    assert.equal((await ended(await machines.reconfigureVm({ requestId: "", vm: first, name: undefined, numCpus: undefined, memoryMb: undefined, cpuAllocation, memoryAllocation: undefined }))).state, TaskState.SUCCESS);
    const before = (await onHosts(running)).find((vm) => vm.config?.name === "vm-0");
    assert.deepEqual([before?.powerOnCount, before?.config?.cpuAllocation?.reservation], [2, 2000]);
    assert.equal((await ended(await machines.migrateVm({ requestId: "", vm: first, host: undefined }))).state, TaskState.SUCCESS);
    const after = (await onHosts(running)).filter((vm) => vm.config?.name === "vm-0");
    assert.deepEqual(after.map((vm) => [vm.powerOnCount, vm.powerState]), [[2, VirtualMachinePowerState.POWERED_ON]]);
    assert.notEqual(after[0]?.hostName, before?.hostName);

    const dice = new Dice("killed while moving");
    for (const plane of ["vsphere", "esxi", "vsphere"]) {
      await Promise.all(vms.map((vm) => through(() => machines.migrateVm({ requestId: dice.uuid(), vm, host: undefined })).catch(() => undefined)));
      process.kill(processOf(running.process.pid ?? 0, plane) ?? assert.fail(`no process runs ${plane}`), "SIGKILL");
      await through(async () => {
        const { virtualMachines, hosts } = await inventory.getInventory({});
        const recorded = virtualMachines.map((vm) => `${vm.config?.name} ${vm.hostName} ${vm.powerState} ${vm.migration === undefined}`).toSorted();
        const there = (await onHosts(running)).map((vm) => `${vm.config?.name} ${vm.hostName} ${vm.powerState} true`).toSorted();
        assert.deepEqual(there, recorded, running.stderr().slice(-1_000));
        assert.equal(recorded.length, VMS);
        assert.ok(virtualMachines.every((vm) => vm.powerState === VirtualMachinePowerState.POWERED_ON));
        assert.equal(hosts.reduce((sum, host) => sum + (host.usage?.reservedCpuMhz ?? 0), 0), (VMS + 1) * 1000);
      });
    }
  });
});
