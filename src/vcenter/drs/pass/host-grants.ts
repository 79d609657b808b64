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

/** Sums of each host. */
export function hostSums({ hostOf, capacity, wanted, entitled }: Pick<GrantInput, "hostOf" | "capacity" | "wanted" | "entitled">): HostSums {
  const sums = { wanted: new Float64Array(capacity.length), entitled: new Float64Array(capacity.length) };
  for (let vm = 0; vm < hostOf.length; vm += 1) {
    const host = hostOf[vm] as number;
    if (host < 0) continue;
    (sums.wanted[host] as number) += wanted[vm] as number;
    (sums.entitled[host] as number) += entitled[vm] as number;
  }
  return sums;
}

/**
 * What hosts give their VMs: entitlement is the cluster's word, but a host can give no more than it has. Where all that is wanted fits,
 * everyone gets it. Where at least the entitlements fit, what is left is given out in proportion to what is wanted beyond them. Where not
 * even these fit, everyone gets what is guaranteed to it, and the rest in proportion to what it is entitled to beyond that.
 *
 * Example: a host of 100 with two VMs, both entitled to 80, one guaranteed 40: 40 + 60 * 40 / 120 = 60, and 60 * 80 / 120 = 40.
 */
export function hostGrants(input: GrantInput, sums: HostSums): Float64Array {
  const { hostOf, capacity, wanted, entitled, guaranteed } = input;
  const guaranteedSums = new Float64Array(capacity.length);
  const floorOf = (vm: number): number => Math.min(guaranteed(vm), entitled[vm] as number);
  for (let vm = 0; vm < hostOf.length; vm += 1) {
    const host = hostOf[vm] as number;
    if (host >= 0) (guaranteedSums[host] as number) += floorOf(vm);
  }
  const granted = new Float64Array(hostOf.length);
  for (let vm = 0; vm < hostOf.length; vm += 1) {
    const host = hostOf[vm] as number;
    if (host < 0) continue;
    const has = capacity[host] as number;
    const allWanted = sums.wanted[host] as number;
    const allEntitled = sums.entitled[host] as number;
    const allGuaranteed = guaranteedSums[host] as number;
    const [want, title, floor] = [wanted[vm] as number, entitled[vm] as number, floorOf(vm)];
    if (allWanted <= has) granted[vm] = want;
    else if (allEntitled <= has) granted[vm] = between(title, want, allEntitled, allWanted, has);
    else if (allGuaranteed <= has) granted[vm] = between(floor, title, allGuaranteed, allEntitled, has);
    else granted[vm] = floor * (has / allGuaranteed);
  }
  return granted;
}

/** From `low` so far towards `high` as `has` lies between the sums of all of them. */
function between(low: number, high: number, allLow: number, allHigh: number, has: number): number {
  return allHigh <= allLow ? low : low + (high - low) * ((has - allLow) / (allHigh - allLow));
}

/**
 * How well a VM is served, 0 to 100: the part of what it could use that its host gives it, of the resource that is shorter. This score is
 * spheresim's own; VMware publishes no formula of the VM DRS score.
 */
export function vmScore(wantedMhz: number, grantedMhz: number, wantedMb: number, grantedMb: number): number {
  return Math.round(100 * Math.min(served(wantedMhz, grantedMhz), served(wantedMb, grantedMb)));
}

function served(wanted: number, granted: number): number {
  return wanted <= 0 ? 1 : Math.min(1, granted / wanted);
}
