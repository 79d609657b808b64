/**
 * Memory a host keeps for running a VM, on top of the VM's own memory: the table "Overhead Memory on Virtual Machines" of the
 * vSphere Resource Management Guide (6.0 to 8.0), MB by memory size (rows) and virtual CPUs (columns).
 *
 * The guide gives sixteen points. Between them we interpolate linearly, in memory and in vCPUs; beyond them the last slope goes on.
 * A CRX instance's own figures are unpublished, so pods use the same table.
 */
const MEMORY_MB = [256, 1024, 4096, 16384] as const;
const NUM_CPUS = [1, 2, 4, 8] as const;
const OVERHEAD_MB = [
  [20.29, 24.28, 32.23, 48.16],
  [25.9, 29.91, 37.86, 53.82],
  [48.64, 52.72, 60.67, 76.78],
  [139.62, 143.98, 151.93, 168.6],
] as const;

/**
 * Overhead in whole MB, rounded up.
 *
 * Example: 1 vCPU and 512 MB lie a third of the way from 256 MB (20.29) to 1024 MB (25.90): 22.16, so 23 MB.
 */
export function memoryOverheadMb(numCpus: number, memoryMb: number): number {
  const row = segment(MEMORY_MB, memoryMb);
  const column = segment(NUM_CPUS, numCpus);
  const at = (rowIndex: number): number => blend(OVERHEAD_MB[rowIndex]?.[column.index] ?? 0, OVERHEAD_MB[rowIndex]?.[column.index + 1] ?? 0, column.fraction);
  // Below the smallest row the line would cross zero for no VM that can exist (4 MB: 18.4); no floor is needed.
  return Math.ceil(blend(at(row.index), at(row.index + 1), row.fraction) - 1e-9);
}

/** The two neighbours `value` lies between (or whose line it continues), and how far from the first. */
function segment(points: readonly number[], value: number): { readonly index: number; readonly fraction: number } {
  let index = 0;
  while (index < points.length - 2 && value > (points[index + 1] ?? 0)) index += 1;
  const from = points[index] ?? 0;
  const to = points[index + 1] ?? 1;
  return { index, fraction: (value - from) / (to - from) };
}

function blend(from: number, to: number, fraction: number): number {
  return from + (to - from) * fraction;
}
