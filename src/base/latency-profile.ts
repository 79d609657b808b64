/** How long each thing of the world takes, in emulated milliseconds. What is not here takes no time of its own. */
export interface Durations {
  /** Start of the VMX process (step 8). */
  readonly vmxMs: number;
  /** Start of one VMM, for each vCPU. */
  readonly vmmMs: number;
  /** Loading the Photon kernel into the VM's memory. */
  readonly kernelMs: number;
  /** From the kernel's first instruction to CRX init waiting. */
  readonly initMs: number;
  /** Attaching disks and vNICs of the personality (step 12). */
  readonly personalityMs: number;
  /** Boot of the Spherelet agent. */
  readonly agentMs: number;
  /** Start of one container (step 13). */
  readonly containerStartMs: number;
  /** Resolving an image reference. */
  readonly imageResolveMs: number;
  /** Fetching an image that no pod of the cluster used before. */
  readonly imageFetchMs: number;
  /** Realizing a pod's network in NSX. */
  readonly networkRealizeMs: number;
  /** What a vMotion takes besides copying: preparing, and switching over. */
  readonly vmotionMs: number;
  /** Copying a GB of memory of a VM that runs. */
  readonly vmotionGbMs: number;
}

/** A named set of durations. */
export interface LatencyProfile {
  readonly name: LatencyProfileName;
  readonly durations: Durations;
}

export const latencyProfileNames = ["instant", "article", "supervisor-1.21"] as const;
export type LatencyProfileName = (typeof latencyProfileNames)[number];

/**
 * `instant` is for tests; `article` is small and visible, for people who watch; `supervisor-1.21` follows the milestones measured on a real
 * Supervisor 1.21 with 17 pods: image references after 15 to 17 s, network after 11 to 13, VM id after 18 to 37, first container 4 to 13 s
 * after that. The split of a milestone into phases is ours, as is what a vMotion takes: the memory over 10 Gbit/s, and two seconds.
 */
const profiles: Readonly<Record<LatencyProfileName, Durations>> = {
  instant: { vmxMs: 0, vmmMs: 0, kernelMs: 0, initMs: 0, personalityMs: 0, agentMs: 0, containerStartMs: 0, imageResolveMs: 0, imageFetchMs: 0, networkRealizeMs: 0, vmotionMs: 0, vmotionGbMs: 0 },
  article: { vmxMs: 40, vmmMs: 10, kernelMs: 30, initMs: 40, personalityMs: 40, agentMs: 60, containerStartMs: 50, imageResolveMs: 30, imageFetchMs: 80, networkRealizeMs: 60, vmotionMs: 100, vmotionGbMs: 20 },
  "supervisor-1.21": {
    vmxMs: 2_500,
    vmmMs: 500,
    kernelMs: 1_000,
    initMs: 2_000,
    personalityMs: 3_000,
    agentMs: 3_500,
    containerStartMs: 1_200,
    imageResolveMs: 4_000,
    imageFetchMs: 12_000,
    networkRealizeMs: 12_000,
    vmotionMs: 2_000,
    vmotionGbMs: 900,
  },
};

/** The profile of that name. */
export function latencyProfile(name: LatencyProfileName): LatencyProfile {
  return { name, durations: profiles[name] };
}
