import type { Amount } from "./amount.js";
import type { Booking } from "./host-table.js";

/** What one VM, or one hold for a VM to come, takes from a host and a pool. */
export interface Claim extends Booking {
  readonly host: string;
  /** Undefined for a VM that is on its way to another host: its pool has booked it already. */
  readonly pool: string | undefined;
}

const FIRST_ROWS = 64;
/** Figures of a claim: CPU and memory reserved, active and demanded. */
const FIGURES = 6;

/**
 * Claims by id, each as a row of figures: with a hundred thousand VMs an object with three amounts for each would take four times the
 * memory. A row that was taken out is used again.
 */
export class ClaimTable {
  readonly #rowById = new Map<string, number>();
  readonly #freeRows: number[] = [];
  readonly #hosts: string[] = [];
  readonly #pools: (string | undefined)[] = [];
  #figures = new Float64Array(FIRST_ROWS * FIGURES);
  #poweredOn = new Uint8Array(FIRST_ROWS);

  /** Puts a claim in; there must be none of this id. */
  put(id: string, claim: Claim): void {
    const row = this.#freeRows.pop() ?? this.#hosts.length;
    if (row >= this.#poweredOn.length) this.#grow();
    this.#rowById.set(id, row);
    this.#hosts[row] = claim.host;
    this.#pools[row] = claim.pool;
    this.#poweredOn[row] = claim.poweredOn ? 1 : 0;
    const { reserved, active, demand } = claim;
    this.#figures.set([reserved.cpuMhz, reserved.memoryMb, active.cpuMhz, active.memoryMb, demand.cpuMhz, demand.memoryMb], row * FIGURES);
  }

  get(id: string): Claim | undefined {
    const row = this.#rowById.get(id);
    if (row === undefined) return undefined;
    return {
      host: this.#hosts[row] ?? "",
      pool: this.#pools[row],
      reserved: this.#amount(row, 0),
      active: this.#amount(row, 2),
      demand: this.#amount(row, 4),
      poweredOn: this.#poweredOn[row] === 1,
    };
  }

  /** Changes what a claim uses and is expected to use; an unknown one is no matter. */
  use(id: string, active: Amount, demand: Amount): void {
    const row = this.#rowById.get(id);
    if (row !== undefined) this.#figures.set([active.cpuMhz, active.memoryMb, demand.cpuMhz, demand.memoryMb], row * FIGURES + 2);
  }

  /** Takes a claim out; undefined where there is none of this id. */
  take(id: string): Claim | undefined {
    const claim = this.get(id);
    const row = this.#rowById.get(id);
    if (claim === undefined || row === undefined) return undefined;
    this.#rowById.delete(id);
    this.#hosts[row] = "";
    this.#pools[row] = undefined;
    this.#freeRows.push(row);
    return claim;
  }

  #amount(row: number, offset: number): Amount {
    const at = row * FIGURES + offset;
    return { cpuMhz: this.#figures[at] ?? 0, memoryMb: this.#figures[at + 1] ?? 0 };
  }

  #grow(): void {
    const figures = new Float64Array(2 * this.#figures.length);
    figures.set(this.#figures);
    this.#figures = figures;
    const poweredOn = new Uint8Array(2 * this.#poweredOn.length);
    poweredOn.set(this.#poweredOn);
    this.#poweredOn = poweredOn;
  }
}
