import type { ActiveSampling, AdmissionOrder, ByThreshold, CountedHosts, EvenTax, GoldenLevel, HostChoice, HostReserve, ImpliedRules, Lookback, LostHost, MandatoryMoves, MemoryDemand, MemoryStates, NamespaceLimits, NamespacePoolGolden, OverheadTable, PassTimes, PoolGolden, ScoreBuckets, ShareLevels, Sharing, SharingPool, SharingVms, ShouldRule, Sizing, SwapFile, TaxedPrices, Uncontended, VmShares } from "./golden.js";

// The only place of expected numbers: each with its source (golden.ts says how it is known).

const MIB = 1024n * 1024n;
const SCHEDULING = "F. Denneman, Scheduling vSphere Pods (2020-03-20)";
const NAMESPACE = "F. Denneman, vSphere Supervisor Namespace (2020-04-01)";
const EXPANDABLE = "F. Denneman, Expandable reservation on resource pools, how does it work? (2013-02-12)";
const GUIDE = "vSphere Resource Management Guide";
const SHARES = "F. Denneman, Distribution of resources based on shares in a resource pool environment (2013-02-28)";
const MIXING = "F. Denneman, Mixing resource pools and virtual machines on the same hierarchical level (2012-05-09)";
const SCALABLE = "F. Denneman, vSphere 7 DRS scalable shares deep dive (2020-05-27)";
const RESERVATION = "F. Denneman, Impact of memory reservation (2009-12-08)";
const BALANCING = "F. Denneman, vSphere 6.5 DRS and memory balancing in non-overcommitted clusters (2018-01-15)";
const QUOTA_OPTIONS = "vSphere Automation API, Vcenter Namespaces ResourceQuotaOptionsV1";
const ADMISSION = "F. Denneman, The admission control family (2012-05-10)";
const SOFT_RULES = "F. Denneman, preferential VM-Host affinity rules (2013-04-15)";
const IMPLIED_RULES = "F. Denneman, implicit anti-affinity rules and DRS placement behavior (2013-02-19)";
const PAIRWISE = "F. Denneman, vSphere 6.5+ DRS pairwise balancing (2019-10-30)";
const THRESHOLDS = "F. Denneman, DRS migration threshold in vSphere 7 (2020-05-08)";
const SCORE = "N. Hagoort, vSphere 7: a closer look at the VM DRS score (2020-05)";
const DEEP_DIVE = "vSphere Clustering Deep Dive, as quoted by study notes";
const IDLE_TAX = "C. Waldspurger, Memory Resource Management in VMware ESX Server (OSDI 2002)";

const unstated = { cpuShares: 1000, reservedCpuMilli: 0, reservedMemoryMb: 0, qosClass: "BestEffort" } as const;

/** Per container the largest of 0.5 core and 512 MB, request and limit; their sum; requests become reservations; shares are normal. */
export const sizings: readonly Sizing[] = [
  { ...unstated, name: "one container, nothing set", source: NAMESPACE, known: "published", containers: [{}], numCpus: 1, memoryMb: 512, memoryShares: 5120, overheadMemoryMb: 23 },
  { ...unstated, name: "two containers, nothing set", source: SCHEDULING, known: "derived", containers: [{}, {}], numCpus: 1, memoryMb: 1024, memoryShares: 10_240, overheadMemoryMb: 26 },
  { ...unstated, name: "three containers, nothing set", source: SCHEDULING, known: "derived", containers: [{}, {}, {}], numCpus: 2, memoryMb: 1536, cpuShares: 2000, memoryShares: 15_360, overheadMemoryMb: 34 },
  {
    name: "cassandra-0: requests as limits", source: SCHEDULING, known: "published", qosClass: "Guaranteed",
    containers: [{ requestCpuMilli: 500, limitCpuMilli: 500, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 1024n * MIB }],
    numCpus: 1, memoryMb: 1024, cpuShares: 1000, memoryShares: 10_240, reservedCpuMilli: 500, reservedMemoryMb: 1024, overheadMemoryMb: 26,
  },
  {
    name: "two containers, limits twice their requests", source: SCHEDULING, known: "derived", qosClass: "Burstable",
    containers: [1, 2].map(() => ({ requestCpuMilli: 1000, limitCpuMilli: 2000, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 2048n * MIB })),
    numCpus: 4, memoryMb: 4096, cpuShares: 4000, memoryShares: 40_960, reservedCpuMilli: 2000, reservedMemoryMb: 2048, overheadMemoryMb: 61,
  },
];

