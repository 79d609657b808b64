import type { Change, Commit } from "./change.js";
import type { Watcher } from "./watcher.js";

/** Selections kept; those of more ranges are made again. */
const MAX_SELECTIONS = 64;

/** A piece of history without a hole, and what watches want of it: those of one range that are equally far behind want the same. */
export class HistorySlice {
  readonly commits: readonly Commit[];
  /** Every change up to this revision is in `commits`. */
  readonly upTo: number;
  readonly #selections = new Map<string, readonly Change[]>();

  constructor(commits: readonly Commit[], upTo: number) {
    this.commits = commits;
    this.upTo = upTo;
  }

  /** The changes that a watch wants which goes on where the slice begins. The list is shared. */
  select(watcher: Watcher): readonly Change[] {
    const { range, skipPuts, skipDeletes } = watcher.options;
    const name = `${range.start.length}:${range.start}${range.end ?? ""}:${range.end === undefined}${skipPuts}${skipDeletes}`;
    let selected = this.#selections.get(name);
    if (selected === undefined) {
      const wanted: Change[] = [];
      for (const { changes } of this.commits) for (const change of changes) if (watcher.wants(change)) wanted.push(change);
      selected = wanted;
      if (this.#selections.size < MAX_SELECTIONS) this.#selections.set(name, selected);
    }
    return selected;
  }
}
