import type { ApplyRecommendationsRequest } from "../../gen/spheresim/vcenter/v1/drs.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { moref } from "../inventory/moref.js";
import { taskEntry } from "../store/records.js";
import { MAX_BATCH } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";
import type { VmTasks } from "../machines/vm-tasks.js";
import type { DrsPasses } from "./drs-passes.js";
import type { Recommendation } from "./recommendation.js";
import type { RecommendedMoves } from "./recommended-moves.js";

/** What the task above the migrations is called; ours, as vim25's ApplyRecommendation answers no task. */
export const APPLY_TASK = "ClusterComputeResource.applyRecommendation";

/** ApplyRecommendation: a person has recommendations carried out, below one task that ends with the last migration and with the first fault of one. */
export class Applications {
  readonly #vmTasks: VmTasks;
  readonly #passes: DrsPasses;
  readonly #moves: RecommendedMoves;

  constructor(vmTasks: VmTasks, passes: DrsPasses, moves: RecommendedMoves) {
    this.#vmTasks = vmTasks;
    this.#passes = passes;
    this.#moves = moves;
  }

  /** Throws InvalidArgument, and RecommendationExpired for the first key that is unknown, applied or of an older pass; then nothing has begun. */
  async apply({ keys }: Pick<ApplyRecommendationsRequest, "keys">): Promise<TaskInfo> {
    const chosen = this.#chosen(keys);
    // Before the first wait, so that the second of two who apply the same one comes too late.
    for (const each of chosen) this.#moves.take(each);
    const parent = await this.#parent(chosen[0]?.cluster ?? "").catch((error: unknown) => {
      for (const each of chosen) this.#moves.giveBack(each);
      throw error;
    });
    const faults: VimFault[] = [];
    const begun = await Promise.all(
      chosen.map(async (each) => {
        try {
          return (await this.#moves.begin(each, { parent })).task?.value ?? "";
        } catch (error) {
          faults.push(error instanceof VimFault ? error : VimFault.invalidState(error instanceof Error ? error.message : String(error)));
          return "";
        }
      }),
    );
    return this.#follow(parent, begun.filter((task) => task !== ""), faults);
  }

  /** Takes up the task above the migrations of the vCenter before this one; they are taken up by themselves. */
  resume(parent: TaskInfo): void {
    const { tasks } = this.#vmTasks.options;
    tasks.add(parent);
    this.#follow(parent, tasks.childrenOf(parent.task?.value ?? "").map(({ task }) => task?.value ?? ""), []);
  }

  #chosen(keys: readonly string[]): readonly Recommendation[] {
    if (keys.length === 0) throw VimFault.invalidArgument("keys", "names no recommendation");
    if (keys.length > MAX_BATCH) throw VimFault.invalidArgument("keys", `names ${keys.length} recommendations, at most ${MAX_BATCH} are taken`);
    const byKey = new Map([...this.#passes.all()].flatMap((pass) => pass.recommendations.map((each) => [each.key, each] as const)));
    const chosen = keys.map((key, index) => {
      if (keys.indexOf(key) !== index) throw VimFault.invalidArgument(`keys[${index}]`, `names "${key}", as keys[${keys.indexOf(key)}] does`);
      const recommendation = byKey.get(key);
      if (recommendation === undefined || !this.#moves.isOpen(recommendation)) throw VimFault.recommendationExpired(key);
      return recommendation;
    });
    const other = chosen.findIndex(({ cluster }) => cluster !== chosen[0]?.cluster);
    if (other !== -1) throw VimFault.invalidArgument(`keys[${other}]`, `is of cluster ${chosen[other]?.cluster}, keys[0] is of ${chosen[0]?.cluster}`);
    return chosen;
  }

  async #parent(cluster: string): Promise<TaskInfo> {
    const { inventory, tasks, counters } = this.#vmTasks.options;
    const moid = counters.next("Task");
    const entity = moref("ClusterComputeResource", cluster);
    const parent = tasks.draft({ moid, descriptionId: APPLY_TASK, entity, entityName: inventory.cluster(cluster).name, ownerUid: "", vmUuid: "", host: undefined, ephemeralDiskUuid: "" });
    tasks.add(parent);
    try {
      await this.#vmTasks.commit({ puts: [taskEntry(parent)] });
    } catch (error) {
      tasks.withdraw(moid);
      throw error;
    }
    return parent;
  }

  #follow(parent: TaskInfo, children: readonly string[], faults: VimFault[]): TaskInfo {
    const { tasks, closing } = this.#vmTasks.options;
    const moid = parent.task?.value ?? "";
    let ended = 0;
    const work = async (): Promise<undefined> => {
      await Promise.all(
        children.map(async (child) => {
          await this.#vmTasks.ended(child);
          ended += 1;
          const { fault, localizedMessage = "" } = tasks.get(child)?.error ?? {};
          if (fault !== undefined) faults.push(new VimFault(localizedMessage, fault));
          if (!closing.aborted) tasks.progress(moid, Math.floor((100 * ended) / children.length));
        }),
      );
      closing.throwIfAborted();
      if (faults[0] !== undefined) throw faults[0];
      await this.#vmTasks.conclude(moid);
    };
    return this.#vmTasks.run(parent, { work, undo: () => this.#vmTasks.conclude(moid) });
  }
}
