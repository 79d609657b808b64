import type { ApplyRecommendationsRequest } from "../../gen/spheresim/vcenter/v1/drs.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { moref } from "../inventory/moref.js";
import { taskEntry } from "../store/records.js";
import { MAX_BATCH } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";
import type { PowerOnRecommendations } from "../machines/power-on-recommendations.js";
import type { VmTasks } from "../machines/vm-tasks.js";
import type { DrsPasses } from "./drs-passes.js";
import type { RecommendedMoves } from "./recommended-moves.js";

/** What the task above the migrations is called; ours, as vim25's ApplyRecommendation answers no task. */
export const APPLY_TASK = "ClusterComputeResource.applyRecommendation";

/** A recommendation somebody may have carried out. */
interface Applicable {
  readonly cluster: string;
  take(): void;
  giveBack(): void;
  begin(parent: TaskInfo): Promise<TaskInfo>;
}

/** ApplyRecommendation: a person has recommendations carried out, below one task that ends with the last migration or power-on and with the first fault of one. */
export class Applications {
  readonly #vmTasks: VmTasks;
  readonly #passes: DrsPasses;
  readonly #moves: RecommendedMoves;
  readonly #powerOns: PowerOnRecommendations;

  constructor(vmTasks: VmTasks, passes: DrsPasses, moves: RecommendedMoves, powerOns: PowerOnRecommendations) {
    this.#vmTasks = vmTasks;
    this.#passes = passes;
    this.#moves = moves;
    this.#powerOns = powerOns;
  }

  /** Throws InvalidArgument, and RecommendationExpired for the first key that is unknown, applied, of an older pass or past its time; then nothing has begun. */
  async apply({ keys }: Pick<ApplyRecommendationsRequest, "keys">): Promise<TaskInfo> {
    const chosen = this.#chosen(keys);
    // Before the first wait, so that the second of two who apply the same one comes too late.
    for (const each of chosen) each.take();
    const parent = await this.#parent(chosen[0]?.cluster ?? "").catch((error: unknown) => {
      for (const each of chosen) each.giveBack();
      throw error;
    });
    const faults: VimFault[] = [];
    const begun = await Promise.all(
      chosen.map(async (each) => {
        try {
          return (await each.begin(parent)).task?.value ?? "";
        } catch (error) {
          faults.push(error instanceof VimFault ? error : VimFault.invalidState(error instanceof Error ? error.message : String(error)));
          return "";
        }
      }),
    );
    return this.#follow(parent, begun.filter((task) => task !== ""), faults);
  }

  /** Takes up the task above those of the vCenter before this one; they are taken up by themselves. What had failed by then stands in its record. */
  resume(record: TaskInfo): void {
    const { tasks } = this.#vmTasks.options;
    const { fault, localizedMessage = "" } = record.error ?? {};
    const parent: TaskInfo = { ...record, error: undefined };
    tasks.add(parent);
    this.#follow(parent, tasks.childrenOf(parent.task?.value ?? "").map(({ task }) => task?.value ?? ""), fault === undefined ? [] : [new VimFault(localizedMessage, fault)]);
  }

  #chosen(keys: readonly string[]): readonly Applicable[] {
    if (keys.length === 0) throw VimFault.invalidArgument("keys", "names no recommendation");
    if (keys.length > MAX_BATCH) throw VimFault.invalidArgument("keys", `names ${keys.length} recommendations, at most ${MAX_BATCH} are taken`);
    const chosen = keys.map((key, index) => {
      if (keys.indexOf(key) !== index) throw VimFault.invalidArgument(`keys[${index}]`, `names "${key}", as keys[${keys.indexOf(key)}] does`);
      const found = this.#move(key) ?? this.#powerOn(key);
      if (found === undefined) throw VimFault.recommendationExpired(key);
      return found;
    });
    const other = chosen.findIndex(({ cluster }) => cluster !== chosen[0]?.cluster);
    if (other !== -1) throw VimFault.invalidArgument(`keys[${other}]`, `is of cluster ${chosen[other]?.cluster}, keys[0] is of ${chosen[0]?.cluster}`);
    return chosen;
  }

  #move(key: string): Applicable | undefined {
    const moves = this.#moves;
    for (const { recommendations } of this.#passes.all()) {
      const found = recommendations.find((each) => each.key === key);
      if (found === undefined || !moves.isOpen(found)) continue;
      return { cluster: found.cluster, take: () => moves.take(found), giveBack: () => moves.giveBack(found), begin: (parent) => moves.begin(found, { parent }) };
    }
    return undefined;
  }

  #powerOn(key: string): Applicable | undefined {
    const found = this.#powerOns.open(key);
    if (found === undefined) return undefined;
    const turn = (state: "open" | "taken") => () => void (found.state = state);
    return { cluster: found.cluster, take: turn("taken"), giveBack: turn("open"), begin: (parent) => this.#powerOns.begin(found, parent) };
  }

  #parent(cluster: string): Promise<TaskInfo> {
    return this.#vmTasks.above(APPLY_TASK, moref("ClusterComputeResource", cluster), this.#vmTasks.options.inventory.cluster(cluster).name);
  }

  /** The children's records go with their end: who takes the task up later must know that it does not end well. */
  async #recordFault(parent: TaskInfo, { methodFault }: VimFault): Promise<void> {
    await this.#vmTasks.commit({ puts: [taskEntry({ ...parent, error: methodFault })] });
  }

  #follow(parent: TaskInfo, children: readonly string[], faults: VimFault[]): TaskInfo {
    const { tasks, closing } = this.#vmTasks.options;
    const moid = parent.task?.value ?? "";
    let ended = 0;
    const work = async (): Promise<undefined> => {
      if (faults[0] !== undefined) await this.#recordFault(parent, faults[0]);
      await Promise.all(
        children.map(async (child) => {
          await this.#vmTasks.ended(child);
          ended += 1;
          const { fault, localizedMessage = "" } = tasks.get(child)?.error ?? {};
          if (fault !== undefined) faults.push(new VimFault(localizedMessage, fault));
          if (fault !== undefined && faults.length === 1 && faults[0] !== undefined) await this.#recordFault(parent, faults[0]);
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
