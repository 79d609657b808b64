import type { Commit } from "../watch/change.js";

const MAX_COMMITS = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** The newest commits in memory, so that a watch that starts a little in the past, or fell a little behind, needs no disk. */
export class RecentCommits {
  #commits: Commit[] = [];
  #head = 0;
  #bytes = 0;

  /** Adds the next revision and forgets old ones beyond the limits. */
  add(commit: Commit): void {
    this.#commits.push(commit);
    this.#bytes += sizeOf(commit);
    while (this.#commits.length - this.#head > MAX_COMMITS || (this.#bytes > MAX_BYTES && this.#commits.length - this.#head > 1)) {
      this.#bytes -= sizeOf(this.#commits[this.#head] as Commit);
      this.#head += 1;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#commits.length) {
      this.#commits = this.#commits.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Up to `count` commits from revision `from` on; undefined if memory does not reach back so far. */
  from(from: number, count: number): readonly Commit[] | undefined {
    const first = this.#commits[this.#head];
    // Revisions have no holes, so the position follows from the number.
    if (first === undefined || from < first.revision) return undefined;
    const start = this.#head + (from - first.revision);
    return this.#commits.slice(start, start + count);
  }
}

/** Roughly what a commit keeps alive: row, previous row, encoded events. */
function sizeOf(commit: Commit): number {
  let bytes = 100;
  for (const change of commit.changes) bytes += 200 + change.row.length * 4;
  return bytes;
}
