import type { Clock } from "../../../src/base/clock.js";
import { Dice } from "../../../src/base/seeded-random.js";
import type { Amount } from "../../../src/vcenter/drs/amount.js";
import { type DrsRule, isObeyed } from "../../../src/vcenter/drs/rules/rule.js";
import { activeEstimate, type ActiveAverages, follow } from "../../../src/vcenter/activity/active-estimate.js";
import { distributionOf } from "../distribution.js";
import { drsMinute } from "./drs-minute.js";
import { useAt } from "./guest-use.js";
import { LoadMeter, type Spread, type Stretch, type Unserved } from "./load-meter.js";
import { type Placer, placerNamed, type PlacerName } from "./placers.js";
import { VcenterMemory } from "./vcenter-memory.js";
import { CORE_MHZ, type Guest, isPod, type Workload } from "./workload.js";

/** ESXi samples active memory, and DRS looks, every 60 s. */
const SAMPLE_S = 60;
const HOUR_S = 3600;

/** A guest on its host. */
export interface RunningGuest {
  readonly guest: Guest;
  host: number;
  /** What it wants now, a VM's overhead left aside. */
  now: Amount;
  /** What vCenter takes it to use: active memory falls slowly in ESXi's estimate. */
  seen: Amount;
  readonly averages: ActiveAverages;
  /** The most memory it wanted so far: a guest hardly ever gives back what it touched. */
  mostMb: number;
}

/** What came of a replay. */
export interface ReplayFigures {
  readonly placer: PlacerName;
  readonly pods: { readonly asked: number; readonly admitted: number };
  /** Ordinary VMs that were to be powered on during the replay. */
  readonly vms: { readonly asked: number; readonly admitted: number };
  readonly unserved: Unserved;
  readonly spread: Spread;
  /** Placements and moves after which a must rule was broken. */
  readonly ruleViolations: number;
  readonly migrations: number;
  /** By the median decision: a pause of the machine is nobody's. */
  readonly decisionsPerSecond: number;
  readonly hours: readonly Stretch[];
}

/** Replays a workload under one placer. The same seed draws the same hosts among equals. `clock` measures decisions. */
export function replay(workload: Workload, name: PlacerName, seed: number, clock: Clock): ReplayFigures {
  return new Replay(workload, placerNamed(name, workload.hosts.length), seed, clock).run();
}

function begun(guest: Guest, host: number, now: Amount): RunningGuest {
  return { guest, host, now, seen: now, averages: { fast: now.memoryMb, slow: now.memoryMb }, mostMb: now.memoryMb };
}

type Arrival = { readonly atS: number; readonly guest: Guest; readonly isArrival: boolean };

class Replay {
  readonly #workload: Workload;
  readonly #placer: Placer;
  readonly #clock: Clock;
  readonly #vcenter: VcenterMemory;
  readonly #meter: LoadMeter;
  readonly #running = new Map<string, RunningGuest>();
  readonly #refused = new Map<string, RunningGuest>();
  readonly #rulesOf = new Map<string, DrsRule[]>();
  readonly #counts = { pods: { asked: 0, admitted: 0 }, vms: { asked: 0, admitted: 0 }, ruleViolations: 0, migrations: 0 };
  readonly #decisionsMs: number[] = [];

  constructor(workload: Workload, placer: Placer, seed: number, clock: Clock) {
    this.#workload = workload;
    this.#placer = placer;
    this.#clock = clock;
    this.#vcenter = new VcenterMemory({ workload, scorer: placer.scorer, dice: new Dice(seed) });
    this.#meter = new LoadMeter(workload.hosts.map(({ cores, memoryMb }) => ({ cpuMhz: cores * CORE_MHZ, memoryMb })), HOUR_S);
    for (const rule of workload.rules) for (const vm of rule.vms) this.#rulesOf.set(vm, [...(this.#rulesOf.get(vm) ?? []), rule]);
  }

