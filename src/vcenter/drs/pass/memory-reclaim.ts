import { grant, type GrantLevels, sumByHost } from "./host-grants.js";
import { FREE_AT, MAX_BALLOON, MemoryState } from "./memory-state.js";

/** Memory of the VMs on hosts, MB, overhead included but for `sizeMb`. */
export interface ReclaimInput {
  readonly hostOf: Int32Array;
  readonly capacityMb: Int32Array;
  /** By VM: configured, without overhead. */
  readonly sizeMb: Int32Array;
  /** By VM: what its guest has touched; what its limit lets it keep of that. */
  readonly touchedMb: Float64Array;
  readonly heldMb: Float64Array;
  /** By VM: what it demands, what it is entitled to, what is guaranteed to it; each at most the one before it, and `heldMb` at most. */
  readonly wantedMb: Float64Array;
  readonly entitledMb: Float64Array;
  readonly guaranteedMb: Float64Array;
}

/** How hosts keep memory free, and what that takes from VMs. */
export interface Reclaimed {
  /** By host: a MemoryState; free memory after what was taken back, MB. */
  readonly state: Uint8Array;
  readonly freeMb: Float64Array;
  /** By VM, MB; empty where nothing is taken. */
  readonly balloonedMb: Float64Array;
  readonly swappedMb: Float64Array;
  /** By VM: what of its demand is in the host's memory. */
  readonly grantedMb: Float64Array;
}

/**
 * What hosts take back from their VMs to keep memory free. While 4 % is free nothing is (state high). Below, balloons take it until 6 % is
 * free again (soft): first from what VMs hold beyond demand, then beyond entitlement, then beyond what is guaranteed, each in proportion. Where balloons,
 * which hold 65 % of a VM at most, leave less than 2 % free, what they cannot take is swapped, down to what a VM is left with when 4 % is free (hard). Where even that leaves less than 1 %, since
 * more is guaranteed, the host stays short (low). What a limit keeps a VM from holding is taken back in any state.
 *
 * That a way of taking memory back works until the border above its own is ours, after Waldspurger's remark that a host leaves a state only
 * well above its border; so is that all happens at once.
 *
 * Example: a host of 100,000 MB, two VMs of 60,000 configured, one holds 58,000 of which it demands all, the other 40,000 and demands 10,000. 2 % is
 * free: balloons take 4,000, all from the second. If that one held 45,000 it would be 9,000.
 */
export function reclaimMemory(input: ReclaimInput): Reclaimed {
  const { hostOf, capacityMb, sizeMb, touchedMb, heldMb, wantedMb, entitledMb, guaranteedMb } = input;
  const hosts = capacityMb.length;
  const sum = (amounts: Float64Array): Float64Array => sumByHost(hostOf, hosts, amounts);
  const levels: GrantLevels = { hostOf, levels: [guaranteedMb, entitledMb, wantedMb, heldMb], sums: [guaranteedMb, entitledMb, wantedMb, heldMb].map(sum) };
  const [allGuaranteed, , , allHeld] = levels.sums as [Float64Array, Float64Array, Float64Array, Float64Array];
  // Never less for VMs than what is guaranteed to them, as far as there is so much.
  const leftFor = (host: number, free: number): number => {
    const has = capacityMb[host] as number;
    return Math.max((1 - free) * has, Math.min(has, allGuaranteed[host] as number));
  };
  const keepsMb = heldMb.slice();
  const short = Uint8Array.from(capacityMb, (has, host) => (has - (allHeld[host] as number) < FREE_AT.soft * has ? 1 : 0));

  const each = (visit: (vm: number, host: number) => void): void => {
    for (let vm = 0; vm < hostOf.length; vm += 1) {
      const host = hostOf[vm] as number;
      if (host >= 0 && short[host] === 1) visit(vm, host);
    }
  };
  const room = (vm: number): number => MAX_BALLOON * (sizeMb[vm] as number);
  // By the balloons alone.
  each((vm, host) => {
    const target = grant(levels, vm, leftFor(host, FREE_AT.high));
    keepsMb[vm] = Math.min(heldMb[vm] as number, Math.max(target, (touchedMb[vm] as number) - room(vm)));
  });
  const ballooned = sum(keepsMb);
  const swaps = Uint8Array.from(capacityMb, (has, host) => (short[host] === 1 && has - (ballooned[host] as number) < FREE_AT.hard * has ? 1 : 0));
  each((vm, host) => {
    if (swaps[host] === 1) keepsMb[vm] = Math.min(keepsMb[vm] as number, grant(levels, vm, leftFor(host, FREE_AT.soft)));
  });

  const keptMb = sum(keepsMb);
  const freeMb = Float64Array.from(capacityMb, (has, host) => has - (keptMb[host] as number));
  const stateOf = (has: number, host: number): number => {
    if (short[host] === 0) return MemoryState.HIGH;
    if (swaps[host] === 0) return MemoryState.SOFT;
    return (freeMb[host] as number) < FREE_AT.low * has ? MemoryState.LOW : MemoryState.HARD;
  };
  const [balloonedMb, swappedMb, grantedMb] = [new Float64Array(hostOf.length), new Float64Array(hostOf.length), new Float64Array(hostOf.length)];
  let allTaken = 0;
  for (let vm = 0; vm < hostOf.length; vm += 1) {
    if ((hostOf[vm] as number) < 0) continue;
    const takenMb = (touchedMb[vm] as number) - (keepsMb[vm] as number);
    allTaken += takenMb;
    balloonedMb[vm] = Math.min(takenMb, room(vm));
    swappedMb[vm] = takenMb - (balloonedMb[vm] as number);
    grantedMb[vm] = Math.min(wantedMb[vm] as number, keepsMb[vm] as number);
  }
  const nothing = allTaken > 0 ? undefined : new Float64Array(0);
  return { state: Uint8Array.from(capacityMb, stateOf), freeMb, balloonedMb: nothing ?? balloonedMb, swappedMb: nothing ?? swappedMb, grantedMb };
}
