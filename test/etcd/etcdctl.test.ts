import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { type Etcd, ETCD_VERSION, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { findProgram, skipWithout } from "../support/external-program.js";

describe("etcdctl", { skip: skipWithout("etcdctl") }, () => {
  let etcd: Etcd;
  before(async () => {
    etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
  });
  after(() => etcd.close());

  const start = (args: readonly string[]) =>
    spawn(findProgram("etcdctl") ?? "etcdctl", ["--endpoints", etcd.address, ...args], { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["pipe", "pipe", "pipe"] });

  /** Runs a command; resolves with what it said. */
  const etcdctl = async (args: readonly string[], input = ""): Promise<{ status: number; out: string; err: string }> => {
    const child = start(args);
    child.stdin.end(input);
    const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit") as Promise<[number]>]);
    return { status, out, err };
  };

  it("puts, gets and deletes", async () => {
    assert.equal((await etcdctl(["put", "a", "1"])).out, "OK\n");
    assert.equal((await etcdctl(["put", "a", "2", "--prev-kv"])).out, "OK\na\n1\n");
    await etcdctl(["put", "b", "3"]);
    assert.equal((await etcdctl(["get", "--prefix", ""])).out, "a\n2\nb\n3\n");
    assert.equal((await etcdctl(["get", "a", "--rev", "2", "--print-value-only"])).out, "1\n");
    assert.equal((await etcdctl(["get", "a", "z", "--order", "DESCEND", "--keys-only"])).out, "b\n\na\n\n");
    assert.equal((await etcdctl(["del", "--from-key", "b"])).out, "1\n");
  });

  it("runs transactions", async () => {
    assert.equal((await etcdctl(["txn"], 'version("t") = "0"\n\nput t 1\nget t\n\nget none\n\n')).out, "SUCCESS\n\nOK\n\nt\n1\n");
    assert.equal((await etcdctl(["txn"], 'version("t") = "0"\n\nput t 1\n\nget t\n\n')).out, "FAILURE\n\nt\n1\n");
  });

  it("watches what was and what comes", async () => {
    await etcdctl(["put", "w", "1"]);
    const watch = start(["watch", "w", "--prev-kv", "--rev", String(etcd.revision)]);
    const lines = createInterface(watch.stdout)[Symbol.asyncIterator]();
    const take = async (count: number): Promise<string[]> => {
      const taken: string[] = [];
      while (taken.length < count) taken.push((await lines.next()).value as string);
      return taken;
    };
    assert.deepEqual(await take(3), ["PUT", "w", "1"]);
    await etcdctl(["put", "w", "2"]);
    assert.deepEqual(await take(5), ["PUT", "w", "1", "w", "2"]);
    await etcdctl(["del", "w"]);
    assert.deepEqual(await take(5), ["DELETE", "w", "2", "w", ""]);
    watch.kill();
    await once(watch, "exit");
  });

  it("leases", async () => {
    const granted = await etcdctl(["lease", "grant", "60"]);
    const id = /lease ([0-9a-f]+) granted with TTL\(60s\)/.exec(granted.out)?.[1] ?? "";
    assert.notEqual(id, "");
    await etcdctl(["put", "leased", "1", "--lease", id]);
    assert.match((await etcdctl(["lease", "timetolive", id, "--keys"])).out, /granted with TTL\(60s\), remaining\((?:59|60)s\), attached keys\(\[leased\]\)/);
    assert.match((await etcdctl(["lease", "list"])).out, new RegExp(`found 1 leases\\n${id}`));
    assert.match((await etcdctl(["lease", "keep-alive", "--once", id])).out, /keepalived with TTL\(60\)/);
    assert.match((await etcdctl(["lease", "revoke", id])).out, /revoked/);
    assert.equal((await etcdctl(["get", "leased"])).out, "");
  });

  it("compacts, and hears why an old revision is gone", async () => {
    await etcdctl(["put", "k", "1"]);
    await etcdctl(["put", "k", "2"]);
    assert.match((await etcdctl(["compaction", String(etcd.revision), "--physical"])).out, /compacted revision/);
    const { status, err } = await etcdctl(["get", "k", "--rev", "2"]);
    assert.notEqual(status, 0);
    assert.match(err, /etcdserver: mvcc: required revision has been compacted/);
  });

  it("finds the endpoint healthy and describes it", async () => {
    assert.match((await etcdctl(["endpoint", "health"])).err, /is healthy/);
    assert.match((await etcdctl(["endpoint", "status"])).out, /, 3\.5\.\d+, /);
    assert.match((await etcdctl(["member", "list"])).out, new RegExp(`started, default, , http://${etcd.address}`));
    assert.match((await etcdctl(["endpoint", "hashkv"])).out, /, \d+\n/);
  });

  it("takes the endpoint as a URL, as --cluster makes it of the members' client URLs", async () => {
    assert.match((await etcdctl(["endpoint", "status", "--cluster"])).out, new RegExp(`^http://${etcd.address}, .*, 3\\.5\\.\\d+, `));
    assert.match((await etcdctl(["--endpoints", `http://${etcd.address}`, "endpoint", "hashkv"])).out, /, \d+\n/);
    const refused = await etcdctl(["member", "add", "second", "--peer-urls", "http://127.0.0.1:1"]);
    assert.match(refused.err, /etcdserver: re-configuration failed due to not enough started members/);
  });

  it("locks with a lease and a watch of its own", async () => {
    const { out, status } = await etcdctl(["lock", "door", "echo", "inside"]);
    assert.deepEqual([out.trim(), status], ["inside", 0]);
  });
});

it("answers /version and /health on the same port", async () => {
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://${etcd.address}${path}`, { headers: { connection: "close" } });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await get("/version"), [200, `{"etcdserver":"${ETCD_VERSION}","etcdcluster":"3.5.0"}`]);
  assert.deepEqual(await get("/health"), [200, '{"health":"true","reason":""}']);
  assert.equal((await get("/nothing"))[0], 404);
  await etcd.close();
});
