/**
 * Size of the swap file a host keeps for a VM that is powered on, MB: its memory without what is reserved of it, which never swaps.
 *
 * Example: 2048 MB of which 1024 MB are reserved: 1024 MB. vim25: the file of VirtualMachineFileLayoutEx of type swap.
 */
export function swapFileMb(memoryMb: number, reservationMb: number): number {
  return Math.max(0, memoryMb - reservationMb);
}
