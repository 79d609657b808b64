import type { Dice } from "../../base/seeded-random.js";
import type { ClusterGroup, Rule } from "../../gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { isObeyed } from "../drs/rules/rule.js";
import { checkName } from "../inventory/inventory-admin.js";
import type { Inventory } from "../inventory/inventory.js";
import type { MoidCounters } from "../inventory/moid-counters.js";
import { moref } from "../inventory/moref.js";
import { onlyCluster, requireHost } from "../placement/placement-spec.js";
import { groupEntry, groupKey, groupMessage, type GroupRecord, ruleEntry, ruleKey, ruleMessage, type RuleRecord } from "./rule-records.js";
import type { RuleTable } from "./rule-table.js";
import type { Serial } from "../store/serial.js";
import { MAX_GROUPS, MAX_MEMBERS, MAX_MEMBERS_OF_CLUSTER, MAX_RULES } from "../spec-limits.js";
import type { Store } from "../store/store.js";
import { VimFault } from "../vim-fault.js";

/** What administering rules needs. */
export interface RuleAdminOptions {
  readonly inventory: Inventory;
  readonly rules: RuleTable;
  readonly store: Store;
  readonly counters: MoidCounters;
  readonly serial: Serial;
  readonly dice: Dice;
}

/** Rules and groups of a cluster: each change is checked, committed, and then counts for the next placement. */
export class RuleAdmin {
  readonly #options: RuleAdminOptions;

  constructor(options: RuleAdminOptions) {
    this.#options = options;
  }

  /** The moid of the cluster a request names, of the only one when it names none. Throws ManagedObjectNotFound, InvalidState. */
  cluster(ref: ManagedObjectReference | undefined): string {
    const { inventory } = this.#options;
    return ref === undefined ? onlyCluster("cluster", inventory) : (inventory.cluster(ref.value).ref?.value ?? "");
  }

