import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readActivity } from "../base/activity-text.js";
import { nodeLabelProblem } from "../base/node-label.js";
import { fileProblem, UserError } from "../base/user-error.js";
import { checkRules, drs, group, ha, rule } from "./inventory-cluster.js";
import { problemText, readYamlFile } from "./yaml-file.js";

/** A number of shares, or a level. */
const shares = z.union([z.enum(["low", "normal", "high"]), z.number().int().min(0).max(1_000_000_000)], { error: "must be low, normal, high or a number of shares" }).default("normal");
/** A limit, MHz or MB; -1 is unlimited. */
const limit = z.number().int().min(-1).default(-1);

/** A DNS name in lower case (RFC 1123). */
export const hostName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const host = z.strictObject({
  /** FQDN in lower case; also the name of its Node. */
  name: z.string().regex(hostName, "must be a DNS name in lower case"),
  /** Physical cores. */
  cores: z.number().int().min(1).max(1024).default(16),
  /** Speed of a core, MHz. */
  cpuMhz: z.number().int().min(100).max(10_000).default(2600),
  /** Physical memory, MB. */
  memoryMb: z.number().int().min(1024).max(33_554_432).default(65_536),
  /** Datastores it mounts. */
  datastores: z.array(z.string()).default(["datastore-01"]),
  /** Networks it has. */
  networks: z.array(z.string()).default(["workload-01"]),
  /** Labels of its Node beyond the usual ones. */
  labels: z
    .record(z.string(), z.string())
    .default({})
    .superRefine((labels, context) => {
      for (const [key, value] of Object.entries(labels)) {
        const problem = nodeLabelProblem(key, value);
        if (problem !== undefined) context.addIssue({ code: "custom", path: [key], message: problem });
      }
    }),
});

const resourcePool = z.strictObject({
  /** Name, unique in the file. */
  name: z.string().min(1),
  /** The pool above, which stands earlier in the file; the cluster's root pool when absent. */
  parent: z.string().optional(),
  /** CPU reservation, MHz. */
  reservationMhz: z.number().int().min(0).default(0),
  /** Memory reservation, MB. */
  reservationMb: z.number().int().min(0).default(0),
  limitMhz: limit,
  limitMb: limit,
  cpuShares: shares,
  memoryShares: shares,
  /** Whether it may borrow from the pool above when its reservation is used up. */
  expandable: z.boolean().default(true),
  /** Whether the shares of the pools below grow with what runs in them. */
  scalableShares: z.boolean().default(false),
});

const virtualMachine = z.strictObject({
  /** Display name. */
  name: z.string().min(1),
  /** Host it runs on; DRS picks one when absent, before there are rules. */
  host: z.string().optional(),
  /** Pool it runs in; the cluster's root pool when absent. */
  pool: z.string().optional(),
  /** Virtual CPUs. */
  cpus: z.number().int().min(1).default(1),
  /** Memory, MB. */
  memoryMb: z.number().int().min(4).multipleOf(4).default(1024),
  /** CPU reservation, MHz. */
  reservationMhz: z.number().int().min(0).default(0),
  /** Memory reservation, MB. */
  reservationMb: z.number().int().min(0).default(0),
  limitMhz: limit,
  limitMb: limit,
  cpuShares: shares,
  memoryShares: shares,
  /** CPU it uses all the time, MHz. */
  activeMhz: z.number().int().min(0).default(0),
  /** Memory it uses all the time, MB. */
  activeMb: z.number().int().min(0).default(0),
  /** What it uses, as `vm create --activity` takes it, instead of the two figures above; a trace's file lies beside this one. */
  activity: z.string().optional(),
  /** Whether it is powered on. */
  poweredOn: z.boolean().default(true),
});

