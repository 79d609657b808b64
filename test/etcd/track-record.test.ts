/**
 * Every bug in the track record of etcd's robustness tests (tests/robustness/README.md) that cost somebody data, as a test of ours under its
 * number. Those that other files hold already:
 *
 * | bug | is |
 * |---|---|
 * | 13766 revisions differ after a crash under load | power-cut.test.ts, kill.test.ts |
 * | 14571 after a crash authentication is not as it was enabled | auth-store.test.ts "14571: loses no user, no role and no rule to a kill -9" |
 * | 15220 a progress notice overtakes events | watch-stream.test.ts "on request waits for no one" |
 * | 17780 the revision goes back after a crash in a compaction | store.test.ts "goes on with a compaction that was cut off" |
 * | 18089, 19179 a deletion at the compaction point is lost | watch-stream.test.ts "keeps a deletion at the compaction point", wire-contract-watch.ts |
 * | 20221 a watch in the future hears too early | watch-stream.test.ts "says nothing before the revision a watch begins at" |
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { hashKv } from "../../src/etcd/storage/hash-kv.js";
import { startEtcd } from "../../src/etcd/index.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { WHOLE } from "../../src/etcd/kv/read-view.js";
import { Store } from "../../src/etcd/kv/store.js";
import { spawnEtcd } from "./spawned-etcd.js";
import { connect, create, opPut, opRange, opTxn, put, range, txn, WatchTap } from "./wire.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-track-record-"));
after(() => rmSync(root, { recursive: true, force: true }));

const serve = (dataDir: string | MemoryTable) => startEtcd({ listen: "127.0.0.1:0", dataDir, clock: monotonicClock(), log: silentLogger });

/** A disk whose writes last until they are let through. */
class HeldTable extends MemoryTable {
  held = false;
  #gate = deferred<void>();

  override async write(...parameters: Parameters<MemoryTable["write"]>): Promise<void> {
    if (this.held) await this.#gate.promise;
    await super.write(...parameters);
  }

  release(): void {
    this.held = false;
    this.#gate.resolve();
  }
}

it("14370: a write is not acknowledged, nor seen, before it is on the disk", async () => {
  const table = new HeldTable();
  const store = await Store.open(table, { onFailure: assert.fail });
  table.held = true;
  const events: number[] = [];
  store.subscribe(({ revision }) => events.push(revision));
  let acknowledged = false;
  const written = store.write((each) => each.put("a", Buffer.from("1"), 0n)).then(() => (acknowledged = true));
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
  assert.deepEqual([acknowledged, store.revision, store.get("a"), events, table.writes], [false, 1, undefined, [], 0]);
  table.release();
  await written;
  assert.deepEqual([acknowledged, store.revision, events], [true, 2, [2]]);
  await store.close();
});

it("14685, 20271: killed in the middle of a defragmentation and a snapshot, the database is whole", async () => {
  const directory = join(root, "defragment");
  let server = await spawnEtcd(directory);
  for (let round = 0; round < 3; round += 1) {
    const etcd = connect(server.address);
    for (let index = 0; index < 20; index += 1) await Promise.all(Array.from({ length: 50 }, (_, each) => etcd.kv.put(put({ key: `k${each}`, value: `${round}.${index}`.repeat(200) }))));
    const { header } = await etcd.kv.put(put({ key: "last", value: `${round}` }));
    await etcd.kv.compact({ revision: (header?.revision ?? 0n) - 20n, physical: false });
    const defragmented = etcd.maintenance.defragment({}, { deadlineMs: 1_000 }).then(() => undefined, () => undefined);
    const snapshot = (async () => {
      for await (const { blob } of etcd.maintenance.snapshot({})) if (blob.length > 0) return;
    })().catch(() => undefined);
    await snapshot;
    await server.kill();
    await defragmented;
    etcd.close();
    server = await spawnEtcd(directory);
    const again = connect(server.address);
    const { kvs, header: found } = await again.kv.range(range({ key: "last" }));
    assert.deepEqual([kvs[0]?.value.toString(), found?.revision], [`${round}`, header?.revision]);
    await again.maintenance.defragment({});
    again.close();
  }
  await server.kill();
});

it("15271: a watch resumed after a restart never shows what was before its revision", async () => {
  const directory = join(root, "resumed");
  let etcd = await serve(directory);
  let client = connect(etcd.address);
  for (let index = 0; index < 10; index += 1) await client.kv.put(put({ key: "a", value: `${index}` }));
  for (const from of [5, 11, 12]) {
    client.close();
    await etcd.close();
    etcd = await serve(directory);
    client = connect(etcd.address);
    const { header } = await client.kv.put(put({ key: "a", value: "new" }));
    const tap = new WatchTap(client);
    await tap.send(create({ key: "a", startRevision: from }));
    await tap.next();
    const expected = Number(header?.revision) - from + 1;
    const events = await tap.events(expected);
    assert.equal(events.length, expected);
    assert.match(events[0] ?? "", new RegExp(`@${from}$`));
    tap.close();
  }
  client.close();
  await etcd.close();
});