  addRule(clusterRef: ManagedObjectReference | undefined, rule: Rule | undefined): Promise<Rule> {
    return this.#options.serial.run(async () => {
      const { rules, counters, dice } = this.#options;
      const cluster = this.cluster(clusterRef);
      if (rule !== undefined && rule.key !== 0) throw VimFault.invalidArgument("rule.key", `is vCenter's to choose, is ${rule.key}`);
      const checked = this.#checked(cluster, rule);
      if (rules.rules(cluster).length >= MAX_RULES) throw VimFault.notSupported(`more than ${MAX_RULES} rules in a cluster`);
      const key = Number(counters.next("ClusterRule"));
      const record: RuleRecord = { ...checked, cluster, key, uuid: dice.fork(`rule/${key}`).uuid() };
      return this.#storeRule(record);
    });
  }

  updateRule(clusterRef: ManagedObjectReference | undefined, rule: Rule | undefined): Promise<Rule> {
    return this.#options.serial.run(async () => {
      const cluster = this.cluster(clusterRef);
      const known = this.#known(cluster, rule?.key ?? 0, "rule.key");
      return this.#storeRule({ ...known, ...this.#checked(cluster, rule, known.key) });
    });
  }

  removeRule(clusterRef: ManagedObjectReference | undefined, key: number): Promise<void> {
    return this.#options.serial.run(async () => {
      const { rules, store } = this.#options;
      const cluster = this.cluster(clusterRef);
      this.#known(cluster, key, "key");
      await store.commit({ deletes: [ruleKey(cluster, key)] });
      rules.removeRule(cluster, key);
    });
  }

  putGroup(clusterRef: ManagedObjectReference | undefined, group: ClusterGroup | undefined): Promise<ClusterGroup> {
    return this.#options.serial.run(async () => {
      const { rules, store } = this.#options;
      const cluster = this.cluster(clusterRef);
      if (group === undefined) throw VimFault.invalidArgument("group", "is required");
      checkName(group.name, "group.name");
      const record = this.#members(cluster, group);
      const known = rules.group(cluster, group.name);
      if (known !== undefined && known.kind !== record.kind) throw VimFault.invalidArgument("group.name", `"${group.name}" is a group of ${known.kind}`);
      if (known === undefined && rules.groups(cluster).length >= MAX_GROUPS) throw VimFault.notSupported(`more than ${MAX_GROUPS} groups in a cluster`);
      this.#requireRoom(cluster, record.members.size - (known?.members.size ?? 0));
      await store.commit({ puts: [groupEntry(record)] });
      rules.putGroup(record);
      return groupMessage(record);
    });
  }

  removeGroup(clusterRef: ManagedObjectReference | undefined, name: string): Promise<void> {
    return this.#options.serial.run(async () => {
      const { rules, store } = this.#options;
      const cluster = this.cluster(clusterRef);
      if (rules.group(cluster, name) === undefined) throw VimFault.invalidArgument("name", `no group "${name}" in the cluster`);
      const user = rules.rules(cluster).find(({ kind }) => kind.$case === "vmHost" && (kind.value.vmGroup === name || kind.value.hostGroup === name));
      if (user !== undefined) throw VimFault.resourceInUse("ClusterGroupInfo", name, `rule "${user.name}" names it`);
      await store.commit({ deletes: [groupKey(cluster, name)] });
      rules.removeGroup(cluster, name);
    });
  }

  /** The rules of a cluster as they are now; with `vm` those that name it. */
  listRules(cluster: string, vm: ManagedObjectReference | undefined): Rule[] {
    const { rules, inventory } = this.#options;
    if (vm !== undefined) inventory.vm(vm.value);
    return rules
      .rules(cluster)
      .filter((rule) => vm === undefined || rules.compiled(rule).vms.has(vm.value))
      .map((rule) => this.#show(rule));
  }

  listGroups(cluster: string): ClusterGroup[] {
    return this.#options.rules.groups(cluster).map(groupMessage);
  }

  #show(record: RuleRecord): Rule {
    const { rules, inventory } = this.#options;
    const older = rules.book(record.cluster).conflictOf(record.key);
    const kind = record.kind;
    const vms = kind.$case === "vmHost" ? undefined : kind.value.vms.filter((vm) => inventory.findVm(vm.value) !== undefined);
    return {
      ...ruleMessage(record),
      rule: kind.$case === "vmHost" || vms === undefined ? kind : { $case: kind.$case, value: { vms } },
      enabled: record.enabled && older === undefined,
      inCompliance: isObeyed(rules.compiled(record), (vm) => [inventory.runsOn(vm)].flatMap((host) => host ?? [])),
      disabledReason: older === undefined ? "" : `It conflicts with the older rule "${older.name}" (key ${older.key}).`,
    };
  }

  async #storeRule(record: RuleRecord): Promise<Rule> {
    const { rules, store } = this.#options;
    const known = rules.rule(record.cluster, record.key);
    this.#requireRoom(record.cluster, membersOf(record) - (known === undefined ? 0 : membersOf(known)));
    await store.commit({ puts: [ruleEntry(record)] });
    rules.putRule(record);
    return this.#show(record);
  }

  /** Throws NotSupported where the rules and groups of a cluster would name too many with so many more. */
  #requireRoom(cluster: string, more: number): void {
    if (more <= 0) return;
    const { rules } = this.#options;
    const named = [...rules.rules(cluster).map(membersOf), ...rules.groups(cluster).map(({ members }) => members.size)].reduce((sum, count) => sum + count, 0);
    if (named + more > MAX_MEMBERS_OF_CLUSTER) throw VimFault.notSupported(`rules and groups of a cluster that name ${named + more} virtual machines and hosts, at most ${MAX_MEMBERS_OF_CLUSTER} are taken`);
  }

  #known(cluster: string, key: number, field: string): RuleRecord {
    const rule = this.#options.rules.rule(cluster, key);
    if (rule === undefined) throw VimFault.invalidArgument(field, `no rule ${key} in the cluster`);
    return rule;
  }

  /** What a person may say of a rule, checked; `own` is the key of the rule that is changed. */
  #checked(cluster: string, rule: Rule | undefined, own?: number): Pick<RuleRecord, "name" | "enabled" | "mandatory" | "kind"> {
    if (rule === undefined) throw VimFault.invalidArgument("rule", "is required");
    checkName(rule.name, "rule.name");
    const namesake = this.#options.rules.rules(cluster).find((other) => other.name === rule.name && other.key !== own);
    if (namesake !== undefined) throw VimFault.duplicateName(rule.name, moref("ClusterComputeResource", cluster));
    const kind = rule.rule;
    if (kind === undefined) throw VimFault.invalidArgument("rule.rule", "names no kind: set affinity, anti_affinity or vm_host");
    if (kind.$case === "vmHost") {
      this.#requireGroup(cluster, kind.value.vmGroup, "vms", "rule.vm_host.vm_group");
      this.#requireGroup(cluster, kind.value.hostGroup, "hosts", "rule.vm_host.host_group");
    } else {
      const field = kind.$case === "affinity" ? "rule.affinity.vms" : "rule.anti_affinity.vms";
      if (kind.value.vms.length < 2) throw VimFault.invalidArgument(field, `names ${kind.value.vms.length === 1 ? "one virtual machine" : "no virtual machine"}, a rule is between two at least`);
      this.#requireVms(cluster, kind.value.vms, field);
    }
    return { name: rule.name, enabled: rule.enabled ?? true, mandatory: rule.mandatory, kind };
  }

  #members(cluster: string, { name, members }: ClusterGroup): GroupRecord {
    if (members === undefined) throw VimFault.invalidArgument("group.members", "are missing: set vms or hosts");
    if (members.$case === "vms") {
      this.#requireVms(cluster, members.value.vms, "group.vms.vms");
      return { cluster, name, kind: "vms", members: new Set(members.value.vms.map((vm) => vm.value)) };
    }
    const { hosts } = members.value;
    if (hosts.length > MAX_MEMBERS) throw VimFault.invalidArgument("group.hosts.hosts", `has ${hosts.length} members, at most ${MAX_MEMBERS} are taken`);
    const moids = hosts.map((host, index) => requireHost(host, `group.hosts.hosts[${index}]`, this.#options.inventory, cluster).moid);
    requireOnce(moids, "group.hosts.hosts");
    return { cluster, name, kind: "hosts", members: new Set(moids) };
  }

  #requireVms(cluster: string, vms: readonly ManagedObjectReference[], field: string): void {
    const { inventory } = this.#options;
    if (vms.length > MAX_MEMBERS) throw VimFault.invalidArgument(field, `has ${vms.length} members, at most ${MAX_MEMBERS} are taken`);
    requireOnce(vms.map((vm) => vm.value), field);
    for (const [index, vm] of vms.entries()) {
      if (inventory.host(inventory.vm(vm.value).host).cluster !== cluster) throw VimFault.invalidArgument(`${field}[${index}]`, `virtual machine "${vm.value}" is not in cluster ${cluster}`);
    }
  }

  #requireGroup(cluster: string, name: string, kind: GroupRecord["kind"], field: string): void {
    const group = this.#options.rules.group(cluster, name);
    if (group === undefined) throw VimFault.invalidArgument(field, `no group "${name}" in the cluster`);
    if (group.kind !== kind) throw VimFault.invalidArgument(field, `"${name}" is a group of ${group.kind}, not of ${kind}`);
  }
}

/** How many VMs a rule names itself. */
function membersOf({ kind }: RuleRecord): number {
  return kind.$case === "vmHost" ? 0 : kind.value.vms.length;
}

function requireOnce(moids: readonly string[], field: string): void {
  const seen = new Set<string>();
  const twice = moids.findIndex((moid) => seen.size === seen.add(moid).size);
  if (twice !== -1) throw VimFault.invalidArgument(`${field}[${twice}]`, `"${moids[twice]}" is named twice`);
}
