/**
 * The file format of bbolt, which etcd keeps its state in: pages of one size, the first two of them meta pages, the newer valid one of
 * which names the root page of a tree of buckets. All numbers are little-endian.
 *
 * | structure | bytes |
 * |---|---|
 * | page head | page id 8, flags 2 (1 branch, 2 leaf, 4 meta, 16 freelist), count 2, overflow 4: pages that follow and belong to it |
 * | meta, after the head | magic 4, version 4, page size 4, flags 4, root page 8, sequence 8, freelist page 8, pages in use 8, transaction 8, FNV-1a of all that 8 |
 * | leaf element | flags 4 (1: the value is a bucket), offset 4 of the key from the element's own start, key length 4, value length 4 |
 * | branch element | offset 4, key length 4, page 8 |
 * | bucket value | root page 8, sequence 8; root 0: a whole leaf page follows, head included |
 *
 * Elements of a page stand in a row after its head, then their keys and values in the same order. Keys ascend by bytes.
 */
export const PAGE_BYTES = 4096;
export const PAGE_HEAD_BYTES = 16;
/** Of a leaf element and of a branch element. */
export const ELEMENT_BYTES = 16;
export const BUCKET_HEAD_BYTES = 16;
export const META_BYTES = 64;

export const PAGE_FLAG = { branch: 1, leaf: 2, meta: 4, freelist: 16 } as const;
export const BUCKET_ELEMENT = 1;

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_SUMMED_BYTES = 56;

/** What a meta page says. */
export interface Meta {
  readonly pageBytes: number;
  readonly rootPage: number;
  readonly freelistPage: number;
  /** Pages of the file that are in use. */
  readonly pages: number;
  readonly transaction: number;
}

/** The head of a page. */
export function writePageHead(page: Buffer, id: number, flags: number, count: number, overflow: number): void {
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(overflow, 12);
}

/** A meta page, whole. */
export function metaPage(id: number, meta: Meta): Buffer {
  const page = Buffer.alloc(meta.pageBytes);
  writePageHead(page, id, PAGE_FLAG.meta, 0, 0);
  const body = page.subarray(PAGE_HEAD_BYTES, PAGE_HEAD_BYTES + META_BYTES);
  body.writeUInt32LE(MAGIC, 0);
  body.writeUInt32LE(VERSION, 4);
  body.writeUInt32LE(meta.pageBytes, 8);
  body.writeBigUInt64LE(BigInt(meta.rootPage), 16);
  body.writeBigUInt64LE(BigInt(meta.freelistPage), 32);
  body.writeBigUInt64LE(BigInt(meta.pages), 40);
  body.writeBigUInt64LE(BigInt(meta.transaction), 48);
  body.writeBigUInt64LE(fnv1a(body.subarray(0, META_SUMMED_BYTES)), META_SUMMED_BYTES);
  return page;
}

/** Reads the meta after a page head; undefined when it is none, or its checksum does not fit. */
export function readMeta(body: Buffer): Meta | undefined {
  if (body.length < META_BYTES || body.readUInt32LE(0) !== MAGIC || body.readUInt32LE(4) !== VERSION) return undefined;
  if (body.readBigUInt64LE(META_SUMMED_BYTES) !== fnv1a(body.subarray(0, META_SUMMED_BYTES))) return undefined;
  const number = (at: number): number => Number(body.readBigUInt64LE(at));
  return { pageBytes: body.readUInt32LE(8), rootPage: number(16), freelistPage: number(32), pages: number(40), transaction: number(48) };
}

/** FNV-1a of 64 bits. Example: of "a" it is af63dc4c8601ec8c. */
export function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
