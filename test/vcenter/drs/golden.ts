import type { ContainerAsk } from "../../../src/vcenter/drs/pod-size.js";

/**
 * Figures others published, which sizing, shares, entitlement and admission must meet; the only place of expected numbers. `known` says
 * how: `published` stands in the source; `derived` follows from it by arithmetic; `recalled` is the vendor's but was not read again for
 * this file.
 */
export interface Golden {
  readonly name: string;
  readonly source: string;
  readonly known: "published" | "derived" | "recalled";
}

/** A pod and the VM it becomes. */
export interface Sizing extends Golden {
  readonly containers: readonly ContainerAsk[];
  readonly numCpus: number;
  readonly memoryMb: number;
  readonly cpuShares: number;
  readonly memoryShares: number;
  /** Thousandths of a core; in MHz by the speed of a core. */
  readonly reservedCpuMilli: number;
  readonly reservedMemoryMb: number;
  /** By `overheads`, between its points by lines, rounded up. */
  readonly overheadMemoryMb: number;
  readonly qosClass: "BestEffort" | "Burstable" | "Guaranteed";
}

/** The pool of a Supervisor namespace, and the one it lies in. */
export interface NamespacePoolGolden extends Golden {
  readonly parent: string;
  readonly reservation: number;
  readonly expandable: boolean;
  readonly cpuShares: number;
  readonly memoryShares: number;
}

