import type { ClusterTree } from "../entitlement/cluster-tree.js";
import { entitlements } from "../entitlement/entitlement.js";
import { balanceMoves } from "./balance-moves.js";
import { clusterScore } from "./cluster-score.js";
import { floors, hostGrants, hostSums, sumByHost, vmScore } from "./host-grants.js";
import { Layout } from "./layout.js";
import { inLookback } from "./lookback.js";
import { type ReclaimInput, reclaimMemory } from "./memory-reclaim.js";
import { mustMoves } from "./must-moves.js";
import type { PassInput, PassResult } from "./pass-input.js";

/**
 * One pass of DRS over a cluster: what every VM is entitled to, what its host gives it and how well that serves it, and which VMs should
 * move. The balancing, and the score, are spheresim's own within the published rules; VMware publishes no formula for vSphere 7's.
 *
 * Musts come first (must-moves.ts), then balance by the migration threshold (balance-moves.ts).
 */
export function drsPass(input: PassInput): PassResult {
  const { tree, hosts } = input;
  const { vms, pools } = entitlements(tree, { memoryMetric: input.memoryMetric });
  const { host: hostOf, cpu, memory } = tree.vms;
  const cpuInput = { hostOf, capacity: hosts.capacityMhz, wanted: vms.cpu.wanted, entitled: vms.cpu.entitled, guaranteed: (vm: number) => cpu.reservation[vm] as number };
  const guaranteedMb = (vm: number): number => (memory.reservation[vm] as number) + (memory.overheadMb[vm] as number);
  const memoryInput = { hostOf, capacity: hosts.capacityMb, wanted: vms.memory.wanted, entitled: vms.memory.entitled, guaranteed: guaranteedMb };
  const [cpuSums, memorySums] = [hostSums(cpuInput), hostSums(memoryInput)];
  const grantedMhz = hostGrants(cpuInput, cpuSums);
  const reclaimed = reclaimMemory({ ...held(tree, vms.memory.wanted), wantedMb: vms.memory.wanted, entitledMb: vms.memory.entitled, guaranteedMb: floors(memoryInput), hostOf, capacityMb: hosts.capacityMb });
  const { grantedMb, balloonedMb, swappedMb } = reclaimed;
  const score = new Uint8Array(hostOf.length);
  for (let vm = 0; vm < score.length; vm += 1) {
    score[vm] = vmScore(vms.cpu.wanted[vm] as number, grantedMhz[vm] as number, vms.memory.wanted[vm] as number, grantedMb[vm] as number);
  }

  const moves = [];
  const weights = inLookback(input, { mhz: vms.cpu.entitled, mb: vms.memory.entitled, usesMhz: input.vms.usesMhz });
  if (input.threshold > 0) {
    const layout = new Layout(input, weights);
    moves.push(...mustMoves(input, layout));
    moves.push(...balanceMoves(input, layout, new Set(moves.map((move) => move.vm))));
  }
  const order = listed(input);
  return {
    moves,
    cluster: clusterScore({ wantedMhz: vms.cpu.wanted, wantedMb: vms.memory.wanted, score, order }, tree.capacity),
    vms: {
      wantedMhz: vms.cpu.wanted,
      wantedMb: vms.memory.wanted,
      entitledMhz: vms.cpu.entitled,
      entitledMb: vms.memory.entitled,
      grantedMhz,
      grantedMb,
      balloonedMb,
      swappedMb,
      weighedMhz: weights.mhz,
      weighedMb: weights.mb,
      // A copy: whoever keeps the result must not keep the whole tree.
      consumedMb: memory.consumedMb.slice(),
      score,
      host: hostOf.slice(),
      order,
    },
    hosts: { wantedMhz: cpuSums.wanted, wantedMb: memorySums.wanted, entitledMhz: cpuSums.entitled, entitledMb: memorySums.entitled, memoryState: reclaimed.state, freeMb: reclaimed.freeMb, balloonedMb: sumByHost(hostOf, hosts.role.length, balloonedMb), swappedMb: sumByHost(hostOf, hosts.role.length, swappedMb) },
    pools: { entitledMhz: pools.cpu.entitled, entitledMb: pools.memory.entitled, cpuShares: pools.cpu.shares, memoryShares: pools.memory.shares },
  };
}

/** What guests have touched, and what limits let them keep of it, MB with overhead; at least what is wanted. */
function held({ vms: { memory, poweredOn } }: ClusterTree, wanted: Float64Array): Pick<ReclaimInput, "sizeMb" | "touchedMb" | "heldMb"> {
  const [touchedMb, heldMb] = [new Float64Array(wanted.length), new Float64Array(wanted.length)];
  for (let vm = 0; vm < wanted.length; vm += 1) {
    if (poweredOn[vm] !== 1) continue;
    const [overhead, limit] = [memory.overheadMb[vm] as number, memory.limit[vm] as number];
    const touched = overhead + Math.min(memory.sizeMb[vm] as number, Math.max(memory.activeMb[vm] as number, memory.consumedMb[vm] as number));
    touchedMb[vm] = Math.max(touched, wanted[vm] as number);
    heldMb[vm] = Math.max(wanted[vm] as number, limit < 0 ? touched : Math.min(touched, limit + overhead));
  }
  return { sizeMb: memory.sizeMb, touchedMb, heldMb };
}

/** Rows of the VMs that are powered on, by their numbers. */
function listed({ tree, vms }: PassInput): Int32Array {
  const rows = Array.from(tree.vms.poweredOn.keys()).filter((row) => tree.vms.poweredOn[row] === 1);
  return Int32Array.from(rows.sort((left, right) => (vms.number[left] as number) - (vms.number[right] as number)));
}
