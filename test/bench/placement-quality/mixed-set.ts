import { Dice } from "../../../src/base/seeded-random.js";
import type { Amount } from "../../../src/vcenter/drs/amount.js";
import type { DrsRule } from "../../../src/vcenter/drs/rules/rule.js";
import { podConfig, vmConfig } from "./guest-configs.js";
import type { GuestUse } from "./guest-use.js";
import { CORE_MHZ, type Guest, type Request, type Workload, type WorkloadHost } from "./workload.js";

const HOUR_S = 3600;
const END_S = 24 * HOUR_S;
/** A third of the hosts is of the larger kind. */
const SMALL = { cores: 32, memoryMb: 262_144 };
const LARGE = { cores: 64, memoryMb: 524_288 };
/** For each host: ordinary VMs found there, those powered on in the course of the day, and pods. */
const FOUND = 9;
const LATER = 3;
const PODS = 40;

/** What there is too little of on a busy host: CPU, memory, now one and now the other. */
export const LEANINGS = ["cpu and memory", "cpu", "memory"] as const;
export type Leaning = (typeof LEANINGS)[number];

/** GB of memory for each virtual CPU of an ordinary VM, and the part of the CPU use drawn that counts. Hosts have 8 GB for each core. */
const LEAN: Readonly<Record<Leaning, { readonly gbPerCpu: readonly number[]; readonly cpu: number }>> = {
  "cpu and memory": { gbPerCpu: [4, 8, 12], cpu: 0.9 },
  cpu: { gbPerCpu: [2, 4], cpu: 1 },
  memory: { gbPerCpu: [8, 12], cpu: 0.5 },
};

/** How many hosts, what they are short of, and which seed. */
export interface MixedSetOptions {
  readonly hosts: number;
  readonly leaning: Leaning;
  readonly seed: number;
}

/**
 * A day of a cluster with ordinary VMs, busy and idle ones, and pods side by side. VMs reserve at most a tenth of their size; they are constantly
 * busy, follow the day, fall idle some time, or are idle all the time, a project alike, and a project's VMs stand together: three of four are
 * found where somebody put them, the last is powered on during the day. Pods come all day and stay for some hours.
 */
export function mixedSet({ hosts: hostCount, leaning, seed }: MixedSetOptions): Workload {
  const dice = new Dice(seed).fork("mixed");
  const lean = LEAN[leaning];
  const hosts = Array.from({ length: hostCount }, (_, index): WorkloadHost => ({ name: `esxi-${String(index + 1).padStart(3, "0")}`, ...(index % 3 === 2 ? LARGE : SMALL) }));
  const found = foundVms(hosts, lean, dice.fork("found"));
  const later = Array.from({ length: LATER * hostCount }, (_, index) => laterVm(`vm-later-${index}`, lean, dice.fork(`later/${index}`)));
  const pods = Array.from({ length: PODS * hostCount }, (_, index) => pod(`pod-${index}`, dice.fork(`pod/${index}`)));
  const guests = [...found, ...later, ...pods].toSorted((left, right) => left.arriveS - right.arriveS);
  return { name: `mixed, short of ${leaning === "cpu" ? "CPU" : leaning === "memory" ? "memory" : "both"}`, hosts, guests, rules: rulesFor(hosts, found, later, pods), endS: END_S };
}

/** VMs project by project; a project fills one host, on average as many as there are hosts. */
function foundVms(hosts: readonly WorkloadHost[], lean: Lean, dice: Dice): Guest[] {
  return hosts.flatMap(({ cores }, host) => {
    const habit = dice.pick(HABITS);
    const count = Math.round((FOUND * cores) / 40);
    return Array.from({ length: count }, (_, index) => {
      const own = dice.fork(`${host}/${index}`);
      // One in four is a stranger to the project.
      return ordinaryVm(`vm-${host}-${index}`, own.next() < 0.75 ? habit : own.pick(HABITS), lean, own, 0, host);
    });
  });
}

function laterVm(id: string, lean: Lean, dice: Dice): Guest {
  return ordinaryVm(id, dice.pick(HABITS), lean, dice, Math.floor(dice.next() * 0.75 * END_S), undefined);
}

const HABITS = ["busy", "wave", "fallsIdle", "idle"] as const;
type Habit = (typeof HABITS)[number];
type Lean = (typeof LEAN)[Leaning];

