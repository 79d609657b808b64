import { ClusterGroup, Rule } from "../../gen/spheresim/vcenter/v1/rule.js";
import type { KeyValueEntry } from "../store/key-value.js";
import { recordKey } from "../store/keyspace.js";
import { moref } from "../inventory/moref.js";

/** A rule as vCenter keeps it. */
export interface RuleRecord {
  readonly cluster: string;
  readonly key: number;
  readonly name: string;
  /** Whether somebody wants it to count; one that conflicts with an older rule does not all the same. */
  readonly enabled: boolean;
  readonly mandatory: boolean;
  readonly kind: NonNullable<Rule["rule"]>;
  readonly uuid: string;
}

/** A group as vCenter keeps it. In etcd a VM or host that is gone stays named until the group is put again, and counts no more: moids are never used twice. */
export interface GroupRecord {
  readonly cluster: string;
  readonly name: string;
  readonly kind: "vms" | "hosts";
  readonly members: ReadonlySet<string>;
}

/** Where a rule lies in etcd: below its cluster, by key. */
export function ruleKey(cluster: string, key: number): string {
  return recordKey("rules", `${cluster}/${key}`);
}

/** Where a group lies in etcd: below its cluster, by its name, percent-encoded. */
export function groupKey(cluster: string, name: string): string {
  return recordKey("groups", `${cluster}/${encodeURIComponent(name)}`);
}

/** A rule in etcd. */
export function ruleEntry(rule: RuleRecord): KeyValueEntry {
  return { key: ruleKey(rule.cluster, rule.key), value: JSON.stringify(Rule.toJSON(ruleMessage(rule))) };
}

export function readRule(id: string, value: string): RuleRecord {
  const { key, name, enabled, mandatory, rule, ruleUuid } = Rule.fromJSON(JSON.parse(value));
  if (rule === undefined) throw new Error(`the record of rule ${id} has no kind`);
  return { cluster: clusterOf(id), key, name, enabled: enabled ?? true, mandatory, kind: rule, uuid: ruleUuid };
}

/** A group in etcd. */
export function groupEntry(group: GroupRecord): KeyValueEntry {
  return { key: groupKey(group.cluster, group.name), value: JSON.stringify(ClusterGroup.toJSON(groupMessage(group))) };
}

export function readGroup(id: string, value: string): GroupRecord {
  const { name, members } = ClusterGroup.fromJSON(JSON.parse(value));
  if (members === undefined) throw new Error(`the record of group ${id} has no members`);
  const moids = members.$case === "vms" ? members.value.vms.map((vm) => vm.value) : members.value.hosts.map((host) => (host.key?.$case === "ref" ? host.key.value.value : ""));
  return { cluster: clusterOf(id), name, kind: members.$case, members: new Set(moids) };
}

/** The contract's view of a rule, without what the moment adds. */
export function ruleMessage(rule: RuleRecord): Rule {
  return Rule.create({ key: rule.key, name: rule.name, enabled: rule.enabled, mandatory: rule.mandatory, rule: rule.kind, ruleUuid: rule.uuid });
}

/** The contract's view of a group. */
export function groupMessage(group: GroupRecord): ClusterGroup {
  const moids = [...group.members];
  if (group.kind === "vms") return { name: group.name, members: { $case: "vms", value: { vms: moids.map((moid) => moref("VirtualMachine", moid)) } } };
  return { name: group.name, members: { $case: "hosts", value: { hosts: moids.map((moid) => ({ key: { $case: "ref", value: moref("HostSystem", moid) } })) } } };
}

function clusterOf(id: string): string {
  return id.slice(0, id.indexOf("/"));
}