/** The pool of a namespace. */
export const namespacePool: NamespacePoolGolden = { name: "a namespace is a pool below Namespaces", source: NAMESPACE, known: "published", parent: "Namespaces", reservation: 0, expandable: true, cpuShares: 4000, memoryShares: 163_840 };

/** What its quota becomes. The annotation's texts are a real Supervisor's; MHz by core speed is derived. */
export const namespaceLimits: NamespaceLimits = {
  name: "a quota's limits become the pool's, in MHz and MB, and cores with four decimals", source: `${QUOTA_OPTIONS}; annotations of a Supervisor in its published conformance logs`, known: "derived",
  cpu: "25062m", memory: "5000Mi", coreMhz: 2000, limitMhz: 50_124, limitMb: 5000,
  annotations: { "vmware-system-resource-pool-cpu-limit": "25.0620", "vmware-system-resource-pool-memory-limit": "5000Mi" },
};

/** Overhead of a VM by memory and vCPUs, MB as printed; a reservation takes the next whole one. */
export const overheads: OverheadTable = {
  name: "overhead memory on virtual machines", source: GUIDE, known: "recalled",
  numCpus: [1, 2, 4, 8],
  rows: [
    { memoryMb: 256, overheadMb: [20.29, 24.28, 32.23, 48.16] },
    { memoryMb: 1024, overheadMb: [25.9, 29.91, 37.86, 53.82] },
    { memoryMb: 4096, overheadMb: [48.64, 52.72, 60.67, 76.78] },
    { memoryMb: 16_384, overheadMb: [139.62, 143.98, 151.93, 168.6] },
  ],
};

/** A choice between hosts of 100 GB, in GB. A's use is not stated in the source; any of 60 and more does. */
export const threeHosts: HostChoice = {
  name: "three hosts of 100 GB", source: SCHEDULING, known: "published",
  hosts: [
    { name: "A", reserved: 60, active: 60 },
    { name: "B", reserved: 40, active: 70 },
    { name: "C", reserved: 40, active: 45 },
  ],
  wanted: 35,
  chosen: "C",
  unreservedThen: { A: 5, B: 25, C: 25 },
};

/** Reservations up the tree. */
export const poolTrees: readonly PoolGolden[] = [
  {
    name: "R1: five VMs of 5 in C, which has 20, borrow 5 from B", source: EXPANDABLE, known: "published",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "A", parent: "root", reserved: 50, expandable: true },
      { name: "B", parent: "A", reserved: 30, expandable: true },
      { name: "C", parent: "B", reserved: 20, expandable: true, vms: [5, 5, 5, 5, 5] },
    ],
    own: { A: 20, B: 10, C: 20 },
    used: { C: 25, B: 25, A: 30, root: 50 },
    unreserved: { B: 5 + 20 + 50 },
  },
  {
    name: "R1: and not when C is not expandable", source: EXPANDABLE, known: "derived",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "A", parent: "root", reserved: 50, expandable: true },
      { name: "B", parent: "A", reserved: 30, expandable: true },
      { name: "C", parent: "B", reserved: 20, expandable: false, vms: [5, 5, 5, 5] },
    ],
    refused: { pool: "C", wanted: 5, unreserved: 0 },
  },
  {
    name: "R3: fixed pools", source: `${GUIDE}, valid cluster, all resource pools of type fixed`, known: "published",
    pools: [
      { name: "root", reserved: 12, expandable: false },
      { name: "RP1", parent: "root", reserved: 4, expandable: false, vms: [4] },
      { name: "RP2", parent: "root", reserved: 4, expandable: false, vms: [3] },
      { name: "RP3", parent: "root", reserved: 3, expandable: false, vms: [3] },
    ],
    used: { RP1: 4, RP2: 3, RP3: 3, root: 11 },
    unreserved: { root: 1, RP1: 0, RP2: 1, RP3: 0 },
  },
  {
    name: "R4: expandable pools use up the root", source: `${GUIDE}, valid cluster, some resource pools of type expandable`, known: "published",
    pools: [
      { name: "root", reserved: 16, expandable: false },
      { name: "RP1", parent: "root", reserved: 4, expandable: true, vms: [2, 2, 2] },
      { name: "RP2", parent: "root", reserved: 5, expandable: false, vms: [3] },
      { name: "RP3", parent: "root", reserved: 5, expandable: true, vms: [3, 2] },
    ],
    used: { RP1: 6, RP2: 3, RP3: 5, root: 16 },
    unreserved: { RP1: 0, RP2: 2, RP3: 0 },
    refused: { pool: "RP3", wanted: 2, unreserved: 0 },
  },
  {
    name: "R6: KID borrows from MOM while MOM has it", source: `${GUIDE}, expandable reservations example 1`, known: "recalled",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "MOM", parent: "root", reserved: 6, expandable: false, vms: [1] },
      { name: "KID", parent: "MOM", reserved: 2, expandable: true, vms: [2] },
    ],
    admitted: { pool: "KID", wanted: 2 },
  },
  {
    name: "R6: and not when MOM's own VMs reserve 3", source: `${GUIDE}, expandable reservations example 2`, known: "recalled",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "MOM", parent: "root", reserved: 6, expandable: false, vms: [3] },
      { name: "KID", parent: "MOM", reserved: 2, expandable: true, vms: [2] },
    ],
    refused: { pool: "KID", wanted: 2, unreserved: 1 },
  },
  {
    name: "nothing reserved and nothing to borrow: the overhead alone keeps a VM from being powered on", source: EXPANDABLE, known: "published",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "shut", parent: "root", reserved: 0, expandable: false },
    ],
    refused: { pool: "shut", wanted: 23, unreserved: 0 },
  },
];

