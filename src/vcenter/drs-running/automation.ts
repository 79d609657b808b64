import type { Logger } from "../../base/log.js";
import { RpcError } from "../../base/rpc-error.js";
import { TaskReason } from "../../gen/spheresim/vim/v1/task.js";
import type { Inventory } from "../inventory/inventory.js";
import { VimFault } from "../vim-fault.js";
import type { VmTasks } from "../machines/vm-tasks.js";
import type { ClusterPass } from "./cluster-pass.js";
import { isFullyAutomated } from "./drs-passes.js";
import type { Recommendation } from "./recommendation.js";
import type { RecommendedMoves } from "./recommended-moves.js";

/** So many migrations DRS has under way in a cluster at a time; each host has its own limit besides (migrations.ts). Ours. */
const MAX_AT_A_TIME = 64;

/** What carrying out by itself needs. */
export interface AutomationOptions {
  readonly inventory: Inventory;
  readonly vmTasks: Pick<VmTasks, "ended">;
  readonly moves: RecommendedMoves;
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** What DRS does in one cluster: what of the last pass has not begun, and how much is under way. */
interface Line {
  waiting: Recommendation[];
  running: number;
}

/**
 * Carries out what passes recommend where DRS is fully automated, in their order: what must be done first. What has not begun when the next
 * pass is over is left to that one.
 */
export class Automation {
  readonly #options: AutomationOptions;
  /** By cluster. */
  readonly #lines = new Map<string, Line>();

  constructor(options: AutomationOptions) {
    this.#options = options;
  }

  /** Begins with the recommendations of a pass. */
  take({ rows: { cluster }, recommendations }: ClusterPass): void {
    const line = this.#lines.get(cluster) ?? { waiting: [], running: 0 };
    this.#lines.set(cluster, line);
    line.waiting = [...recommendations];
    this.#goOn(cluster, line);
  }

  #goOn(cluster: string, line: Line): void {
    const { inventory, closing } = this.#options;
    while (!closing.aborted && line.running < MAX_AT_A_TIME && isFullyAutomated(inventory.cluster(cluster).drsConfig)) {
      const next = line.waiting.shift();
      if (next === undefined) return;
      line.running += 1;
      void this.#carryOut(next).finally(() => {
        line.running -= 1;
        this.#goOn(cluster, line);
      });
    }
  }

  /** Resolves when the migration has ended, or is not to be. */
  async #carryOut(recommendation: Recommendation): Promise<void> {
    const { vmTasks, moves, closing, log } = this.#options;
    if (!moves.isOpen(recommendation)) return;
    moves.take(recommendation);
    try {
      const task = await moves.begin(recommendation, { reason: TaskReason.SYSTEM });
      await vmTasks.ended(task.task?.value ?? "");
    } catch (error) {
      if (closing.aborted) return;
      // Things have changed since the pass; the next one sees how.
      const { vmName, targetName } = recommendation;
      if (error instanceof VimFault || error instanceof RpcError) log.info({ vm: vmName, host: targetName, reason: error.message }, "a recommendation of DRS could not be carried out");
      else log.error({ err: error, vm: vmName, host: targetName }, "a recommendation of DRS failed for an unforeseen reason");
    }
  }
}
