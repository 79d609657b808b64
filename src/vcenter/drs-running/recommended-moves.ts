import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { Inventory } from "../inventory/inventory.js";
import type { Migrations, MigrateWish } from "../machines/migrations.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import { isEnabled } from "./drs-passes.js";
import type { Recommendation } from "./recommendation.js";

/** What carrying recommendations out needs. */
export interface RecommendedMovesOptions {
  readonly inventory: Inventory;
  readonly tasks: TaskRegistry;
  readonly migrations: Pick<Migrations, "migrate">;
}

/** Carries recommendations out, each once at most, and knows which still stand. */
export class RecommendedMoves {
  readonly #options: RecommendedMovesOptions;

  constructor(options: RecommendedMovesOptions) {
    this.#options = options;
  }

  /** Whether it can be carried out as far as can be told without trying: DRS is on, and the VM runs where the pass saw it and is not held by a task. */
  isOpen({ state, cluster, vm: moid, source }: Recommendation): boolean {
    const { inventory, tasks } = this.#options;
    const vm = inventory.findVm(moid);
    return state === "open" && isEnabled(inventory.cluster(cluster).drsConfig) && vm !== undefined && vm.isOn && vm.host === source && vm.migration === undefined && tasks.holderOf(moid) === undefined;
  }

  /** Whether it is worth listing: it can be carried out, or just is. */
  stands(recommendation: Recommendation): boolean {
    const { state, task } = recommendation;
    if (state !== "taken") return this.isOpen(recommendation);
    // Without a task it is just being stored.
    return task === undefined || isUnderWay(this.#options.tasks.get(task));
  }

  /** Marks it, so that nobody else begins it. */
  take(recommendation: Recommendation): void {
    recommendation.state = "taken";
  }

  /** Takes the mark away: nothing has begun. */
  giveBack(recommendation: Recommendation): void {
    recommendation.state = "open";
  }

  /**
   * Begins the migration of a recommendation that was taken; resolves once that is durable. The host is asked once more whether it takes the VM,
   * rules included as they are now; only VMs that belong together may be apart on the way, as one of them goes first. Throws the VimFault that
   * keeps the VM.
   */
  async begin(recommendation: Recommendation, asked: Pick<MigrateWish, "parent" | "reason">): Promise<TaskInfo> {
    try {
      const { inventory, migrations } = this.#options;
      const { vm, target } = recommendation;
      const task = await migrations.migrate(inventory.vm(vm), { ...asked, host: target, goesAhead: true });
      recommendation.task = task.task?.value;
      return task;
    } catch (error) {
      recommendation.state = "dropped";
      throw error;
    }
  }
}

function isUnderWay(task: TaskInfo | undefined): boolean {
  return task !== undefined && task.completeTime === undefined;
}
