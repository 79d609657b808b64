import assert from "node:assert/strict";
import { test } from "node:test";
import { Member } from "../../src/etcd/member/member.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";

const ids = ({ id, clusterId }: Member): string[] => [id.toString(16), clusterId.toString(16)];

test("ids are computed of peer URLs and token as etcd does, and stay with the directory", async () => {
  const table = new MemoryTable();
  const first = await Member.open(table, { name: "default", peerUrls: ["http://127.0.0.1:33792"], clusterToken: "etcd-cluster" });
  assert.deepEqual(ids(first), ["9f3ea46af461af15", "fe278a128202922e"]);
  const again = await Member.open(table, { name: "other", peerUrls: ["http://127.0.0.1:1"], clusterToken: "other" });
  assert.deepEqual([ids(again), again.peerUrls, again.term], [ids(first), ["http://127.0.0.1:33792"], first.term + 1n]);
  await table.write([again.setPeerUrls(["http://127.0.0.1:2"])], true);
  assert.deepEqual((await Member.open(table, { name: "default" })).describe(["c"]).peerURLs, ["http://127.0.0.1:2"]);
});

test("without a token ids are drawn, never 0", async () => {
  const [a, b] = [await Member.open(new MemoryTable(), { name: "a" }), await Member.open(new MemoryTable(), { name: "a" })];
  assert.notEqual(a.id, b.id);
  assert.ok(a.id !== 0n && a.clusterId !== 0n);
});
