import type { ContainerAsk } from "../../../src/vcenter/drs/pod-size.js";

/**
 * Figures others published, which sizing and admission must meet. `known` says how: `published` stands in the source; `derived` follows
 * from it by arithmetic; `recalled` is the vendor's but was not read again for this file.
 */
export interface Golden {
  readonly name: string;
  readonly source: string;
  readonly known: "published" | "derived" | "recalled";
}

const MIB = 1024n * 1024n;
const SCHEDULING = "F. Denneman, Scheduling vSphere Pods (2020-03-20)";
const NAMESPACE = "F. Denneman, vSphere Supervisor Namespace (2020-04-01)";
const EXPANDABLE = "F. Denneman, Expandable reservation on resource pools, how does it work? (2013-02-12)";
const GUIDE = "vSphere Resource Management Guide";

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
}

const unstated = { cpuShares: 1000, reservedCpuMilli: 0, reservedMemoryMb: 0 };

/** Per container the largest of 0.5 core and 512 MB, request and limit; their sum; requests become reservations; shares are normal. */
export const sizings: readonly Sizing[] = [
  { ...unstated, name: "one container, nothing set", source: NAMESPACE, known: "published", containers: [{}], numCpus: 1, memoryMb: 512, memoryShares: 5120, overheadMemoryMb: 23 },
  { ...unstated, name: "two containers, nothing set", source: SCHEDULING, known: "derived", containers: [{}, {}], numCpus: 1, memoryMb: 1024, memoryShares: 10_240, overheadMemoryMb: 26 },
  { ...unstated, name: "three containers, nothing set", source: SCHEDULING, known: "derived", containers: [{}, {}, {}], numCpus: 2, memoryMb: 1536, cpuShares: 2000, memoryShares: 15_360, overheadMemoryMb: 34 },
  {
    name: "cassandra-0: requests as limits",
    source: SCHEDULING,
    known: "published",
    containers: [{ requestCpuMilli: 500, limitCpuMilli: 500, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 1024n * MIB }],
    numCpus: 1,
    memoryMb: 1024,
    cpuShares: 1000,
    memoryShares: 10_240,
    reservedCpuMilli: 500,
    reservedMemoryMb: 1024,
    overheadMemoryMb: 26,
  },
  {
    name: "two containers, limits twice their requests",
    source: SCHEDULING,
    known: "derived",
    containers: [1, 2].map(() => ({ requestCpuMilli: 1000, limitCpuMilli: 2000, requestMemoryBytes: 1024n * MIB, limitMemoryBytes: 2048n * MIB })),
    numCpus: 4,
    memoryMb: 4096,
    cpuShares: 4000,
    memoryShares: 40_960,
    reservedCpuMilli: 2000,
    reservedMemoryMb: 2048,
    overheadMemoryMb: 61,
  },
];

/** Overhead of a VM by memory and vCPUs, MB as printed; a reservation takes the next whole one. */
export const overheads: Golden & { readonly numCpus: readonly number[]; readonly rows: readonly { readonly memoryMb: number; readonly overheadMb: readonly number[] }[] } = {
  name: "overhead memory on virtual machines",
  source: GUIDE,
  known: "recalled",
  numCpus: [1, 2, 4, 8],
  rows: [
    { memoryMb: 256, overheadMb: [20.29, 24.28, 32.23, 48.16] },
    { memoryMb: 1024, overheadMb: [25.9, 29.91, 37.86, 53.82] },
    { memoryMb: 4096, overheadMb: [48.64, 52.72, 60.67, 76.78] },
    { memoryMb: 16_384, overheadMb: [139.62, 143.98, 151.93, 168.6] },
  ],
};

/** A choice between hosts of 100 GB, in GB. A's use is not stated in the source; any of 60 and more does. */
export const threeHosts: Golden & { readonly hosts: readonly { readonly name: string; readonly reserved: number; readonly active: number }[]; readonly wanted: number; readonly chosen: string; readonly unreservedThen: Readonly<Record<string, number>> } = {
  name: "three hosts of 100 GB",
  source: SCHEDULING,
  known: "published",
  hosts: [
    { name: "A", reserved: 60, active: 60 },
    { name: "B", reserved: 40, active: 70 },
    { name: "C", reserved: 40, active: 45 },
  ],
  wanted: 35,
  chosen: "C",
  unreservedThen: { A: 5, B: 25, C: 25 },
};

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
  readonly refused?: { readonly pool: string; readonly wanted: number; readonly unreserved: number };
  readonly admitted?: { readonly pool: string; readonly wanted: number };
}

/** Reservations up the tree. */
export const poolTrees: readonly PoolGolden[] = [
  {
    name: "R1: five VMs of 5 in C, which has 20, borrow 5 from B",
    source: EXPANDABLE,
    known: "published",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "A", parent: "root", reserved: 50, expandable: true },
      { name: "B", parent: "A", reserved: 30, expandable: true },
      { name: "C", parent: "B", reserved: 20, expandable: true, vms: [5, 5, 5, 5, 5] },
    ],
    used: { C: 25, B: 25, A: 30, root: 50 },
    unreserved: { B: 5 + 20 + 50 },
  },
  {
    name: "R3: fixed pools",
    source: `${GUIDE}, valid cluster, all resource pools of type fixed`,
    known: "published",
    pools: [
      { name: "root", reserved: 12, expandable: false },
      { name: "RP1", parent: "root", reserved: 4, expandable: false, vms: [4] },
      { name: "RP2", parent: "root", reserved: 4, expandable: false, vms: [3] },
      { name: "RP3", parent: "root", reserved: 3, expandable: false, vms: [3] },
    ],
    used: { root: 11 },
    unreserved: { root: 1, RP1: 0, RP2: 1, RP3: 0 },
  },
  {
    name: "R4: expandable pools use up the root",
    source: `${GUIDE}, valid cluster, some resource pools of type expandable`,
    known: "published",
    pools: [
      { name: "root", reserved: 16, expandable: false },
      { name: "RP1", parent: "root", reserved: 4, expandable: true, vms: [2, 2, 2] },
      { name: "RP2", parent: "root", reserved: 5, expandable: false, vms: [3] },
      { name: "RP3", parent: "root", reserved: 5, expandable: true, vms: [3, 2] },
    ],
    used: { root: 16 },
    unreserved: { RP1: 0, RP2: 2, RP3: 0 },
    refused: { pool: "RP3", wanted: 2, unreserved: 0 },
  },
  {
    name: "R6: KID borrows from MOM while MOM has it",
    source: `${GUIDE}, expandable reservations example 1`,
    known: "recalled",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "MOM", parent: "root", reserved: 6, expandable: false, vms: [1] },
      { name: "KID", parent: "MOM", reserved: 2, expandable: true, vms: [2] },
    ],
    admitted: { pool: "KID", wanted: 2 },
  },
  {
    name: "R6: and not when MOM's own VMs reserve 3",
    source: `${GUIDE}, expandable reservations example 2`,
    known: "recalled",
    pools: [
      { name: "root", reserved: 100, expandable: false },
      { name: "MOM", parent: "root", reserved: 6, expandable: false, vms: [3] },
      { name: "KID", parent: "MOM", reserved: 2, expandable: true, vms: [2] },
    ],
    refused: { pool: "KID", wanted: 2, unreserved: 1 },
  },
];
