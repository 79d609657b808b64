import assert from "node:assert/strict";
import { it } from "node:test";
import { AlarmRequest, AlarmRequest_AlarmAction, AlarmType } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { BAD_TOKEN, DENIED, NOBODY, type AuthUnderTest } from "./auth-under-test.js";
import { as, newPassword, newUser, outcome, permission } from "./signed-in.js";

/** What only root may do. */
export function rootCases(auth: AuthUnderTest): void {
  it("keeps the management for root, and lets users see themselves", async () => {
    const { etcd, root, alice } = auth;
    const calls: ((who?: ReturnType<typeof as>) => Promise<unknown>)[] = [
      (who) => etcd.auth.userAdd(newUser("x"), who),
      (who) => etcd.auth.userDelete({ name: "alice" }, who),
      (who) => etcd.auth.userChangePassword(newPassword("alice", { password: "x" }), who),
      (who) => etcd.auth.userGrantRole({ user: "alice", role: "root" }, who),
      (who) => etcd.auth.userRevokeRole({ name: "alice", role: "ranges" }, who),
      (who) => etcd.auth.userList({}, who),
      (who) => etcd.auth.userGet({ name: "root" }, who),
      (who) => etcd.auth.roleAdd({ name: "x" }, who),
      (who) => etcd.auth.roleDelete({ role: "ranges" }, who),
      (who) => etcd.auth.roleList({}, who),
      (who) => etcd.auth.roleGet({ role: "root" }, who),
      (who) => etcd.auth.roleGrantPermission({ name: "ranges", perm: permission("READ", "x") }, who),
      (who) => etcd.auth.roleRevokePermission({ role: "ranges", key: Buffer.from("m/g"), rangeEnd: Buffer.from("") }, who),
      (who) => etcd.auth.authEnable({}, who),
      (who) => etcd.auth.authDisable({}, who),
    ];
    if (auth.traits.since35) calls.push((who) => etcd.auth.authStatus({}, who));
    if (auth.traits.hardened) calls.push((who) => etcd.kv.compact({ revision: 1000n, physical: false }, who));
    for (const call of calls) {
      assert.equal(await outcome(call(alice)), DENIED, String(call));
      assert.equal(await outcome(call()), NOBODY, String(call));
      assert.equal(await outcome(call(as("none.1"))), BAD_TOKEN, String(call));
    }
    assert.deepEqual((await etcd.auth.userGet({ name: "alice" }, alice)).roles, ["ranges", "reader"]);
    assert.equal((await etcd.auth.roleGet({ role: "ranges" }, alice)).perm.length, 6);
    assert.equal(await outcome(etcd.auth.roleGet({ role: "none" }, root)), "FAILED_PRECONDITION etcdserver: role name not found");
    // Whoever is nobody has the empty name.
    assert.equal(await outcome(etcd.auth.userGet({ name: "" })), "FAILED_PRECONDITION etcdserver: user name not found");
  });

  it("keeps the care of the member for root", async () => {
    const { etcd, root, alice } = auth;
    const { maintenance, cluster } = etcd;
    const hash = (who?: ReturnType<typeof as>): Promise<string> => outcome(maintenance.hashKv({ revision: 0n }, who));
    assert.deepEqual([await hash(root), await hash(alice), await hash(), await hash(as("none.1"))], ["ok", "UNKNOWN auth: permission denied", "UNKNOWN auth: user name is empty", "UNKNOWN auth: invalid auth token"]);
    assert.equal(await outcome(maintenance.status({}, alice)), "ok");
    assert.equal(await outcome(maintenance.alarm(AlarmRequest.create(), alice)), "ok");
    assert.equal(await outcome(cluster.memberList({ linearizable: true }, alice)), "ok");
    if (!auth.traits.hardened) return;
    assert.equal(await outcome(maintenance.status({})), NOBODY);
    assert.equal(await outcome(maintenance.alarm(AlarmRequest.create())), NOBODY);
    assert.equal(await outcome(maintenance.alarm(AlarmRequest.create({ action: AlarmRequest_AlarmAction.DEACTIVATE, alarm: AlarmType.NOSPACE }), alice)), DENIED);
    assert.equal(await outcome(cluster.memberList({ linearizable: true })), NOBODY);
  });

  it("keeps root from locking itself out", async () => {
    const { etcd, root } = auth;
    const unthinkable = "INVALID_ARGUMENT etcdserver: invalid auth management";
    assert.equal(await outcome(etcd.auth.userDelete({ name: "root" }, root)), unthinkable);
    assert.equal(await outcome(etcd.auth.userRevokeRole({ name: "root", role: "root" }, root)), unthinkable);
    assert.equal(await outcome(etcd.auth.roleDelete({ role: "root" }, root)), unthinkable);
  });
}
