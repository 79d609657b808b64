import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { findProgram, skipWithout } from "../support/external-program.js";
import { type ServerUnderTest, startRealEtcd } from "../support/real-etcd.js";

const ours = (): Promise<ServerUnderTest> => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });

/** Each of these, said to etcd and to us, gets the same answer; `-` marks those that must fail. */
const CONVERSATION: readonly (readonly string[])[] = [
  ["user", "add", "root", "--new-user-password", "rootpw"],
  ["user", "add", "alice:alicepw"],
  ["-", "user", "add", "alice:again"],
  ["user", "add", "tls", "--no-password"],
  ["user", "list"],
  ["role", "add", "readers"],
  ["-", "role", "add", "readers"],
  ["role", "grant-permission", "readers", "read", "--prefix", "app/"],
  ["role", "grant-permission", "readers", "readwrite", "own"],
  ["role", "grant-permission", "readers", "write", "log/", "--from-key"],
  ["-", "role", "grant-permission", "none", "read", "x"],
  ["role", "get", "readers"],
  ["role", "list"],
  ["user", "grant-role", "alice", "readers"],
  ["-", "user", "grant-role", "alice", "none"],
  ["-", "user", "grant-role", "nobody", "readers"],
  ["user", "get", "alice"],
  ["user", "get", "alice", "--detail"],
  ["-", "user", "get", "nobody"],
  ["put", "app/1", "one"],
  ["put", "secret", "two"],
  ["auth", "enable"],
  ["-", "get", "app/1"],
  ["--user", "alice:alicepw", "get", "app/", "--prefix"],
  ["-", "--user", "alice:wrong", "get", "app/1"],
  ["-", "--user", "tls:x", "get", "app/1"],
  ["-", "--user", "alice:alicepw", "get", "secret"],
  ["-", "--user", "alice:alicepw", "get", "", "--from-key"],
  ["-", "--user", "alice:alicepw", "put", "app/1", "mine"],
  ["--user", "alice:alicepw", "put", "own", "mine"],
  ["--user", "alice:alicepw", "put", "log/1", "mine"],
  ["-", "--user", "alice:alicepw", "put", "log/1", "mine", "--prev-kv"],
  ["-", "--user", "alice:alicepw", "user", "list"],
  ["--user", "alice:alicepw", "user", "get", "alice"],
  ["-", "--user", "alice:alicepw", "endpoint", "hashkv"],
  ["-", "--user", "alice:alicepw", "watch", "secret"],
  ["--user", "root:rootpw", "role", "revoke-permission", "readers", "own"],
  ["-", "--user", "root:rootpw", "role", "revoke-permission", "readers", "own"],
  ["-", "--user", "root:rootpw", "user", "delete", "root"],
  ["--user", "root:rootpw", "user", "revoke-role", "alice", "readers"],
  ["-", "--user", "alice:alicepw", "get", "app/1"],
  ["--user", "root:rootpw", "role", "delete", "readers"],
  ["--user", "root:rootpw", "user", "delete", "alice"],
  ["-", "--user", "alice:alicepw", "get", "app/1"],
  ["--user", "root:rootpw", "auth", "disable"],
  ["get", "secret"],
];

describe("etcdctl's user, role and auth commands", { skip: skipWithout("etcd", "etcdctl") }, () => {
  let servers: ServerUnderTest[] = [];
  before(async () => {
    servers = await Promise.all([startRealEtcd(), ours()]);
  });
  after(() => Promise.all(servers.map((server) => server.close())));

  const say = async ({ address }: ServerUnderTest, args: readonly string[]): Promise<{ status: number; out: string; err: string }> => {
    const { child, ended } = start(address, args);
    child.stdin.end();
    const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    // Times, pids and addresses of log lines are nobody's answer; the line that says why is.
    return { status, out, err: err.split("\n").filter((line) => line.startsWith("Error:")).join("\n") };
  };

  for (const line of CONVERSATION) {
    const [fails, args] = line[0] === "-" ? [true, line.slice(1)] : [false, line];
    it(`${args.join(" ")}${fails ? " (refused)" : ""}`, async () => {
      const [theirs, mine] = await Promise.all(servers.map((server) => say(server, args)));
      assert.deepEqual(mine, theirs);
      assert.equal(mine?.status !== 0, fails, JSON.stringify(mine));
    });
  }
});

describe("etcdctl's lock and elect", { skip: skipWithout("etcdctl") }, () => {
  it("let one in at a time", async () => {
    const server = await ours();
    const holder = start(server.address, ["lock", "door"]);
    const held = (await once(createInterface(holder.child.stdout), "line")) as [string];
    assert.match(held[0], /^door\/[0-9a-f]+$/);
    const next = start(server.address, ["lock", "door", "echo", "inside"]);
    const inside = text(next.child.stdout);
    holder.child.kill("SIGINT");
    await holder.ended;
    assert.equal((await inside).trim(), "inside");
    assert.equal(await next.ended, 0);
    const leader = start(server.address, ["elect", "post", "me"]);
    const [key] = (await once(createInterface(leader.child.stdout), "line")) as [string];
    assert.match(key, /^post\/[0-9a-f]+$/);
    const listener = start(server.address, ["elect", "--listen", "post"]);
    const lines = createInterface(listener.child.stdout)[Symbol.asyncIterator]();
    assert.deepEqual([(await lines.next()).value, (await lines.next()).value], [key, "me"]);
    for (const { child, ended } of [listener, leader]) {
      child.kill("SIGINT");
      await ended;
    }
    await server.close();
  });
});

function start(address: string, args: readonly string[]) {
  const child = spawn(findProgram("etcdctl") ?? "etcdctl", ["--endpoints", address, ...args], { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(child, "exit").then(([status]) => status as number);
  return { child, ended };
}
