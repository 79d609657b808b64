import type { DrsRule } from "../drs/rules/rule.js";
import { RuleBook } from "../drs/rules/rule-book.js";
import type { GroupRecord, RuleRecord } from "./rule-records.js";

/** A group whose members come out as they go away. */
interface LiveGroup extends GroupRecord {
  readonly members: Set<string>;
}

interface ClusterRules {
  readonly rules: Map<number, RuleRecord>;
  readonly groups: Map<string, LiveGroup>;
  /** Made when it is asked for, after every change anew. */
  book: RuleBook | undefined;
}

/** Rules and groups of every cluster in memory, and the book of those that count. It changes nothing by itself: who changes it has committed first. */
export class RuleTable {
  readonly #clusters = new Map<string, ClusterRules>();
  readonly #exists: (moid: string) => boolean;
  #onChange: (cluster: string) => void = () => undefined;

  /** `exists` says whether a VM or host is still there: one that is gone is in no rule and no group, although records name it. */
  constructor(exists: (moid: string) => boolean = () => true) {
    this.#exists = exists;
  }

  /** Who is told, from now on, of clusters whose rules or groups change. */
  set onChange(listener: (cluster: string) => void) {
    this.#onChange = listener;
  }

  /** The rules of a cluster in order of their keys. */
  rules(cluster: string): readonly RuleRecord[] {
    return [...(this.#clusters.get(cluster)?.rules.values() ?? [])].sort((left, right) => left.key - right.key);
  }

  /** The groups of a cluster in order of their names. */
  groups(cluster: string): readonly GroupRecord[] {
    return [...(this.#clusters.get(cluster)?.groups.values() ?? [])].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  rule(cluster: string, key: number): RuleRecord | undefined {
    return this.#clusters.get(cluster)?.rules.get(key);
  }

  group(cluster: string, name: string): GroupRecord | undefined {
    return this.#clusters.get(cluster)?.groups.get(name);
  }

  /** The rules that count. */
  book(cluster: string): RuleBook {
    const entry = this.#clusters.get(cluster);
    if (entry === undefined) return RuleBook.EMPTY;
    entry.book ??= new RuleBook([...entry.rules.values()].filter((rule) => rule.enabled).map((rule) => compiled(rule, entry.groups, this.#exists)));
    return entry.book;
  }

  /** The rule as DRS weighs it, its groups looked up. */
  compiled(rule: RuleRecord): DrsRule {
    return compiled(rule, this.#clusters.get(rule.cluster)?.groups ?? new Map<string, GroupRecord>(), this.#exists);
  }

  /** A VM was destroyed, or a host removed: it leaves its groups, and rules that conflicted with older ones by it alone, or did not, are weighed again. */
  gone(moid: string): void {
    for (const [cluster, { book, groups }] of this.#clusters) {
      let isNamed = book !== undefined && book.ofVm(moid).length > 0;
      for (const { members } of groups.values()) if (members.delete(moid)) isNamed = true;
      if (isNamed) this.#changing(cluster);
    }
  }

  putRule(rule: RuleRecord): void {
    const entry = this.#changing(rule.cluster);
    entry.rules.set(rule.key, rule);
  }

  removeRule(cluster: string, key: number): void {
    this.#changing(cluster).rules.delete(key);
  }

  putGroup(group: GroupRecord): void {
    this.#changing(group.cluster).groups.set(group.name, { ...group, members: new Set([...group.members].filter(this.#exists)) });
  }

  removeGroup(cluster: string, name: string): void {
    this.#changing(cluster).groups.delete(name);
  }

  #changing(cluster: string): ClusterRules {
    const known = this.#clusters.get(cluster);
    const entry = known ?? { rules: new Map<number, RuleRecord>(), groups: new Map<string, LiveGroup>(), book: undefined };
    if (known === undefined) this.#clusters.set(cluster, entry);
    entry.book = undefined;
    this.#onChange(cluster);
    return entry;
  }
}

function compiled(rule: RuleRecord, groups: ReadonlyMap<string, GroupRecord>, exists: (moid: string) => boolean): DrsRule {
  const { key, name, mandatory } = rule;
  const present = (vms: readonly string[]): ReadonlySet<string> => new Set(vms.filter(exists));
  switch (rule.kind.$case) {
    case "affinity":
      return { kind: "together", key, name, vms: present(moids(rule.kind.value.vms)) };
    case "antiAffinity":
      return { kind: "apart", key, name, vms: present(moids(rule.kind.value.vms)) };
    case "vmHost": {
      const { vmGroup, hostGroup, affine } = rule.kind.value;
      return { kind: "vmHost", key, name, mandatory, affine, vms: groups.get(vmGroup)?.members ?? new Set(), hosts: groups.get(hostGroup)?.members ?? new Set() };
    }
  }
}

function moids(refs: readonly { readonly value: string }[]): readonly string[] {
  return refs.map((ref) => ref.value);
}
