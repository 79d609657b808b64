import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import type { Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";
import { ClusterGroup } from "../gen/spheresim/vcenter/v1/rule.js";
import { RuleServiceClient } from "../gen/spheresim/vcenter/v1/rule_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { addListOptions, clusterOption, type ListFlags } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { named } from "./named.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { allPages, moid, PAGE_SIZE, type Vsphere, withVsphere } from "./vsphere.js";

interface ClusterFlags extends ConnectionOptions {
  readonly cluster?: string;
}

/** `spheresim group`: named sets of VMs and of hosts, for rules. */
export function addGroup(program: Command): void {
  const group = program.command("group").description("groups of VMs and of hosts, for rules: list, set, remove");
  addListOptions(group.command("list").description("groups with their members")).addOption(clusterOption()).action((flags: ListFlags & ClusterFlags) =>
    withVsphere(flags, async (vsphere) => {
      const groups = await allGroups(vsphere, await vsphere.cluster(flags.cluster));
      const inventory = await vsphere.inventory();
      print(flags.output, groups.map((each) => ClusterGroup.toJSON(each)), (wide) => groupTable(groups, inventory, wide));
    }),
  );
  const set = group
    .command("set")
    .description("make a group, or give it other members")
    .argument("<name>")
    .option("--vms <vms...>", "its VMs")
    .option("--hosts <hosts...>", "its hosts")
    .addOption(clusterOption());
  addConnectionOptions(set).action((name: string, flags: ClusterFlags & { readonly vms?: readonly string[]; readonly hosts?: readonly string[] }) =>
    withVsphere(flags, async (vsphere) => {
      if ((flags.vms === undefined) === (flags.hosts === undefined)) throw new UserError("usage", `group ${name} is either of VMs or of hosts`, "say one of: --vms VM..., --hosts HOST...");
      const members: ClusterGroup["members"] =
        flags.vms === undefined
          ? { $case: "hosts", value: { hosts: await Promise.all((flags.hosts ?? []).map((each) => vsphere.hostKey(each))) } }
          : { $case: "vms", value: { vms: await vmRefs(vsphere, flags.vms) } };
      const put = await vsphere.client(RuleServiceClient).putGroup({ requestId: "", cluster: await vsphere.cluster(flags.cluster), group: { name, members } });
      process.stdout.write(`group ${put.name}: ${memberNames(put, await vsphere.inventory()).join(", ")}\n`);
    }),
  );
  addConnectionOptions(group.command("remove").description("remove a group that no rule names").argument("<name>").addOption(clusterOption())).action((name: string, flags: ClusterFlags) =>
    withVsphere(flags, async (vsphere) => {
      const cluster = await vsphere.cluster(flags.cluster);
      const found = await groupNamed(vsphere, cluster, name);
      await vsphere.client(RuleServiceClient).removeGroup({ requestId: "", cluster, name: found.name });
      process.stdout.write(`group ${found.name} is removed\n`);
    }),
  );
}

function allGroups(vsphere: Vsphere, cluster: ManagedObjectReference | undefined): Promise<ClusterGroup[]> {
  const service = vsphere.client(RuleServiceClient);
  return allPages((pageToken) => service.listGroups({ cluster, pageSize: PAGE_SIZE, pageToken }), ({ groups }) => groups);
}

/** The group of a name, of one kind where it must be. */
export async function groupNamed(vsphere: Vsphere, cluster: ManagedObjectReference | undefined, name: string, kind?: "vms" | "hosts"): Promise<ClusterGroup> {
  const groups = (await allGroups(vsphere, cluster)).filter(({ members }) => kind === undefined || members?.$case === kind);
  return named(kind === undefined ? "group" : `group of ${kind === "vms" ? "VMs" : "hosts"}`, name, groups, (each) => ({ name: each.name, id: "" }));
}

/** VMs by name. */
export async function vmRefs(vsphere: Vsphere, names: readonly string[]): Promise<ManagedObjectReference[]> {
  const vms = await Promise.all(names.map((each) => vsphere.vm(each)));
  return vms.map(({ ref }) => ({ type: "VirtualMachine", value: moid(ref) }));
}

function groupTable(groups: readonly ClusterGroup[], inventory: Inventory, wide: boolean): string {
  if (groups.length === 0) return "there is no group; make one with: spheresim group set\n";
  return table(
    ["name", "of", ...(wide ? ["count"] : []), "members"],
    groups.map((group) => {
      const names = memberNames(group, inventory);
      return [group.name, group.members?.$case === "vms" ? "VMs" : "hosts", ...(wide ? [String(names.length)] : []), names.join(", ")];
    }),
    screen().columns,
  );
}

function memberNames({ members }: ClusterGroup, inventory: Inventory): string[] {
  if (members?.$case === "vms") return members.value.vms.map((vm) => inventory.virtualMachines.find((each) => moid(each.ref) === vm.value)?.config?.name ?? vm.value);
  return (members?.value.hosts ?? []).map(({ key }) => (key?.$case === "ref" ? (inventory.hosts.find((each) => moid(each.ref) === key.value.value)?.spec?.name ?? key.value.value) : (key?.value ?? "")));
}
