import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { PassThread } from "../drs/pass/pass-thread.js";
import type { EventLog } from "../events/event-log.js";
import type { Migrations } from "../machines/migrations.js";
import type { PowerOnRecommendations } from "../machines/power-on-recommendations.js";
import type { RuleTable } from "../clusters/rule-table.js";
import type { VmTasks } from "../machines/vm-tasks.js";
import { Applications } from "./applications.js";
import { Automation } from "./automation.js";
import { DrsPasses } from "./drs-passes.js";
import { RecommendedMoves } from "./recommended-moves.js";

/** What running DRS needs. */
export interface DrsOptions {
  readonly vmTasks: VmTasks;
  readonly rules: RuleTable;
  readonly migrations: Migrations;
  readonly powerOns: PowerOnRecommendations;
  readonly events: EventLog;
  readonly epoch: bigint;
  /** Emulated time. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  readonly closing: AbortSignal;
}

/** DRS running: a pass each minute in a thread of its own, and what becomes of its recommendations. */
export class Drs {
  readonly passes: DrsPasses;
  readonly moves: RecommendedMoves;
  readonly powerOns: PowerOnRecommendations;
  readonly applications: Applications;
  readonly #thread: PassThread;

  constructor({ vmTasks, rules, migrations, powerOns, events, epoch, clock, monotonic, log, closing }: DrsOptions) {
    const { inventory, tasks } = vmTasks.options;
    this.#thread = new PassThread(monotonic);
    this.powerOns = powerOns;
    this.moves = new RecommendedMoves({ inventory, tasks, migrations });
    const automation = new Automation({ inventory, vmTasks, moves: this.moves, closing, log });
    this.passes = new DrsPasses({ inventory, rules, tasks, run: (input) => this.#thread.run(input), clock, events, epoch, log, closing, onPass: (pass) => automation.take(pass) });
    this.applications = new Applications(vmTasks, this.passes, this.moves, powerOns);
    this.passes.start();
  }

  /** Ends the pass under way; the caller has aborted `closing`. */
  async close(): Promise<void> {
    await this.#thread.close();
    await this.passes.close();
  }
}
