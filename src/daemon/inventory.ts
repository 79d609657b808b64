import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../base/user-error.js";

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

const virtualMachine = z.strictObject({
  /** Display name. */
  name: z.string().min(1),
  /** Host it runs on. */
  host: z.string(),
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
    virtualMachines: z.array(virtualMachine).default([]),
  })
  .superRefine((inventory, context) => {
    const names = new Set<string>();
    inventory.hosts.forEach((each, index) => {
      if (names.has(each.name)) context.addIssue({ code: "custom", path: ["hosts", index, "name"], message: `${each.name} stands twice` });
      names.add(each.name);
    });
    inventory.virtualMachines.forEach((each, index) => {
      if (!names.has(each.host)) context.addIssue({ code: "custom", path: ["virtualMachines", index, "host"], message: `no host is named ${each.host}` });
    });
  });

/** The vSphere side an emulator starts with: one datacenter, one cluster, its hosts and ordinary VMs. */
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

/** Reads an inventory from YAML; throws UserError naming the field that does not do. */
export function readInventory(path: string): Inventory {
  let content: unknown;
  try {
    content = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError("usage", `inventory ${path}: ${(error as Error).message.split("\n")[0]}`, "see examples/inventories for one that works");
  }
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError("usage", `inventory ${path}: ${issue?.path.join(".") || "document"}: ${issue?.message}`, "see examples/inventories for one that works");
}
