import { z } from "zod";
import { readYamlFile } from "./yaml-file.js";

const host = z.strictObject({
  /** FQDN in lower case; also the name of its Node. */
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, "must be a DNS name in lower case"),
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
  labels: z.record(z.string(), z.string()).default({}),
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
  /** CPU limit, MHz; -1 is unlimited. */
  limitMhz: z.number().int().min(-1).default(-1),
  /** Memory limit, MB; -1 is unlimited. */
  limitMb: z.number().int().min(-1).default(-1),
  /** Whether it may borrow from the pool above when its reservation is used up. */
  expandable: z.boolean().default(true),
});

const virtualMachine = z.strictObject({
  /** Display name. */
  name: z.string().min(1),
  /** Host it runs on. */
  host: z.string(),
  /** Pool it runs in; the cluster's root pool when absent. */
  pool: z.string().optional(),
  /** Virtual CPUs. */
  cpus: z.number().int().min(1).default(1),
  /** Memory, MB. */
  memoryMb: z.number().int().min(4).default(1024),
  /** CPU reservation, MHz. */
  reservationMhz: z.number().int().min(0).default(0),
  /** Memory reservation, MB. */
  reservationMb: z.number().int().min(0).default(0),
  /** CPU it uses all the time, MHz. */
  activeMhz: z.number().int().min(0).default(0),
  /** Memory it uses all the time, MB. */
  activeMb: z.number().int().min(0).default(0),
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
  })
  .superRefine((inventory, context) => {
    const hosts = uniqueNames(inventory.hosts, "hosts", context);
    const pools = new Set<string>();
    inventory.resourcePools.forEach((each, index) => {
      if (each.parent !== undefined && !pools.has(each.parent)) context.addIssue({ code: "custom", path: ["resourcePools", index, "parent"], message: `no pool before it is named ${each.parent}` });
      pools.add(each.name);
    });
    uniqueNames(inventory.resourcePools, "resourcePools", context);
    uniqueNames(inventory.virtualMachines, "virtualMachines", context);
    inventory.virtualMachines.forEach((each, index) => {
      if (!hosts.has(each.host)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "host"], message: `no host is named ${each.host}` });
      if (each.pool !== undefined && !pools.has(each.pool)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "pool"], message: `no pool is named ${each.pool}` });
    });
  });

function uniqueNames(named: ReadonlyArray<{ readonly name: string }>, field: string, context: z.RefinementCtx): ReadonlySet<string> {
  const names = new Set<string>();
  named.forEach(({ name }, index) => {
    if (names.has(name)) context.addIssue({ code: "custom", path: [field, index, "name"], message: `${name} stands twice` });
    names.add(name);
  });
  return names;
}

/** The vSphere side an emulator starts with: one datacenter, one cluster, its hosts, pools and ordinary VMs. */
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
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return file.refuse([...(issue?.path ?? []), ...unknown], unknown.length > 0 ? "is no field of it" : (issue?.message ?? "invalid"));
}
