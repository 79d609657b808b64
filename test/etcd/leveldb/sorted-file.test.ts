import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { Level } from "level";
import { crc32c } from "../../../src/etcd/storage/crc32c.js";
import { findDamage } from "../../../src/etcd/leveldb/damage.js";
import { liveFiles } from "../../../src/etcd/leveldb/manifest.js";
import { unsnappy } from "../../../src/etcd/leveldb/snappy.js";
import { damagedBlock } from "../../../src/etcd/leveldb/sorted-file.js";
import { fc } from "../../support/properties.js";

const FOOTER_BYTES = 48;
const root = mkdtempSync(join(tmpdir(), "spheresim-sorted-"));
after(() => rmSync(root, { recursive: true, force: true }));
const [packed, plain] = [join(root, "packed"), join(root, "plain")];

/** A database of many sorted files whose values pack well, or not at all. */
async function fill(directory: string, value: (index: number) => Buffer): Promise<void> {
  const level = new Level<Buffer, Buffer>(directory, { keyEncoding: "buffer", valueEncoding: "buffer", writeBufferSize: 256 * 1024 });
  await level.open();
  for (let index = 0; index < 2_000; index += 1) await level.put(Buffer.from(`key/${index}`), value(index));
  await (level as unknown as { compactRange(start: Buffer, end: Buffer): Promise<void> }).compactRange(Buffer.alloc(0), Buffer.from([0xff]));
  await level.close();
}

before(async () => {
  await fill(packed, (index) => Buffer.alloc(1_000, index));
  await fill(plain, (index) => Buffer.concat(Array.from({ length: 32 }, (_, part) => createHash("sha256").update(`${index}/${part}`).digest())));
});

const sortedFiles = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith(".ldb")).sort();

it("unpacks Snappy: literals, and copies that reach into themselves", () => {
  assert.equal(unsnappy(Buffer.from("050461620a0200", "hex")).toString(), "ababa");
  assert.equal(unsnappy(Buffer.from("0308616263", "hex")).toString(), "abc");
  for (const wrong of ["05046162", "050461620a0300", "040461620a0200", "0204", "", "ffffffff7f00"]) assert.throws(() => unsnappy(Buffer.from(wrong, "hex")), RangeError, wrong);
});

it("continues a checksum wherever the bytes are cut", () => {
  assert.equal(crc32c(0, Buffer.from("123456789")), 0xe3069283);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), (bytes, cut) => crc32c(crc32c(0, Buffer.from(bytes.slice(0, cut))), Buffer.from(bytes.slice(cut))) === crc32c(0, Buffer.from(bytes))));
});

it("knows from the manifest which files make up the database, and that they are whole", async () => {
  for (const directory of [packed, plain]) {
    const live = await liveFiles(directory);
    assert.deepEqual([...live.keys()].map((number) => `${String(number).padStart(6, "0")}.ldb`).sort(), sortedFiles(directory));
    for (const name of sortedFiles(directory)) assert.equal(live.get(Number.parseInt(name, 10)), readFileSync(join(directory, name)).length);
    assert.equal(await findDamage(directory), undefined);
  }
  assert.deepEqual([...(await liveFiles(join(root, "nowhere")))], []);
});

it("finds any bit that is another, in rows, filters, indexes and checksums", async () => {
  for (const directory of [packed, plain]) {
    const file = readFileSync(join(directory, sortedFiles(directory)[0] ?? ""));
    const flipped = async (at: number, bit: number): Promise<number | undefined> => {
      const bytes = Buffer.from(file);
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      return damagedBlock(bytes);
    };
    const end = file.length - FOOTER_BYTES;
    const late = fc.integer({ min: Math.max(0, end - 4_000), max: end - 1 });
    await fc.assert(fc.asyncProperty(fc.oneof(fc.nat(end - 1), late), fc.nat(7), async (at, bit) => (await flipped(at, bit)) !== undefined), { numRuns: 60 });
    // The footer begins with where the indexes are and ends with what says that it is one.
    for (const at of [end, end + 3, file.length - 1]) assert.notEqual(await flipped(at, 0), undefined);
  }
});
