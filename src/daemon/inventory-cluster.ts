import { z } from "zod";

/** A named set of VMs or of hosts, for rules. */
export const group = z.strictObject({
  /** Name, unique in the file. */
  name: z.string().min(1),
  /** Its VMs, by name; a group is either of VMs or of hosts. */
  vms: z.array(z.string()).min(1).optional(),
  /** Its hosts, by name. */
  hosts: z.array(z.string()).min(1).optional(),
});

const tie = z.string().regex(/^\S+ (on|off) \S+$/, "must be VMGROUP on HOSTGROUP, or VMGROUP off HOSTGROUP");

/** A placement rule, of which one of the four kinds is given. */
export const rule = z.strictObject({
  /** Name, unique in the file. */
  name: z.string().min(1),
  /** VMs that belong on one host. */
  together: z.array(z.string()).min(2).optional(),
  /** VMs that belong on different hosts. */
  apart: z.array(z.string()).min(2).optional(),
  /** `VMGROUP on HOSTGROUP` or `VMGROUP off HOSTGROUP`: never otherwise. */
  must: tie.optional(),
  /** The same: better not otherwise. */
  should: tie.optional(),
});

/** Settings of DRS. They are made at the first start; what a person changes later stays. */
export const drs = z.strictObject({
  /** Whether it runs its pass each minute. */
  enabled: z.boolean().default(true),
  /** What it does by itself. */
  behaviour: z.enum(["manual", "partially-automated", "fully-automated"]).default("fully-automated"),
  /** Migration threshold, 1 (mandatory moves only) to 5. */
  threshold: z.number().int().min(1).max(5).default(3),
  /** How memory demand is reckoned. */
  memoryMetric: z.enum(["active", "consumed"]).default("active"),
  /** Scalable shares for every pool. */
  scalableShares: z.boolean().default(false),
});

/** Settings of HA, made at the first start. */
export const ha = z.strictObject({
  enabled: z.boolean().default(true),
  /** Whether room for fail-over is kept. */
  admissionControl: z.boolean().default(true),
  /** Percent of the CPU that must stay unreserved. */
  failoverCpuPercent: z.number().int().min(0).max(100).default(0),
  /** The same for memory. */
  failoverMemoryPercent: z.number().int().min(0).max(100).default(0),
});

/** What rules speak of. */
interface Names {
  readonly hosts: ReadonlySet<string>;
  readonly vms: ReadonlySet<string>;
}

/** Finds what names nothing, or too much. */
export function checkRules({ groups, rules }: { readonly groups: ReadonlyArray<z.infer<typeof group>>; readonly rules: ReadonlyArray<z.infer<typeof rule>> }, names: Names, context: z.RefinementCtx): void {
  const issue = (path: PropertyKey[], message: string): void => context.addIssue({ code: "custom", path, message });
  groups.forEach(({ vms, hosts }, index) => {
    if ((vms === undefined) === (hosts === undefined)) issue(["groups", index], "must have vms or hosts, one of them");
    requireKnown(vms, names.vms, "virtual machine", ["groups", index, "vms"], issue);
    requireKnown(hosts, names.hosts, "host", ["groups", index, "hosts"], issue);
  });
  const groupsOf = (kind: "vms" | "hosts"): ReadonlySet<string> => new Set(groups.filter((each) => each[kind] !== undefined).map(({ name }) => name));
  rules.forEach((each, index) => {
    const kinds = (["together", "apart", "must", "should"] as const).filter((kind) => each[kind] !== undefined);
    if (kinds.length !== 1) issue(["rules", index], "must have one of together, apart, must, should");
    requireKnown(each.together, names.vms, "virtual machine", ["rules", index, "together"], issue);
    requireKnown(each.apart, names.vms, "virtual machine", ["rules", index, "apart"], issue);
    for (const kind of ["must", "should"] as const) {
      const tied = each[kind] === undefined ? undefined : tiedGroups(each[kind]);
      if (tied === undefined) continue;
      if (!groupsOf("vms").has(tied.vmGroup)) issue(["rules", index, kind], `no group of virtual machines is named ${tied.vmGroup}`);
      if (!groupsOf("hosts").has(tied.hostGroup)) issue(["rules", index, kind], `no group of hosts is named ${tied.hostGroup}`);
    }
  });
}

function requireKnown(named: readonly string[] | undefined, known: ReadonlySet<string>, kind: string, path: PropertyKey[], issue: (path: PropertyKey[], message: string) => void): void {
  named?.forEach((name, index) => {
    if (!known.has(name)) issue([...path, index], `no ${kind} is named ${name}`);
    else if (named.indexOf(name) !== index) issue([...path, index], `${name} stands twice`);
  });
}

/**
 * What a rule between groups ties.
 *
 * Worked example: `databases on licensed` ties the VMs of databases to the hosts of licensed.
 */
export function tiedGroups(text: string): { readonly vmGroup: string; readonly hostGroup: string; readonly affine: boolean } {
  const [vmGroup = "", where = "", hostGroup = ""] = text.split(" ");
  return { vmGroup, hostGroup, affine: where === "on" };
}
