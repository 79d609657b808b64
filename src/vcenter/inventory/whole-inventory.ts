import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { Slices } from "../../base/slices.js";
import { Inventory as InventoryMessage } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { showCluster } from "../clusters/cluster-health.js";
import type { Holds } from "../placement/holds.js";
import { vmMessage } from "../store/records.js";
import type { Inventory } from "./inventory.js";
import { listedHosts, listedPools, shownHolds } from "./inventory-view.js";
import { moidNumber } from "./moid-counters.js";

/** So many VMs are told of in a slice: about two milliseconds. */
const VMS_A_SLICE = 400;
/** As much as the clients of this program take; others take 4 MiB unless they are told to take more. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The whole inventory of one moment, each kind in order of moid, as the bytes of the contract's message, a slice at a time: its clusters, pools,
 * hosts and holds are told at once, and records of VMs never change, they are replaced. Throws RESOURCE_EXHAUSTED for more than one message
 * holds, in the words of grpc-go, and says what to call instead.
 *
 * Example: the bytes of a message with two hosts and those of one with a VM, one behind the other, are the message with two hosts and a VM.
 */
export function* wholeInventory(inventory: Inventory, holds: Holds, maxBytes = MAX_BYTES): Slices<Buffer> {
  const vms = inventory.vms;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const add = (part: Partial<InventoryMessage>): void => {
    const piece = InventoryMessage.encode({ ...NOTHING, ...part }).finish();
    bytes += piece.length;
    if (bytes <= maxBytes) pieces.push(piece);
  };
  const [pools, hosts] = [listedPools(inventory), listedHosts(inventory)];
  add({
    datacenters: [...inventory.datacenters],
    clusters: inventory.clusters.map((cluster) => showCluster(inventory, cluster)),
    resourcePools: Array.from(pools.slice(0, pools.length)),
    hosts: Array.from(hosts.slice(0, hosts.length)),
    holds: shownHolds(inventory, holds),
  });
  const hostOf = new Map(inventory.hosts.map((host) => [host.moid, host]));

  const numbered: { readonly vm: (typeof vms)[number]; readonly number: number }[] = [];
  for (let from = 0; from < vms.length; from += VMS_A_SLICE) {
    if (from > 0 && from % (10 * VMS_A_SLICE) === 0) yield;
    for (const vm of vms.slice(from, from + VMS_A_SLICE)) numbered.push({ vm, number: moidNumber(vm.moid) });
  }
  // They are nearly in order as they come, which makes it a matter of one look at each.
  numbered.sort((left, right) => left.number - right.number);
  for (let from = 0; from < numbered.length; from += VMS_A_SLICE) {
    if (from > 0) yield;
    add({ virtualMachines: numbered.slice(from, from + VMS_A_SLICE).map(({ vm }) => vmMessage(vm, hostOf.get(vm.host))) });
  }
  if (bytes > maxBytes) {
    throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `grpc: trying to send message larger than max (${bytes} vs. ${maxBytes}): read the inventory by pages, with ListHosts, ListResourcePools and ListVms, or follow it with WatchInventory`);
  }
  return Buffer.concat(pieces);
}

const NOTHING: InventoryMessage = { datacenters: [], clusters: [], resourcePools: [], hosts: [], virtualMachines: [], holds: [] };
