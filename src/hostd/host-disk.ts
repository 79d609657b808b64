import type { HostVm } from "../gen/spheresim/hostd/v1/host.js";
import type { DiskWrite } from "./group-committer.js";
import type { VmDisk } from "./vm-disk.js";

/** The disk of one host, as one boot of it writes to it: once the power is gone, nothing of that boot reaches it any more. */
export class HostDisk {
  readonly #disk: VmDisk;
  readonly #hostName: string;
  readonly #power: AbortSignal;

  /** `power` aborts with a HostFault when the power goes. */
  constructor(disk: VmDisk, hostName: string, power: AbortSignal) {
    this.#disk = disk;
    this.#hostName = hostName;
    this.#power = power;
  }

  /** Everything on it, VMs in order of their creation. What the boot before was writing is on it, or never will be. */
  async load(): Promise<{ readonly vms: HostVm[]; readonly nextVmId: number }> {
    await this.#disk.committer.idle();
    const { vms, nextVmId } = await this.#disk.load(this.#hostName);
    return { vms: vms.toSorted((one, other) => Number(one.vmId) - Number(other.vmId)), nextVmId };
  }

  /** Resolves when the writes are safe, all or none; a commit that the loss of power overtakes may have been done. */
  commit(writes: readonly DiskWrite[]): Promise<void> {
    if (this.#power.aborted) return Promise.reject(this.#power.reason as Error);
    return this.#disk.committer.commit(writes);
  }
}