/** A cluster that loses a host with what runs on it, and how it then stands. Which pool holds which VM is ours; the sums are the source's. */
export const lostHost: LostHost = {
  name: "R5: three hosts of 4, one is lost", source: `${GUIDE}, overcommitted DRS clusters`, known: "published",
  capacity: 12,
  capacityThen: 8,
  pools: [
    { name: "RP1", parent: "root", reserved: 4, expandable: true, vms: [2, 2] },
    { name: "RP2", parent: "root", reserved: 5, expandable: true, vms: [2, 3] },
    { name: "RP3", parent: "root", reserved: 3, expandable: true, vms: [1] },
  ],
  dies: [
    { pool: "RP3", reserved: 1 },
    { pool: "RP2", reserved: 3 },
  ],
  runningThen: 6,
  promised: 12,
  status: "green",
  statusThen: "yellow",
};

/** Swap file of a VM, MB. */
export const swapFile: SwapFile = { name: "R7: what is not reserved may swap", source: RESERVATION, known: "published", memoryMb: 2048, reservationMb: 1024, swapMb: 1024 };

/** Numbers of the levels. */
export const shareLevels: ShareLevels = {
  name: "shares by level", source: NAMESPACE, known: "published",
  levels: [
    { level: "low", perCpu: 500, perMb: 5, poolCpu: 2000, poolMemory: 81_920 },
    { level: "normal", perCpu: 1000, perMb: 10, poolCpu: 4000, poolMemory: 163_840 },
    { level: "high", perCpu: 2000, perMb: 20, poolCpu: 8000, poolMemory: 327_680 },
  ],
};

/** Shares of VMs of level normal. */
export const vmShares: readonly VmShares[] = [
  { name: "2 vCPUs, 2 GB", source: SHARES, known: "published", numCpus: 2, memoryMb: 2048, cpuShares: 2000, memoryShares: 20_480 },
  { name: "2 vCPUs, 1 GB", source: GUIDE, known: "recalled", numCpus: 2, memoryMb: 1024, cpuShares: 2000, memoryShares: 10_240 },
];

/** Memory demand of a VM, MB. */
export const memoryDemand: MemoryDemand = {
  name: "M1: a VM of 16 GB, a third of it active", source: BALANCING, known: "published",
  activeMb: 5734,
  consumedMb: 12_288,
  overheadMb: 90,
  demandMb: 7462.5,
  byConsumedMb: 12_378,
};