const schema = z
  .strictObject({
    /** Name of the datacenter. */
    datacenter: z.string().min(1).default("dc-01"),
    /** Name of the cluster. */
    cluster: z.string().min(1).default("supervisor-01"),
    hosts: z.array(host).min(1).max(1000),
    resourcePools: z.array(resourcePool).max(1000).default([]),
    virtualMachines: z.array(virtualMachine).max(10_000).default([]),
    groups: z.array(group).max(2_000).default([]),
    rules: z.array(rule).max(2_000).default([]),
    drs: drs.optional(),
    ha: ha.optional(),
  })
  .superRefine((inventory, context) => {
    const hosts = uniqueNames(inventory.hosts, "hosts", context);
    const pools = new Set<string>();
    inventory.resourcePools.forEach((each, index) => {
      if (each.parent !== undefined && !pools.has(each.parent)) context.addIssue({ code: "custom", path: ["resourcePools", index, "parent"], message: `no pool before it is named ${each.parent}` });
      pools.add(each.name);
    });
    uniqueNames(inventory.resourcePools, "resourcePools", context);
    const vms = uniqueNames(inventory.virtualMachines, "virtualMachines", context);
    uniqueNames(inventory.groups, "groups", context);
    uniqueNames(inventory.rules, "rules", context);
    checkRules(inventory, { hosts, vms }, context);
    checkAllocations(inventory.resourcePools, "resourcePools", context);
    checkAllocations(inventory.virtualMachines, "virtualMachines", context);
    inventory.virtualMachines.forEach((each, index) => {
      if (each.reservationMb > each.memoryMb) context.addIssue({ code: "custom", path: ["virtualMachines", index, "reservationMb"], message: `${each.reservationMb} is more than memoryMb, ${each.memoryMb}` });
      if (each.activity !== undefined && (each.activeMhz > 0 || each.activeMb > 0)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "activity"], message: "stands beside activeMhz or activeMb: one of them" });
      if (each.host !== undefined && !hosts.has(each.host)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "host"], message: `no host is named ${each.host}` });
      if (each.pool !== undefined && !pools.has(each.pool)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "pool"], message: `no pool is named ${each.pool}` });
    });
  });

/** No reservation may be over its limit. */
function checkAllocations(all: ReadonlyArray<{ readonly reservationMhz: number; readonly reservationMb: number; readonly limitMhz: number; readonly limitMb: number }>, field: string, context: z.RefinementCtx): void {
  all.forEach((each, index) => {
    for (const [reservation, limitOf] of [["reservationMhz", "limitMhz"], ["reservationMb", "limitMb"]] as const) {
      if (each[limitOf] >= 0 && each[reservation] > each[limitOf]) context.addIssue({ code: "custom", path: [field, index, reservation], message: `${each[reservation]} is over ${limitOf}, ${each[limitOf]}` });
    }
  });
}

function uniqueNames(named: ReadonlyArray<{ readonly name: string }>, field: string, context: z.RefinementCtx): ReadonlySet<string> {
  const names = new Set<string>();
  named.forEach(({ name }, index) => {
    if (names.has(name)) context.addIssue({ code: "custom", path: [field, index, "name"], message: `${name} stands twice` });
    names.add(name);
  });
  return names;
}

/** The vSphere side an emulator starts with: one datacenter, one cluster with its settings, hosts, pools, ordinary VMs, groups and rules. */
export type Inventory = z.infer<typeof schema>;

/**
 * The default inventory: hosts `esxi-01` ... of 16 cores at 2.6 GHz and 64 GiB, the first half in zone a, the rest in zone b.
 *
 * Worked example: `defaultInventory(4)` has zones a, a, b, b.
 */
export function defaultInventory(hosts: number): Inventory {
  const width = Math.max(2, String(hosts).length);
  return schema.parse({
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `esxi-${String(index + 1).padStart(width, "0")}.spheresim.test`,
      labels: { "topology.kubernetes.io/zone": index < hosts / 2 ? "a" : "b" },
    })),
  });
}

/** Reads an inventory from YAML; throws UserError naming the line and the field that does not do. */
export function readInventory(path: string): Inventory {
  const file = readYamlFile(path, "inventory", "see examples/inventories for one that works");
  const result = schema.safeParse(file.content ?? {});
  if (result.success) {
    const besides = dirname(path);
    return {
      ...result.data,
      virtualMachines: result.data.virtualMachines.map((each, index) => {
        try {
          return { ...each, activity: checkedActivity(each.activity, besides) };
        } catch (error) {
          if (error instanceof UserError) return file.refuse(["virtualMachines", index, "activity"], error.message);
          throw error;
        }
      }),
    };
  }
  const issue = result.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return file.refuse([...(issue?.path ?? []), ...unknown], unknown.length > 0 ? "is no field of it" : issue === undefined ? "invalid" : problemText(issue));
}

/** The activity with the file of a trace named from anywhere; throws a UserError when it will not do. */
function checkedActivity(text: string | undefined, directory: string): string | undefined {
  if (text === undefined) return undefined;
  const anywhere = text.replace(/^(trace:)(.+?)(,repeat(=.*)?)?$/s, (_, kind: string, path: string, repeat = "") => `${kind}${resolve(directory, path)}${repeat as string}`);
  readActivity(anywhere, readTraceFile);
  return anywhere;
}

/** The text of a trace's file. */
export function readTraceFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError("usage", `trace ${path}: ${fileProblem(error)}`, "name a file beside the inventory");
  }
}
