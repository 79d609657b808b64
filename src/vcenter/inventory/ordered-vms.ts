import type { Slices } from "../../base/slices.js";
import type { VmRecord } from "../store/records.js";
import type { Inventory } from "./inventory.js";
import { moidNumber } from "./moid-counters.js";

/** So many records are looked at in a slice: about a millisecond. */
const VMS_A_SLICE = 4_000;
/** Numbers that share a bucket; few are missing, as they are given one after the other. */
const BUCKET_BITS = 12;

/**
 * The VMs of one moment in order of moid, a slice at a time: there may be a hundred thousand, and read from etcd vm-110 comes before vm-99.
 *
 * Example: vm-4097, vm-2 and vm-1 go into the buckets 1, 0 and 0; each bucket is put in order for itself.
 */
export function* orderedVms(inventory: Inventory, isListed: (vm: VmRecord) => boolean = () => true): Slices<VmRecord[]> {
  const { vms } = inventory;
  const buckets = new Map<number, { readonly vm: VmRecord; readonly number: number }[]>();
  for (const [index, vm] of vms.entries()) {
    if (index > 0 && index % VMS_A_SLICE === 0) yield;
    if (!isListed(vm)) continue;
    const number = moidNumber(vm.moid);
    const bucket = buckets.get(number >> BUCKET_BITS);
    if (bucket === undefined) buckets.set(number >> BUCKET_BITS, [{ vm, number }]);
    else bucket.push({ vm, number });
  }
  const ordered: VmRecord[] = [];
  for (const [, bucket] of [...buckets].sort(([left], [right]) => left - right)) {
    if (ordered.length > 0) yield;
    for (const { vm } of bucket.sort((left, right) => left.number - right.number)) ordered.push(vm);
  }
  return ordered;
}
