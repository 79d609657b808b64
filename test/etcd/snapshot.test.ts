import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { DataDirectoryError, type Etcd, importEtcd, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { freePeerUrl, startRealEtcd } from "../support/real-etcd.js";
import { run } from "../support/running-emulator.js";
import { newUser, outcome, permission, permissionText, type Services, services, signedIn } from "./signed-in.js";
import { contentOf, etcdctl } from "./store-content.js";
import { connect, type Connection, del, opDelete, opPut, put, range, txn } from "./wire.js";

const root = mkdtempSync(join(tmpdir(), "spheresim-snapshot-"));
after(() => rmSync(root, { recursive: true, force: true }));

const startOurs = (name: string): Promise<Etcd> => startEtcd({ listen: "127.0.0.1:0", dataDir: join(root, name), clock: monotonicClock(), log: silentLogger });

/** How each store is filled before its snapshot. */
const FILLINGS: Readonly<Record<string, (etcd: Connection) => Promise<void>>> = {
  "nothing at all": () => Promise.resolve(),
  "a few keys, leases and deletions": async (etcd) => {
    await etcd.grant(3600, 77n);
    await etcd.kv.put(put({ key: "a", value: "1", lease: 77n }));
    await etcd.kv.put(put({ key: "a", value: "2", lease: 77n }));
    await etcd.kv.txn(txn({ success: [opPut({ key: "b", value: "" }), opPut({ key: "c\0\u00ff", value: "x" })] }));
    await etcd.kv.txn(txn({ success: [opDelete({ key: "b" }), opPut({ key: "d", value: "y", lease: 77n })] }));
  },
  "large values among small ones": async (etcd) => {
    for (const bytes of [1, 4_000, 4_096, 4_200, 40, 1_500_000, 0, 70_000, 3]) await etcd.kv.put(put({ key: `large/${bytes}`, value: "v".repeat(bytes) }));
  },
  "thousands of versions, compacted in the middle": async (etcd) => {
    for (let round = 0; round < 30; round += 1) await Promise.all(Array.from({ length: 200 }, (_, index) => etcd.kv.put(put({ key: `/many/${(round * 37 + index) % 900}`, value: "w".repeat((round * index) % 400) }))));
    await etcd.kv.deleteRange(del({ key: "/many/1", rangeEnd: "/many/2" }));
    await etcd.kv.compact({ revision: 3_000n, physical: true });
    await etcd.kv.deleteRange(del({ key: "/many/3", rangeEnd: "/many/4" }));
  },
};

describe("a snapshot of ours becomes a real etcd, and that one's snapshot a store of ours, with the same content", { skip: skipWithout("etcd", "etcdctl") }, () => {
  for (const [index, [name, fill]] of Object.entries(FILLINGS).entries()) {
    it(name, async () => {
      const ours = await startOurs(`ours-${index}`);
      const etcd = connect(ours.address);
      await fill(etcd);
      const expected = await contentOf(etcd);
      const file = join(root, `ours-${index}.db`);
      await etcdctl("--endpoints", ours.address, "snapshot", "save", file);
      etcd.close();
      await ours.close();
      const status = JSON.parse(await etcdctl("snapshot", "status", file, "-w", "json")) as { totalSize: number; revision: number };
      assert.ok(status.totalSize > 0 && status.totalSize % 4096 === 0);

      const [directory, peerUrl] = [join(root, `real-${index}`), await freePeerUrl()];
      await etcdctl("snapshot", "restore", file, "--data-dir", directory, "--name", "default", "--initial-cluster", `default=${peerUrl}`, "--initial-advertise-peer-urls", peerUrl);
      const real = await startRealEtcd({ restored: { directory, peerUrl } });
      const realEtcd = connect(real.address);
      const back = join(root, `real-${index}.db`);
      try {
        assert.deepEqual(await contentOf(realEtcd), expected);
        await realEtcd.kv.put(put({ key: "and it goes on", value: "there" }));
        await etcdctl("--endpoints", real.address, "snapshot", "save", back);
        const theirs = await contentOf(realEtcd);
        const imported = await importEtcd(back, join(root, `imported-${index}`));
        const again = await startOurs(`imported-${index}`);
        const againEtcd = connect(again.address);
        assert.equal(imported.revision, again.revision);
        assert.deepEqual(await contentOf(againEtcd), theirs);
        await againEtcd.kv.put(put({ key: "and goes on", value: "here" }));
        againEtcd.close();
        await again.close();
      } finally {
        realEtcd.close();
        await real.close();
      }
    });
  }
});

it("streams one state while writes and compactions go on", async () => {
  const ours = await startOurs("busy");
  const etcd = connect(ours.address);
  const putMany = (round: number): Promise<unknown> => Promise.all(Array.from({ length: 100 }, (_, index) => etcd.kv.put(put({ key: `k${(round * 31 + index) % 500}`, value: `${round}`.repeat(100) }))));
  for (let round = 0; round < 20; round += 1) await putMany(round);
  const file = join(root, "busy.db");
  const pieces: Buffer[] = [];
  for await (const { blob, remainingBytes } of etcd.maintenance.snapshot({})) {
    pieces.push(blob);
    if (pieces.length % 4 === 1 && remainingBytes > 0n) {
      await putMany(pieces.length);
      await etcd.kv.compact({ revision: BigInt(ours.revision - 50), physical: true });
    }
  }
  writeFileSync(file, Buffer.concat(pieces));
  const { revision } = await importEtcd(file, join(root, "busy-imported"));
  assert.equal(revision, 2_001);
  assert.ok(ours.revision > revision);
  const again = await startOurs("busy-imported");
  const againEtcd = connect(again.address);
  assert.equal((await againEtcd.kv.range(range({ key: "k", rangeEnd: "l" }))).kvs.length, 500);
  againEtcd.close();
  etcd.close();
  await Promise.all([again.close(), ours.close()]);
});

it("brings users and roles into a real etcd, and from there into a store of ours", { skip: skipWithout("etcd", "etcdctl") }, async () => {
  const ours = await startOurs("users");
  const first = services(ours.address);
  await first.auth.userAdd(newUser("root"));
  await first.auth.userAdd(newUser("alice"));
  await first.auth.userGrantRole({ user: "root", role: "root" });
  await first.auth.roleAdd({ name: "root" });
  await first.auth.roleAdd({ name: "reader" });
  await first.auth.roleGrantPermission({ name: "reader", perm: permission("READ", "a", "b") });
  await first.auth.userGrantRole({ user: "alice", role: "reader" });
  await first.kv.put(put({ key: "a", value: "1" }));
  await first.auth.authEnable({});
  /** What a server lets them do, and who may say so. */
  const rights = async (etcd: Services): Promise<readonly string[]> => {
    const [root, alice] = [await signedIn(etcd, "root"), await signedIn(etcd, "alice")];
    const { perm } = await etcd.auth.roleGet({ role: "reader" }, root);
    const calls = [etcd.kv.range(range({ key: "a" })), etcd.kv.range(range({ key: "a" }), alice), etcd.kv.put(put({ key: "a", value: "2" }), alice), etcd.kv.range(range({ key: "b" }), root), etcd.auth.authenticate({ name: "alice", password: "guess" })];
    return [...(await Promise.all(calls.map(outcome))), ...perm.map(permissionText), ...(await etcd.auth.userList({}, root)).users];
  };
  const expected = await rights(first);
  assert.deepEqual(expected.slice(0, 3), ["INVALID_ARGUMENT etcdserver: user name is empty", "ok", "PERMISSION_DENIED etcdserver: permission denied"]);
  const save = (address: string, file: string): Promise<string> => etcdctl("--endpoints", address, "--user", "root:root", "snapshot", "save", file);
  const [there, back] = [join(root, "users.db"), join(root, "users-back.db")];
  await save(ours.address, there);
  first.close();
  await ours.close();

  const [directory, peerUrl] = [join(root, "users-real"), await freePeerUrl()];
  await etcdctl("snapshot", "restore", there, "--data-dir", directory, "--name", "default", "--initial-cluster", `default=${peerUrl}`, "--initial-advertise-peer-urls", peerUrl);
  const real = await startRealEtcd({ restored: { directory, peerUrl } });
  const second = services(real.address);
  try {
    assert.deepEqual(await rights(second), expected);
    await save(real.address, back);
  } finally {
    second.close();
    await real.close();
  }

  await importEtcd(back, join(root, "users-imported"));
  const again = await startOurs("users-imported");
  const third = services(again.address);
  assert.deepEqual(await rights(third), expected);
  third.close();
  await again.close();
});

describe("an import", () => {
  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof DataDirectoryError, String(error));
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };

  it("says in one line what it cannot do, and leaves nothing behind", async () => {
    const directory = join(root, "refusals");
    mkdirSync(join(directory, "full"), { recursive: true });
    writeFileSync(join(directory, "full", "file"), "");
    writeFileSync(join(directory, "letter"), "dear");
    await assert.rejects(importEtcd(join(directory, "letter"), join(directory, "full")), refused(/exists and is not empty/));
    await assert.rejects(importEtcd(join(directory, "letter"), join(directory, "new")), refused(/cannot import .*letter: it is no etcd database/));
    await assert.rejects(importEtcd(join(directory, "none"), join(directory, "new")), refused(/cannot import .*no such file/));
    assert.deepEqual(readdirSync(directory).sort(), ["full", "letter"]);
  });

  it("is a command", async () => {
    const ours = await startOurs("command");
    const etcd = connect(ours.address);
    await etcd.kv.put(put({ key: "a", value: "1" }));
    const pieces: Buffer[] = [];
    for await (const { blob } of etcd.maintenance.snapshot({})) pieces.push(blob);
    const file = join(root, "command.db");
    writeFileSync(file, Buffer.concat(pieces));
    etcd.close();
    await ours.close();
    const target = join(root, "command-target");
    const first = await run(["import-etcd", file, "--data-dir", target]);
    assert.deepEqual([first.code, first.stdout, first.stderr], [0, `imported ${join(target, "etcd")}: revision 2, 1 row of history, 0 leases\n`, ""]);
    const second = await run(["import-etcd", file, "--data-dir", target]);
    assert.deepEqual([second.code, second.stdout, second.stderr], [1, "", `spheresim: ${join(target, "etcd")} exists and is not empty; import into a new --data-dir\n`]);
  });
});
