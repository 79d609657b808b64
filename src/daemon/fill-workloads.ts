import { type Activity, readActivity } from "../base/activity-text.js";
import { UserError } from "../base/user-error.js";
import type { VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { CreateResourcePoolRequest } from "../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import { CreateVmRequest } from "../gen/spheresim/vcenter/v1/virtual_machine.js";
import { VirtualMachineServiceClient } from "../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { ScaleSharesBehavior, SharesLevel } from "../gen/spheresim/vim/v1/resource.js";
import { type TaskInfo, TaskState } from "../gen/spheresim/vim/v1/task.js";
import { ActivityProfile } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Channel } from "../rpc/channel.js";
import { isTransient } from "../rpc/status.js";
import { type Inventory, readTraceFile } from "./inventory.js";
import { RefusedEntry } from "./refused-entry.js";
import { type Limit, until } from "./until.js";
import type { FieldPath } from "./yaml-file.js";

type Pool = Inventory["resourcePools"][number];
type Vm = Inventory["virtualMachines"][number];

/** The pools by name. Those of a former start stay as they are. */
export async function addResourcePools(channel: Channel, inventory: Inventory, root: ManagedObjectReference | undefined): Promise<ReadonlyMap<string, ManagedObjectReference | undefined>> {
  const refs = new Map<string, ManagedObjectReference | undefined>();
  const { resourcePools } = await channel.client(InventoryServiceClient).getInventory({});
  for (const [index, pool] of inventory.resourcePools.entries()) {
    const parent = pool.parent === undefined ? root : refs.get(pool.parent);
    const known = resourcePools.find((each) => each.name === pool.name && each.parent?.value === parent?.value);
    const config = {
      cpuAllocation: { ...cpuOf(pool), expandableReservation: pool.expandable },
      memoryAllocation: { ...memoryOf(pool), expandableReservation: pool.expandable },
      ...(pool.scalableShares ? { scaleDescendantsShares: ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES } : {}),
    };
    const request = CreateResourcePoolRequest.fromPartial({ requestId: `inventory/pool/${pool.name}`, name: pool.name, config, ...(parent === undefined ? {} : { parent }) });
    const made = known ?? (await taken(`pool ${pool.name}`, channel.client(ResourcePoolServiceClient).createResourcePool(request), ["resourcePools", index]));
    refs.set(pool.name, made.ref);
  }
  return refs;
}

/** The ordinary VMs that are not there yet, each made when this resolves. */
export async function addVirtualMachines(channel: Channel, inventory: Inventory, poolOf: (name: string | undefined) => ManagedObjectReference | undefined, limit: Limit): Promise<void> {
  const { virtualMachines } = await channel.client(InventoryServiceClient).getInventory({});
  const known = new Set(virtualMachines.filter(isOrdinary).map((vm) => vm.config?.name));
  const tasks: Array<{ readonly name: string; readonly field: FieldPath; readonly task: TaskInfo }> = [];
  for (const [index, vm] of inventory.virtualMachines.entries()) {
    const field = ["virtualMachines", index];
    if (known.has(vm.name)) continue;
    const pool = poolOf(vm.pool);
    const request = CreateVmRequest.fromPartial({
      requestId: `inventory/${vm.name}`,
      ...(vm.host === undefined ? {} : { host: { key: { $case: "name" as const, value: vm.host } } }),
      ...(pool === undefined ? {} : { pool }),
      powerOn: vm.poweredOn,
      config: { name: vm.name, guestId: "otherLinux64Guest", numCpus: vm.cpus, memoryMb: vm.memoryMb, cpuAllocation: cpuOf(vm), memoryAllocation: memoryOf(vm), ...activityOf(vm) },
    });
    tasks.push({ name: vm.name, field, task: await taken(`virtual machine ${vm.name}`, channel.client(VirtualMachineServiceClient).createVm(request), field) });
  }
  for (const { name, field, task } of tasks) await until(limit, `virtual machine ${name} was not made`, () => succeeded(channel, name, field, task));
}

/** A pod's VM may have the name of an ordinary one. */
export function isOrdinary({ ownerUid }: VirtualMachine): boolean {
  return ownerUid === "";
}

async function succeeded(channel: Channel, name: string, field: FieldPath, { task }: TaskInfo): Promise<true | undefined> {
  const now = await channel.client(TaskServiceClient).getTask({ task });
  if (now.state === TaskState.ERROR) throw refused(`virtual machine ${name}`, now.error?.localizedMessage ?? "", field);
  return now.state === TaskState.SUCCESS ? true : undefined;
}

function activityOf(vm: Vm): { readonly activity?: ActivityProfile } {
  const profile: Activity | undefined = vm.activity === undefined ? { $case: "constant", value: { cpuMhz: vm.activeMhz, memoryMb: vm.activeMb } } : readActivity(vm.activity, readTraceFile);
  return profile === undefined ? {} : { activity: ActivityProfile.create({ profile }) };
}

function cpuOf({ reservationMhz, limitMhz, cpuShares }: Pool | Vm) {
  return { reservation: reservationMhz, limit: limitMhz, shares: sharesOf(cpuShares) };
}

function memoryOf({ reservationMb, limitMb, memoryShares }: Pool | Vm) {
  return { reservation: reservationMb, limit: limitMb, shares: sharesOf(memoryShares) };
}

const levels = { low: SharesLevel.LOW, normal: SharesLevel.NORMAL, high: SharesLevel.HIGH } as const;

function sharesOf(shares: Pool["cpuShares"]) {
  return typeof shares === "number" ? { level: SharesLevel.CUSTOM, shares } : { level: levels[shares] };
}

/** What vCenter refuses of an inventory is the user's to mend; `field` is the path of the entry in it. */
export async function taken<T>(what: string, answer: Promise<T>, field: FieldPath): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isTransient(error)) throw error;
    if (error instanceof UserError) throw new RefusedEntry(field, error.message.replace(/^inventory: /, ""), error.next);
    throw refused(what, (error as Error).message, field);
  }
}

function refused(what: string, why: string, field: FieldPath): RefusedEntry {
  return new RefusedEntry(field, `vCenter refuses ${what}: ${why}`);
}
