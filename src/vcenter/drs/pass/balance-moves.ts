import type { Layout } from "./layout.js";
import { HostRole, type Move, type PassInput } from "./pass-input.js";

/**
 * By how much the load of two hosts may differ at each threshold, as a part of capacity (F. Denneman, "DRS pairwise balancing", vSphere 6.5):
 * level 2: 30 %, 3: 20 %, 4: 10 %, 5: 5 %. Level 1 makes moves that must be made alone.
 */
const TOLERABLE = [Infinity, Infinity, 0.3, 0.2, 0.1, 0.05] as const;
/** Below this load a host is well off, and nothing moves away: 50 %, at the two most eager thresholds 30 % (F. Denneman, "DRS migration threshold"). */
const WELL_OFF = [Infinity, Infinity, 0.5, 0.5, 0.3, 0.3] as const;
/** A move must lower the higher of the two loads by so much, or it is not worth a migration. Ours. */
const LEAST_GAIN = 0.01;
/** So many moves a pass proposes at most; the next pass goes on. */
const MAX_MOVES = 64;
/** So many of the least loaded hosts are looked at for each VM. */
const MAX_TARGETS = 16;

interface Candidate {
  readonly vm: number;
  readonly to: number;
  readonly gain: number;
}

/**
 * Moves from the most loaded host to little loaded ones, until no two hosts differ more than the threshold tolerates or no move helps. Of
 * all moves from a host the one is taken that leaves the higher of the two loads lowest; of equal ones that of the smaller VM, which is
 * quicker to copy. A VM moves once at most.
 */
export function balanceMoves(input: PassInput, layout: Layout, moved: ReadonlySet<number>): Move[] {
  const tolerable = TOLERABLE[input.threshold] ?? Infinity;
  if (tolerable === Infinity) return [];
  const vmsOn = movableByHost(input, layout, moved);
  const exhausted = new Set<number>();
  const moves: Move[] = [];
  while (moves.length < MAX_MOVES) {
    const from = mostLoaded(input, layout, exhausted, WELL_OFF[input.threshold] ?? Infinity);
    if (from === -1) break;
    const targets = leastLoadedHosts(input, layout).filter((host) => layout.load(from) - layout.load(host) > tolerable);
    const best = bestMove(input, layout, vmsOn.get(from) ?? [], from, targets);
    if (best === undefined) {
      exhausted.add(from);
      continue;
    }
    moves.push(described(layout, best, from));
    layout.move(best.vm, best.to);
    vmsOn.set(from, (vmsOn.get(from) ?? []).filter((vm) => vm !== best.vm));
  }
  return moves;
}

function bestMove(input: PassInput, layout: Layout, vms: readonly number[], from: number, targets: readonly number[]): Candidate | undefined {
  const before = layout.load(from);
  let best: Candidate | undefined;
  for (const vm of vms) {
    const leaves = layout.loadWith(from, vm, -1);
    for (const to of targets) {
      const gain = before - Math.max(leaves, layout.loadWith(to, vm, 1));
      if (gain < LEAST_GAIN || (best !== undefined && !isBetter(input, { vm, to, gain }, best))) continue;
      if (layout.takes(to, vm) && layout.isPreferred(to, vm)) best = { vm, to, gain };
    }
  }
  return best;
}

function isBetter({ tree }: PassInput, one: Candidate, other: Candidate): boolean {
  if (Math.abs(one.gain - other.gain) > 1e-9) return one.gain > other.gain;
  return (tree.vms.memory.sizeMb[one.vm] as number) < (tree.vms.memory.sizeMb[other.vm] as number);
}

function described(layout: Layout, { vm, to }: Candidate, from: number): Move {
  const isCpu = layout.cpuLoad(from) >= layout.memoryLoad(from);
  const difference = layout.load(from) - layout.load(to);
  const tightest = TOLERABLE.findIndex((tolerable) => difference > tolerable);
  return {
    vm,
    from,
    to,
    rating: 6 - tightest,
    reason: isCpu ? "fairnessCpuAvg" : "fairnessMemAvg",
    rule: "",
    fromLoad: isCpu ? layout.cpuLoad(from) : layout.memoryLoad(from),
    toLoad: isCpu ? layout.cpuLoad(to) : layout.memoryLoad(to),
  };
}

function movableByHost(input: PassInput, layout: Layout, moved: ReadonlySet<number>): Map<number, number[]> {
  const byHost = new Map<number, number[]>();
  for (let vm = 0; vm < layout.hostOf.length; vm += 1) {
    if (input.vms.movable[vm] !== 1 || moved.has(vm)) continue;
    const host = layout.hostOf[vm] as number;
    const known = byHost.get(host);
    if (known === undefined) byHost.set(host, [vm]);
    else known.push(vm);
  }
  return byHost;
}

function mostLoaded(input: PassInput, layout: Layout, exhausted: ReadonlySet<number>, least: number): number {
  let most = -1;
  for (let host = 0; host < layout.hostCount; host += 1) {
    if (exhausted.has(host) || input.hosts.role[host] === HostRole.EVACUATES || layout.load(host) <= least) continue;
    if (most === -1 || layout.load(host) > layout.load(most)) most = host;
  }
  return most;
}

/** The least loaded hosts that take VMs, least first. */
function leastLoadedHosts(input: PassInput, layout: Layout): number[] {
  const least: number[] = [];
  for (let host = 0; host < layout.hostCount; host += 1) {
    if (input.hosts.role[host] !== HostRole.TAKES) continue;
    const last = least[least.length - 1];
    if (least.length === MAX_TARGETS && last !== undefined && layout.load(host) >= layout.load(last)) continue;
    let at = least.length;
    while (at > 0 && layout.load(least[at - 1] as number) > layout.load(host)) at -= 1;
    least.splice(at, 0, host);
    if (least.length > MAX_TARGETS) least.pop();
  }
  return least;
}
