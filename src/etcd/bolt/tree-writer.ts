import { ELEMENT_BYTES, PAGE_BYTES, PAGE_HEAD_BYTES } from "./format.js";
import { type BranchElement, branchPage, type LeafElement, leafPage, pagesFor } from "./leaf-page.js";

/** Elements a page may count. */
const MAX_ELEMENTS = 0xffff;

/** The page of one height that is being filled. */
interface Level<E> {
  elements: E[];
  bytes: number;
  /** Pages of this height that are finished. */
  finished: number;
}

/**
 * Makes the pages of one bucket from its rows in key order, each page as soon as it is full, so that no more than one page of each height is
 * held. Pages get their ids in the order in which they are finished; a row that is larger than a page has one of its own, with overflow.
 *
 * Example from page 3 on, with room for two elements in a page: rows a b c d e make leaf 3 (a b), leaf 4 (c d), and at the end leaf 5 (e), branch 6
 * (3 4), branch 7 (5), branch 8 (6 7), which is the root.
 */
export class TreeWriter {
  readonly #leaves: Level<LeafElement> = newLevel();
  readonly #branches: Level<BranchElement>[] = [];
  #nextPage: number;
  #finished: Buffer[] = [];

  constructor(firstPage: number) {
    this.#nextPage = firstPage;
  }

  /** The page after those of the tree so far. */
  get nextPage(): number {
    return this.#nextPage;
  }

  /** Takes the next row; returns the pages that are finished now, in order. */
  add(key: Buffer, value: Buffer): Buffer[] {
    const level = this.#leaves;
    const bytes = ELEMENT_BYTES + key.length + value.length;
    if (isFull(level, bytes)) this.#finishLeaf();
    level.elements.push({ key, value, flags: 0 });
    level.bytes += bytes;
    return this.#take();
  }

  /** Ends a tree of at least one row; returns the last pages and the id of the root. */
  finish(): { readonly pages: Buffer[]; readonly root: number } {
    let root = this.#finishLeaf();
    let { finished } = this.#leaves;
    for (let height = 0; finished > 1; height += 1) {
      root = this.#finishBranch(height);
      finished = (this.#branches[height] as Level<BranchElement>).finished;
    }
    return { pages: this.#take(), root };
  }

  #take(): Buffer[] {
    if (this.#finished.length === 0) return NO_PAGES;
    const pages = this.#finished;
    this.#finished = [];
    return pages;
  }

  #finishLeaf(): number {
    const { elements, bytes } = this.#leaves;
    const page = this.#assign(bytes);
    this.#finished.push(leafPage(page, elements));
    close(this.#leaves);
    this.#addBranch(0, { key: (elements[0] as LeafElement).key, page });
    return page;
  }

  #finishBranch(height: number): number {
    const level = this.#branches[height] as Level<BranchElement>;
    const { elements, bytes } = level;
    const page = this.#assign(bytes);
    this.#finished.push(branchPage(page, elements));
    close(level);
    this.#addBranch(height + 1, { key: (elements[0] as BranchElement).key, page });
    return page;
  }

  #addBranch(height: number, element: BranchElement): void {
    const level = (this.#branches[height] ??= newLevel());
    const bytes = ELEMENT_BYTES + element.key.length;
    if (isFull(level, bytes)) this.#finishBranch(height);
    level.elements.push(element);
    level.bytes += bytes;
  }

  #assign(bytes: number): number {
    const page = this.#nextPage;
    this.#nextPage += pagesFor(bytes);
    return page;
  }
}

const NO_PAGES: Buffer[] = [];

function newLevel<E>(): Level<E> {
  return { elements: [], bytes: PAGE_HEAD_BYTES, finished: 0 };
}

function isFull<E>(level: Level<E>, bytes: number): boolean {
  return level.elements.length > 0 && (level.bytes + bytes > PAGE_BYTES || level.elements.length === MAX_ELEMENTS);
}

function close<E>(level: Level<E>): void {
  level.elements = [];
  level.bytes = PAGE_HEAD_BYTES;
  level.finished += 1;
}
