import { BUCKET_ELEMENT, BUCKET_HEAD_BYTES, metaPage, PAGE_BYTES, PAGE_FLAG, writePageHead } from "./format.js";
import { type BoltRow, type LeafElement, leafPage, pageBytes, pagesFor } from "./leaf-page.js";
import { TreeWriter } from "./tree-writer.js";

/** A bucket whose rows can be read again and again, always the same, in key order. */
export interface BoltBucket {
  readonly name: string;
  rows(): AsyncIterable<readonly BoltRow[]>;
}

/** Where the rows of a bucket lie: in the root page itself, or in a tree of their own. */
type Placed = { readonly bucket: BoltBucket } & ({ readonly inline: readonly LeafElement[] } | { readonly firstPage: number; readonly root: number });

const FREELIST_PAGE = 2;
const FIRST_PAGE = 3;
/** bbolt keeps a bucket in its parent's page up to a quarter of a page. */
const MAX_INLINE_BYTES = PAGE_BYTES / 4;
/** Transaction ids of the two meta pages; bbolt writes the even one to page 0. Both describe the same state. */
const TRANSACTIONS = [2, 3] as const;

/**
 * A bbolt file that is made page by page and never held as a whole. The meta pages come first and name what comes last, so all rows are read
 * twice: once to find where each tree ends, once to write it.
 */
export class BoltImage {
  readonly #placed: readonly Placed[];
  readonly #rootPage: number;
  readonly #pages: number;

  private constructor(placed: readonly Placed[], nextPage: number) {
    this.#placed = placed;
    this.#rootPage = nextPage;
    let content = 0;
    for (const each of placed) content += each.bucket.name.length + BUCKET_HEAD_BYTES + ("inline" in each ? inlineBytes(each.inline) : 0);
    this.#pages = nextPage + pagesFor(pageBytes(placed.length, content));
  }

  /** Reads all rows for the first time. Buckets of a database are in order of their names whatever the order here. */
  static async plan(buckets: readonly BoltBucket[]): Promise<BoltImage> {
    const placed: Placed[] = [];
    let nextPage = FIRST_PAGE;
    for (const bucket of [...buckets].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const tree = new TreeWriter(nextPage);
      const elements: LeafElement[] = [];
      let small = true;
      for await (const rows of bucket.rows()) {
        for (const [key, value] of rows) {
          tree.add(key, value);
          if (!small) continue;
          elements.push({ key, value, flags: 0 });
          small = inlineBytes(elements) <= MAX_INLINE_BYTES;
        }
      }
      if (small) {
        placed.push({ bucket, inline: elements });
        continue;
      }
      const { root } = tree.finish();
      placed.push({ bucket, firstPage: nextPage, root });
      nextPage = tree.nextPage;
    }
    return new BoltImage(placed, nextPage);
  }

  get sizeBytes(): number {
    return this.#pages * PAGE_BYTES;
  }

  /** The file from its first byte on, in pieces of whole pages. */
  async *pages(): AsyncGenerator<Buffer> {
    for (const [id, transaction] of TRANSACTIONS.entries()) {
      yield metaPage(id, { pageBytes: PAGE_BYTES, rootPage: this.#rootPage, freelistPage: FREELIST_PAGE, pages: this.#pages, transaction });
    }
    const freelist = Buffer.alloc(PAGE_BYTES);
    writePageHead(freelist, FREELIST_PAGE, PAGE_FLAG.freelist, 0, 0);
    yield freelist;
    for (const each of this.#placed) if (!("inline" in each)) yield* treePages(each.bucket, each.firstPage, each.root);
    yield leafPage(this.#rootPage, this.#placed.map(bucketElement));
  }
}

async function* treePages(bucket: BoltBucket, firstPage: number, plannedRoot: number): AsyncGenerator<Buffer> {
  const tree = new TreeWriter(firstPage);
  for await (const rows of bucket.rows()) for (const [key, value] of rows) yield* tree.add(key, value);
  const { pages, root } = tree.finish();
  // The page ids before are already with the reader, so a file that came out otherwise would be broken.
  if (root !== plannedRoot) throw new Error(`bucket ${bucket.name} changed while it was read`);
  yield* pages;
}

function bucketElement(placed: Placed): LeafElement {
  const head = Buffer.alloc(BUCKET_HEAD_BYTES);
  if (!("inline" in placed)) head.writeBigUInt64LE(BigInt(placed.root), 0);
  const value = "inline" in placed ? Buffer.concat([head, leafPage(0, placed.inline, true)]) : head;
  return { key: Buffer.from(placed.bucket.name, "latin1"), value, flags: BUCKET_ELEMENT };
}

function inlineBytes(elements: readonly LeafElement[]): number {
  let content = 0;
  for (const { key, value } of elements) content += key.length + value.length;
  return pageBytes(elements.length, content);
}
