import { type Amount, RESOURCES } from "../../../src/vcenter/drs/amount.js";

/** What was wanted over time and not given, MHz·s and MB·s. */
export interface Unserved {
  readonly demand: Amount;
  /** Wanted of hosts beyond what they have. */
  readonly short: Amount;
  /** Wanted by guests that no host took. */
  readonly refused: Amount;
  /** Wanted beyond what all hosts have together: no placer could have given it. */
  readonly unavoidable: Amount;
}

/** How unequal the loads of the hosts are, as parts of capacity, means over time. */
export interface Spread {
  readonly standardDeviation: number;
  /** Most loaded less least loaded. */
  readonly range: number;
}

/** A stretch of time. */
export interface Stretch extends Unserved {
  readonly fromS: number;
}

type Sums = { cpuMhz: number; memoryMb: number };

const FIGURES = ["demand", "short", "refused", "unavoidable"] as const;
type Figure = (typeof FIGURES)[number];

const zero = (): Sums => ({ cpuMhz: 0, memoryMb: 0 });

/**
 * Keeps the books of a replay: what guests want of each host at this moment, and over time what of it the hosts cannot give and how far
 * their loads lie apart. Load is the larger of wanted CPU / capacity and wanted memory / capacity, as in DRS's pass (drs/pass/layout.ts).
 * What a host cannot give is independent of how it divides the rest: it gives what it has (drs/pass/host-grants.ts).
 *
 * Example: hosts of 100 and 100 MHz, 130 MHz wanted of the first, 40 of the second, for 10 s: 1,700 MHz·s wanted, 300 not given; loads 1.3
 * and 0.4: standard deviation 0.45, range 0.9.
 */
export class LoadMeter {
  readonly #capacities: readonly Amount[];
  readonly #wanted: readonly Sums[];
  readonly #refused = zero();
  readonly #stretchS: number;
  readonly #stretches: ({ readonly fromS: number } & Readonly<Record<Figure, Sums>>)[] = [];
  #deviationTime = 0;
  #rangeTime = 0;
  #nowS = 0;

  /** Figures over time come in stretches of `stretchS`. */
  constructor(capacities: readonly Amount[], stretchS: number) {
    this.#capacities = capacities;
    this.#wanted = capacities.map(zero);
    this.#stretchS = stretchS;
  }

  /** So much more is wanted of a host from now on, or less; of no host: by a guest that was refused. */
  want(host: number | undefined, amount: Amount, sign: 1 | -1): void {
    const sums = host === undefined ? this.#refused : this.#wanted[host];
    if (sums === undefined) throw new RangeError(`there is no host ${host}`);
    for (const resource of RESOURCES) sums[resource] += sign * amount[resource];
  }

  /** Load of a host now. */
  load(host: number): number {
    return Math.max(...RESOURCES.map((resource) => (this.#wanted[host]?.[resource] ?? 0) / (this.#capacities[host]?.[resource] ?? 0)));
  }

  /** Time goes on, and all is wanted as before until then. */
  advanceTo(nowS: number): void {
    while (this.#nowS < nowS) {
      const fromS = Math.floor(this.#nowS / this.#stretchS) * this.#stretchS;
      const untilS = Math.min(nowS, fromS + this.#stretchS);
      this.#count(fromS, untilS - this.#nowS);
      this.#nowS = untilS;
    }
  }

  get unserved(): Unserved {
    const total = emptyFigures();
    for (const stretch of this.#stretches) for (const key of FIGURES) for (const resource of RESOURCES) total[key][resource] += stretch[key][resource];
    return total;
  }

  get spread(): Spread {
    return { standardDeviation: this.#nowS === 0 ? 0 : this.#deviationTime / this.#nowS, range: this.#nowS === 0 ? 0 : this.#rangeTime / this.#nowS };
  }

  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  #count(fromS: number, seconds: number): void {
    const last = this.#stretches[this.#stretches.length - 1];
    const stretch = last?.fromS === fromS ? last : { fromS, ...emptyFigures() };
    if (stretch !== last) this.#stretches.push(stretch);
    const wantedNow = { ...this.#refused };
    const capacity = zero();
    let [sum, squares, most, least] = [0, 0, 0, Infinity];
    this.#wanted.forEach((wanted, host) => {
      for (const resource of RESOURCES) {
        const has = this.#capacities[host]?.[resource] ?? 0;
        wantedNow[resource] += wanted[resource];
        capacity[resource] += has;
        stretch.short[resource] += Math.max(0, wanted[resource] - has) * seconds;
      }
      const load = this.load(host);
      sum += load;
      squares += load * load;
      most = Math.max(most, load);
      least = Math.min(least, load);
    });
    for (const resource of RESOURCES) {
      stretch.demand[resource] += wantedNow[resource] * seconds;
      stretch.refused[resource] += this.#refused[resource] * seconds;
      stretch.unavoidable[resource] += Math.max(0, wantedNow[resource] - capacity[resource]) * seconds;
    }
    const mean = sum / this.#wanted.length;
    this.#deviationTime += Math.sqrt(Math.max(0, squares / this.#wanted.length - mean * mean)) * seconds;
    this.#rangeTime += (most - least) * seconds;
  }
}

function emptyFigures(): Record<Figure, Sums> {
  return { demand: zero(), short: zero(), refused: zero(), unavoidable: zero() };
}
