import type { ClusterTree } from "../entitlement/cluster-tree.js";
import type { MemoryMetric } from "../memory-demand.js";
import type { ClusterScore } from "./cluster-score.js";

/** Whether a host takes VMs: not at all; yes; no, and it must give all away (on its way into maintenance or standby); no, and it gives away what others have room for (quarantine). */
export const HostRole = { KEEPS: 0, TAKES: 1, EVACUATES: 2, RELIEVED: 3 } as const;

/** Hosts by row. */
export interface HostColumns {
  readonly capacityMhz: Int32Array;
  readonly capacityMb: Int32Array;
  readonly cores: Int32Array;
  readonly coreMhz: Int32Array;
  /** Column of `compatible`: hosts with the same datastores and networks. */
  readonly offer: Int32Array;
  /** Reserved by all that runs or is held there. */
  readonly reservedMhz: Float64Array;
  readonly reservedMb: Float64Array;
  /** A HostRole. */
  readonly role: Uint8Array;
}

/** What VMs used on average over the time that DRS looks back on, by rows of the tree; as the columns of the same names there. */
export interface LookbackColumns {
  readonly usesMhz: Float64Array;
  readonly demandMhz: Float64Array;
  readonly activeMb: Float64Array;
}

/** What the pass must know of VMs beyond the tree, by its rows. */
export interface MovableColumns {
  /** Row of the host where it runs once the migration under way is over; the tree's `host` without one, -1 for a VM that is off. */
  readonly headsFor: Int32Array;
  /** 1: an ordinary VM that runs and that no task holds. A vSphere Pod never moves. */
  readonly movable: Uint8Array;
  readonly numCpus: Int32Array;
  /** CPU it would use on virtual CPUs without end, MHz: on a host with faster cores it can use more of that. */
  readonly usesMhz: Float64Array;
  /** Its place among those that are listed: the number in its moid. */
  readonly number: Float64Array;
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
  /** Undefined where every VM has used all the time what it uses now. */
  readonly lookback: LookbackColumns | undefined;
  /** By need and offer: 1 where hosts of the offer have the datastores and networks; need n of offer o is at `n * offers + o`. */
  readonly compatible: Uint8Array;
  readonly offers: number;
  readonly rules: readonly PassRule[];
  /** Migration threshold, 1 to 5; 0 looks and moves nothing. */
  readonly threshold: number;
  readonly memoryMetric: MemoryMetric;
  /** Grows with each pass: where there is more to do than one pass does, the next one begins elsewhere. */
  readonly turn: number;
}

/** Why a VM should move: vim25's RecommendationReasonCode. */
export type MoveReason = "hostMaint" | "hostInDegradation" | "vmHostHardAffinity" | "vmHostSoftAffinity" | "antiAffin" | "jointAffin" | "fairnessCpuAvg" | "fairnessMemAvg";

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
  /** The resource of which the host it leaves uses the larger part; the loads speak of it. */
  readonly resource: "cpu" | "memory";
  /** Load of the two hosts before and after, as parts of their capacity. */
  readonly fromLoad: number;
  readonly toLoad: number;
  readonly fromLoadAfter: number;
  readonly toLoadAfter: number;
  /** By how much the loads of the two hosts differ before, each of the resource that host uses most. */
  readonly difference: number;
}

/** What a pass found. */
export interface PassResult {
  readonly moves: readonly Move[];
  /** By VM; MHz, MB and 0 to 100. Memory with overhead, but for consumed. */
  readonly vms: {
    readonly wantedMhz: Float64Array;
    readonly wantedMb: Float64Array;
    readonly entitledMhz: Float64Array;
    readonly entitledMb: Float64Array;
    readonly grantedMhz: Float64Array;
    readonly grantedMb: Float64Array;
    /** What its host has taken back of its memory (memory-reclaim.ts); empty where no host has. */
    readonly balloonedMb: Float64Array;
    readonly swappedMb: Float64Array;
    /** What it weighs when moves are decided on: its entitlement by what it demanded on average (lookback.ts). */
    readonly weighedMhz: Float64Array;
    readonly weighedMb: Float64Array;
    readonly consumedMb: Float64Array;
    readonly score: Uint8Array;
    /** Row of its host. */
    readonly host: Int32Array;
    /** Rows of the VMs that are powered on, in the order in which they are listed. */
    readonly order: Int32Array;
  };
  /** By host: sums over its VMs. */
  readonly hosts: {
    readonly wantedMhz: Float64Array;
    readonly wantedMb: Float64Array;
    readonly entitledMhz: Float64Array;
    readonly entitledMb: Float64Array;
    /** A MemoryState, and the memory that is free. */
    readonly memoryState: Uint8Array;
    readonly freeMb: Float64Array;
    readonly balloonedMb: Float64Array;
    readonly swappedMb: Float64Array;
  };
  readonly cluster: ClusterScore;
  /** By pool. */
  readonly pools: { readonly entitledMhz: Float64Array; readonly entitledMb: Float64Array; readonly cpuShares: Float64Array; readonly memoryShares: Float64Array };
}
