import type { KeyValueEntry } from "./key-value.js";

/** Where a ring lies and how much it holds. */
export interface PageRingOptions {
  /** Its pages lie below. */
  readonly prefix: string;
  readonly pages: number;
  readonly entriesAPage: number;
}

/** One page: JSON texts of entries, the first of which has the number `first`. */
interface Page {
  readonly first: number;
  readonly texts: string[];
}

/**
 * The last entries of a log as records of etcd: pages on a ring, of which a new one takes the place of the oldest, so that nothing is ever
 * deleted. Entry n, counted from 0, stands on page `floor(n / entriesAPage) % pages`. All pages but one are full, so at least
 * `(pages - 1) * entriesAPage` entries are kept.
 *
 * Example of three pages of two: after the entries a to g, page 0 has g (first 6), page 1 has c and d (first 2), page 2 has e and f (first 4).
 */
export class PageRing {
  readonly #options: PageRingOptions;
  /** Pages that etcd does not have as they are now, by their place, the oldest first. */
  readonly #unsaved = new Map<number, Page>();
  #open: Page = { first: 0, texts: [] };

  constructor(options: PageRingOptions) {
    this.#options = options;
  }

  /** Takes up what etcd has; answers its entries, oldest first. Called before the first `append`. */
  restore(entries: readonly KeyValueEntry[]): unknown[] {
    const { prefix, entriesAPage } = this.#options;
    const pages = entries
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ value }) => JSON.parse(value) as { readonly first: number; readonly entries: readonly unknown[] })
      .sort((left, right) => left.first - right.first);
    const newest = pages.at(-1);
    if (newest !== undefined) this.#open = newest.entries.length < entriesAPage ? { first: newest.first, texts: newest.entries.map((entry) => JSON.stringify(entry)) } : { first: newest.first + entriesAPage, texts: [] };
    return pages.flatMap((page) => page.entries);
  }

  /** Adds an entry, which must be JSON. */
  append(entry: unknown): void {
    const { pages, entriesAPage } = this.#options;
    this.#open.texts.push(JSON.stringify(entry));
    const place = (this.#open.first / entriesAPage) % pages;
    // A page of the round before that was never saved makes way; the new one is the newest of all.
    if (this.#unsaved.get(place) !== this.#open) this.#unsaved.delete(place);
    this.#unsaved.set(place, this.#open);
    if (this.#open.texts.length === entriesAPage) this.#open = { first: this.#open.first + entriesAPage, texts: [] };
  }

  /** Whether etcd has all, or is about to. */
  get isSaved(): boolean {
    return this.#unsaved.size === 0;
  }

  /** Hands the oldest pages that etcd does not have, one at least and at most so many bytes, to `save`, and answers whether there were any; should that fail, they are due again unless they have grown or made way meanwhile. */
  async save(mostBytes: number, save: (puts: readonly KeyValueEntry[]) => Promise<unknown>): Promise<boolean> {
    const due: (readonly [number, Page])[] = [];
    const puts: KeyValueEntry[] = [];
    let bytes = 0;
    for (const [place, page] of this.#unsaved) {
      const value = `{"first":${page.first},"entries":[${page.texts.join(",")}]}`;
      bytes += Buffer.byteLength(value);
      if (puts.length > 0 && bytes > mostBytes) break;
      due.push([place, page]);
      puts.push({ key: `${this.#options.prefix}${String(place).padStart(3, "0")}`, value });
    }
    if (due.length === 0) return false;
    for (const [place] of due) this.#unsaved.delete(place);
    try {
      await save(puts);
      return true;
    } catch (error) {
      const later = [...this.#unsaved];
      this.#unsaved.clear();
      for (const [place, page] of due) if (!later.some(([taken]) => taken === place)) this.#unsaved.set(place, page);
      for (const [place, page] of later) this.#unsaved.set(place, page);
      throw error;
    }
  }
}
