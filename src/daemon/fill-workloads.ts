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
import { type Limit, until } from "./until.js";

type Pool = Inventory["resourcePools"][number];
type Vm = Inventory["virtualMachines"][number];

/** The pools by name. Those of a former start stay as they are. */
export async function addResourcePools(channel: Channel, inventory: Inventory, root: ManagedObjectReference | undefined): Promise<ReadonlyMap<string, ManagedObjectReference | undefined>> {
  const refs = new Map<string, ManagedObjectReference | undefined>();
  const { resourcePools } = await channel.client(InventoryServiceClient).getInventory({});
  for (const pool of inventory.resourcePools) {
    const parent = pool.parent === undefined ? root : refs.get(pool.parent);
    const known = resourcePools.find((each) => each.name === pool.name && each.parent?.value === parent?.value);
    const config = {
      cpuAllocation: { ...cpuOf(pool), expandableReservation: pool.expandable },
      memoryAllocation: { ...memoryOf(pool), expandableReservation: pool.expandable },
      ...(pool.scalableShares ? { scaleDescendantsShares: ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES } : {}),
    };
    const request = CreateResourcePoolRequest.fromPartial({ requestId: `inventory/pool/${pool.name}`, name: pool.name, config, ...(parent === undefined ? {} : { parent }) });
    const made = known ?? (await taken(`pool ${pool.name}`, channel.client(ResourcePoolServiceClient).createResourcePool(request)));
    refs.set(pool.name, made.ref);
  }
  return refs;
}

/** The ordinary VMs that are not there yet, each made when this resolves. */
export async function addVirtualMachines(channel: Channel, inventory: Inventory, poolOf: (name: string | undefined) => ManagedObjectReference | undefined, limit: Limit): Promise<void> {
  const { virtualMachines } = await channel.client(InventoryServiceClient).getInventory({});
  const known = new Set(virtualMachines.filter(isOrdinary).map((vm) => vm.config?.name));
  const tasks: Array<readonly [name: string, task: TaskInfo]> = [];
  for (const vm of inventory.virtualMachines) {
    if (known.has(vm.name)) continue;
    const pool = poolOf(vm.pool);
    const request = CreateVmRequest.fromPartial({
      requestId: `inventory/${vm.name}`,
      ...(vm.host === undefined ? {} : { host: { key: { $case: "name" as const, value: vm.host } } }),
      ...(pool === undefined ? {} : { pool }),
      powerOn: vm.poweredOn,
      config: { name: vm.name, guestId: "otherLinux64Guest", numCpus: vm.cpus, memoryMb: vm.memoryMb, cpuAllocation: cpuOf(vm), memoryAllocation: memoryOf(vm), ...activityOf(vm) },
    });
    tasks.push([vm.name, await taken(`virtual machine ${vm.name}`, channel.client(VirtualMachineServiceClient).createVm(request))]);
  }
  for (const [name, task] of tasks) await until(limit, `virtual machine ${name} was not made`, () => succeeded(channel, name, task));
}

/** A pod's VM may have the name of an ordinary one. */
export function isOrdinary({ ownerUid }: VirtualMachine): boolean {
  return ownerUid === "";
}

async function succeeded(channel: Channel, name: string, { task }: TaskInfo): Promise<true | undefined> {
  const now = await channel.client(TaskServiceClient).getTask({ task });
  if (now.state === TaskState.ERROR) throw refused(`virtual machine ${name}`, now.error?.localizedMessage ?? "");
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

/** What vCenter refuses of an inventory is the user's to mend. */
export async function taken<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isTransient(error)) throw error;
    throw refused(what, (error as Error).message);
  }
}

function refused(what: string, why: string): UserError {
  return new UserError("cannot-start", `inventory: vCenter refuses ${what}: ${why}`, "change it in the inventory file");
}
