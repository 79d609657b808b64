import { allocateClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { HostRole, type Move, type PassInput, type PassRule } from "../../../src/vcenter/drs/pass/pass-input.js";

/** A VM of a made-up cluster; by default an ordinary one that runs, of 1 vCPU, without reservation. */
export interface PassVm {
  readonly host: number;
  readonly mhz: number;
  readonly mb: number;
  readonly reservedMhz?: number;
  readonly reservedMb?: number;
  readonly pod?: boolean;
  readonly need?: number;
  /** Where a migration under way takes it. */
  readonly headsFor?: number;
}

/** A made-up cluster of equal hosts. */
export interface PassWorld {
  readonly hosts: number;
  readonly vms: readonly PassVm[];
  readonly rules?: readonly PassRule[];
  readonly threshold?: number;
  /** Roles of hosts that are not HostRole.TAKES. */
  readonly roles?: Readonly<Record<number, number>>;
  /** Speed of the cores of each host, MHz; 1,250 unless stated, as HOST_MHZ has it. */
  readonly coreMhz?: readonly number[];
  readonly turn?: number;
  /** By need: the hosts that have what it asks for. */
  readonly needs?: readonly (readonly number[])[];
}

export const HOST_MHZ = 10_000;
export const HOST_MB = 100_000;
const HOST_CORES = 8;

/** The input of a pass over it; every VM is configured as large as it is busy. */
export function passInput({ hosts, vms, rules = [], threshold = 3, roles = {}, needs = [], coreMhz = [], turn = 1 }: PassWorld): PassInput {
  const tree = allocateClusterTree({ cpuMhz: hosts * HOST_MHZ, memoryMb: hosts * HOST_MB }, 1, vms.length);
  const reservedMhz = new Float64Array(hosts);
  const reservedMb = new Float64Array(hosts);
  for (const [row, vm] of vms.entries()) {
    tree.vms.host[row] = vm.host;
    tree.vms.poweredOn[row] = 1;
    tree.vms.cpu.shares[row] = 1000;
    tree.vms.cpu.sizeMhz[row] = vm.mhz;
    tree.vms.cpu.demandMhz[row] = vm.mhz;
    tree.vms.cpu.reservation[row] = vm.reservedMhz ?? 0;
    tree.vms.memory.shares[row] = 10 * vm.mb;
    tree.vms.memory.sizeMb[row] = vm.mb;
    tree.vms.memory.activeMb[row] = vm.mb;
    tree.vms.memory.consumedMb[row] = vm.mb;
    tree.vms.memory.reservation[row] = vm.reservedMb ?? 0;
    (reservedMhz[vm.host] as number) += vm.reservedMhz ?? 0;
    (reservedMb[vm.host] as number) += vm.reservedMb ?? 0;
  }
  const role = new Uint8Array(hosts).fill(HostRole.TAKES);
  for (const [host, is] of Object.entries(roles)) role[Number(host)] = is;
  // Each host has an offer of its own.
  const compatible = new Uint8Array(hosts * (needs.length + 1)).fill(1);
  for (const [index, has] of needs.entries()) for (let host = 0; host < hosts; host += 1) compatible[(index + 1) * hosts + host] = has.includes(host) ? 1 : 0;
  return {
    tree,
    hosts: { capacityMhz: new Int32Array(hosts).fill(HOST_MHZ), capacityMb: new Int32Array(hosts).fill(HOST_MB), cores: new Int32Array(hosts).fill(HOST_CORES), coreMhz: Int32Array.from({ length: hosts }, (_, host) => coreMhz[host] ?? HOST_MHZ / HOST_CORES), offer: Int32Array.from({ length: hosts }, (_, host) => host), reservedMhz, reservedMb, role },
    vms: {
      headsFor: Int32Array.from(vms, (vm) => vm.headsFor ?? vm.host),
      movable: Uint8Array.from(vms, (vm) => (vm.pod === true || vm.headsFor !== undefined ? 0 : 1)),
      numCpus: new Int32Array(vms.length).fill(1),
      usesMhz: Float64Array.from(vms, (vm) => vm.mhz),
      number: Float64Array.from(vms.keys()),
      need: Int32Array.from(vms, (vm) => vm.need ?? 0),
    },
    lookback: undefined,
    compatible,
    offers: hosts,
    turn,
    rules,
    threshold,
    memoryMetric: "active",
  };
}

/** Moves as `vm 0: 0 -> 1`. */
export function shown(moves: readonly Move[]): string[] {
  return moves.map(({ vm, from, to }) => `vm ${vm}: ${from} -> ${to}`);
}

export function between(kind: "together" | "apart", ...vms: readonly number[]): PassRule {
  return { kind, name: kind, vms: Int32Array.from(vms) };
}

/** Ties VMs to hosts of a cluster of so many. */
export function vmHost(hosts: number, vms: readonly number[], on: readonly number[], mandatory = true): PassRule {
  return { kind: "vmHost", name: "vm-host", vms: Int32Array.from(vms), mandatory, allowed: Uint8Array.from({ length: hosts }, (_, host) => (on.includes(host) ? 1 : 0)) };
}
