import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { BoltFile, BoltFileError } from "../../../src/etcd/bolt/file.js";
import { fnv1a, PAGE_BYTES } from "../../../src/etcd/bolt/format.js";
import { type BoltBucket, BoltImage } from "../../../src/etcd/bolt/image.js";
import { type BoltRow, leafPage } from "../../../src/etcd/bolt/leaf-page.js";
import { TreeWriter } from "../../../src/etcd/bolt/tree-writer.js";
import { fc } from "../../support/properties.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-bolt-"));
after(() => rmSync(root, { recursive: true, force: true }));

const bucket = (name: string, rows: readonly BoltRow[]): BoltBucket => ({
  name,
  async *rows() {
    for (let at = 0; at < rows.length; at += 7) {
      await Promise.resolve();
      yield rows.slice(at, at + 7);
    }
  },
});

async function fileOf(buckets: readonly BoltBucket[], name = "db"): Promise<string> {
  const image = await BoltImage.plan(buckets);
  const pieces: Buffer[] = [];
  for await (const piece of image.pages()) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  assert.equal(bytes.length, image.sizeBytes);
  const path = join(root, name);
  writeFileSync(path, bytes);
  return path;
}

async function rowsOf(path: string, name: string): Promise<BoltRow[]> {
  const file = await BoltFile.open(path);
  try {
    const rows: BoltRow[] = [];
    for await (const some of file.rows(name)) rows.push(...some);
    return rows;
  } finally {
    await file.close();
  }
}

const row = (index: number, valueBytes: number): BoltRow => [Buffer.from(String(index).padStart(9, "0")), Buffer.alloc(valueBytes, index)];
const refused = (pattern: RegExp) => (error: unknown) => error instanceof BoltFileError && pattern.test(error.message);

describe("the worked examples", () => {
  it("of FNV-1a", () => {
    assert.equal(fnv1a(Buffer.from("a")), 0xaf63dc4c8601ec8cn);
  });

  it("of a leaf page", () => {
    const page = leafPage(3, [{ key: Buffer.from("a"), value: Buffer.from("1"), flags: 0 }], true);
    assert.equal(page.toString("hex"), ["0300000000000000", "0200010000000000", "00000000100000000100000001000000", "6131"].join(""));
  });

  it("of a tree", () => {
    const tree = new TreeWriter(3);
    // Two such rows fill a page; two such keys fill a branch page.
    const key = (letter: string): Buffer => Buffer.alloc(1900, letter);
    const finished = ["a", "b", "c", "d", "e"].flatMap((letter) => tree.add(key(letter), Buffer.alloc(1)));
    const { pages, root: last } = tree.finish();
    const ids = [...finished, ...pages].map((page) => [Number(page.readBigUInt64LE(0)), page.readUInt16LE(8) === 1 ? "branch" : "leaf", page.readUInt16LE(10)]);
    assert.deepEqual(ids, [[3, "leaf", 2], [4, "leaf", 2], [5, "leaf", 1], [6, "branch", 2], [7, "branch", 1], [8, "branch", 2]]);
    assert.deepEqual([last, tree.nextPage], [8, 9]);
  });
});

it("reads back what it writes: empty, small, many pages, branches above branches, values larger than a page", async () => {
  const many = Array.from({ length: 40_000 }, (_, index) => row(index, index % 200 === 0 ? 9_000 : index % 90));
  const path = await fileOf([bucket("none", []), bucket("small", [row(1, 3), row(2, 0)]), bucket("many", many), bucket("one", [row(7, 3_000_000)])]);
  assert.deepEqual(await rowsOf(path, "none"), []);
  assert.deepEqual(await rowsOf(path, "absent"), []);
  assert.deepEqual(await rowsOf(path, "small"), [row(1, 3), row(2, 0)]);
  assert.ok((await rowsOf(path, "one"))[0]?.[1].equals(row(7, 3_000_000)[1]));
  const read = await rowsOf(path, "many");
  assert.equal(read.length, many.length);
  for (const [index, [key, value]] of read.entries()) assert.ok(key.equals(many[index]?.[0] as Buffer) && value.equals(many[index]?.[1] as Buffer), `row ${index}`);
});

it("reads back any rows", async () => {
  const rows = fc.uniqueArray(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat({ max: 6_000 })), { maxLength: 300, selector: ([key]) => Buffer.from(key).toString("hex") });
  await fc.assert(
    fc.asyncProperty(rows, async (list) => {
      const sorted = list.map(([key, length]) => [Buffer.from(key), Buffer.alloc(length, length)] as const).sort(([a], [b]) => Buffer.compare(a, b));
      assert.deepEqual(await rowsOf(await fileOf([bucket("b", sorted)]), "b"), sorted);
    }),
    { numRuns: 40 },
  );
});

it("says what is wrong with a file, and never reads what is damaged", async () => {
  const rows = Array.from({ length: 500 }, (_, index) => row(index, 100));
  const path = await fileOf([bucket("b", rows)], "damaged");
  const whole = readFileSync(path);
  const sha = createHash("sha256").update(whole).digest();
  writeFileSync(path, Buffer.concat([whole, sha]));
  assert.equal((await rowsOf(path, "b")).length, 500);
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(32)]));
  await assert.rejects(rowsOf(path, "b"), refused(/SHA-256/));
  writeFileSync(path, whole);
  truncateSync(path, whole.length - PAGE_BYTES);
  await assert.rejects(rowsOf(path, "b"), refused(/beyond its end/));
  writeFileSync(path, "no database at all");
  await assert.rejects(rowsOf(path, "b"), refused(/no etcd database/));
  writeFileSync(path, "");
  await assert.rejects(rowsOf(path, "b"), refused(/no etcd database/));

  const broken = Buffer.from(whole);
  broken.fill(0, 0, PAGE_BYTES);
  writeFileSync(path, broken);
  assert.equal((await rowsOf(path, "b")).length, 500, "the second meta page stands in for the first");
  broken.fill(0, PAGE_BYTES, 2 * PAGE_BYTES);
  writeFileSync(path, broken);
  await assert.rejects(rowsOf(path, "b"), refused(/no etcd database/));

  await fc.assert(
    fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ flip;
      writeFileSync(path, bytes);
      // Values carry no checksum in this format; whatever else is hit is noticed or does no harm, and nothing but BoltFileError comes out.
      await rowsOf(path, "b").catch((error: unknown) => assert.ok(error instanceof BoltFileError, String(error)));
    }),
    { numRuns: 200 },
  );
});
