import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { projectDirectory } from "../../src/base/project-files.js";
import { databaseDirectory, DataDirectoryError, type Etcd, removeImportDrafts, startEtcd } from "../../src/etcd/index.js";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { freePeerUrl, startRealEtcd } from "../support/real-etcd.js";
import { newUser, services } from "./signed-in.js";
import { contentOf, etcdctl } from "./store-content.js";
import { connect, type Connection, del, put } from "./wire.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-member-directory-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** Starts ours as `serve etcd` does on a data directory. */
async function startOn(dataDir: string): Promise<Etcd> {
  const directory = await databaseDirectory(join(dataDir, "member"), silentLogger);
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: directory, clock: monotonicClock(), log: silentLogger, peerUrls: ["http://127.0.0.1:1"], clusterToken: "t" });
  await removeImportDrafts(directory);
  return etcd;
}

async function contentOn(dataDir: string): Promise<object> {
  const ours = await startOn(dataDir);
  const etcd = connect(ours.address);
  try {
    return await contentOf(etcd);
  } finally {
    etcd.close();
    await ours.close();
  }
}

/** The one line with which a directory is refused. */
async function refusal(dataDir: string): Promise<string> {
  const names = (): string[] => readdirSync(dataDir, { recursive: true, encoding: "utf8" }).sort();
  const namesBefore = names();
  const error = await startOn(dataDir).then(() => assert.fail("it started"), (failure: unknown) => failure);
  assert.ok(error instanceof DataDirectoryError, String(error));
  assert.doesNotMatch(error.message, /\n/);
  if (existsSync(join(dataDir, "member", "snap"))) assert.deepEqual(names(), namesBefore, "nothing is left behind");
  return error.message;
}

const SAVE_FIRST = /; start etcd on it, save it with `etcdctl snapshot save FILE`, and type `spheresim import-etcd FILE --standalone --data-dir NEW`$/;

async function fill(etcd: Connection): Promise<void> {
  await etcd.grant(3600, 77n);
  for (let index = 0; index < 50; index += 1) await etcd.kv.put(put({ key: `k/${index % 20}`, value: `${index}`.repeat(50), lease: index % 7 === 0 ? 77n : 0n }));
  await etcd.kv.deleteRange(del({ key: "k/1", rangeEnd: "k/2" }));
  await etcd.kv.compact({ revision: 20n, physical: true });
}