it("17247: a transaction's changes reach a watch once each, in one response, live as in history", async () => {
  const etcd = await serve(new MemoryTable());
  const client = connect(etcd.address);
  const live = new WatchTap(client);
  await live.send(create({ key: "t", rangeEnd: "u" }));
  await live.next();
  for (let index = 0; index < 20; index += 1) {
    await client.kv.txn(txn({ success: [opPut({ key: "ta", value: `${index}` }), opTxn({ success: [opPut({ key: "tb", value: `${index}` })] }), opPut({ key: "tc", value: `${index}` })] }));
  }
  const expected = Array.from({ length: 20 }, (_, index) => ["ta", "tb", "tc"].map((key) => `PUT ${key}=${index} @${index + 2}`)).flat();
  assert.deepEqual(await live.events(60), expected);
  const past = new WatchTap(client);
  await past.send(create({ key: "t", rangeEnd: "u", startRevision: 2 }));
  await past.next();
  assert.deepEqual(await past.events(60), expected);
  live.close();
  past.close();
  client.close();
  await etcd.close();
});

it("17529: many watches with prev_kv on one stream all get everything, or hear that it is gone", async () => {
  const etcd = await serve(new MemoryTable());
  const client = connect(etcd.address);
  const tap = new WatchTap(client);
  const watches = 60;
  for (let watch = 0; watch < watches; watch += 1) await tap.send(create({ key: "k", rangeEnd: "l", startRevision: 2, prevKv: true, watchId: watch + 1 }));
  const puts = 300;
  const writing = (async () => {
    for (let index = 0; index < puts; index += 1) await client.kv.put(put({ key: `k${index % 5}`, value: "v".repeat(3_000) }));
  })();
  const seen = new Map<bigint, number[]>();
  let complete = 0;
  while (complete < watches) {
    const { watchId, events, canceled } = await tap.next();
    assert.equal(canceled, false);
    const revisions = seen.get(watchId) ?? [];
    seen.set(watchId, revisions);
    for (const { kv } of events) revisions.push(Number(kv?.modRevision));
    if (revisions.at(-1) === puts + 1 && events.length > 0) complete += 1;
  }
  await writing;
  for (const [id, revisions] of seen) assert.deepEqual(revisions, Array.from({ length: puts }, (_, index) => index + 2), `watch ${id}`);
  tap.close();
  client.close();
  await etcd.close();
});

it("18667: a transaction that reads a compacted revision changes nothing, on a replay neither", async () => {
  const table = new MemoryTable();
  const etcd = await serve(table);
  const client = connect(etcd.address);
  for (let index = 0; index < 5; index += 1) await client.kv.put(put({ key: "a", value: `${index}` }));
  await client.kv.compact({ revision: 4n, physical: true });
  const { hash } = await client.maintenance.hashKv({ revision: 0n });
  await assert.rejects(client.kv.txn(txn({ success: [opPut({ key: "a", value: "x" }), opRange({ key: "a", revision: 2 }), opPut({ key: "b", value: "x" })] })), /compacted/);
  const { header, kvs } = await client.kv.range(range({ key: "a", rangeEnd: "c" }));
  assert.deepEqual([header?.revision, kvs.map(({ value }) => value.toString())], [6n, ["4"]]);
  client.close();
  await etcd.close();
  const store = await Store.open(table, { onFailure: assert.fail });
  assert.deepEqual([store.revision, (await hashKv(store, 0)).hash], [6, hash]);
  await store.close();
});

it("20418: a store that may be overtaken by its own disk, a full one too, answers no reads from before: it closes", async () => {
  const table = new MemoryTable();
  let failed: Error | undefined;
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: table, clock: monotonicClock(), log: silentLogger, onFailure: (error) => (failed = error) });
  const client = connect(etcd.address);
  await client.kv.put(put({ key: "a", value: "1" }));
  table.failNext = Object.assign(new Error("IO error: 000005.log: No space left on device"), { code: "LEVEL_IO_ERROR" });
  await assert.rejects(client.kv.put(put({ key: "a", value: "2" })), (error) => RpcError.is(error) && error.message === "etcdserver: server stopped");
  assert.match(failed?.message ?? "", /No space left/);
  await assert.rejects(client.kv.range(range({ key: "a" }), { deadlineMs: 500 }), (error) => RpcError.is(error));
  client.close();
  await etcd.close();
  // What was refused is not there; what was acknowledged is.
  table.failNext = undefined;
  const store = await Store.open(table, { onFailure: assert.fail });
  assert.equal(store.get("a")?.value.toString(), "1");
  assert.equal(store.rows({ start: "", end: undefined, single: false }, store.revision, WHOLE).count, 1);
  await store.close();
});
