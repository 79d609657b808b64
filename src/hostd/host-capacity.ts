import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { insufficientCpu, insufficientMemory, notEnoughCpus } from "./host-fault.js";
import type { HostSpec } from "./host-spec.js";
import { demandOf } from "./vm-spec.js";

/**
 * Host admission control: a VM starts only when its reservation and overhead fit into what is unreserved.
 *
 * Worked example: a host of 16 cores of 2,600 MHz has 41,600 MHz; with 40,000 reserved, a VM that reserves 2,000 gets
 * InsufficientHostCpuCapacityFault with unreserved 1,600 and requested 2,000.
 */
export class HostCapacity {
  readonly #host: HostSpec;
  #reservedCpuMhz = 0;
  #reservedMemoryMb = 0;

  constructor(host: HostSpec) {
    this.#host = host;
  }

  /** Reserved by powered-on VMs, MHz. */
  get reservedCpuMhz(): number {
    return this.#reservedCpuMhz;
  }

  /** Reserved by powered-on VMs, overhead included, MB. */
  get reservedMemoryMb(): number {
    return this.#reservedMemoryMb;
  }

  /** Takes what the VM needs, or throws the fault that says what is missing. */
  admit(config: VirtualMachineConfigSpec): void {
    if (config.numCpus > this.#host.cores) throw notEnoughCpus(this.#host.cores, config.numCpus);
    const demand = demandOf(config);
    const unreservedCpuMhz = this.#host.cores * this.#host.cpuMhz - this.#reservedCpuMhz;
    if (demand.cpuMhz > unreservedCpuMhz) throw insufficientCpu(unreservedCpuMhz, demand.cpuMhz);
    const unreservedMemoryMb = this.#host.memoryMb - this.#reservedMemoryMb;
    if (demand.memoryMb > unreservedMemoryMb) throw insufficientMemory(unreservedMemoryMb, demand.memoryMb);
    this.#reservedCpuMhz += demand.cpuMhz;
    this.#reservedMemoryMb += demand.memoryMb;
  }

  /** Takes what a running VM needs with other settings instead of what it has, or throws and leaves everything as it was. */
  exchange(before: VirtualMachineConfigSpec, after: VirtualMachineConfigSpec): void {
    this.release(before);
    try {
      this.admit(after);
    } catch (error) {
      const demand = demandOf(before);
      this.#reservedCpuMhz += demand.cpuMhz;
      this.#reservedMemoryMb += demand.memoryMb;
      throw error;
    }
  }

  /** Gives back what `admit` took. */
  release(config: VirtualMachineConfigSpec): void {
    const demand = demandOf(config);
    this.#reservedCpuMhz -= demand.cpuMhz;
    this.#reservedMemoryMb -= demand.memoryMb;
  }
}
