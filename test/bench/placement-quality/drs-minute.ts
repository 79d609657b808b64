import { allocateClusterTree, type ClusterTree } from "../../../src/vcenter/drs/entitlement/cluster-tree.js";
import { drsPass } from "../../../src/vcenter/drs/pass/drs-pass.js";
import { lookbackMinutes } from "../../../src/vcenter/drs/pass/lookback.js";
import { HostRole, type LookbackColumns, type PassInput, type PassRule } from "../../../src/vcenter/drs/pass/pass-input.js";
import type { DrsRule } from "../../../src/vcenter/drs/rules/rule.js";
import { useAt } from "./guest-use.js";
import type { RunningGuest } from "./replay.js";
import type { VcenterMemory } from "./vcenter-memory.js";
import { CORE_MHZ, isPod, type Workload } from "./workload.js";

/** vSphere's default: a VM moves where the loads of two hosts differ by more than 20 %. */
const MIGRATION_THRESHOLD = 3;
const MINUTE_S = 60;

/** A VM to move, and the host it should move to. */
export interface VmMove {
  readonly guest: RunningGuest;
  readonly to: number;
}

/** DRS's pass as it is due each minute, over all that runs: which ordinary VMs should move. */
export function drsMinute(workload: Workload, running: readonly RunningGuest[], vcenter: VcenterMemory, nowS: number): VmMove[] {
  const { moves } = drsPass(passInput(workload, running, vcenter, nowS));
  return moves.flatMap(({ vm, to }) => {
    const guest = running[vm];
    return guest === undefined ? [] : [{ guest, to }];
  });
}

function passInput({ hosts, rules }: Workload, running: readonly RunningGuest[], vcenter: VcenterMemory, nowS: number): PassInput {
  const capacityMhz = Int32Array.from(hosts, ({ cores }) => cores * CORE_MHZ);
  const capacityMb = Int32Array.from(hosts, ({ memoryMb }) => memoryMb);
  const tree = allocateClusterTree({ cpuMhz: capacityMhz.reduce(sum), memoryMb: capacityMb.reduce(sum) }, 1, running.length);
  const reservedMhz = new Float64Array(hosts.length);
  const reservedMb = new Float64Array(hosts.length);
  for (const [row, { guest, host, seen, mostMb }] of running.entries()) {
    const { cpu, memory } = tree.vms;
    const { config } = guest;
    const isOfPod = isPod(guest);
    tree.vms.host[row] = host;
    tree.vms.poweredOn[row] = 1;
    cpu.reservation[row] = config.cpuAllocation?.reservation ?? 0;
    cpu.shares[row] = config.cpuAllocation?.shares?.shares ?? 0;
    cpu.sizeMhz[row] = config.numCpus * CORE_MHZ;
    // Of pods DRS knows what it predicted when it placed them.
    cpu.demandMhz[row] = isOfPod ? vcenter.demandOf(guest).cpuMhz : seen.cpuMhz;
    memory.reservation[row] = config.memoryAllocation?.reservation ?? 0;
    memory.shares[row] = config.memoryAllocation?.shares?.shares ?? 0;
    memory.sizeMb[row] = config.memoryMb;
    memory.activeMb[row] = isOfPod ? (memory.reservation[row] ?? 0) : seen.memoryMb;
    memory.consumedMb[row] = isOfPod ? config.memoryMb : Math.max(mostMb, seen.memoryMb);
    memory.overheadMb[row] = config.overheadMemoryMb;
    reservedMhz[host] = (reservedMhz[host] ?? 0) + (cpu.reservation[row] ?? 0);
    reservedMb[host] = (reservedMb[host] ?? 0) + (memory.reservation[row] ?? 0) + config.overheadMemoryMb;
  }
  const rowOf = new Map(running.map(({ guest }, row) => [guest.id, row]));
  return {
    tree,
    hosts: { capacityMhz, capacityMb, cores: Int32Array.from(hosts, ({ cores }) => cores), coreMhz: new Int32Array(hosts.length).fill(CORE_MHZ), offer: new Int32Array(hosts.length), reservedMhz, reservedMb, role: new Uint8Array(hosts.length).fill(HostRole.TAKES) },
    vms: {
      headsFor: Int32Array.from(running, ({ host }) => host),
      movable: Uint8Array.from(running, ({ guest }) => (isPod(guest) ? 0 : 1)),
      numCpus: Int32Array.from(running, ({ guest }) => guest.config.numCpus),
      usesMhz: tree.vms.cpu.demandMhz.slice(),
      number: Float64Array.from(running.keys()),
      need: new Int32Array(running.length),
    },
    lookback: lookback(tree, running, nowS),
    compatible: Uint8Array.of(1),
    offers: 1,
    turn: 1,
    rules: rules.map((rule) => passRule(rule, rowOf, hosts)),
    threshold: MIGRATION_THRESHOLD,
    memoryMetric: "active",
  };
}

/** What VMs used on average over the minutes DRS looks back on. */
function lookback({ vms: { cpu, memory } }: ClusterTree, running: readonly RunningGuest[], nowS: number): LookbackColumns {
  const columns = { usesMhz: cpu.demandMhz.slice(), demandMhz: cpu.demandMhz.slice(), activeMb: memory.activeMb.slice() };
  for (const [row, { guest }] of running.entries()) {
    if (isPod(guest) || guest.use.kind === "constant") continue;
    const minutes = lookbackMinutes(MIGRATION_THRESHOLD, guest.config.memoryMb);
    let [count, mhz, mb] = [0, 0, 0];
    for (let atS = nowS; atS >= guest.arriveS && count < minutes; atS -= MINUTE_S) {
      const { cpuMhz, memoryMb } = useAt(guest.use, atS);
      count += 1;
      mhz += cpuMhz;
      mb += memoryMb;
    }
    columns.usesMhz[row] = mhz / Math.max(1, count);
    columns.demandMhz[row] = mhz / Math.max(1, count);
    columns.activeMb[row] = mb / Math.max(1, count);
  }
  return columns;
}

function passRule(rule: DrsRule, rowOf: ReadonlyMap<string, number>, hosts: Workload["hosts"]): PassRule {
  const vms = Int32Array.from([...rule.vms].flatMap((id) => rowOf.get(id) ?? []));
  if (rule.kind !== "vmHost") return { kind: rule.kind, name: rule.name, vms };
  return { kind: "vmHost", name: rule.name, vms, mandatory: rule.mandatory, allowed: Uint8Array.from(hosts, ({ name }) => (rule.hosts.has(name) === rule.affine ? 1 : 0)) };
}

function sum(left: number, right: number): number {
  return left + right;
}
