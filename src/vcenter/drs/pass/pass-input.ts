import type { ClusterTree } from "../entitlement/cluster-tree.js";
import type { MemoryMetric } from "../memory-demand.js";

/** Whether a host takes VMs: not at all, yes, or it must give all away (on its way into maintenance or standby). */
export const HostRole = { KEEPS: 0, TAKES: 1, EVACUATES: 2 } as const;

/** Hosts by row. */
export interface HostColumns {
  readonly capacityMhz: Int32Array;
  readonly capacityMb: Int32Array;
  readonly cores: Int32Array;
  /** Reserved by all that runs or is held there. */
  readonly reservedMhz: Float64Array;
  readonly reservedMb: Float64Array;
  /** A HostRole. */
  readonly role: Uint8Array;
}

/** What the pass must know of VMs beyond the tree, by its rows. */
export interface MovableColumns {
  /** 1: an ordinary VM that runs and that no task holds. A vSphere Pod never moves. */
  readonly movable: Uint8Array;
  readonly numCpus: Int32Array;
  /** Row of `compatible`: VMs that need the same datastores and networks. */
  readonly need: Int32Array;
}

/** A rule with rows instead of moids. */
export type PassRule =
  | { readonly kind: "together" | "apart"; readonly name: string; readonly vms: Int32Array }
  | { readonly kind: "vmHost"; readonly name: string; readonly vms: Int32Array; readonly mandatory: boolean; /** By host: 1 where the VMs belong. */ readonly allowed: Uint8Array };

/** All that a pass of DRS over one cluster follows from: plain columns that can be moved to a worker thread. */
export interface PassInput {
  readonly tree: ClusterTree;
  readonly hosts: HostColumns;
  readonly vms: MovableColumns;
  /** By need and host: 1 where the host has the datastores and networks; need n on host h is at `n * hosts + h`. */
  readonly compatible: Uint8Array;
  readonly rules: readonly PassRule[];
  /** Migration threshold, 1 to 5; 0 looks and moves nothing. */
  readonly threshold: number;
  readonly memoryMetric: MemoryMetric;
}

/** Why a VM should move: vim25's RecommendationReasonCode. */
export type MoveReason = "hostMaint" | "vmHostHardAffinity" | "vmHostSoftAffinity" | "antiAffin" | "jointAffin" | "fairnessCpuAvg" | "fairnessMemAvg";

/** A migration the pass proposes, in the order in which they should be carried out. */
export interface Move {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  /** 5: a must; else 4 to 1 by how much the loads of the two hosts differ. */
  readonly rating: number;
  readonly reason: MoveReason;
  /** Name of the rule it is for; empty without one. */
  readonly rule: string;
  /** Load of the two hosts before, as parts of their capacity, in the resource that counts. */
  readonly fromLoad: number;
  readonly toLoad: number;
}

/** What a pass found. */
export interface PassResult {
  readonly moves: readonly Move[];
  /** By VM; MHz, MB and 0 to 100. Memory with overhead. */
  readonly vms: {
    readonly wantedMhz: Float64Array;
    readonly wantedMb: Float64Array;
    readonly entitledMhz: Float64Array;
    readonly entitledMb: Float64Array;
    readonly grantedMhz: Float64Array;
    readonly grantedMb: Float64Array;
    readonly score: Uint8Array;
  };
  /** By host: sums over its VMs. */
  readonly hosts: { readonly wantedMhz: Float64Array; readonly wantedMb: Float64Array; readonly entitledMhz: Float64Array; readonly entitledMb: Float64Array };
  /** By pool. */
  readonly pools: { readonly entitledMhz: Float64Array; readonly entitledMb: Float64Array; readonly cpuShares: Float64Array; readonly memoryShares: Float64Array };
}
