import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { Slices } from "../../base/slices.js";
import { Inventory as InventoryMessage } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { showCluster } from "../clusters/cluster-health.js";
import type { Holds } from "../placement/holds.js";
import { MAX_ANSWER_BYTES } from "../spec-limits.js";
import { vmMessage } from "../store/records.js";
import type { Inventory } from "./inventory.js";
import { listedHosts, listedPools, shownHolds } from "./inventory-view.js";
import { orderedVms } from "./ordered-vms.js";

/** So many hosts or VMs are told of in a slice: about two milliseconds. */
const OBJECTS_A_SLICE = 400;

/**
 * The whole inventory of one moment, each kind in order of moid, as the bytes of the contract's message, a slice at a time: what its clusters, pools,
 * hosts and holds say is read at once, and records of VMs never change, they are replaced. Throws RESOURCE_EXHAUSTED for more than one message
 * holds, in the words of grpc-go, and says what to call instead. What cannot be cut is the end: one message is one buffer, copied here and once more
 * into its frame, which takes tens of milliseconds for 100,000 VMs; lists by page and watches have no such end.
 *
 * Example: the bytes of a message with two hosts and those of one with a VM, one behind the other, are the message with two hosts and a VM.
 */
export function* wholeInventory(inventory: Inventory, holds: Holds, maxBytes = MAX_ANSWER_BYTES): Slices<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const add = (part: Partial<InventoryMessage>): void => {
    const piece = InventoryMessage.encode({ ...NOTHING, ...part }).finish();
    bytes += piece.length;
    if (bytes <= maxBytes) pieces.push(piece);
  };
  const pools = listedPools(inventory);
  const listed = listedHosts(inventory);
  const hosts = listed.slice(0, listed.length);
  add({
    datacenters: [...inventory.datacenters],
    clusters: inventory.clusters.map((cluster) => showCluster(inventory, cluster)),
    resourcePools: Array.from(pools.slice(0, pools.length)),
    holds: shownHolds(inventory, holds),
  });
  const hostOf = new Map(inventory.hosts.map((host) => [host.moid, host]));

  const vms = yield* orderedVms(inventory);
  for (let from = 0; from < hosts.length; from += OBJECTS_A_SLICE) {
    add({ hosts: hosts.slice(from, from + OBJECTS_A_SLICE) });
    yield;
  }
  for (let from = 0; from < vms.length; from += OBJECTS_A_SLICE) {
    if (from > 0) yield;
    add({ virtualMachines: vms.slice(from, from + OBJECTS_A_SLICE).map((vm) => vmMessage(vm, hostOf.get(vm.host))) });
  }
  if (bytes > maxBytes) {
    throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `grpc: trying to send message larger than max (${bytes} vs. ${maxBytes}): read the inventory by pages, with ListHosts, ListResourcePools and ListVms, or follow it with WatchInventory`);
  }
  return Buffer.concat(pieces);
}

const NOTHING: InventoryMessage = { datacenters: [], clusters: [], resourcePools: [], hosts: [], virtualMachines: [], holds: [] };
