import { type Command, InvalidArgumentError } from "commander";
import { type ResourceAllocationInfo, type SharesInfo, SharesLevel } from "../gen/spheresim/vim/v1/resource.js";
import { UserError } from "../base/user-error.js";
import { wholeNumber } from "./command-options.js";

/** Flags of reservation, limit and shares of both resources. */
export interface AllocationFlags {
  readonly cpuReservation?: number;
  readonly cpuLimit?: number;
  readonly cpuShares?: SharesInfo;
  readonly memoryReservation?: number;
  readonly memoryLimit?: number;
  readonly memoryShares?: SharesInfo;
}

/** Adds the options that say what of CPU and memory is guaranteed, allowed and contended for. */
export function addAllocationOptions(command: Command): Command {
  return command
    .option("--cpu-reservation <mhz>", "CPU that is guaranteed", wholeNumber(0))
    .option("--cpu-limit <mhz>", "most CPU there is; or unlimited", limit)
    .option("--cpu-shares <shares>", "a number, or low, normal, high", shares)
    .option("--memory-reservation <mb>", "memory that is guaranteed", wholeNumber(0))
    .option("--memory-limit <mb>", "most memory there is; or unlimited", limit)
    .option("--memory-shares <shares>", "a number, or low, normal, high", shares);
}

function limit(text: string): number {
  return text === "unlimited" ? -1 : wholeNumber(-1)(text);
}

const levels: Readonly<Record<string, SharesLevel>> = { low: SharesLevel.LOW, normal: SharesLevel.NORMAL, high: SharesLevel.HIGH };

function shares(text: string): SharesInfo {
  const level = levels[text];
  if (level !== undefined) return { shares: 0, level };
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a number of shares, or low, normal, high.");
  return { shares: wholeNumber(0)(text), level: SharesLevel.CUSTOM };
}

/** The allocation of CPU after the flags; what no flag says stays as it was. */
export function cpuAllocation(flags: AllocationFlags, before?: ResourceAllocationInfo): ResourceAllocationInfo {
  return allocation(before, flags.cpuReservation, flags.cpuLimit, flags.cpuShares);
}

/** The same for memory. */
export function memoryAllocation(flags: AllocationFlags, before?: ResourceAllocationInfo): ResourceAllocationInfo {
  return allocation(before, flags.memoryReservation, flags.memoryLimit, flags.memoryShares);
}

function allocation(before: ResourceAllocationInfo | undefined, reservation: number | undefined, most: number | undefined, wanted: SharesInfo | undefined): ResourceAllocationInfo {
  return {
    reservation: reservation ?? before?.reservation,
    expandableReservation: before?.expandableReservation,
    limit: most ?? before?.limit,
    shares: wanted ?? before?.shares,
  };
}

/** Whether a flag says anything of CPU, and of memory. */
export function givenAllocations(flags: AllocationFlags): { readonly cpu: boolean; readonly memory: boolean } {
  return {
    cpu: [flags.cpuReservation, flags.cpuLimit, flags.cpuShares].some((each) => each !== undefined),
    memory: [flags.memoryReservation, flags.memoryLimit, flags.memoryShares].some((each) => each !== undefined),
  };
}

/** Told to who names something to change, and no change. */
export function nothingToChange(name: string, command: "vm" | "pool"): UserError {
  return new UserError("usage", `nothing of ${name} is to change`, `say what with options; spheresim ${command} set --help lists them`);
}

/** A limit as a table shows it. */
export function limitText(limit: number | undefined): string {
  return limit === undefined || limit < 0 ? "unlimited" : String(limit);
}

/** Shares in a word: their level, or their number. */
export function sharesWord(info: SharesInfo | undefined): string {
  return Object.entries(levels).find(([, each]) => each === (info?.level || SharesLevel.NORMAL))?.[0] ?? String(info?.shares ?? 0);
}

/** Shares as a table shows them: the number in force, and the level it comes from. */
export function sharesText(info: SharesInfo | undefined, inForce?: number): string {
  const number = inForce === undefined || inForce === 0 ? (info?.shares ?? 0) : inForce;
  const level = Object.entries(levels).find(([, each]) => each === (info?.level ?? SharesLevel.NORMAL))?.[0];
  return level === undefined ? String(number) : `${number} (${level})`;
}
