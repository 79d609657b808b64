/** One resource of the VMs on hosts. */
export interface GrantInput {
  /** By VM: its host's row, -1 for one that gets nothing. */
  readonly hostOf: Int32Array;
  readonly capacity: Int32Array;
  /** By VM: what it could use, what it is entitled to among all VMs of the cluster, and what is guaranteed to it. */
  readonly wanted: Float64Array;
  readonly entitled: Float64Array;
  readonly guaranteed: (vm: number) => number;
}

/** Sums over the VMs of each host. */
export interface HostSums {
  readonly wanted: Float64Array;
  readonly entitled: Float64Array;
}

/** What VMs may be left with, from the least to the most, and the sums of it over each host. */
export interface GrantLevels {
  readonly hostOf: Int32Array;
  /** By VM; no level is below the one before it. */
  readonly levels: readonly Float64Array[];
  readonly sums: readonly Float64Array[];
}

/** Sum over the VMs of each host; an amount that is not there is 0. */
export function sumByHost(hostOf: Int32Array, hosts: number, amounts: Float64Array): Float64Array {
  const sums = new Float64Array(hosts);
  for (let vm = 0; vm < amounts.length; vm += 1) {
    const host = hostOf[vm] as number;
    if (host >= 0) (sums[host] as number) += amounts[vm] as number;
  }
  return sums;
}

/** Sums of each host. */
export function hostSums({ hostOf, capacity, wanted, entitled }: Pick<GrantInput, "hostOf" | "capacity" | "wanted" | "entitled">): HostSums {
  return { wanted: sumByHost(hostOf, capacity.length, wanted), entitled: sumByHost(hostOf, capacity.length, entitled) };
}

/** What is guaranteed to each VM, as far as it is entitled to it: the least it may be left with. */
export function floors({ hostOf, entitled, guaranteed }: Pick<GrantInput, "hostOf" | "entitled" | "guaranteed">): Float64Array {
  const least = new Float64Array(hostOf.length);
  for (let vm = 0; vm < least.length; vm += 1) least[vm] = Math.min(guaranteed(vm), entitled[vm] as number);
  return least;
}

/**
 * What hosts give their VMs: entitlement is the cluster's word, but a host can give no more than it has. Where all that is wanted fits,
 * everyone gets it. Where at least the entitlements fit, what is left is given out in proportion to what is wanted beyond them. Where not
 * even these fit, everyone gets what is guaranteed to it, and the rest in proportion to what it is entitled to beyond that.
 *
 * Example: a host of 100 with two VMs, both entitled to 80, one guaranteed 40: 40 + 60 * 40 / 120 = 60, and 60 * 80 / 120 = 40.
 */
export function hostGrants(input: GrantInput, sums: HostSums): Float64Array {
  const { hostOf, capacity, wanted, entitled } = input;
  const guaranteed = floors(input);
  const levels = { hostOf, levels: [guaranteed, entitled, wanted], sums: [sumByHost(hostOf, capacity.length, guaranteed), sums.entitled, sums.wanted] };
  const granted = new Float64Array(hostOf.length);
  for (let vm = 0; vm < granted.length; vm += 1) {
    const host = hostOf[vm] as number;
    if (host >= 0) granted[vm] = grant(levels, vm, capacity[host] as number);
  }
  return granted;
}

/**
 * What a VM gets where its host has so much for all its VMs: of the highest level that fits, and of the next one in proportion to what that is
 * more. Where not even the lowest fits, everyone gets the same part of it.
 */
export function grant({ hostOf, levels, sums }: GrantLevels, vm: number, has: number): number {
  const host = hostOf[vm] as number;
  let top = levels.length - 1;
  while (top > 0 && ((sums[top] as Float64Array)[host] as number) > has) top -= 1;
  const low = (levels[top] as Float64Array)[vm] as number;
  const allLow = (sums[top] as Float64Array)[host] as number;
  if (top === levels.length - 1 && allLow <= has) return low;
  if (allLow > has) return low * (has / allLow);
  const high = (levels[top + 1] as Float64Array)[vm] as number;
  const allHigh = (sums[top + 1] as Float64Array)[host] as number;
  return allHigh <= allLow ? low : low + (high - low) * ((has - allLow) / (allHigh - allLow));
}

/**
 * How well a VM is served, 0 to 100: the part of what it could use that its host gives it, of the resource that is shorter. What it lacks of CPU
 * is ready time; what it lacks of memory is in its balloon or its swap file (memory-reclaim.ts). This score is spheresim's own: VMware publishes
 * no formula of the VM DRS score, which looks at the network, at headroom for bursts and at the cost of a migration, too.
 */
export function vmScore(wantedMhz: number, grantedMhz: number, wantedMb: number, grantedMb: number): number {
  return Math.round(100 * Math.min(served(wantedMhz, grantedMhz), served(wantedMb, grantedMb)));
}

function served(wanted: number, granted: number): number {
  return wanted <= 0 ? 1 : Math.min(1, granted / wanted);
}