/** Demand and entitlement. */
export const uncontended: Uncontended = {
  name: "where there is enough, entitlement is demand, and never more than the configured size", source: DEEP_DIVE, known: "published",
  cases: [{ size: 4000, demand: 1000, entitled: 1000 }, { size: 4000, demand: 4000, entitled: 4000 }, { size: 4000, demand: 6000, entitled: 4000 }],
};

/** Host admission. */
export const hostReserve: HostReserve = { name: "a host must have reservation and overhead unreserved", source: `${ADMISSION}; ${RESERVATION}`, known: "published", reservationMb: 1024, overheadMb: 26, leastUnreservedMb: 1050 };

/** Which question comes first. Host state before all others of a host is the article's, Initial Placement of a vSphere Pod (2020-03-06). */
export const admissionOrder: AdmissionOrder = { name: "HA, pool, then each host: state, compatibility, rules, its own admission", source: ADMISSION, known: "published", ofCluster: ["HA", "pool"], ofHost: ["state", "compatibility", "rules", "host admission"] };

/** What a cluster has. */
export const countedHosts: CountedHosts = { name: "a host in standby still counts for admission, one in maintenance mode is outside the cluster", source: `${GUIDE}, power management; ${ADMISSION}`, known: "published", standby: true, maintenance: false };

/** Rules that follow from others. */
export const impliedRules: ImpliedRules = {
  name: "what follows from two rules for a VM that is off is no rule", source: IMPLIED_RULES, known: "published",
  apart: ["A", "B"], together: ["A", "C"], absent: "A", placedBeside: true,
};

/** When a VM may leave the hosts it should be on. */
export const shouldRule: ShouldRule = { name: "a should rule gives way where every host it likes is used up", source: SOFT_RULES, known: "published", usedUpPercent: 100 };

/** By how much the loads of two hosts may differ; threshold 1 has none. */
export const toleratedDifferences: ByThreshold = { name: "each threshold tolerates its difference between two hosts", source: PAIRWISE, known: "published", percent: { 2: 30, 3: 20, 4: 10, 5: 5 } };

/** Up to which load a host is left alone. */
export const efficientLoads: ByThreshold = { name: "a host is left alone up to a load", source: THRESHOLDS, known: "published", percent: { 2: 50, 3: 50, 4: 30, 5: 30 } };

/** Moves at the most conservative threshold. */
export const mandatoryMoves: MandatoryMoves = {
  name: "threshold 1 makes mandatory moves alone", source: THRESHOLDS, known: "published", threshold: 1,
  causes: [{ cause: "maintenance mode", reason: "hostMaint" }, { cause: "proactive HA", reason: "hostInDegradation" }, { cause: "rule violation", reason: "antiAffin" }],
};

/** DRS of vSphere 7. */
export const passTimes: PassTimes = { name: "VMs are scored each minute, from 0 to 100", source: SCORE, known: "published", everySeconds: 60, bestScore: 100 };

/** How a cluster's VMs are counted by score. */
export const scoreBuckets: ScoreBuckets = {
  name: "VMs are counted in buckets of 20", source: `${SCORE}; vSphere Web Services API 7.0, ClusterComputeResourceSummary.numVmsPerDrsScoreBucket`, known: "published",
  buckets: [[0, 20], [21, 40], [41, 60], [61, 80], [81, 100]],
};

/** What a decision on a move looks back on. */
export const lookback: Lookback = { name: "demand is averaged over 40 minutes", source: THRESHOLDS, known: "published", threshold: 3, minutes: 40 };

/** When a host takes memory back, and how. */
export const memoryStates: MemoryStates = {
  name: "a host balloons below 4 % free, swaps below 2 %, and is low below 1 %; 6 % is high", source: `${RESERVATION}; ${GUIDE}, advanced memory attributes (Mem.CtlMaxPercent)`, known: "published",
  freePercent: { high: 6, soft: 4, hard: 2, low: 1 },
  mostBallooned: 65,
};

/** Active memory. */
export const activeSampling: ActiveSampling = { name: "active memory is sampled every 60 s; its estimate rises at once and falls slowly", source: `${GUIDE}, advanced memory attributes (Mem.SamplePeriod); ${IDLE_TAX}, section 5.3`, known: "published", everySeconds: 60 };

