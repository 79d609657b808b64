import { moref } from "../inventory/moref.js";
import type { Inventory } from "../inventory/inventory.js";
import { VimFault } from "../vim-fault.js";

/**
 * Throws DuplicateName where another ordinary VM of the cluster's datacenter has a name, or is just getting it: all of them lie in the one VM
 * folder of their datacenter, and vim25's CreateVM_Task and ReconfigVM_Task let a name be in a folder once. VMs of pods lie in the folders of their
 * namespaces.
 */
export function requireFreeName(name: string, cluster: string, inventory: Inventory, self?: string): void {
  const { datacenter } = inventory.cluster(cluster);
  for (const vm of inventory.vmsNamed(name)) {
    if (vm.moid !== self && inventory.cluster(inventory.host(vm.host).cluster).datacenter?.value === datacenter?.value) throw VimFault.duplicateName(name, moref("VirtualMachine", vm.moid));
  }
}
