import { nextTurn, type Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { Pace } from "../../base/pace.js";
import { Periodic } from "../../base/periodic.js";
import type { Inventory } from "../inventory/inventory.js";
import { SAMPLE_PERIOD_MS } from "./varying-use.js";

/** Has the ledger follow the activity of running VMs: one timer for all, of which only those are read whose use changes with time. */
export class ActivityRounds {
  readonly #inventory: Inventory;
  readonly #monotonic: Clock;
  readonly #periodic: Periodic;
  #closed = false;

  /** `clock` is the emulated one. */
  constructor(inventory: Inventory, clock: Clock, monotonic: Clock, log: Logger) {
    this.#inventory = inventory;
    this.#monotonic = monotonic;
    this.#periodic = new Periodic({ everyMs: SAMPLE_PERIOD_MS, clock, work: () => this.round(), failed: (error) => log.error({ err: error }, "a round over the activity of virtual machines failed") });
    this.#periodic.start();
  }

  /** Reads every VM once. By the clock it gives way to others: after a leap of time a VM costs what an hour of minutes costs. */
  async round(): Promise<void> {
    const pace = new Pace(this.#monotonic);
    for (const moid of this.#inventory.meter.varying) {
      this.#inventory.readUse(moid);
      if (!pace.isOver) continue;
      await nextTurn();
      if (this.#closed) return;
      pace.begin();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#periodic.close();
  }
}
