import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ETCD_VERSION } from "../../src/etcd/index.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { withDirectory } from "../support/command.js";
import { findProgram, skipWithout } from "../support/external-program.js";
import { run } from "../support/running-emulator.js";
import { over, withEtcd } from "./etcd-process.js";

test("a wrapper named etcd serves programs that start one: flags, ready lines, socket file, state, SIGTERM", async () => {
  await withDirectory(async (directory) => {
    const socket = join(directory, "client.sock");
    const args = ["--data-dir", "data", "--listen-client-urls", `unix://${socket},http://127.0.0.1:0`, "--advertise-client-urls", "http://127.0.0.1:1", "--snapshot-count", "5", "--max-txn-ops=2"];
    await withEtcd(args, directory, async (log) => {
      for (const msg of ["enabled capabilities for version 3.5", "published local member to cluster through raft"]) assert.ok(log.some((line) => line.msg === msg), msg);
      assert.deepEqual(log.filter(({ level }) => level === "warn").map(({ flag }) => flag), ["--logger", "--snapshot-count"]);
      assert.match(log[0]?.ts ?? "", /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.match(await over(socket, "/version"), new RegExp(`"etcdserver":"${ETCD_VERSION}"`));
      const client = new EtcdClient({ endpoints: [`unix:${socket}`] });
      await client.put("kept", "yes");
      client.close();
    });
    assert.ok(existsSync(join(directory, "data", "member")) && !existsSync(socket));
    await withEtcd(args, directory, async () => {
      const client = new EtcdClient({ endpoints: [`unix:${socket}`] });
      assert.equal((await client.get("kept"))?.value.toString(), "yes");
      client.close();
    });
  });
});

test("--auto-tls makes a certificate of its own that etcdctl can trust", { skip: skipWithout("etcdctl") }, async () => {
  await withDirectory(async (directory) => {
    const socket = join(directory, "secure.sock");
    await withEtcd(["--data-dir", "data", "--auto-tls", "--listen-client-urls", `unixs://${socket}`, "--advertise-client-urls", `unixs://${socket}`], directory, async () => {
      const ca = join(directory, "data", "fixtures", "tls", "ca.crt");
      const etcdctl = spawn(findProgram("etcdctl") ?? "", ["--endpoints", `unixs://${socket}`, "--insecure-transport=false", "--insecure-skip-tls-verify", "put", "a", "b"], { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["ignore", "pipe", "inherit"] });
      assert.equal(await text(etcdctl.stdout), "OK\n");
      const session = connect("https://localhost", { path: socket, ca: readFileSync(ca), servername: "localhost" } as object);
      assert.match(await text(session.request({ ":path": "/health" }).end()), /"health":"true"/);
      session.close();
    });
  });
});

test("--version, --help and refusals are etcd's", async () => {
  const version = await run(["serve", "etcd", "--logger=zap", "--version"]);
  assert.deepEqual([version.code, version.stdout.split("\n")[0]], [0, `etcd Version: ${ETCD_VERSION}`]);
  const help = await run(["serve", "etcd", "--logger=zap", "--help"]);
  assert.match(help.stdout, /^ {2}--listen-client-urls$/m);
  const refused = await run(["serve", "etcd", "--listen-client-urls", "http://127.0.0.1:0", "--port-base", "1"]);
  assert.deepEqual([refused.code, refused.stderr], [2, "spheresim: etcd: flag provided but not defined: -port-base\n"]);
  assert.match((await run(["serve", "etcd", "--help"])).stdout, /serve etcd stands in for etcd itself/);
});
