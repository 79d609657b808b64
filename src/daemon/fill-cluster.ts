import { ClusterServiceClient } from "../gen/spheresim/vcenter/v1/cluster_service.js";
import { type Cluster, ClusterDasConfig, ClusterDrsConfig, DrsBehavior } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { type ClusterGroup, Rule } from "../gen/spheresim/vcenter/v1/rule.js";
import { RuleServiceClient } from "../gen/spheresim/vcenter/v1/rule_service.js";
import { ScaleSharesBehavior } from "../gen/spheresim/vim/v1/resource.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import type { Channel } from "../rpc/channel.js";
import { isOrdinary, taken } from "./fill-workloads.js";
import type { Inventory } from "./inventory.js";
import { tiedGroups } from "./inventory-cluster.js";

const PAGE_SIZE = 1000;

/** The groups and rules that are not there yet; those of a former start stay as they are. */
export async function addRules(channel: Channel, { groups, rules }: Inventory, { ref: cluster }: Cluster): Promise<void> {
  if (groups.length === 0 && rules.length === 0) return;
  const service = channel.client(RuleServiceClient);
  const { virtualMachines } = await channel.client(InventoryServiceClient).getInventory({});
  const ordinary = virtualMachines.filter(isOrdinary);
  const vmRefs = (names: readonly string[]): ManagedObjectReference[] =>
    names.map((name) => ordinary.find(({ config }) => config?.name === name)?.ref ?? { type: "VirtualMachine", value: name });
  const knownGroups = await namesOf((pageToken) => service.listGroups({ cluster, pageSize: PAGE_SIZE, pageToken }), (page) => page.groups);
  for (const [index, { name, vms, hosts }] of groups.entries()) {
    if (knownGroups.has(name)) continue;
    const members: ClusterGroup["members"] =
      vms === undefined ? { $case: "hosts", value: { hosts: (hosts ?? []).map((host) => ({ key: { $case: "name", value: host } })) } } : { $case: "vms", value: { vms: vmRefs(vms) } };
    await taken(`group ${name}`, service.putGroup({ requestId: "", cluster, group: { name, members } }), ["groups", index]);
  }
  const knownRules = await namesOf((pageToken) => service.listRules({ cluster, vm: undefined, pageSize: PAGE_SIZE, pageToken }), (page) => page.rules);
  for (const [index, each] of rules.entries()) {
    if (knownRules.has(each.name)) continue;
    const rule = Rule.create({ name: each.name, enabled: true, mandatory: each.should === undefined, rule: kindOf(each, vmRefs) });
    await taken(`rule ${each.name}`, service.addRule({ requestId: "", cluster, rule }), ["rules", index]);
  }
}

async function namesOf<P extends { readonly nextPageToken: string }>(page: (token: string) => Promise<P>, of: (page: P) => ReadonlyArray<{ readonly name: string }>): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  let token = "";
  do {
    const each = await page(token);
    for (const { name } of of(each)) names.add(name);
    token = each.nextPageToken;
  } while (token !== "");
  return names;
}

function kindOf(rule: Inventory["rules"][number], vmRefs: (names: readonly string[]) => ManagedObjectReference[]): NonNullable<Rule["rule"]> {
  if (rule.together !== undefined) return { $case: "affinity", value: { vms: vmRefs(rule.together) } };
  if (rule.apart !== undefined) return { $case: "antiAffinity", value: { vms: vmRefs(rule.apart) } };
  return { $case: "vmHost", value: tiedGroups(rule.must ?? rule.should ?? "") };
}

const behaviours = { manual: DrsBehavior.MANUAL, "partially-automated": DrsBehavior.PARTIALLY_AUTOMATED, "fully-automated": DrsBehavior.FULLY_AUTOMATED } as const;

/** Settings of a cluster as vCenter makes it: only those are changed, so what a person set stays over later starts. */
const unset = {
  drs: ClusterDrsConfig.create({ enabled: true, defaultVmBehavior: DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 3 }),
  das: ClusterDasConfig.create(),
};

/** Makes the settings of the file where the cluster has none of its own yet. */
export async function applySettings(channel: Channel, { drs, ha }: Inventory, cluster: Cluster): Promise<void> {
  const isNew = sameJson(ClusterDrsConfig.toJSON(cluster.drsConfig ?? unset.drs), ClusterDrsConfig.toJSON(unset.drs)) && cluster.scaleDescendantsShares !== ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES;
  const drsConfig = drs === undefined || !isNew ? undefined : { enabled: drs.enabled, defaultVmBehavior: behaviours[drs.behaviour], migrationThreshold: drs.threshold, consumedMemoryMetric: drs.memoryMetric === "consumed" };
  const dasIsNew = sameJson(ClusterDasConfig.toJSON(cluster.dasConfig ?? unset.das), ClusterDasConfig.toJSON(unset.das));
  const dasConfig =
    ha === undefined || !dasIsNew
      ? undefined
      : { enabled: ha.enabled, admissionControlEnabled: ha.admissionControl, cpuFailoverResourcesPercent: ha.failoverCpuPercent, memoryFailoverResourcesPercent: ha.failoverMemoryPercent };
  if (drsConfig === undefined && dasConfig === undefined) return;
  const scaleDescendantsShares = drsConfig !== undefined && drs?.scalableShares === true ? ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES : ScaleSharesBehavior.UNSPECIFIED;
  await taken("its settings", channel.client(ClusterServiceClient).reconfigureCluster({ requestId: "", cluster: cluster.ref, drsConfig, dasConfig, scaleDescendantsShares }), [drsConfig === undefined ? "ha" : "drs"]);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
