/**
 * Who reads in slices at which revision: what such a reader still has to read must not be deleted under it (etcd's range holds the
 * store's read lock, and a compaction waits for it).
 *
 * Example: one reads at 5, one at 9. A compaction at 7 waits for the first alone, one at 5 for nobody: what a reader at 5 sees is kept.
 */
export class ReadHolds {
  readonly #held = new Set<{ readonly revision: number; readonly done: Promise<void> }>();

  /** Keeps what a reader at `revision` sees; returns how to let go of it. */
  take(revision: number): () => void {
    let end: () => void = () => undefined;
    const hold = { revision, done: new Promise<void>((resolve) => (end = resolve)) };
    this.#held.add(hold);
    return () => {
      this.#held.delete(hold);
      end();
    };
  }

  /** Resolves when those who now read at revisions below `revision` have finished. */
  async free(revision: number): Promise<void> {
    const before = [...this.#held].filter((hold) => hold.revision < revision);
    await Promise.all(before.map(({ done }) => done));
  }
}
