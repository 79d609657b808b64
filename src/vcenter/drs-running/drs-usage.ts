import { HostMemoryState, type HostUsage, type ResourcePoolUsage } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { ClusterScore } from "../drs/pass/cluster-score.js";
import { MAX_INT32 } from "../spec-limits.js";

/** What a pass of DRS found of a host, in whole MHz and MB. */
export type HostFigures = Pick<HostUsage, "demandCpuMhz" | "demandMemoryMb" | "entitledCpuMhz" | "entitledMemoryMb" | "memoryState" | "freeMemoryMb" | "balloonedMemoryMb" | "swappedMemoryMb">;
/** What it found of a resource pool. */
export type PoolFigures = Pick<ResourcePoolUsage, "entitledCpuMhz" | "entitledMemoryMb" | "effectiveCpuShares" | "effectiveMemoryShares">;

const NO_HOST_FIGURES: HostFigures = {
  demandCpuMhz: 0,
  demandMemoryMb: 0,
  entitledCpuMhz: 0,
  entitledMemoryMb: 0,
  memoryState: HostMemoryState.UNSPECIFIED,
  freeMemoryMb: 0,
  balloonedMemoryMb: 0,
  swappedMemoryMb: 0,
};
const NO_SCORE: ClusterScore = { drsScore: undefined, numVmsPerDrsScoreBucket: [] };
const NO_POOL_FIGURES: PoolFigures = { entitledCpuMhz: 0, entitledMemoryMb: 0, effectiveCpuShares: 0, effectiveMemoryShares: 0 };

/** What the last pass of DRS found of hosts, pools and clusters: figures that are shown beside those the ledger counts. Kept in memory alone. */
export class DrsUsage {
  readonly #hosts = new Map<string, HostFigures>();
  readonly #pools = new Map<string, PoolFigures>();
  readonly #clusters = new Map<string, ClusterScore>();

  host(moid: string): HostFigures {
    return this.#hosts.get(moid) ?? NO_HOST_FIGURES;
  }

  pool(moid: string): PoolFigures {
    return this.#pools.get(moid) ?? NO_POOL_FIGURES;
  }

  cluster(moid: string): ClusterScore {
    return this.#clusters.get(moid) ?? NO_SCORE;
  }

  /** True where it differs from that before. */
  setCluster(moid: string, score: ClusterScore): boolean {
    const before = this.cluster(moid);
    this.#clusters.set(moid, score);
    return before.drsScore !== score.drsScore || before.numVmsPerDrsScoreBucket.join() !== score.numVmsPerDrsScoreBucket.join();
  }

  /** True where the figures differ from those before. */
  setHost(moid: string, figures: HostFigures): boolean {
    return isNew(this.#hosts, moid, figures);
  }

  /** True where the figures differ from those before. */
  setPool(moid: string, figures: PoolFigures): boolean {
    return isNew(this.#pools, moid, figures);
  }

  /** A host or pool is gone. */
  forget(moid: string): void {
    this.#hosts.delete(moid);
    this.#pools.delete(moid);
  }
}

/** As an int32 can tell it: VMs may want more than that together. */
export function figure(value: number): number {
  return Math.min(MAX_INT32, Math.round(value));
}

function isNew<T extends HostFigures | PoolFigures>(known: Map<string, T>, moid: string, figures: T): boolean {
  const before = known.get(moid);
  if (before !== undefined && (Object.keys(figures) as (keyof T)[]).every((key) => before[key] === figures[key])) return false;
  known.set(moid, figures);
  return true;
}
