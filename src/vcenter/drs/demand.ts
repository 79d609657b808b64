import type { Amount } from "./amount.js";
import { memoryDemandMb, withIdlePart } from "./memory-demand.js";
import type { VmShape } from "./vm-shape.js";

/**
 * What a VM uses at this moment on a host with cores of `coreMhz`: an ordinary VM what it was told to, but no more CPU than its virtual
 * CPUs have; a pod VM its reservation.
 */
export function activeUse(shape: VmShape, coreMhz: number): Amount {
  const { activity } = shape;
  if (activity !== undefined) return { cpuMhz: Math.min(activity.cpuMhz, shape.numCpus * coreMhz), memoryMb: activity.memoryMb };
  return { cpuMhz: shape.reserved.cpuMhz, memoryMb: shape.reserved.memoryMb - shape.overheadMemoryMb };
}

/**
 * What a VM is expected to need on a host with cores of `coreMhz`.
 *
 * A pod VM that starts has no history, so its reservation counts as active and its configured size as consumed; DRS's memory
 * formula is then applied to both resources (for CPU this is our choice). Example: 1 vCPU of 2600 MHz, 1024 MB, reservation
 * 500 MHz and 512 MB, overhead 26 MB: 500 + 0.25 * 2100 = 1025 MHz and 512 + 0.25 * 512 + 26 = 666 MB.
 * An ordinary VM needs the CPU it uses, and of memory what the formula says of what it uses and consumes.
 */
export function predictedDemand(shape: VmShape, coreMhz: number): Amount {
  const active = activeUse(shape, coreMhz);
  if (shape.activity !== undefined) return { cpuMhz: active.cpuMhz, memoryMb: memoryDemandMb(active.memoryMb, shape.activity.consumedMemoryMb, shape.overheadMemoryMb) };
  return {
    cpuMhz: withIdlePart(active.cpuMhz, shape.numCpus * coreMhz),
    memoryMb: memoryDemandMb(active.memoryMb, shape.memoryMb, shape.overheadMemoryMb),
  };
}
