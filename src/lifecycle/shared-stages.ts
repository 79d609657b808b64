/**
 * Work that many ask for and that is done once: whoever comes while it is under way waits for the same end. Nothing is kept afterwards,
 * so its size is bounded by those who wait.
 *
 * Example: two images of one chain call `join("fetch/<disk>", ...)` at the same time: one fetch, both go on when it has ended.
 */
export class SharedStages {
  readonly #underWay = new Map<string, Promise<void>>();

  join(stage: string, work: () => Promise<void>): Promise<void> {
    const known = this.#underWay.get(stage);
    if (known !== undefined) return known;
    const begun = work().finally(() => this.#underWay.delete(stage));
    this.#underWay.set(stage, begun);
    return begun;
  }
}
