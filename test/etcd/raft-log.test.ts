import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { crc32c } from "../../src/etcd/storage/crc32c.js";
import { RaftLogError, readRaftLog } from "../../src/etcd/import/raft-log.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-raft-log-"));
after(() => rmSync(root, { recursive: true, force: true }));

const bytesField = (writer: BinaryWriter, field: number, bytes: Uint8Array): BinaryWriter => writer.tag(field, WireType.LengthDelimited).bytes(bytes);
const message = (write: (writer: BinaryWriter) => BinaryWriter): Buffer => Buffer.from(write(new BinaryWriter()).finish());

type WalRecord = readonly [type: number, data: Buffer];
const METADATA: WalRecord = [1, message((writer) => writer.uint32(8).uint64(0xan).uint32(16).uint64(0xbn))];
const snapshot = (index: number): WalRecord => [5, message((writer) => writer.uint32(8).uint64(BigInt(index)).uint32(16).uint64(1n))];
const entry = (index: number, data: Buffer, type = 0): WalRecord => [2, message((writer) => bytesField(writer.uint32(8).int32(type).uint32(16).uint64(2n).uint32(24).uint64(BigInt(index)), 4, data))];
/** etcdserverpb.InternalRaftRequest with this field, besides its head. */
const request = (field: number): Buffer => message((writer) => bytesField(bytesField(writer, 100, Buffer.from([8, 1])), field, Buffer.from([10, 1, 97])));
const PUT = request(4);
/** etcdserverpb.Request: what etcd 3.4 tells the v2 store of itself after each start. */
const ATTRIBUTES = message((writer) => bytesField(bytesField(writer.uint32(8).uint64(7n), 2, Buffer.from("PUT")), 3, Buffer.from("/0/members/a/attributes")));

/** Writes a log of these files, each framed and checksummed as etcd does. */
function logOf(name: string, files: readonly (readonly WalRecord[])[], spoil: (bytes: Buffer) => Buffer = (bytes) => Buffer.concat([bytes, Buffer.alloc(4096)])): string {
  const directory = join(root, name);
  mkdirSync(directory);
  let crc = 0;
  for (const [position, records] of files.entries()) {
    const frames: Buffer[] = [];
    const write = (type: number, recordCrc: number, data: Buffer | undefined): void => {
      const record = message((writer) => {
        writer.uint32(8).int64(BigInt(type)).uint32(16).uint32(recordCrc);
        return data === undefined ? writer : bytesField(writer, 3, data);
      });
      const padding = (8 - (record.length % 8)) % 8;
      const head = Buffer.alloc(8);
      head.writeUInt32LE(record.length);
      if (padding > 0) head.writeUInt8(0x80 | padding, 7);
      frames.push(head, record, Buffer.alloc(padding));
    };
    write(4, crc, undefined);
    for (const [type, data] of records) write(type, (crc = crc32c(crc, data)), data);
    const bytes = Buffer.concat(frames);
    writeFileSync(join(directory, `${String(position).padStart(16, "0")}-0000000000000000.wal`), position === files.length - 1 ? spoil(bytes) : bytes);
  }
  return directory;
}

const newer = async (directory: string, from: number): Promise<bigint | undefined> => (await readRaftLog(directory, BigInt(from))).newer;

test("the worked example: with the database at 5 the put of entry 6 is newer, with it at 6 nothing is", async () => {
  const log = logOf("example", [[METADATA, snapshot(0), entry(5, PUT), entry(6, PUT)]]);
  assert.deepEqual([await newer(log, 5), await newer(log, 6)], [6n, undefined]);
  assert.equal((await readRaftLog(log, 5n)).identity?.toString("hex"), "000000000000000b000000000000000a");
});

test("what a client does not see is not newer: empty entries, members, the v2 store, sign-ins, and what etcd says of its cluster", async () => {
  const log = logOf("unseen", [[METADATA, snapshot(0), entry(2, Buffer.alloc(0)), entry(3, PUT, 1), entry(4, ATTRIBUTES), entry(5, request(1300)), entry(6, request(1301)), entry(7, request(1012)), entry(8, request(2))]]);
  assert.equal(await newer(log, 0), undefined);
  for (const field of [4, 5, 6, 7, 8, 9, 10, 1000, 1100, 1200]) assert.equal(await newer(logOf(`seen-${field}`, [[METADATA, entry(3, request(field))]]), 2), 3n, `field ${field}`);
});

test("an entry that was written again counts as it was written last, over the files of a log", async () => {
  const log = logOf("again", [[METADATA, entry(5, PUT), entry(6, PUT)], [METADATA, entry(6, Buffer.alloc(0)), entry(7, PUT)]]);
  assert.deepEqual([await newer(log, 4), await newer(log, 5), await newer(log, 7)], [5n, 7n, undefined]);
});

test("a log that begins with a snapshot beyond the database says so", async () => {
  assert.deepEqual([await newer(logOf("snapshot", [[METADATA, snapshot(9)]]), 5), await newer(join(root, "snapshot"), 9)], [9n, undefined]);
});

test("the torn end of the last file was never acknowledged; anything else that does not fit is refused", async () => {
  const records = [METADATA, entry(5, PUT), entry(6, PUT)];
  assert.equal(await newer(logOf("torn", [records], (bytes) => bytes.subarray(0, -9)), 5), undefined);
  const flipped = (bytes: Buffer): Buffer => {
    bytes[bytes.length - 20] = (bytes.at(-20) ?? 0) ^ 1;
    return bytes;
  };
  await assert.rejects(newer(logOf("flipped", [records], flipped), 5), RaftLogError);
  await assert.rejects(newer(logOf("length", [records], (bytes) => Buffer.concat([bytes, Buffer.from("ffffffffffffff00", "hex")])), 5), /0000000000000000-0000000000000000\.wal is damaged/);
});
