import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { BUCKET_ELEMENT, BUCKET_HEAD_BYTES, ELEMENT_BYTES, type Meta, META_BYTES, PAGE_FLAG, PAGE_HEAD_BYTES, readMeta } from "./format.js";
import type { BoltRow } from "./leaf-page.js";

/** The file is none, or is damaged; the message is half a line, without the file's name. */
export class BoltFileError extends Error {
  override readonly name = "BoltFileError";
}

const SHA256_BYTES = 32;
/** A snapshot is pages and the checksum, so its length tells whether there is one (etcdctl snapshot restore looks the same way). */
const SECTOR_BYTES = 512;
const HASHED_AT_A_TIME_BYTES = 1024 * 1024;
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 1024 * 1024;
/** A tree of 2^32 pages is not higher. */
const MAX_HEIGHT = 32;

/** An element of a page with its flags, or with the page below. */
interface Element {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly flags: number;
  readonly below: number;
}

/** A bbolt file that is read page by page: etcd's `member/snap/db`, or a snapshot of it. Whatever stands in it is checked before it is used. */
export class BoltFile {
  readonly #file: FileHandle;
  readonly #bytes: number;
  readonly #meta: Meta;

  private constructor(file: FileHandle, bytes: number, meta: Meta) {
    this.#file = file;
    this.#bytes = bytes;
    this.#meta = meta;
  }

  /** Opens a file and checks its SHA-256, if it carries one, and its meta pages. Throws BoltFileError, or the error of the file system. */
  static async open(path: string): Promise<BoltFile> {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const hashed = size % SECTOR_BYTES === SHA256_BYTES;
      const bytes = hashed ? size - SHA256_BYTES : size;
      if (hashed) await checkHash(file, bytes);
      return new BoltFile(file, bytes, await newestMeta(file, bytes));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Rows of a bucket in key order, a leaf page at a time; none if there is no such bucket. */
  async *rows(bucket: string): AsyncGenerator<readonly BoltRow[]> {
    for await (const elements of this.#leaves(this.#meta.rootPage, 0)) {
      for (const { key, value, flags } of elements) {
        if ((flags & BUCKET_ELEMENT) === 0 || key.toString("latin1") !== bucket) continue;
        if (value.length < BUCKET_HEAD_BYTES) throw new BoltFileError(`bucket ${bucket} is damaged`);
        const root = Number(value.readBigUInt64LE(0));
        if (root === 0) yield rowsOf(elementsOf(value.subarray(BUCKET_HEAD_BYTES), `bucket ${bucket}`));
        else for await (const below of this.#leaves(root, 0)) yield rowsOf(below);
        return;
      }
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Elements of all leaf pages below a page, in order. */
  async *#leaves(page: number, height: number): AsyncGenerator<readonly Element[]> {
    if (height > MAX_HEIGHT) throw new BoltFileError(`page ${page} lies below itself`);
    const bytes = await this.#page(page);
    const elements = elementsOf(bytes, `page ${page}`);
    if ((bytes.readUInt16LE(8) & PAGE_FLAG.branch) === 0) yield elements;
    else for (const { below } of elements) yield* this.#leaves(below, height + 1);
  }

  async #page(id: number): Promise<Buffer> {
    const { pageBytes, pages } = this.#meta;
    if (id < 2 || id >= pages || (id + 1) * pageBytes > this.#bytes) throw new BoltFileError(`page ${id} lies beyond its end`);
    const first = await read(this.#file, id * pageBytes, pageBytes);
    if (Number(first.readBigUInt64LE(0)) !== id) throw new BoltFileError(`page ${id} is damaged`);
    const overflow = first.readUInt32LE(12);
    if (overflow === 0) return first;
    if ((id + 1 + overflow) * pageBytes > this.#bytes) throw new BoltFileError(`page ${id} lies beyond its end`);
    return Buffer.concat([first, await read(this.#file, (id + 1) * pageBytes, overflow * pageBytes)]);
  }
}

function rowsOf(elements: readonly Element[]): BoltRow[] {
  return elements.map(({ key, value }) => [key, value]);
}

function elementsOf(page: Buffer, where: string): Element[] {
  const damaged = (): never => {
    throw new BoltFileError(`${where} is damaged`);
  };
  if (page.length < PAGE_HEAD_BYTES) damaged();
  const flags = page.readUInt16LE(8);
  const count = page.readUInt16LE(10);
  if ((flags !== PAGE_FLAG.leaf && flags !== PAGE_FLAG.branch) || PAGE_HEAD_BYTES + count * ELEMENT_BYTES > page.length) damaged();
  const elements: Element[] = [];
  let before: Buffer | undefined;
  for (let at = PAGE_HEAD_BYTES; elements.length < count; at += ELEMENT_BYTES) {
    const leaf = flags === PAGE_FLAG.leaf;
    const start = at + page.readUInt32LE(leaf ? at + 4 : at);
    const keyEnd = start + page.readUInt32LE(leaf ? at + 8 : at + 4);
    const end = leaf ? keyEnd + page.readUInt32LE(at + 12) : keyEnd;
    if (end > page.length) damaged();
    const key = page.subarray(start, keyEnd);
    if (before !== undefined && Buffer.compare(before, key) >= 0) damaged();
    before = key;
    elements.push({ key, value: page.subarray(keyEnd, end), flags: leaf ? page.readUInt32LE(at) : 0, below: leaf ? 0 : Number(page.readBigUInt64LE(at + 8)) });
  }
  return elements;
}

async function newestMeta(file: FileHandle, bytes: number): Promise<Meta> {
  const candidates: Meta[] = [];
  const first = await metaAt(file, 0, bytes);
  if (first !== undefined) candidates.push(first);
  // Where the first meta page is damaged, its page size is unknown: the second one lies at one of the sizes there are.
  for (let size = first?.pageBytes ?? MIN_PAGE_BYTES; size <= (first?.pageBytes ?? MAX_PAGE_BYTES); size *= 2) {
    const second = await metaAt(file, size, bytes);
    if (second?.pageBytes === size) candidates.push(second);
  }
  const newest = candidates.sort((a, b) => b.transaction - a.transaction)[0];
  if (newest === undefined) throw new BoltFileError("it is no etcd database");
  return newest;
}

async function metaAt(file: FileHandle, at: number, bytes: number): Promise<Meta | undefined> {
  if (at + PAGE_HEAD_BYTES + META_BYTES > bytes) return undefined;
  const meta = readMeta(await read(file, at + PAGE_HEAD_BYTES, META_BYTES));
  const possible = meta !== undefined && meta.pageBytes >= MIN_PAGE_BYTES && meta.pageBytes <= MAX_PAGE_BYTES;
  return possible ? meta : undefined;
}

async function checkHash(file: FileHandle, bytes: number): Promise<void> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes; at += HASHED_AT_A_TIME_BYTES) hash.update(await read(file, at, Math.min(HASHED_AT_A_TIME_BYTES, bytes - at)));
  if (!hash.digest().equals(await read(file, bytes, SHA256_BYTES))) throw new BoltFileError("its content does not fit its SHA-256");
}

async function read(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw new BoltFileError("it is cut short");
  return bytes;
}
