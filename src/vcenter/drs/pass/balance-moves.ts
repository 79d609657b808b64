import { emptiestHosts } from "./emptiest-hosts.js";
import type { Layout } from "./layout.js";
import { moveOnPaper } from "./move-on-paper.js";
import { HostRole, type Move, type PassInput } from "./pass-input.js";

/**
 * By how much the load of two hosts may differ at each threshold, as a part of capacity. Published for vSphere 6.5 (F. Denneman, "DRS pairwise
 * balancing"): level 2: 30 %, 3: 20 %, 4: 10 %, 5: 5 %. Level 1 makes only moves that must be made.
 */
export const TOLERABLE = [Infinity, Infinity, 0.3, 0.2, 0.1, 0.05] as const;
/**
 * Up to this load a host is well off, and nothing moves away. Published for vSphere 7 (F. Denneman, "DRS migration threshold"): a host is
 * inefficient above 50 %, at the two most eager thresholds above 30 %. That load here means normalised entitlement is ours.
 */
const WELL_OFF = [Infinity, Infinity, 0.5, 0.5, 0.3, 0.3] as const;
/** A move must lower the higher of the two loads by so much, or it is not worth a migration. Ours. */
const LEAST_GAIN = 0.01;
/** So many moves a pass proposes for balance at most; the next pass goes on. Ours. */
const MAX_MOVES = 64;
/** So many of the least loaded hosts are looked at for each VM. Ours. */
const MAX_TARGETS = 16;
/** Where none of these takes a VM, all hosts are looked at, for so many hosts a pass at most. Ours. */
const MAX_WIDE_LOOKS = 32;

interface Candidate {
  readonly vm: number;
  readonly to: number;
  readonly gain: number;
}

/**
 * Moves from the most loaded host to little loaded ones, until no two hosts differ more than the threshold tolerates or no move helps. Of
 * all moves from a host the one is taken that leaves the higher of the two loads lowest; of equal ones that of the smaller VM, which is
 * quicker to copy. A VM moves once at most.
 *
 * Each move lowers the higher of two loads, so loads sorted from the highest down only ever fall in the order of dictionaries: under constant
 * demand moves come to an end, and no VM goes to and fro. How moves are chosen is ours; vSphere 7's own weighing is not published.
 */
export function balanceMoves(input: PassInput, layout: Layout, moved: ReadonlySet<number>): Move[] {
  const tolerable = TOLERABLE[input.threshold] ?? Infinity;
  if (tolerable === Infinity) return [];
  const vmsOn = movableByHost(input, layout, moved);
  const exhausted = new Set<number>();
  const moves: Move[] = [];
  let wideLooks = 0;
  while (moves.length < MAX_MOVES) {
    const from = mostLoaded(input, layout, exhausted, WELL_OFF[input.threshold] ?? Infinity);
    if (from === -1) break;
    const below = layout.load(from) - tolerable;
    const targets = emptiestHosts(input, layout, MAX_TARGETS, below);
    // The most loaded host differs most from any other: if it is tolerable, all are.
    if (targets.length === 0) break;
    const vms = vmsOn.get(from) ?? [];
    let best = bestMove(input, layout, vms, from, targets);
    if (best === undefined && targets.length === MAX_TARGETS && vms.length > 0 && wideLooks < MAX_WIDE_LOOKS) {
      wideLooks += 1;
      best = bestMove(input, layout, vms, from, emptiestHosts(input, layout, Infinity, below));
    }
    if (best === undefined) {
      exhausted.add(from);
      continue;
    }
    const difference = layout.load(from) - layout.load(best.to);
    const rating = 6 - TOLERABLE.findIndex((most) => difference > most);
    const reason = layout.cpuLoad(from) >= layout.memoryLoad(from) ? "fairnessCpuAvg" : "fairnessMemAvg";
    moves.push(moveOnPaper(layout, best.vm, best.to, { reason, rule: "", rating }));
    const gone = best.vm;
    vmsOn.set(from, vms.filter((vm) => vm !== gone));
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
      if (gain < LEAST_GAIN || (best !== undefined && !isBetter(input, vm, gain, best))) continue;
      if (layout.takes(to, vm) && layout.isPreferred(to, vm)) best = { vm, to, gain };
    }
  }
  return best;
}

function isBetter({ tree }: PassInput, vm: number, gain: number, other: Candidate): boolean {
  if (Math.abs(gain - other.gain) > 1e-9) return gain > other.gain;
  return (tree.vms.memory.sizeMb[vm] as number) < (tree.vms.memory.sizeMb[other.vm] as number);
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
  let mostLoad = least;
  for (let host = 0; host < layout.hostCount; host += 1) {
    const load = layout.load(host);
    if (load <= mostLoad || input.hosts.role[host] === HostRole.EVACUATES || exhausted.has(host)) continue;
    most = host;
    mostLoad = load;
  }
  return most;
}