function ordinaryVm(id: string, habit: Habit, lean: Lean, dice: Dice, arriveS: number, foundOn: number | undefined): Guest {
  const numCpus = dice.pick([2, 4, 4, 8, 8, 16]);
  const memoryMb = numCpus * 1024 * dice.pick(lean.gbPerCpu);
  const size = { cpuMhz: numCpus * CORE_MHZ, memoryMb };
  const reserved = partOf(size, 0.1 * dice.next(), 0.1 * dice.next());
  return {
    id,
    config: vmConfig(id, numCpus, memoryMb, reserved),
    request: { cpuMilli: Math.ceil((reserved.cpuMhz * 1000) / CORE_MHZ), memoryMib: reserved.memoryMb },
    use: useOf(habit, size, lean.cpu, dice),
    arriveS,
    leaveS: END_S,
    foundOn,
  };
}

function useOf(habit: Habit, size: Amount, cpu: number, dice: Dice): GuestUse {
  const busy = partOf(size, cpu * (0.4 + 0.5 * dice.next()), 0.5 + 0.4 * dice.next());
  const idle = partOf(size, cpu * 0.05 * dice.next(), 0.05 + 0.1 * dice.next());
  switch (habit) {
    case "busy":
      return { kind: "constant", always: busy };
    case "idle":
      return { kind: "constant", always: idle };
    case "wave":
      return { kind: "dailyWave", low: idle, high: busy, peakHour: 9 + dice.int(9) };
    case "fallsIdle":
      return { kind: "idleAfter", busy, idle, untilS: (2 + dice.int(20)) * HOUR_S };
  }
}

/** Pods ask for what they need at least and may use up to three times as much. */
function pod(id: string, dice: Dice): Guest {
  const request = { cpuMilli: 250 * dice.pick([1, 2, 2, 4, 4, 8, 16]), memoryMib: 512 * dice.pick([1, 2, 2, 4, 8, 16]) };
  const limit = { cpuMilli: request.cpuMilli * dice.pick([1, 2, 3]), memoryMib: request.memoryMib * dice.pick([1, 1.5, 2]) };
  const arriveS = Math.floor(dice.next() * END_S);
  const staysS = Math.round(HOUR_S * (0.25 + 8 * dice.next() ** 2));
  return {
    id,
    config: podConfig(id, request, limit),
    request,
    use: { kind: "constant", always: between(request, limit, dice.next(), dice.next()) },
    arriveS,
    leaveS: arriveS + staysS,
    foundOn: undefined,
  };
}

function partOf(size: Amount, cpu: number, memory: number): Amount {
  return { cpuMhz: Math.round(size.cpuMhz * cpu), memoryMb: Math.round(size.memoryMb * memory) };
}

function between(request: Request, limit: Request, cpu: number, memory: number): Amount {
  const at = (low: number, high: number, part: number): number => low + (high - low) * part;
  return { cpuMhz: Math.round((at(request.cpuMilli, limit.cpuMilli, cpu) * CORE_MHZ) / 1000), memoryMb: Math.round(at(request.memoryMib, limit.memoryMib, memory)) };
}

/**
 * Musts of every kind, none of them broken when the day begins and no guest in two of them: databases kept apart, a front end kept with its cache,
 * licensed hosts, hosts to be kept clear, replicas of pods kept apart.
 */
function rulesFor(hosts: readonly WorkloadHost[], found: readonly Guest[], later: readonly Guest[], pods: readonly Guest[]): DrsRule[] {
  const ids = (guests: readonly Guest[]): ReadonlySet<string> => new Set(guests.map(({ id }) => id));
  const groups = Math.max(1, Math.floor(hosts.length / 8));
  const laterOnes = [...later];
  const firstOf = (host: number): Guest[] => found.filter((guest) => guest.foundOn === host % hosts.length).slice(0, 1);
  const licensed = new Set(hosts.filter((_, index) => index % 4 === 0).map(({ name }) => name));
  const cleared = new Set(hosts.filter((_, index) => index % 4 === 1).map(({ name }) => name));
  const rules: DrsRule[] = [];
  let key = 0;
  const next = (): { readonly key: number; readonly name: string } => {
    key += 1;
    return { key, name: `rule-${key}` };
  };
  for (let group = 0; group < groups; group += 1) {
    const at = 8 * group;
    rules.push({ kind: "apart", ...next(), vms: ids([...firstOf(at), ...firstOf(at + 1), ...laterOnes.splice(0, 2)]) });
    rules.push({ kind: "together", ...next(), vms: ids([...firstOf(at + 2), ...laterOnes.splice(0, 1)]) });
    rules.push({ kind: "vmHost", ...next(), vms: ids([...firstOf(at + 4), ...laterOnes.splice(0, 2)]), hosts: licensed, affine: true, mandatory: true });
    rules.push({ kind: "vmHost", ...next(), vms: ids([...firstOf(at + 3), ...laterOnes.splice(0, 2)]), hosts: cleared, affine: false, mandatory: true });
    rules.push({ kind: "apart", ...next(), vms: ids(pods.slice(group * 6, group * 6 + 6)) });
  }
  return rules;
}
