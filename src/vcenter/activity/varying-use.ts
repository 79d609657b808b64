import type { ActivityProfile } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { type Amount, NOTHING } from "../drs/amount.js";
import { activeEstimate, type ActiveAverages, follow } from "./active-estimate.js";
import { useAt } from "./activity.js";

/** ESXi samples active memory every 60 s (Mem.SamplePeriod, default 60); emulated time. */
export const SAMPLE_PERIOD_MS = 60_000;
/** Minutes an estimate remembers: by then the slow average has forgotten all but one part in 500. */
const MOST_REMEMBERED = 60;

/**
 * What one VM has used that uses now more, now less: its active memory as ESXi estimates it, and averages of what it used. No sample is kept: an
 * activity profile says what was at any time, so an average needs its sum alone, from which the sample that leaves is taken again.
 *
 * Example, looked back on over 2 minutes: minutes of 100, 300 and 500 MHz average to 100, 200 and 400.
 */
export class VaryingUse implements ActiveAverages {
  readonly activity: ActivityProfile;
  fast: number;
  slow: number;
  /** Memory it consumes, as of the last reading, MB. */
  consumedMb = 0;
  /** The sample period it was first seen in, and the last one that is taken in. */
  readonly #began: number;
  #minute: number;
  /** Of the last minutes that are looked back on. */
  #window = 0;
  #cpuMhz = 0;
  #memoryMb = 0;

  constructor(activity: ActivityProfile, nowMs: number) {
    this.activity = activity;
    this.#began = minuteOf(nowMs);
    this.#minute = this.#began;
    const { memoryMb } = useAt(activity, nowMs);
    this.fast = memoryMb;
    this.slow = memoryMb;
  }

  /** Active memory now, of a VM that uses `memoryMb` at this moment. */
  activeMb(memoryMb: number, nowMs: number): number {
    this.#advance(nowMs);
    return activeEstimate(this, memoryMb);
  }

  /** What it used on average over the last so many minutes, this one included, or for as long as it is known. */
  average(minutes: number, nowMs: number): Amount {
    this.#advance(nowMs);
    if (this.#window !== minutes) this.#sumUp(minutes);
    const known = Math.min(minutes, this.#minute - this.#began + 1);
    return { cpuMhz: this.#cpuMhz / known, memoryMb: this.#memoryMb / known };
  }

  /** Takes in the periods that are over. Longer ago than an estimate remembers nothing counts, however far time has leapt. */
  #advance(nowMs: number): void {
    const minute = minuteOf(nowMs);
    if (minute <= this.#minute) return;
    for (let over = Math.max(this.#minute, minute - MOST_REMEMBERED); over < minute; over += 1) follow(this, this.#at(over).memoryMb);
    const leaps = minute - this.#minute > MOST_REMEMBERED;
    if (!leaps && this.#window > 0) for (let came = this.#minute + 1; came <= minute; came += 1) this.#slide(came);
    this.#minute = minute;
    if (leaps) this.#window = 0;
  }

  #slide(came: number): void {
    const [enters, left] = [this.#at(came), came - this.#window];
    const leaves = left < this.#began ? NOTHING : this.#at(left);
    this.#cpuMhz += enters.cpuMhz - leaves.cpuMhz;
    this.#memoryMb += enters.memoryMb - leaves.memoryMb;
  }

  #sumUp(minutes: number): void {
    this.#window = minutes;
    this.#cpuMhz = 0;
    this.#memoryMb = 0;
    for (let minute = Math.max(this.#began, this.#minute - minutes + 1); minute <= this.#minute; minute += 1) {
      const { cpuMhz, memoryMb } = this.#at(minute);
      this.#cpuMhz += cpuMhz;
      this.#memoryMb += memoryMb;
    }
  }

  /** What it used at the beginning of a minute. */
  #at(minute: number): Amount {
    return useAt(this.activity, minute * SAMPLE_PERIOD_MS);
  }
}

function minuteOf(nowMs: number): number {
  return Math.floor(nowMs / SAMPLE_PERIOD_MS);
}
