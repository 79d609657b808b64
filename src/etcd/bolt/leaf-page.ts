import { ELEMENT_BYTES, PAGE_BYTES, PAGE_FLAG, PAGE_HEAD_BYTES, writePageHead } from "./format.js";

/** A row of a bucket. */
export type BoltRow = readonly [key: Buffer, value: Buffer];

/** An element of a leaf page: a row, or a bucket with its name and head. */
export interface LeafElement {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly flags: number;
}

/** An element of a branch page: the first key of a page below, and its id. */
export interface BranchElement {
  readonly key: Buffer;
  readonly page: number;
}

/** Bytes of a page with these elements, head included. */
export function pageBytes(elements: number, contentBytes: number): number {
  return PAGE_HEAD_BYTES + elements * ELEMENT_BYTES + contentBytes;
}

/** Whole pages for so many bytes. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/**
 * A leaf page with its overflow pages; `exact` leaves out the padding, as a page inside a bucket's value has none.
 *
 * Example, the row a = 1 in page 3: head `0300000000000000 0200 0100 00000000`, element `00000000 10000000 01000000 01000000` (the key lies
 * 16 bytes after the element's start), then `61 31`.
 */
export function leafPage(id: number, elements: readonly LeafElement[], exact = false): Buffer {
  let content = 0;
  for (const { key, value } of elements) content += key.length + value.length;
  const bytes = pageBytes(elements.length, content);
  const page = Buffer.alloc(exact ? bytes : pagesFor(bytes) * PAGE_BYTES);
  writePageHead(page, id, PAGE_FLAG.leaf, elements.length, exact ? 0 : pagesFor(bytes) - 1);
  let at = PAGE_HEAD_BYTES;
  let data = PAGE_HEAD_BYTES + elements.length * ELEMENT_BYTES;
  for (const { key, value, flags } of elements) {
    page.writeUInt32LE(flags, at);
    page.writeUInt32LE(data - at, at + 4);
    page.writeUInt32LE(key.length, at + 8);
    page.writeUInt32LE(value.length, at + 12);
    at += ELEMENT_BYTES;
    data += key.copy(page, data);
    data += value.copy(page, data);
  }
  return page;
}

/** A branch page with its overflow pages. */
export function branchPage(id: number, elements: readonly BranchElement[]): Buffer {
  let content = 0;
  for (const { key } of elements) content += key.length;
  const bytes = pageBytes(elements.length, content);
  const page = Buffer.alloc(pagesFor(bytes) * PAGE_BYTES);
  writePageHead(page, id, PAGE_FLAG.branch, elements.length, pagesFor(bytes) - 1);
  let at = PAGE_HEAD_BYTES;
  let data = PAGE_HEAD_BYTES + elements.length * ELEMENT_BYTES;
  for (const { key, page: below } of elements) {
    page.writeUInt32LE(data - at, at);
    page.writeUInt32LE(key.length, at + 4);
    page.writeBigUInt64LE(BigInt(below), at + 8);
    at += ELEMENT_BYTES;
    data += key.copy(page, data);
  }
  return page;
}
