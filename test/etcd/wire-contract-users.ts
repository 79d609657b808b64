import assert from "node:assert/strict";
import { it } from "node:test";
import { NOBODY, NO_PASSWORD, type AuthUnderTest } from "./auth-under-test.js";
import { newPassword, newUser, outcome, permission, permissionText } from "./signed-in.js";

/** Users and roles, while authentication is off: who there is, and what the lists say. */
export function userCases(auth: AuthUnderTest): void {
  it("keeps users", async () => {
    const { etcd } = auth;
    const { header } = await etcd.auth.userAdd(newUser("alice"));
    assert.ok(header !== undefined && header.clusterId !== 0n && header.revision >= 1n && header.raftTerm >= 1n);
    assert.equal(await outcome(etcd.auth.userAdd(newUser("alice"))), "FAILED_PRECONDITION etcdserver: user name already exists");
    assert.equal(await outcome(etcd.auth.userAdd(newUser(""))), NOBODY);
    await etcd.auth.userAdd(newUser("certified", { password: "", options: { noPassword: true } }));
    await etcd.auth.userAdd(newUser("Zoë"));
    await etcd.auth.userAdd(newUser("short-lived", { password: "" }));
    assert.deepEqual((await etcd.auth.userList({})).users, ["Zoë", "alice", "certified", "short-lived"]);
    await etcd.auth.userDelete({ name: "short-lived" });
    assert.equal(await outcome(etcd.auth.userDelete({ name: "short-lived" })), "FAILED_PRECONDITION etcdserver: user name not found");
    assert.equal(await outcome(etcd.auth.userGet({ name: "nobody" })), "FAILED_PRECONDITION etcdserver: user name not found");
    assert.equal(await outcome(etcd.auth.userGet({ name: "" })), "FAILED_PRECONDITION etcdserver: user name not found");
    assert.equal(await outcome(etcd.auth.userChangePassword(newPassword("nobody", { password: "x" }))), "FAILED_PRECONDITION etcdserver: user name not found");
  });

  it("refuses passwords that bcrypt would cut off", { skip: !auth.traits.since35 && "the bcrypt of older builds cuts them" }, async () => {
    const { etcd } = auth;
    assert.equal(await outcome(etcd.auth.userAdd(newUser("long", { password: "x".repeat(73) }))), "UNKNOWN bcrypt: password length exceeds 72 bytes");
    assert.equal(await outcome(etcd.auth.userAdd(newUser("", { password: "x".repeat(73) }))), "UNKNOWN bcrypt: password length exceeds 72 bytes");
    assert.equal(await outcome(etcd.auth.userChangePassword(newPassword("alice", { hashedPassword: "not base64!" }))), NO_PASSWORD);
  });

  it("takes no name and no range that is larger than a request may be", async () => {
    const { etcd } = auth;
    const [name, tooLarge] = ["x".repeat(1536 * 1024), "INVALID_ARGUMENT etcdserver: request is too large"];
    assert.equal(await outcome(etcd.auth.userAdd(newUser(name, { password: "x" }))), tooLarge);
    assert.equal(await outcome(etcd.auth.roleAdd({ name })), tooLarge);
    assert.equal(await outcome(etcd.auth.roleGrantPermission({ name: "none", perm: permission("READ", name) })), tooLarge);
  });

  it("keeps roles", async () => {
    const { etcd } = auth;
    await etcd.auth.roleAdd({ name: "reader" });
    await etcd.auth.roleAdd({ name: "Writer" });
    assert.equal(await outcome(etcd.auth.roleAdd({ name: "reader" })), "FAILED_PRECONDITION etcdserver: role name already exists");
    assert.equal(await outcome(etcd.auth.roleAdd({ name: "" })), "INVALID_ARGUMENT etcdserver: role name is empty");
    assert.deepEqual((await etcd.auth.roleList({})).roles, ["Writer", "reader"]);
    assert.equal(await outcome(etcd.auth.roleGet({ role: "none" })), "FAILED_PRECONDITION etcdserver: role name not found");
    assert.equal(await outcome(etcd.auth.roleDelete({ role: "none" })), "FAILED_PRECONDITION etcdserver: role name not found");
  });

  it("keeps the permissions of a role by first key", async () => {
    const { etcd } = auth;
    const grant = (...given: Parameters<typeof permission>) => etcd.auth.roleGrantPermission({ name: "reader", perm: permission(...given) });
    const listed = async (): Promise<string[]> => (await etcd.auth.roleGet({ role: "reader" })).perm.map(permissionText);
    await grant("READ", "b/", "b0");
    await grant("READ", "a/", "a0");
    await grant("READWRITE", "c");
    assert.deepEqual(await listed(), ["READ [a/, a0)", "READ [b/, b0)", "READWRITE [c, )"]);
    await grant("WRITE", "c");
    assert.deepEqual(await listed(), ["READ [a/, a0)", "READ [b/, b0)", "WRITE [c, )"]);
    await grant("READ", "c", "\0");
    await grant("READWRITE", "c", "\0");
    // Only the first of several that begin at one key is found again.
    assert.deepEqual(await listed(), ["READ [a/, a0)", "READ [b/, b0)", "WRITE [c, )", "READ [c, ...)", "READWRITE [c, ...)"]);
    await etcd.auth.roleRevokePermission({ role: "reader", key: Buffer.from("c"), rangeEnd: Buffer.from("\0") });
    await etcd.auth.roleRevokePermission({ role: "reader", key: Buffer.from("c"), rangeEnd: Buffer.from("") });
    assert.deepEqual(await listed(), ["READ [a/, a0)", "READ [b/, b0)"]);
    assert.equal(await outcome(etcd.auth.roleRevokePermission({ role: "reader", key: Buffer.from("a/"), rangeEnd: Buffer.from("a1") })), "FAILED_PRECONDITION etcdserver: permission is not granted to the role");
    assert.equal(await outcome(etcd.auth.roleRevokePermission({ role: "none", key: Buffer.from("a/"), rangeEnd: Buffer.from("") })), "FAILED_PRECONDITION etcdserver: role name not found");
    assert.equal(await outcome(etcd.auth.roleGrantPermission({ name: "none", perm: permission("READ", "a") })), "FAILED_PRECONDITION etcdserver: role name not found");
    if (!auth.traits.since35) return;
    assert.equal(await outcome(etcd.auth.roleGrantPermission({ name: "reader", perm: undefined })), "INVALID_ARGUMENT etcdserver: permission not given");
    assert.equal(await outcome(grant("READ", "")), "INVALID_ARGUMENT etcdserver: invalid auth management");
    assert.equal(await outcome(grant("READ", "b", "a")), "INVALID_ARGUMENT etcdserver: invalid auth management");
    assert.equal(await outcome(grant("READ", "b", "b")), "INVALID_ARGUMENT etcdserver: invalid auth management");
  });

  it("grants roles to users, root's without its being there", async () => {
    const { etcd } = auth;
    await etcd.auth.userGrantRole({ user: "alice", role: "reader" });
    await etcd.auth.userGrantRole({ user: "alice", role: "Writer" });
    await etcd.auth.userGrantRole({ user: "alice", role: "reader" });
    assert.deepEqual((await etcd.auth.userGet({ name: "alice" })).roles, ["Writer", "reader"]);
    assert.equal(await outcome(etcd.auth.userGrantRole({ user: "nobody", role: "reader" })), "FAILED_PRECONDITION etcdserver: user name not found");
    assert.equal(await outcome(etcd.auth.userGrantRole({ user: "alice", role: "none" })), "FAILED_PRECONDITION etcdserver: role name not found");
    await etcd.auth.userRevokeRole({ name: "alice", role: "Writer" });
    assert.equal(await outcome(etcd.auth.userRevokeRole({ name: "alice", role: "Writer" })), "FAILED_PRECONDITION etcdserver: role is not granted to the user");
    assert.equal(await outcome(etcd.auth.userRevokeRole({ name: "nobody", role: "Writer" })), "FAILED_PRECONDITION etcdserver: user name not found");
    await etcd.auth.userGrantRole({ user: "alice", role: "Writer" });
    await etcd.auth.roleDelete({ role: "Writer" });
    assert.deepEqual((await etcd.auth.userGet({ name: "alice" })).roles, ["reader"]);
  });

  it("counts changes of users and roles", { skip: !auth.traits.since35 && "AuthStatus came with etcd 3.5" }, async () => {
    const { etcd } = auth;
    const before = await etcd.auth.authStatus({});
    assert.equal(before.enabled, false);
    const counted = async (call: () => Promise<unknown>): Promise<bigint> => {
      const { authRevision } = await etcd.auth.authStatus({});
      await call();
      return (await etcd.auth.authStatus({})).authRevision - authRevision;
    };
    assert.equal(await counted(() => etcd.auth.userGrantRole({ user: "alice", role: "reader" })), 0n);
    assert.equal(await counted(() => etcd.auth.userGrantRole({ user: "Zoë", role: "reader" })), 1n);
    assert.equal(await counted(() => etcd.auth.userChangePassword(newPassword("certified", { password: "x" }))), 1n);
    assert.equal(await counted(() => etcd.auth.userDelete({ name: "Zoë" })), 1n);
    assert.equal(await counted(() => outcome(etcd.auth.userDelete({ name: "Zoë" }))), 0n);
    assert.equal(await counted(() => etcd.auth.roleAdd({ name: "x" })), 1n);
    assert.equal(await counted(() => etcd.auth.roleGrantPermission({ name: "x", perm: permission("READ", "a") })), 1n);
    assert.equal(await counted(() => etcd.auth.roleDelete({ role: "x" })), 1n);
    assert.equal(await counted(() => etcd.auth.authDisable({})), 0n);
  });
}
