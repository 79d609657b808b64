import type { Amount } from "../amount.js";

/** DRS score of a cluster and how those of its VMs are spread. vim25: ClusterComputeResourceSummary. */
export interface ClusterScore {
  /** 0 to 100; undefined where no VM is on. */
  readonly drsScore: number | undefined;
  readonly numVmsPerDrsScoreBucket: number[];
}

/** VMs by row, and which of them are on. */
export interface ScoredVms {
  readonly wantedMhz: Float64Array;
  readonly wantedMb: Float64Array;
  readonly score: Uint8Array;
  readonly order: Int32Array;
}

/** vim25's buckets: 0 to 20 %, 21 to 40, 41 to 60, 61 to 80, 81 to 100. */
const BUCKETS = 5;
const BUCKET_WIDTH = 20;

/** The bucket of a whole score from 0 to 100. */
export function scoreBucket(score: number): number {
  return Math.max(0, Math.ceil(score / BUCKET_WIDTH) - 1);
}

/**
 * Score of a cluster with so much capacity. That it is a weighted average of its VMs' is published, the weights are not: here a VM counts by the part
 * of the cluster it demands, of the resource of which that is more, so that a hundred idle VMs do not hide a large one that starves.
 *
 * Example: of 100,000 MHz a VM demands 30,000 and has score 50, another 10,000 and has 90: (30 * 50 + 10 * 90) / 40 = 60; buckets 0, 0, 1, 0, 1.
 */
export function clusterScore(vms: ScoredVms, { cpuMhz, memoryMb }: Amount): ClusterScore {
  const buckets = Array.from({ length: BUCKETS }, () => 0);
  let [weights, sum] = [0, 0];
  for (const row of vms.order) {
    const score = vms.score[row] as number;
    const bucket = scoreBucket(score);
    buckets[bucket] = (buckets[bucket] as number) + 1;
    const weight = Math.max(part(vms.wantedMhz[row] as number, cpuMhz), part(vms.wantedMb[row] as number, memoryMb));
    weights += weight;
    sum += weight * score;
  }
  return { drsScore: weights > 0 ? Math.round(sum / weights) : undefined, numVmsPerDrsScoreBucket: buckets };
}

function part(amount: number, of: number): number {
  return of > 0 ? amount / of : 0;
}
