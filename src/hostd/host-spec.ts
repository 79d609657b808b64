/** The hardware of one ESXi host. vim25: HostHardwareInfo. */
export interface HostSpec {
  /** Fully qualified name in lower case; also the name of its Node and its `:authority`. */
  readonly name: string;
  /** Physical cores. */
  readonly cores: number;
  /** Speed of a core, MHz. */
  readonly cpuMhz: number;
  /** Physical memory, MB. */
  readonly memoryMb: number;
  /** Labels of its Node beyond the usual ones. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** How long the hardware takes, in emulated milliseconds; entries of the latency profile. */
export interface PowerOnDurations {
  /** The VMX process starts. */
  readonly vmxMs: number;
  /** One VMM starts; counted once per vCPU. */
  readonly vmmMs: number;
  /** The Photon kernel is written into the VM's memory. */
  readonly kernelMs: number;
  /** Disks and vNICs of a personality are attached. */
  readonly personalityMs: number;
}