  run(): ReplayFigures {
    const { guests, endS } = this.#workload;
    const samples = this.#placer.runs || guests.some(({ use }) => use.kind !== "constant");
    for (const guest of guests) if (guest.foundOn !== undefined) this.#find(guest, guest.foundOn);
    let nextSampleS = samples ? SAMPLE_S : Infinity;
    for (const event of eventsOf(this.#workload)) {
      for (; nextSampleS <= event.atS; nextSampleS += SAMPLE_S) this.#sample(nextSampleS);
      this.#meter.advanceTo(event.atS);
      if (event.isArrival) this.#arrive(event.guest, event.atS);
      else this.#leave(event.guest);
    }
    for (; nextSampleS <= endS; nextSampleS += SAMPLE_S) this.#sample(nextSampleS);
    this.#meter.advanceTo(endS);
    const { pods, vms, ruleViolations, migrations } = this.#counts;
    return {
      placer: this.#placer.name,
      pods,
      vms,
      unserved: this.#meter.unserved,
      spread: this.#meter.spread,
      ruleViolations,
      migrations,
      decisionsPerSecond: 1000 / distributionOf(this.#decisionsMs).p50Ms,
      hours: this.#meter.stretches,
    };
  }

  #find(guest: Guest, host: number): void {
    const now = useAt(guest.use, guest.arriveS);
    this.#vcenter.find(guest, host, now);
    this.#start(guest, host, now);
  }

  #arrive(guest: Guest, atS: number): void {
    const now = useAt(guest.use, atS);
    const counts = isPod(guest) ? this.#counts.pods : this.#counts.vms;
    counts.asked += 1;
    this.#placer.ask(guest.request);
    const fromMs = this.#clock.nowMs();
    const recommended = this.#vcenter.recommend(guest, now);
    this.#decisionsMs.push(this.#clock.nowMs() - fromMs);
    if (recommended === undefined) {
      this.#refused.set(guest.id, begun(guest, -1, now));
      this.#meter.want(undefined, withOverhead(guest, now), 1);
      return;
    }
    counts.admitted += 1;
    this.#vcenter.apply(guest, recommended.key, recommended.host, now);
    this.#start(guest, recommended.host, now);
  }

  #start(guest: Guest, host: number, now: Amount): void {
    this.#running.set(guest.id, begun(guest, host, now));
    this.#meter.want(host, withOverhead(guest, now), 1);
    this.#placer.book(host, guest.request, 1);
    this.#checkRules(guest);
  }

  #leave(guest: Guest): void {
    const running = this.#running.get(guest.id);
    const gone = running ?? this.#refused.get(guest.id);
    if (gone === undefined) return;
    this.#meter.want(running?.host, withOverhead(guest, gone.now), -1);
    this.#refused.delete(guest.id);
    if (running === undefined) return;
    this.#running.delete(guest.id);
    this.#vcenter.remove(guest);
    this.#placer.book(running.host, guest.request, -1);
  }

  /** What guests use is read, and DRS, where it runs, looks and moves. */
  #sample(atS: number): void {
    this.#meter.advanceTo(atS);
    for (const running of this.#running.values()) if (this.#follow(running, running.host, atS)) this.#vcenter.use(running.guest, running.seen);
    for (const refused of this.#refused.values()) this.#follow(refused, undefined, atS);
    if (!this.#placer.runs) return;
    for (const { guest, to } of drsMinute(this.#workload, [...this.#running.values()], this.#vcenter, atS)) this.#move(guest, to);
  }

  /** Whether what it uses, or is taken to use, changed. */
  #follow(running: RunningGuest, host: number | undefined, atS: number): boolean {
    const { guest, now } = running;
    if (guest.use.kind === "constant") return false;
    const next = useAt(guest.use, atS);
    follow(running.averages, now.memoryMb);
    const before = running.seen;
    running.seen = { cpuMhz: next.cpuMhz, memoryMb: activeEstimate(running.averages, next.memoryMb) };
    const changed = before.cpuMhz !== running.seen.cpuMhz || before.memoryMb !== running.seen.memoryMb;
    if (next.cpuMhz === now.cpuMhz && next.memoryMb === now.memoryMb) return changed;
    this.#meter.want(host, now, -1);
    this.#meter.want(host, next, 1);
    running.now = next;
    running.mostMb = Math.max(running.mostMb, next.memoryMb);
    return changed;
  }

  #move(running: RunningGuest, to: number): void {
    const { guest } = running;
    const wanted = withOverhead(guest, running.now);
    this.#meter.want(running.host, wanted, -1);
    this.#placer.book(running.host, guest.request, -1);
    running.host = to;
    this.#meter.want(to, wanted, 1);
    this.#placer.book(to, guest.request, 1);
    this.#vcenter.move(guest, to);
    this.#counts.migrations += 1;
    this.#checkRules(guest);
  }

  #checkRules({ id }: Guest): void {
    for (const rule of this.#rulesOf.get(id) ?? []) if (!isObeyed(rule, (vm) => this.#vcenter.inventory.hostsOf(vm))) this.#counts.ruleViolations += 1;
  }
}

/** Arrivals and departures in order of time; of the same second departures first, then as the workload has them. */
function eventsOf({ guests, endS }: Workload): Arrival[] {
  const events: Arrival[] = [];
  for (const guest of guests) {
    if (guest.foundOn === undefined) events.push({ atS: guest.arriveS, guest, isArrival: true });
    // Who arrives and leaves in one second leaves after it came.
    if (guest.leaveS < endS) events.push({ atS: Math.max(guest.leaveS, guest.arriveS + 1), guest, isArrival: false });
  }
  return events.toSorted((left, right) => left.atS - right.atS || Number(left.isArrival) - Number(right.isArrival));
}

function withOverhead({ config }: Guest, { cpuMhz, memoryMb }: Amount): Amount {
  return { cpuMhz, memoryMb: memoryMb + config.overheadMemoryMb };
}
