import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Change } from "../../src/etcd/watch/change.js";
import { decodeRow, encodeRow, encodeTombstone, withoutValue } from "../../src/etcd/storage/row.js";
import { WatchResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { Event_EventType, KeyValue } from "../../src/gen/etcd/mvccpb/kv.js";
import { fc } from "../support/properties.js";

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const revision = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
// A row always has a key.
const key = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array));
const pair = fc.record({ key, createRevision: revision, modRevision: revision, version: revision, value: bytes, lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) });

describe("a row of the log", () => {
  it("is written as in the worked example", () => {
    const row = encodeRow({ key: Buffer.from("a"), createRevision: 2, modRevision: 2, version: 1, value: Buffer.from("1"), lease: 0n });
    assert.equal(row.toString("hex"), "0a0161 1002 1802 2001 2a0131".replaceAll(" ", ""));
  });

  it("has the bytes of the generated codec, and reads back", () => {
    fc.assert(fc.property(pair, (fields) => {
      const message = { ...fields, createRevision: BigInt(fields.createRevision), modRevision: BigInt(fields.modRevision), version: BigInt(fields.version) };
      const row = encodeRow(fields);
      assert.deepEqual(row, Buffer.from(KeyValue.encode(message).finish()));
      assert.deepEqual(decodeRow(row), message);
      assert.deepEqual(encodeTombstone(fields.key), Buffer.from(KeyValue.encode(KeyValue.create({ key: fields.key })).finish()));
    }));
  });

  it("is the same without its value as if it had been written so", () => {
    fc.assert(fc.property(pair, (fields) => assert.deepEqual(withoutValue(encodeRow(fields)), encodeRow({ ...fields, value: Buffer.alloc(0) }))));
  });

  it("reaches watchers as one entry of WatchResponse.events, with and without the pair before", () => {
    fc.assert(fc.property(pair, pair, fc.boolean(), fc.boolean(), (now, before, tombstone, told) => {
      const [row, previous] = [encodeRow(now), encodeRow(before)];
      const change = new Change(now.key.toString("latin1"), 7, 0, tombstone, row, previous);
      const { events } = WatchResponse.decode(change.eventBytes(told, () => undefined));
      const kv = tombstone ? KeyValue.create({ key: now.key, modRevision: 7n }) : decodeRow(row);
      assert.deepEqual(events, [{ type: tombstone ? Event_EventType.DELETE : Event_EventType.PUT, kv, prevKv: told ? decodeRow(previous) : undefined }]);
    }));
  });
});
