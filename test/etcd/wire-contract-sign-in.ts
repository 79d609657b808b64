import assert from "node:assert/strict";
import { it } from "node:test";
import { AUTH_FAILED, BAD_TOKEN, DENIED, NOBODY, NO_PASSWORD, type AuthUnderTest } from "./auth-under-test.js";
import { as, newPassword, newUser, outcome, signedIn } from "./signed-in.js";
import { put, range } from "./wire.js";

/** What keeps authentication from being turned on, and what turns it on. */
export function enableCases(auth: AuthUnderTest): void {
  it("signs nobody in, and looks at no token", async () => {
    const { etcd } = auth;
    assert.equal(await outcome(etcd.auth.authenticate({ name: "alice", password: "alice" })), "FAILED_PRECONDITION etcdserver: authentication is not enabled");
    assert.equal(await outcome(etcd.kv.put(put({ key: "a/1", value: "1" }), as("whatever.1"))), auth.traits.since35 ? "ok" : BAD_TOKEN);
  });

  it("needs a root that may do everything to turn it on", async () => {
    const { etcd } = auth;
    assert.equal(await outcome(etcd.auth.authEnable({})), "FAILED_PRECONDITION etcdserver: root user does not exist");
    await etcd.auth.userAdd(newUser("root"));
    assert.equal(await outcome(etcd.auth.authEnable({})), "FAILED_PRECONDITION etcdserver: root user does not have root role");
    await etcd.auth.userGrantRole({ user: "root", role: "root" });
    await etcd.auth.authEnable({});
  });
}

/** Tokens: who gets one, and where it is wanted. */
export function tokenCases(auth: AuthUnderTest): void {
  it("gives tokens of 16 letters and a number", async () => {
    const { etcd } = auth;
    const { token, header } = await etcd.auth.authenticate({ name: "root", password: "root" });
    assert.match(token, /^[a-zA-Z]{16}\.\d+$/);
    assert.ok(header !== undefined && header.memberId !== 0n);
    auth.root = as(token);
    auth.alice = await signedIn(etcd, "alice");
    assert.equal(await outcome(etcd.auth.authenticate({ name: "alice", password: "wrong" })), AUTH_FAILED);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "alice", password: "" })), AUTH_FAILED);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "nobody", password: "alice" })), AUTH_FAILED);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "", password: "" })), AUTH_FAILED);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "certified", password: "" })), NO_PASSWORD);
    await etcd.auth.authEnable({}, auth.root);
  });

  it("wants a token, in either header", async () => {
    const { etcd, alice } = auth;
    const read = range({ key: "a/1" });
    assert.equal(await outcome(etcd.kv.range(read)), NOBODY);
    assert.equal(await outcome(etcd.kv.range(read, as("none.1"))), BAD_TOKEN);
    assert.equal(await outcome(etcd.kv.range(read, as("")))  , BAD_TOKEN);
    assert.equal(await outcome(etcd.kv.range(read, alice)), "ok");
    assert.equal(await outcome(etcd.kv.range(read, as(alice.metadata["token"] ?? "", "authorization"))), "ok");
    assert.equal(await outcome(etcd.kv.range(read, { metadata: { token: "none.1", authorization: alice.metadata["token"] ?? "" } })), BAD_TOKEN);
    if (auth.traits.hardened) assert.equal(await outcome(etcd.kv.range(read, as(`Bearer ${alice.metadata["token"]}`, "authorization"))), "ok");
    // What is wrong with the request itself is said first; then who calls; then what may be done.
    assert.equal(await outcome(etcd.kv.range(range({}))), "INVALID_ARGUMENT etcdserver: key is not provided");
    assert.equal(await outcome(etcd.kv.put(put({ key: "b/1", lease: 77 }), alice)), DENIED);
    assert.equal(await outcome(etcd.kv.put(put({ key: "b/1", value: "x".repeat(1536 * 1024) }), as("none.1"))), BAD_TOKEN);
    assert.equal(await outcome(etcd.kv.put(put({ key: "b/1", value: "x".repeat(1536 * 1024) }), alice)), "INVALID_ARGUMENT etcdserver: request is too large");
  });
}

/** What ends a token, a password or authentication itself. */
export function endCases(auth: AuthUnderTest): void {
  it("ends what a user may do with the change itself", async () => {
    const { etcd } = auth;
    await etcd.auth.roleRevokePermission({ role: "ranges", key: Buffer.from("m/g"), rangeEnd: Buffer.from("") }, auth.root);
    assert.equal(await outcome(etcd.kv.range(range({ key: "m/g" }), auth.alice)), DENIED);
    await etcd.auth.userRevokeRole({ name: "alice", role: "ranges" }, auth.root);
    assert.equal(await outcome(etcd.kv.put(put({ key: "w/1" }), auth.alice)), DENIED);
    assert.equal(await outcome(etcd.kv.range(range({ key: "a/1" }), auth.alice)), "ok");
    await etcd.auth.userChangePassword(newPassword("alice", { password: "other" }), auth.root);
    assert.equal(await outcome(etcd.kv.range(range({ key: "a/1" }), auth.alice)), BAD_TOKEN);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "alice", password: "alice" })), AUTH_FAILED);
    auth.alice = await signedIn(etcd, "alice", "other");
    assert.equal(await outcome(etcd.kv.range(range({ key: "a/1" }), auth.alice)), "ok");
    await etcd.auth.userDelete({ name: "alice" }, auth.root);
    assert.equal(await outcome(etcd.kv.range(range({ key: "a/1" }), auth.alice)), BAD_TOKEN);
  });

  it("takes a hash for a password where one is changed", { skip: !auth.traits.since35 && "hashedPassword came with etcd 3.5" }, async () => {
    const { etcd, root } = auth;
    const hash = "$2a$04$qnhDsaSRiVnTsF28PrVMDedDlBRBFmoY2.Ex8rMgwx4R8vqAhE6bO";
    await etcd.auth.userAdd(newUser("hashed"), root);
    await etcd.auth.userChangePassword(newPassword("hashed", { hashedPassword: Buffer.from(hash).toString("base64") }), root);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "hashed", password: "hashed" })), AUTH_FAILED);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "hashed", password: "known" })), "ok");
    await etcd.auth.userChangePassword(newPassword("hashed", {}), root);
    assert.equal(await outcome(etcd.auth.authenticate({ name: "hashed", password: "" })), AUTH_FAILED);
  });

  it("lets everybody in again when it is turned off, and forgets who was there", async () => {
    const { etcd, root } = auth;
    await etcd.auth.authDisable({}, root);
    assert.equal(await outcome(etcd.kv.put(put({ key: "b/1" }))), "ok");
    await etcd.auth.authEnable({});
    assert.equal(await outcome(etcd.kv.put(put({ key: "b/1" }), root)), BAD_TOKEN);
  });
}
