/** CPU in MHz and memory in MB: the two resources every account of this room counts. */
export interface Amount {
  readonly cpuMhz: number;
  readonly memoryMb: number;
}

/** The names of the two resources. */
export type Resource = keyof Amount;

/** Both resources, in the order in which they are checked. */
export const RESOURCES: readonly Resource[] = ["cpuMhz", "memoryMb"];

/** Nothing. */
export const NOTHING: Amount = { cpuMhz: 0, memoryMb: 0 };

/** The sum of two amounts. */
export function plus(left: Amount, right: Amount): Amount {
  return { cpuMhz: left.cpuMhz + right.cpuMhz, memoryMb: left.memoryMb + right.memoryMb };
}

/** What is left of `left` without `right`; may be negative. */
export function minus(left: Amount, right: Amount): Amount {
  return { cpuMhz: left.cpuMhz - right.cpuMhz, memoryMb: left.memoryMb - right.memoryMb };
}

/** Whether two amounts are the same. */
export function isSame(left: Amount, right: Amount): boolean {
  return left.cpuMhz === right.cpuMhz && left.memoryMb === right.memoryMb;
}

/** Of each resource the larger one. */
export function largest(left: Amount, right: Amount): Amount {
  return { cpuMhz: Math.max(left.cpuMhz, right.cpuMhz), memoryMb: Math.max(left.memoryMb, right.memoryMb) };
}
