import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { ResourcePool } from "../gen/spheresim/vcenter/v1/inventory.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { type ResourceConfigSpec, ScaleSharesBehavior } from "../gen/spheresim/vim/v1/resource.js";
import { addAllocationOptions, type AllocationFlags, cpuAllocation, givenAllocations, memoryAllocation, nothingToChange } from "./allocation-options.js";
import { addListOptions, type ListFlags, switchOption } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { named } from "./named.js";
import { print } from "./output.js";
import { poolTable } from "./pool-table.js";
import { moid, type Vsphere, withVsphere } from "./vsphere.js";

interface PoolFlags extends ConnectionOptions, AllocationFlags {
  readonly expandable?: boolean;
  readonly scalableShares?: boolean;
}

/** `spheresim pool`: resource pools, of which each Supervisor namespace is one. */
export function addPool(program: Command): void {
  const pool = program.command("pool").description("resource pools: list, create, set, move, destroy");
  addListOptions(pool.command("list").description("the tree of pools with what is reserved, entitled and active in them")).action((flags: ListFlags) =>
    withVsphere(flags, async (vsphere) => {
      const inventory = await vsphere.inventory();
      print(flags.output, inventory.resourcePools.map((each) => ResourcePool.toJSON(each)), (wide) => poolTable(inventory, wide));
    }),
  );
  const create = pool.command("create").description("create a pool").argument("<name>").option("--parent <pool>", "the pool above (default: the cluster's root pool)");
  addPoolOptions(create).action((name: string, flags: PoolFlags & { readonly parent?: string }) => withVsphere(flags, (vsphere) => createPool(vsphere, name, flags)));
  const set = pool.command("set").description("change a pool's settings; what is not named stays").argument("<name>").option("--new-name <name>", "its new name");
  addPoolOptions(set).action((name: string, flags: PoolFlags & { readonly newName?: string }) => withVsphere(flags, (vsphere) => setPool(vsphere, name, flags)));
  addConnectionOptions(pool.command("move").description("move pools and VMs into a pool").argument("<names...>", "pools and VMs").requiredOption("--into <pool>", "the pool they move into"))
    .action((names: readonly string[], flags: ConnectionOptions & { readonly into: string }) => withVsphere(flags, (vsphere) => move(vsphere, names, flags.into)));
  addConnectionOptions(pool.command("destroy").description("destroy a pool that has nothing inside").argument("<name>")).action((name: string, flags: ConnectionOptions) =>
    withVsphere(flags, async (vsphere) => {
      const found = await vsphere.pool(name);
      await vsphere.client(ResourcePoolServiceClient).destroyResourcePool({ requestId: "", pool: found.ref });
      process.stdout.write(`${found.name} is destroyed\n`);
    }),
  );
}

function addPoolOptions(command: Command): Command {
  addAllocationOptions(command)
    .addOption(switchOption("--expandable <on|off>", "whether it may borrow reservation from the pool above"))
    .addOption(switchOption("--scalable-shares <on|off>", "whether shares of the pools below grow with what runs in them"));
  return addConnectionOptions(command);
}

function configOf(flags: PoolFlags, before?: ResourceConfigSpec): ResourceConfigSpec {
  const expandable = flags.expandable === undefined ? {} : { expandableReservation: flags.expandable };
  const scaled = flags.scalableShares === true ? ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES : ScaleSharesBehavior.DISABLED;
  return {
    cpuAllocation: { ...cpuAllocation(flags, before?.cpuAllocation), ...expandable },
    memoryAllocation: { ...memoryAllocation(flags, before?.memoryAllocation), ...expandable },
    scaleDescendantsShares: flags.scalableShares === undefined ? (before?.scaleDescendantsShares ?? ScaleSharesBehavior.UNSPECIFIED) : scaled,
  };
}

async function createPool(vsphere: Vsphere, name: string, flags: PoolFlags & { readonly parent?: string }): Promise<void> {
  const parent = flags.parent === undefined ? undefined : (await vsphere.pool(flags.parent)).ref;
  const made = await vsphere.client(ResourcePoolServiceClient).createResourcePool({ requestId: "", parent, name, config: configOf(flags), namespace: "" });
  process.stdout.write(`${made.name} is ${moid(made.ref)}\n`);
}

async function setPool(vsphere: Vsphere, name: string, flags: PoolFlags & { readonly newName?: string }): Promise<void> {
  const given = givenAllocations(flags);
  if (!given.cpu && !given.memory && [flags.newName, flags.expandable, flags.scalableShares].every((each) => each === undefined)) throw nothingToChange(name, "pool");
  const pool = await vsphere.pool(name);
  const changed = await vsphere.client(ResourcePoolServiceClient).updateResourcePool({ requestId: "", pool: pool.ref, name: flags.newName ?? "", config: configOf(flags, pool.config) });
  process.stdout.write(`${changed.name} is changed\n`);
}

async function move(vsphere: Vsphere, names: readonly string[], into: string): Promise<void> {
  const target = await vsphere.pool(into);
  const { resourcePools, virtualMachines } = await vsphere.inventory();
  const movable: ReadonlyArray<{ readonly name: string; readonly ref: ManagedObjectReference | undefined }> = [...resourcePools, ...virtualMachines.map(({ config, ref }) => ({ name: config?.name ?? "", ref }))];
  const list = names.map((name) => named("pool or VM", name, movable, (each) => ({ name: each.name, id: moid(each.ref) })).ref);
  if (list.includes(undefined)) throw new UserError("failed", "vCenter names no reference of what is to be moved");
  await vsphere.client(ResourcePoolServiceClient).moveIntoResourcePool({ requestId: "", pool: target.ref, list: list.filter((ref) => ref !== undefined) });
  process.stdout.write(`${names.join(", ")} moved into ${target.name}\n`);
}
