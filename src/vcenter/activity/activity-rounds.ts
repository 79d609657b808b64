import { nextTurn, type Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { Periodic } from "../../base/periodic.js";
import type { Inventory } from "../inventory/inventory.js";
import { SAMPLE_PERIOD_MS } from "./varying-use.js";

/** So many VMs are read at a stretch, about a millisecond. */
const AT_A_STRETCH = 500;

/** Has the ledger follow the activity of running VMs: one timer for all, of which only those are read whose use changes with time. */
export class ActivityRounds {
  readonly #inventory: Inventory;
  readonly #periodic: Periodic;
  #closed = false;

  /** `clock` is the emulated one. */
  constructor(inventory: Inventory, clock: Clock, log: Logger) {
    this.#inventory = inventory;
    this.#periodic = new Periodic({ everyMs: SAMPLE_PERIOD_MS, clock, work: () => this.round(), failed: (error) => log.error({ err: error }, "a round over the activity of virtual machines failed") });
    this.#periodic.start();
  }

  /** Reads every VM once. */
  async round(): Promise<void> {
    let count = 0;
    for (const moid of this.#inventory.meter.varying) {
      this.#inventory.readUse(moid);
      count += 1;
      if (count % AT_A_STRETCH === 0) await nextTurn();
      if (this.#closed) return;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#periodic.close();
  }
}