/** Adjusted shares a page under the idle memory tax of 75 %. */
export const idleTax: TaxedPrices = {
  name: "T2: an idle page costs four times an active one", source: IDLE_TAX, known: "derived",
  shares: 1000,
  pages: 100,
  cases: [
    { activeFraction: 1, price: 10 },
    { activeFraction: 0.5, price: 4 },
    { activeFraction: 0, price: 2.5 },
  ],
};

/** Two VMs of equal activity and shares 2 to 1. */
export const evenTax: EvenTax = {
  name: "T3: equally idle VMs keep the ratio of their shares", source: IDLE_TAX, known: "derived",
  shares: [2000, 1000],
  activeFraction: 0.25,
  ratio: 2,
};

const pool = (name: string, cpu: GoldenLevel, memory = cpu): SharingPool => ({ name, cpu, memory });
const vms = (name: string, pool: string, count: number): SharingVms => ({ name, pool, count, cpuShares: 2000, memoryShares: 327_680, sizeGb: 32 });
const namespaces = (sizeGb: number): Pick<Sharing, "capacity" | "pools" | "vms"> => ({
  capacity: 126.14,
  pools: [pool("namespace-1", "normal"), pool("namespace-2", "normal")],
  vms: [
    { name: "control plane VM", count: 3, memoryShares: 245_760, sizeGb },
    { name: "pods of 1", pool: "namespace-1", memoryShares: 10, sizeGb: 1000 },
    { name: "pods of 2", pool: "namespace-2", memoryShares: 10, sizeGb: 1000 },
  ],
});
const scalable = { source: SCALABLE, known: "published", capacity: 100, scalesShares: true } as const;

