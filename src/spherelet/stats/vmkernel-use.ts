import type { Host } from "../node/host.js";
import type { CpuUse, MemoryUse } from "./host-use.js";

/** Thousandths of a core for each core, and the part of the memory. Assumptions: an idle ESXi host of 16 cores and 64 GiB uses about so much. */
const CPU_MILLI_PER_CORE = 10;
const MEMORY_PART = 64;
const NANOS_PER_MILLICORE_MS = 1_000;
const NANO_CORES_PER_MILLI = 1_000_000;

/**
 * What the VMkernel and its services use beside the pods. It is never nothing: metrics-server takes a node that has used nothing for one that could
 * not be measured.
 *
 * Worked example: 16 cores use 160 thousandths of a core, 1.6 s of CPU time in 10 s; 64 GiB of memory hold 1 GiB of it.
 */
export function vmkernelUse({ cores, memoryMb }: Pick<Host, "cores" | "memoryMb">, ageMs: number): { readonly cpu: CpuUse; readonly memory: MemoryUse } {
  const milli = cores * CPU_MILLI_PER_CORE;
  const bytes = Math.floor((memoryMb * 1024 ** 2) / MEMORY_PART);
  return {
    cpu: { nanos: BigInt(Math.round(milli * Math.max(0, ageMs) * NANOS_PER_MILLICORE_MS)), nanoCores: milli * NANO_CORES_PER_MILLI },
    memory: { usageBytes: bytes, workingSetBytes: bytes, rssBytes: bytes },
  };
}
