import type { Cluster, Host, Inventory, ResourcePool, VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import type { HostKey } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Channel, GeneratedClient, PromiseClient } from "../rpc/channel.js";
import type { ServiceShape } from "../rpc/service.js";
import { connect, type Connection, type ConnectionOptions } from "./connection.js";
import { named } from "./named.js";

/** vCenter as an architect's command sees it: its services, and its objects by name. */
export class Vsphere {
  readonly connection: Connection;
  readonly #channel: Channel;
  #inventory: Promise<Inventory> | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#channel = connection.open("vcenter");
  }

  client<S extends ServiceShape>(generated: GeneratedClient<S>): PromiseClient<S> {
    return this.#channel.client(generated);
  }

  /** Everything there is, as of the first time this command asked. */
  inventory(): Promise<Inventory> {
    return (this.#inventory ??= this.client(InventoryServiceClient).getInventory({}));
  }

  async host(name: string): Promise<Host> {
    return named("host", name, (await this.inventory()).hosts, ({ spec, ref }) => ({ name: spec?.name ?? "", id: moid(ref) }));
  }

  /** The host as a request names it. */
  async hostKey(name: string): Promise<HostKey> {
    return { key: { $case: "name", value: (await this.host(name)).spec?.name ?? "" } };
  }

  async vm(name: string): Promise<VirtualMachine> {
    return named("VM", name, (await this.inventory()).virtualMachines, ({ config, ref }) => ({ name: config?.name ?? "", id: moid(ref) }));
  }

  async pool(name: string): Promise<ResourcePool> {
    return named("pool", name, (await this.inventory()).resourcePools, ({ name: own, ref }) => ({ name: own, id: moid(ref) }));
  }

  /** The cluster of a name; without one the only cluster, which vCenter finds by itself. */
  async cluster(name: string | undefined): Promise<ManagedObjectReference | undefined> {
    if (name === undefined) return undefined;
    return named("cluster", name, (await this.inventory()).clusters, ({ name: own, ref }) => ({ name: own, id: moid(ref) })).ref;
  }

  /** The settings of the cluster of a name; of the first there is without one. */
  async clusterSettings(name: string | undefined): Promise<Cluster | undefined> {
    const { clusters } = await this.inventory();
    const ref = await this.cluster(name);
    return ref === undefined ? clusters[0] : clusters.find((each) => moid(each.ref) === ref.value);
  }

  /** Name of a host, VM or pool; its id while it has no name here. */
  async nameOf(ref: ManagedObjectReference | undefined): Promise<string> {
    const { hosts, virtualMachines, resourcePools } = await this.inventory();
    const id = moid(ref);
    return (
      hosts.find((each) => moid(each.ref) === id)?.spec?.name ??
      virtualMachines.find((each) => moid(each.ref) === id)?.config?.name ??
      resourcePools.find((each) => moid(each.ref) === id)?.name ??
      id
    );
  }

  /** Sees the inventory anew at the next question. */
  forget(): void {
    this.#inventory = undefined;
  }
}

/** The moid of a reference; empty without one. */
export function moid(ref: ManagedObjectReference | undefined): string {
  return ref?.value ?? "";
}

/** Lets `work` speak to the vCenter of the emulator that is meant, and lets go of it however that ends. */
export async function withVsphere(flags: ConnectionOptions, work: (vsphere: Vsphere) => Promise<void>): Promise<void> {
  const connection = await connect(flags, process.env);
  try {
    await work(new Vsphere(connection));
  } finally {
    connection.close();
  }
}

/** How many objects a page asks for: the most there may be. */
export const PAGE_SIZE = 1000;

/** Every object of a list, page after page. */
export async function allPages<P extends { readonly nextPageToken: string }, T>(page: (pageToken: string) => Promise<P>, itemsOf: (page: P) => readonly T[]): Promise<T[]> {
  const all: T[] = [];
  for (let token = ""; ; ) {
    const each = await page(token);
    all.push(...itemsOf(each));
    token = each.nextPageToken;
    if (token === "") return all;
  }
}