/** Shares down the tree. */
export const sharings: readonly Sharing[] = [
  {
    name: "namespaces beside control plane VMs, first pass", source: NAMESPACE, known: "published", ...namespaces(1000),
    memory: { percent: { "control plane VM": 23.08, "namespace-1": 15.38, "namespace-2": 15.38 }, entitled: { "control plane VM": 29.11, "namespace-1": 19.41, "namespace-2": 19.41 } },
  },
  {
    name: "namespaces beside control plane VMs of 24 GB", source: NAMESPACE, known: "derived", ...namespaces(24),
    memory: { entitled: { "control plane VM": 24, "namespace-1": 27.07, "namespace-2": 27.07 } },
  },
  {
    name: "G1: Gold and Bronze, first pass", source: SHARES, known: "published", capacity: 200, pools: [pool("Gold", "high"), pool("Bronze", "low")],
    vms: [{ name: "gold", pool: "Gold", memoryShares: 10 }, { name: "bronze", pool: "Bronze", memoryShares: 10 }],
    memory: { entitled: { Gold: 160, Bronze: 40 } },
  },
  {
    name: "G1: Bronze demands 25 and returns 15", source: SHARES, known: "published", capacity: 200, pools: [pool("Gold", "high"), pool("Bronze", "low")],
    vms: [{ name: "gold", pool: "Gold", memoryShares: 10, demand: 180 }, { name: "bronze", pool: "Bronze", memoryShares: 10, demand: 25 }],
    memory: { entitled: { Gold: 175, Bronze: 25 } },
  },
  {
    name: "G2: a pool beside a VM", source: MIXING, known: "published", capacity: 100, pools: [pool("RP1", "normal")],
    vms: [{ name: "VM1", cpuShares: 2000 }, { name: "VM2", pool: "RP1", cpuShares: 1000 }, { name: "VM3", pool: "RP1", cpuShares: 2000 }],
    cpu: { percent: { RP1: 66.67, VM1: 33.33, VM2: 22.22 } },
  },
  {
    name: "G2: two more VMs beside it", source: MIXING, known: "published", capacity: 100, pools: [pool("RP1", "normal")],
    vms: [{ name: "VM1", cpuShares: 2000 }, { name: "VM4", cpuShares: 1000 }, { name: "VM5", cpuShares: 1000 }, { name: "VM2", pool: "RP1", cpuShares: 1000 }, { name: "VM3", pool: "RP1", cpuShares: 2000 }],
    cpu: { percent: { RP1: 50, VM1: 25, VM4: 12.5, VM5: 12.5, VM2: 16.67 } },
  },
  {
    ...scalable, name: "G4: static shares punish the fuller pool", scalesShares: false, pools: [pool("High", "high"), pool("Normal", "normal")], vms: [vms("in High", "High", 6), vms("in Normal", "Normal", 2)],
    cpu: { shares: { High: 8000, Normal: 4000 }, percent: { High: 66.67, Normal: 33.33, "in High": 11.11, "in Normal": 16.67 } },
    memory: { shares: { High: 327_680, Normal: 163_840 }, percent: { High: 66.67, Normal: 33.33, "in High": 11.11, "in Normal": 16.67 } },
  },
  {
    name: "G5: QA and Marketing on a host of 6 GHz", source: `${GUIDE}, resource pool example`, known: "recalled", capacity: 6, pools: [pool("RP-QA", "high"), pool("RP-Marketing", "normal")],
    vms: [{ name: "qa", pool: "RP-QA", cpuShares: 1000, memoryShares: 10 }, { name: "marketing", pool: "RP-Marketing", cpuShares: 1000, memoryShares: 10 }],
    cpu: { entitled: { "RP-QA": 4, "RP-Marketing": 2 } },
  },
  {
    name: "G5: and of 3 GB", source: `${GUIDE}, resource pool example`, known: "recalled", capacity: 3, pools: [pool("RP-QA", "high"), pool("RP-Marketing", "normal")],
    vms: [{ name: "qa", pool: "RP-QA", memoryShares: 10 }, { name: "marketing", pool: "RP-Marketing", memoryShares: 10 }],
    memory: { entitled: { "RP-QA": 2, "RP-Marketing": 1 } },
  },
  {
    name: "G5: two normal VMs on 8 GHz", source: `${GUIDE}, resource allocation shares`, known: "recalled", capacity: 8, pools: [], vms: [{ name: "VM", count: 2, cpuShares: 1000 }],
    cpu: { entitled: { VM: 4 } },
  },
  {
    name: "G5: a third of level high", source: `${GUIDE}, resource allocation shares`, known: "recalled", capacity: 8, pools: [], vms: [{ name: "VM", count: 2, cpuShares: 1000 }, { name: "high", cpuShares: 2000 }],
    cpu: { entitled: { high: 4, VM: 2 } },
  },
  {
    ...scalable, name: "S1: High with six VMs, Normal with two", pools: [pool("High", "high"), pool("Normal", "normal")], vms: [vms("in High", "High", 6), vms("in Normal", "Normal", 2)],
    cpu: { shares: { High: 24_000, Normal: 4000 } },
    memory: { shares: { High: 3_932_160, Normal: 655_360 } },
  },
  {
    ...scalable, known: "derived", name: "S1: and what a VM gets", pools: [pool("High", "high"), pool("Normal", "normal")], vms: [vms("in High", "High", 6), vms("in Normal", "Normal", 2)],
    cpu: { percent: { "in High": 14.29, "in Normal": 7.14 } },
    memory: { percent: { "in High": 14.29, "in Normal": 7.14 } },
  },
  {
    ...scalable, name: "S2: Normal becomes low for memory", pools: [pool("High", "high"), pool("Normal", "normal", "low")], vms: [vms("in High", "High", 6), vms("in Normal", "Normal", 2)],
    memory: { shares: { High: 7_864_320, Normal: 655_360 } },
  },
  {
    ...scalable, name: "S3: one VM with half the memory shares", pools: [pool("High", "high"), pool("Normal", "normal")],
    vms: [vms("in High", "High", 6), { ...vms("VM7", "Normal", 1), memoryShares: 163_840 }, vms("VM8", "Normal", 1)],
    memory: { shares: { High: 3_932_160, Normal: 491_520 } },
  },
  {
    ...scalable, name: "S4: a second pool of level high", pools: [pool("High", "high"), pool("High-II", "high"), pool("Normal", "normal")],
    vms: [vms("in High", "High", 6), vms("in High-II", "High-II", 2), vms("in Normal", "Normal", 2)],
    cpu: { shares: { High: 24_000, "High-II": 8000, Normal: 4000 }, percent: { "in High": 11.11, "in High-II": 11.11, "in Normal": 5.56 } },
    memory: { shares: { "High-II": 1_310_720 }, percent: { "in High": 11.11, "in High-II": 11.11, "in Normal": 5.56 } },
  },
];