describe("a real etcd's data directory", { skip: skipWithout("etcd", "etcdctl") }, () => {
  const restored = join(root, "restored");
  let expected: object;
  let restoredIds: readonly (bigint | undefined)[];

  before(async () => {
    const real = await startRealEtcd();
    const etcd = connect(real.address);
    const { auth, close } = services(real.address);
    await fill(etcd);
    await auth.userAdd(newUser("alice"));
    const file = join(root, "saved.db");
    await etcdctl("--endpoints", real.address, "snapshot", "save", file);
    expected = await contentOf(etcd);
    for (const end of [close, etcd.close]) end();
    await real.close();
    const peerUrl = await freePeerUrl();
    await etcdctl("snapshot", "restore", file, "--data-dir", restored, "--name", "default", "--initial-cluster", `default=${peerUrl}`, "--initial-advertise-peer-urls", peerUrl);
    // What a real etcd says on it, on a copy: it writes into it.
    const directory = join(root, "restored-for-etcd");
    cpSync(restored, directory, { recursive: true });
    const again = await startRealEtcd({ restored: { directory, peerUrl } });
    const other = connect(again.address);
    assert.deepEqual(await contentOf(other), expected);
    const { header } = await other.cluster.memberList({ linearizable: false });
    restoredIds = [header?.clusterId, header?.memberId];
    other.close();
    await again.close();
  });

  /** A copy of the restored directory. */
  const copy = (): string => {
    const directory = mkdtempSync(join(root, "copy-"));
    cpSync(restored, directory, { recursive: true });
    return directory;
  };

  it("made by etcdctl snapshot restore is started on: content, HashKV, leases, users and ids, and the next time what was written since", async () => {
    const directory = copy();
    const original = readFileSync(join(directory, "member", "snap", "db"));
    assert.deepEqual(await contentOn(directory), expected);
    const ours = await startOn(directory);
    const [etcd, { auth, close }] = [connect(ours.address), services(ours.address)];
    const { header } = await etcd.cluster.memberList({ linearizable: false });
    assert.deepEqual([header?.clusterId, header?.memberId], restoredIds);
    assert.deepEqual((await auth.userList({})).users, ["alice"]);
    await etcd.kv.put(put({ key: "since", value: "1" }));
    const since = await contentOf(etcd);
    for (const end of [close, etcd.close]) end();
    await ours.close();
    assert.deepEqual(await contentOn(directory), since);
    assert.ok(readFileSync(join(directory, "member", "snap", "db")).equals(original), "the original is as it was");
  });

  it("of a member that ran is started on if its database is complete, and refused if its log has more", async () => {
    const [directory, peerUrl] = [join(root, "ran"), await freePeerUrl()];
    // It commits when it is told to, not by time.
    const real = await startRealEtcd({ restored: { directory, peerUrl }, flags: ["--backend-batch-interval=1h"] });
    const etcd = connect(real.address);
    /** What the disk holds now, as after a kill. */
    const killedCopy = (name: string): string => {
      cpSync(directory, join(root, name), { recursive: true });
      return join(root, name);
    };
    try {
      await fill(etcd);
      await etcd.kv.put(put({ key: "committed", value: "1" }));
      await etcd.maintenance.defragment({});
      const complete = await contentOf(etcd);
      assert.match(await refusal(directory), /^.*snap\/db is in use by process \d+; stop that etcd, or use another --data-dir$/);
      process.kill(real.pid, "SIGSTOP");
      const committed = killedCopy("ran-committed");
      process.kill(real.pid, "SIGCONT");
      await etcd.kv.put(put({ key: "acknowledged", value: "2" }));
      process.kill(real.pid, "SIGSTOP");
      const ahead = killedCopy("ran-ahead");
      process.kill(real.pid, "SIGCONT");
      assert.deepEqual(await contentOn(committed), complete);
      const line = await refusal(ahead);
      assert.match(line, /ran-ahead\/member is an etcd's whose last changes may be in its write-ahead log alone \(snap\/db says it ends at entry \d+, the log has entry \d+\)/);
      assert.match(line, SAVE_FIRST);
      // What the line says to type brings the rest along.
      const after = await contentOf(etcd);
      assert.notDeepEqual(after, complete);
      const file = join(root, "ran.db");
      await etcdctl("--endpoints", real.address, "snapshot", "save", file);
      const imported = spawn(process.execPath, [join(projectDirectory, "scripts", "spheresim.mjs"), "import-etcd", file, "--standalone", "--data-dir", join(root, "ran-imported")], { stdio: ["ignore", "ignore", "inherit"] });
      assert.deepEqual(await once(imported, "exit"), [0, null]);
      assert.deepEqual(await contentOn(join(root, "ran-imported")), after);
    } finally {
      etcd.close();
      await real.close();
    }
  });

  it("is imported anew after a kill half-way, which leaves no half store", async () => {
    const directory = copy();
    const args = ["--data-dir", directory, "--listen-client-urls", "http://127.0.0.1:0", "--advertise-client-urls", "http://127.0.0.1:1"];
    const child = spawn(join(projectDirectory, "scripts", "etcd"), args, { stdio: "ignore" });
    const exit = once(child, "exit");
    const member = join(directory, "member");
    await eventually("the import begins", () => readdirSync(member).length > 2);
    child.kill("SIGKILL");
    await exit;
    // However far it came; and as it is after a kill in the midst of writing rows.
    const half = join(member, ".spheresim-import-half");
    mkdirSync(half);
    writeFileSync(join(half, "000003.log"), "half");
    assert.deepEqual(await contentOn(directory), expected);
    assert.deepEqual(readdirSync(member).sort(), ["snap", "spheresim", "wal"]);
  });

  it("that is damaged is refused in one line, and nothing is made of it", async () => {
    const cutDatabase = copy();
    truncateSync(join(cutDatabase, "member", "snap", "db"), 10_000);
    assert.match(await refusal(cutDatabase), /^cannot import .*\/member\/snap\/db: .*(?:beyond its end|cut short)/);
    const emptyDatabase = copy();
    truncateSync(join(emptyDatabase, "member", "snap", "db"), 0);
    assert.match(await refusal(emptyDatabase), /^cannot import .*\/member\/snap\/db: it is no etcd database$/);
    const badLog = copy();
    const log = join(badLog, "member", "wal", readdirSync(join(badLog, "member", "wal"))[0] ?? "");
    const bytes = readFileSync(log);
    bytes.fill(0xa5, 40, 50);
    writeFileSync(log, bytes);
    assert.match(await refusal(badLog), /^cannot tell from .*\/member\/wal whether .*\/member is complete: .*damaged/);
    assert.match(await refusal(badLog), SAVE_FIRST);
  });

  it("with a user whose name is no text is refused, by the name", async () => {
    const [directory, peerUrl] = [join(root, "names"), await freePeerUrl()];
    const real = await startRealEtcd({ restored: { directory, peerUrl } });
    const client = new Client(real.address, credentials.createInsecure());
    const etcd = connect(real.address);
    try {
      // AuthUserAddRequest: name 0xff, password "p".
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest("/etcdserverpb.Auth/UserAdd", (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, Buffer.from("0a01ff120170", "hex"), (error) => (error === null ? resolve() : reject(error)));
      });
      await etcd.kv.put(put({ key: "last", value: "1" }));
      await etcd.maintenance.defragment({});
      process.kill(real.pid, "SIGSTOP");
      cpSync(directory, join(root, "names-copy"), { recursive: true });
      assert.match(await refusal(join(root, "names-copy")), /^cannot import .*\/member\/snap\/db: the name "ÿ" of a user or role is not UTF-8$/);
    } finally {
      etcd.close();
      client.close();
      await real.close();
    }
  });

  it("says in one log line what was imported, and in one line of the command that it is refused", async () => {
    const directory = copy();
    const args = ["--data-dir", directory, "--listen-client-urls", "http://127.0.0.1:0", "--advertise-client-urls", "http://127.0.0.1:1"];
    const child = spawn(join(projectDirectory, "scripts", "etcd"), args, { stdio: ["ignore", "ignore", "pipe"] });
    const exit = once(child, "exit");
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    await eventually("it is ready", () => said.includes("ready to serve client requests"));
    const second = spawn(join(projectDirectory, "scripts", "etcd"), args, { stdio: ["ignore", "ignore", "pipe"] });
    const refused = (await text(second.stderr)).split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    assert.deepEqual(refused, [`spheresim: etcd: ${join(directory, "member", "spheresim")} is in use by another process; stop it or use another --data-dir`]);
    child.kill("SIGTERM");
    assert.deepEqual(await exit, [0, null]);
    const lines = said.split("\n").filter((line) => line.includes("imported the database of a real etcd"));
    assert.equal(lines.length, 1);
    const { revision, leases } = JSON.parse(lines[0] ?? "") as { readonly revision: number; readonly leases: number };
    assert.deepEqual([BigInt(revision), leases], [(expected as { readonly revision: bigint }).revision, 1]);
  });
});

it("a directory that is somebody else's is refused in one line", async () => {
  const foreign = join(root, "foreign");
  mkdirSync(join(foreign, "member"), { recursive: true });
  writeFileSync(join(foreign, "member", "letter"), "dear");
  assert.match(await refusal(foreign), /\/foreign\/member is not empty and holds no etcd data of ours \(letter \.\.\.\); use an empty --data-dir$/);
});
