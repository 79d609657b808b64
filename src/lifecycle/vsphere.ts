import type { VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";

/** What the lifecycle controller needs of vCenter. Calls reject with RpcError; a fault's name is its reason. */
export interface VsphereVms {
  /** D4: powers the owner's VM off and destroys it. Undefined when the owner has none (any more). */
  destroyVmOf(ownerUid: string): Promise<TaskInfo | undefined>;
  /** Powers the owner's VM off, for good; whether it is off by now, or gone. */
  powerOffVmOf(ownerUid: string): Promise<boolean>;
  /** D4 for one VM of the sweep; `uuid` guards against a VM that got this moid since. */
  destroyVm(vm: VirtualMachine): Promise<TaskInfo | undefined>;
  /** All VMs that have an owner. */
  ownedVms(): Promise<readonly VirtualMachine[]>;
}

/** What the lifecycle controller needs of the Spherelets. */
export interface Spherelets {
  /** Step 11. Resolves when the Spherelet of that host has taken the pod on. */
  configurePod(host: string, wish: { readonly namespace: string; readonly name: string; readonly podUid: string; readonly vmUuid: string; readonly podJson: Buffer }): Promise<void>;
}
