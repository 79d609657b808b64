import { entitlements } from "../entitlement/entitlement.js";
import { balanceMoves } from "./balance-moves.js";
import { hostGrants, hostSums, vmScore } from "./host-grants.js";
import { Layout } from "./layout.js";
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
  const [grantedMhz, grantedMb] = [hostGrants(cpuInput, cpuSums), hostGrants(memoryInput, memorySums)];
  const score = new Uint8Array(hostOf.length);
  for (let vm = 0; vm < score.length; vm += 1) {
    score[vm] = vmScore(vms.cpu.wanted[vm] as number, grantedMhz[vm] as number, vms.memory.wanted[vm] as number, grantedMb[vm] as number);
  }

  const moves = [];
  if (input.threshold > 0) {
    const layout = new Layout(input, { mhz: vms.cpu.entitled, mb: vms.memory.entitled });
    moves.push(...mustMoves(input, layout));
    moves.push(...balanceMoves(input, layout, new Set(moves.map((move) => move.vm))));
  }
  return {
    moves,
    vms: {
      wantedMhz: vms.cpu.wanted,
      wantedMb: vms.memory.wanted,
      entitledMhz: vms.cpu.entitled,
      entitledMb: vms.memory.entitled,
      grantedMhz,
      grantedMb,
      // A copy: whoever keeps the result must not keep the whole tree.
      consumedMb: memory.consumedMb.slice(),
      score,
      host: hostOf.slice(),
      order: listed(input),
    },
    hosts: { wantedMhz: cpuSums.wanted, wantedMb: memorySums.wanted, entitledMhz: cpuSums.entitled, entitledMb: memorySums.entitled },
    pools: { entitledMhz: pools.cpu.entitled, entitledMb: pools.memory.entitled, cpuShares: pools.cpu.shares, memoryShares: pools.memory.shares },
  };
}

/** Rows of the VMs that are powered on, by their numbers. */
function listed({ tree, vms }: PassInput): Int32Array {
  const rows = Array.from(tree.vms.poweredOn.keys()).filter((row) => tree.vms.poweredOn[row] === 1);
  return Int32Array.from(rows.sort((left, right) => (vms.number[left] as number) - (vms.number[right] as number)));
}