/** Limits of a namespace: in its quota, in its pool, in its annotations. */
export interface NamespaceLimits extends Golden {
  /** The quota's `limits.cpu` and `limits.memory`. */
  readonly cpu: string;
  readonly memory: string;
  readonly coreMhz: number;
  readonly limitMhz: number;
  readonly limitMb: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A pool of a tree, in any unit; pools come after their parents. */
export interface GoldenPool {
  readonly name: string;
  readonly parent?: string;
  readonly reserved: number;
  readonly expandable: boolean;
  /** What its own VMs reserve, one after the other. */
  readonly vms?: readonly number[];
}

/** A tree of pools and what is left in it. */
export interface PoolGolden extends Golden {
  readonly pools: readonly GoldenPool[];
  readonly used?: Readonly<Record<string, number>>;
  readonly unreserved?: Readonly<Record<string, number>>;
  /** What a pool keeps for its own VMs: its reservation without those of the pools in it. */
  readonly own?: Readonly<Record<string, number>>;
  readonly refused?: { readonly pool: string; readonly wanted: number; readonly unreserved: number };
  readonly admitted?: { readonly pool: string; readonly wanted: number };
}

/** A level that stands for a number of shares. */
export type GoldenLevel = "low" | "normal" | "high";

/** A pool below the root, by level. */
export interface SharingPool {
  readonly name: string;
  readonly cpu: GoldenLevel;
  readonly memory: GoldenLevel;
}

/** Alike VMs in a pool, or beside the pools; GHz and GB. Where the source leaves a size out, none bounds. */
export interface SharingVms {
  readonly name: string;
  readonly pool?: string;
  readonly count?: number;
  readonly cpuShares?: number;
  readonly memoryShares?: number;
  readonly sizeGb?: number;
  /** What each wants of both; the whole size when absent. */
  readonly demand?: number;
}

/** What each pool, and each VM of a group, gets. Figures are as printed: to two places. */
export interface SharingResult {
  readonly entitled?: Readonly<Record<string, number>>;
  readonly percent?: Readonly<Record<string, number>>;
  /** Shares of pools in force. */
  readonly shares?: Readonly<Record<string, number>>;
}

/** A cluster and how it is shared out. */
export interface Sharing extends Golden {
  /** GHz and GB. */
  readonly capacity: number;
  readonly scalesShares?: boolean;
  readonly pools: readonly SharingPool[];
  readonly vms: readonly SharingVms[];
  readonly cpu?: SharingResult;
  readonly memory?: SharingResult;
}

/** Overhead of a VM by memory (rows) and vCPUs (columns), MB as printed; a reservation takes the next whole one. */
export interface OverheadTable extends Golden {
  readonly numCpus: readonly number[];
  readonly rows: readonly { readonly memoryMb: number; readonly overheadMb: readonly number[] }[];
}

/** A choice between hosts, GB. */
export interface HostChoice extends Golden {
  readonly hosts: readonly { readonly name: string; readonly reserved: number; readonly active: number }[];
  readonly wanted: number;
  readonly chosen: string;
  readonly unreservedThen: Readonly<Record<string, number>>;
}

/** A cluster that loses a host with what runs on it, and how it then stands. */
export interface LostHost extends Golden {
  readonly capacity: number;
  readonly capacityThen: number;
  readonly pools: readonly GoldenPool[];
  readonly dies: readonly { readonly pool: string; readonly reserved: number }[];
  readonly runningThen: number;
  readonly promised: number;
  readonly status: string;
  readonly statusThen: string;
}

/** A swap file, MB. */
export interface SwapFile extends Golden {
  readonly memoryMb: number;
  readonly reservationMb: number;
  readonly swapMb: number;
}

/** Shares by level: of each virtual CPU, each MB, and of a pool. */
export interface ShareLevels extends Golden {
  readonly levels: readonly { readonly level: GoldenLevel; readonly perCpu: number; readonly perMb: number; readonly poolCpu: number; readonly poolMemory: number }[];
}

/** Shares of a VM of level normal. */
export interface VmShares extends Golden {
  readonly numCpus: number;
  readonly memoryMb: number;
  readonly cpuShares: number;
  readonly memoryShares: number;
}

/** Memory demand of a VM, MB. */
export interface MemoryDemand extends Golden {
  readonly activeMb: number;
  readonly consumedMb: number;
  readonly overheadMb: number;
  readonly demandMb: number;
  readonly byConsumedMb: number;
}

/** What a VM of a size that demands something is entitled to where there is enough, MHz or MB; the figures are ours. */
export interface Uncontended extends Golden {
  readonly cases: readonly { readonly size: number; readonly demand: number; readonly entitled: number }[];
}

/** What must be unreserved on a host for a VM to be powered on, MB; the figures are ours. */
export interface HostReserve extends Golden {
  readonly reservationMb: number;
  readonly overheadMb: number;
  readonly leastUnreservedMb: number;
}

/** The questions of admission in their order. */
export interface AdmissionOrder extends Golden {
  readonly ofCluster: readonly string[];
  readonly ofHost: readonly string[];
}

/** How far a host may be loaded, in percent, and still be one that a should rule keeps its VMs on. */
export interface ShouldRule extends Golden {
  readonly usedUpPercent: number;
}

/** Percent of capacity, by migration threshold. */
export interface ByThreshold extends Golden {
  readonly percent: Readonly<Record<number, number>>;
}

/** What the most conservative threshold still moves VMs for, by RecommendationReasonCode. */
export interface MandatoryMoves extends Golden {
  readonly threshold: number;
  readonly causes: readonly { readonly cause: "maintenance mode" | "proactive HA" | "rule violation"; readonly reason: string }[];
}

/** How often DRS looks at a cluster, and the scale of its score. */
export interface PassTimes extends Golden {
  readonly everySeconds: number;
  readonly bestScore: number;
}

/** Adjusted shares a page, by activity. */
export interface TaxedPrices extends Golden {
  readonly shares: number;
  readonly pages: number;
  readonly cases: readonly { readonly activeFraction: number; readonly price: number }[];
}

/** Two VMs of equal activity. */
export interface EvenTax extends Golden {
  readonly shares: readonly [number, number];
  readonly activeFraction: number;
  readonly ratio: number;
}

/** Free memory of a host at the borders of its states, in percent, and how far a balloon can be blown up, in percent of a VM's memory. */
export interface MemoryStates extends Golden {
  readonly freePercent: { readonly high: number; readonly soft: number; readonly hard: number; readonly low: number };
  readonly mostBallooned: number;
}

/** How active memory is estimated. */
export interface ActiveSampling extends Golden {
  readonly everySeconds: number;
}

/** Over how long DRS averages demand, at the default migration threshold. */
export interface Lookback extends Golden {
  readonly threshold: number;
  readonly minutes: number;
}

/** Borders of the buckets that VMs are counted in by their DRS score, both included. */
export interface ScoreBuckets extends Golden {
  readonly buckets: readonly (readonly [from: number, to: number])[];
}

/** Whether what hosts in a state have counts as the cluster's when a pool admits a VM. */
export interface CountedHosts extends Golden {
  readonly standby: boolean;
  readonly maintenance: boolean;
}

/** Rules between three VMs, and whether the one that comes last may run beside the one that only an absent VM would part it from. */
export interface ImpliedRules extends Golden {
  readonly apart: readonly [string, string];
  readonly together: readonly [string, string];
  readonly absent: string;
  readonly placedBeside: boolean;
}
