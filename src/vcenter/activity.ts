import type { ActivityProfile } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { VimFault } from "./vim-fault.js";

/**
 * Refuses an activity that no VM can have: a draft profile (NotSupported), negative figures, more active memory than `memoryMb`, the
 * memory the VM is configured with. How much CPU its virtual CPUs can use depends on the host (drs/demand.ts). `field` is the path of
 * the activity in the request.
 */
export function checkActivity(activity: ActivityProfile | undefined, memoryMb: number, field: string): void {
  if (activity === undefined) return;
  const { profile } = activity;
  if (profile === undefined) throw VimFault.invalidArgument(`${field}.profile`, "is required");
  if (profile.$case !== "constant") throw VimFault.notSupported(`activity profile ${profile.$case} (only constant activity is emulated)`);
  const { value: constant } = profile;
  if (constant.cpuMhz < 0) throw VimFault.invalidArgument(`${field}.constant.cpu_mhz`, `must not be negative, is ${constant.cpuMhz}`);
  if (constant.memoryMb < 0) throw VimFault.invalidArgument(`${field}.constant.memory_mb`, `must not be negative, is ${constant.memoryMb}`);
  if (constant.memoryMb > memoryMb) throw VimFault.invalidArgument(`${field}.constant.memory_mb`, `${constant.memoryMb} MB is more than the memory of ${memoryMb} MB`);
}
