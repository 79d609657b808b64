import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { addRole, addUser, changePassword, deleteUser, enable, grantPermission, grantRole } from "../../src/etcd/auth/auth-changes.js";
import { AuthStore } from "../../src/etcd/auth/auth-store.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { Gate } from "../../src/etcd/services/gate.js";
import { Store } from "../../src/etcd/kv/store.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { newUser, outcome, permission, permissionText, services, signedIn } from "./signed-in.js";
import { spawnEtcd } from "./spawned-etcd.js";
import { range } from "./wire.js";

const HASH_OF_KNOWN = Buffer.from("$2a$04$qnhDsaSRiVnTsF28PrVMDedDlBRBFmoY2.Ex8rMgwx4R8vqAhE6bO");
const nobody = undefined;

describe("the auth store", () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of open.splice(0).reverse()) await part.close();
  });

  const start = async (table: MemoryTable): Promise<{ store: Store; auth: AuthStore }> => {
    const store = await Store.open(table, { onFailure: () => undefined });
    const auth = await AuthStore.open(store, new ManualClock());
    open.push(store, auth);
    return { store, auth };
  };
  const withRoot = async (auth: AuthStore): Promise<void> => {
    await auth.change(nobody, (state) => addUser(state, "root", HASH_OF_KNOWN, undefined));
    await auth.change(nobody, (state) => grantRole(state, { user: "root", role: "root" }));
    await auth.change(nobody, enable);
  };

  it("keeps etcd's own rows", async () => {
    const table = new MemoryTable();
    const { auth } = await start(table);
    await auth.change(nobody, (state) => addUser(state, "root", Buffer.from("hash"), undefined));
    await auth.change(nobody, (state) => addUser(state, "tls", Buffer.alloc(0), { noPassword: true }));
    await auth.change(nobody, (state) => grantRole(state, { user: "root", role: "root" }));
    await auth.change(nobody, (state) => addRole(state, "r"));
    await auth.change(nobody, (state) => grantPermission(state, "r", permission("READWRITE", "a", "b")));
    await auth.change(nobody, enable);
    const joined = (hex: string): string => hex.replaceAll(" ", "");
    const row = (key: string): string | undefined => table.get(Buffer.from(key))?.toString("hex");
    assert.equal(row("aauthEnabled"), "01");
    assert.equal(row("aauthRevision"), "0000000000000006");
    // name = "root", password = "hash", roles = ["root"], options = {}
    assert.equal(row("uroot"), joined("0a04726f6f74 120468617368 1a04726f6f74 2200"));
    // name = "tls", options = {no_password: true}
    assert.equal(row("utls"), joined("0a03746c73 22020801"));
    // name = "r", keyPermission = [{permType: READWRITE, key: "a", range_end: "b"}]
    assert.equal(row("or"), joined("0a0172 1208 0802 120161 1a0162"));
  });

  it("keeps the very rows that stand in an etcd's snapshot", { skip: skipWithout("etcd") }, async () => {
    const real = await startRealEtcd();
    const etcd = services(real.address);
    await etcd.auth.userAdd(newUser("someone"));
    await etcd.auth.userAdd(newUser("tls", { password: "", options: { noPassword: true } }));
    await etcd.auth.userGrantRole({ user: "tls", role: "root" });
    await etcd.auth.roleAdd({ name: "readers" });
    await etcd.auth.roleGrantPermission({ name: "readers", perm: permission("READWRITE", "a", "b") });
    const blobs: Buffer[] = [];
    for await (const { blob } of etcd.maintenance.snapshot({})) blobs.push(blob);
    const snapshot = Buffer.concat(blobs);
    etcd.close();
    await real.close();

    const table = new MemoryTable();
    const { auth } = await start(table);
    await auth.change(nobody, (state) => addUser(state, "someone", HASH_OF_KNOWN, undefined));
    await auth.change(nobody, (state) => addUser(state, "tls", Buffer.alloc(0), { noPassword: true }));
    await auth.change(nobody, (state) => grantRole(state, { user: "tls", role: "root" }));
    await auth.change(nobody, (state) => addRole(state, "readers"));
    await auth.change(nobody, (state) => grantPermission(state, "readers", permission("READWRITE", "a", "b")));
    // In a page of bbolt the value follows its key.
    for (const key of ["aauthRevision", "utls", "oreaders"]) {
      const value = table.get(Buffer.from(key));
      assert.ok(value !== undefined && snapshot.includes(Buffer.concat([Buffer.from(key.slice(1)), value])), key);
    }
    // The hash differs with its salt; what surrounds it does not.
    const name = Buffer.from("someone");
    const [head, tail] = [Buffer.from("\n\x07someone\x12\x3c$2a$"), Buffer.from('"\0')];
    const at = snapshot.indexOf(Buffer.concat([name, head]));
    const mine = table.get(Buffer.from("usomeone")) ?? Buffer.alloc(0);
    const theirs = snapshot.subarray(at + name.length, at + name.length + mine.length);
    for (const row of [mine, theirs]) assert.deepEqual([row.subarray(0, head.length), row.subarray(-tail.length)], [head, tail]);
  });

  it("finds everything again after a restart, but nobody signed in", async () => {
    const table = new MemoryTable();
    const { auth } = await start(table);
    await withRoot(auth);
    await auth.change({ user: "root", authRevision: 3n }, (state) => addUser(state, "gone", HASH_OF_KNOWN, undefined));
    await auth.change({ user: "root", authRevision: 4n }, (state) => deleteUser(state, "gone"));
    const token = await auth.authenticate("root", "known", () => 1n);
    assert.equal(auth.holderOf(token).user, "root");
    const { auth: again } = await start(table);
    assert.deepEqual([again.state.enabled, again.state.revision, [...again.state.users.keys()]], [true, 5n, ["root"]]);
    assert.throws(() => again.holderOf(token), /invalid auth token/);
    assert.match(await again.authenticate("root", "known", () => 2n), /^[a-zA-Z]{16}\.2$/);
  });

  it("14571: loses no user, no role and no rule to a kill -9", async () => {
    const directory = mkdtempSync(join(tmpdir(), "spheresim-auth-"));
    const first = await spawnEtcd(directory);
    let etcd = services(first.address);
    await etcd.auth.userAdd(newUser("root"));
    await etcd.auth.userGrantRole({ user: "root", role: "root" });
    await etcd.auth.roleAdd({ name: "readers" });
    await etcd.auth.roleGrantPermission({ name: "readers", perm: permission("READ", "a", "b") });
    await etcd.auth.authEnable({});
    const before = await signedIn(etcd, "root");
    const { authRevision } = await etcd.auth.authStatus({}, before);
    await first.kill();
    etcd.close();

    const second = await spawnEtcd(directory);
    etcd = services(second.address);
    assert.equal(await outcome(etcd.kv.range(range({ key: "a" }))), "INVALID_ARGUMENT etcdserver: user name is empty");
    assert.equal(await outcome(etcd.kv.range(range({ key: "a" }), before)), "UNAUTHENTICATED etcdserver: invalid auth token");
    const root = await signedIn(etcd, "root");
    const status = await etcd.auth.authStatus({}, root);
    assert.deepEqual([status.enabled, status.authRevision], [true, authRevision]);
    assert.deepEqual((await etcd.auth.roleGet({ role: "readers" }, root)).perm.map(permissionText), ["READ [a, b)"]);
    await second.kill();
    etcd.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("shows a change to writers at once, to readers once it is durable", async () => {
    const { store, auth } = await start(new MemoryTable());
    const change = auth.change(nobody, (state) => addUser(state, "a", HASH_OF_KNOWN, undefined));
    assert.deepEqual([auth.newest.users.has("a"), auth.state.users.has("a")], [true, false]);
    const seen = store.write(() => auth.newest.users.has("a"));
    await change;
    assert.deepEqual([await seen, auth.state.users.has("a"), auth.state === auth.newest], [true, true, true]);
  });

  it("leaves everything as it was when a change is refused", async () => {
    const table = new MemoryTable();
    const { auth } = await start(table);
    await withRoot(auth);
    const [before, writes] = [auth.state, table.writes];
    assert.equal(await outcome(auth.change(nobody, (state) => addRole(state, "x"))), "INVALID_ARGUMENT etcdserver: user name is empty");
    assert.equal(await outcome(auth.change({ user: "x", authRevision: 3n }, (state) => addRole(state, "x"))), "FAILED_PRECONDITION etcdserver: user name not found");
    assert.equal(await outcome(auth.change({ user: "root", authRevision: 3n }, (state) => addRole(state, ""))), "INVALID_ARGUMENT etcdserver: role name is empty");
    assert.deepEqual([auth.state, auth.newest, table.writes], [before, before, writes]);
  });

  it("asks for the password again when users change during a sign-in", async () => {
    const { auth } = await start(new MemoryTable());
    await withRoot(auth);
    const root = { user: "root", authRevision: 3n };
    const unrelated = outcome(auth.authenticate("root", "known", () => 1n));
    await auth.change(root, (state) => addRole(state, "x"));
    assert.equal(await unrelated, "ok");
    const outdated = outcome(auth.authenticate("root", "known", () => 1n));
    await auth.change(root, (state) => changePassword(state, "root", () => Buffer.alloc(0)));
    assert.equal(await outdated, "INVALID_ARGUMENT etcdserver: authentication failed, invalid user ID or password");
  });

  it("sends back who was looked up before the last change of users", async () => {
    const { auth } = await start(new MemoryTable());
    await withRoot(auth);
    const asked = { start: "a", end: "b", single: false };
    const root = { user: "root", authRevision: 3n };
    auth.state.permit(root, asked, "write");
    await auth.change(root, (state) => addRole(state, "x"));
    assert.throws(() => auth.state.permit(root, asked, "write"), /etcdserver: revision of auth store is old/);
    assert.throws(() => auth.state.permit({ user: "none", authRevision: 4n }, asked, "read"), /permission denied/);
  });

  it("takes the common name of a certificate for the user where that is wanted and there is no token", async () => {
    const { auth } = await start(new MemoryTable());
    const call = (peerCommonName: string | undefined, headers: Record<string, string> = {}) => ({ peerCommonName, header: (name: string) => headers[name] });
    const [gate, deaf] = [new Gate(auth, true), new Gate(auth, false)];
    assert.equal(gate.identify(call("tls")), undefined);
    await withRoot(auth);
    assert.deepEqual(gate.identify(call("tls")), { user: "tls", authRevision: 3n });
    assert.deepEqual([gate.identify(call(undefined)), deaf.identify(call("tls")), gate.identify(call("tls", { "grpcgateway-accept": "*/*" }))], [undefined, undefined, undefined]);
    const token = await auth.authenticate("root", "known", () => 1n);
    assert.equal(gate.identify(call("tls", { token }))?.user, "root");
    assert.throws(() => gate.identify(call("tls", { authorization: "Bearer none.1" })), /invalid auth token/);
    gate.requireAdmin(call("root"));
    assert.throws(() => gate.requireAdmin(call("")), /user name is empty/);
    assert.throws(() => gate.requireIdentity(call(undefined)), /user name is empty/);
  });
});
