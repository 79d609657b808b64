import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { spawnEtcd } from "./spawned-etcd.js";
import { connect, create, put, WatchTap } from "./wire.js";

const PUTS = 4_000;
const VALUE_BYTES = 32 * 1024;
const READERS = 2;
/** Recent history, LevelDB's write buffers and garbage; what was written is more. */
const MAX_GROWTH_MB = 100;

it(`keeps little for ${READERS} watchers that do not read ${(PUTS * VALUE_BYTES) / 2 ** 20} MiB of events, and loses them nothing`, { skip: platform() !== "linux" && "reads /proc", timeout: 300_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-slow-"));
  const server = await spawnEtcd(directory, "127.0.0.1:0");
  const writer = connect(server.address);
  const taps = Array.from({ length: READERS }, () => {
    const etcd = connect(server.address);
    return { etcd, tap: new WatchTap(etcd) };
  });
  try {
    for (const { tap } of taps) {
      await tap.send(create({ key: "k", prevKv: true, fragment: true }));
      await tap.next();
    }
    const value = Buffer.alloc(VALUE_BYTES, "v");
    for (let index = 0; index < 200; index += 1) await writer.kv.put(put({ key: "warm", value }));
    const before = anonymousMb(server.pid);
    let left = PUTS;
    let highest = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        await writer.kv.put(put({ key: "k", value }));
        if (left % 500 === 0) highest = Math.max(highest, anonymousMb(server.pid));
      }
    }));
    assert.ok(highest - before < MAX_GROWTH_MB, `grew from ${before} MB to ${highest} MB`);
    const quick = new WatchTap(writer);
    await quick.send(create({ key: "other" }));
    await quick.next();
    await writer.kv.put(put({ key: "other", value: "1" }));
    assert.equal((await quick.events(1)).length, 1);
    quick.close();
    for (const { tap } of taps) {
      const revisions = await revisionsOf(tap, PUTS);
      assert.deepEqual(revisions, Array.from({ length: PUTS }, (_, index) => (revisions[0] as number) + index));
    }
  } finally {
    for (const { tap, etcd } of taps) {
      tap.close();
      etcd.close();
    }
    writer.close();
    await server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});

async function revisionsOf(tap: WatchTap, count: number): Promise<number[]> {
  const revisions: number[] = [];
  while (revisions.length < count) for (const { kv } of (await tap.next()).events) revisions.push(Number(kv?.modRevision));
  return revisions;
}

/** Memory of a process that is no file's. */
function anonymousMb(pid: number): number {
  return Math.round(Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024);
}
