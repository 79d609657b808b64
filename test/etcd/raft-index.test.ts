import assert from "node:assert/strict";
import { it } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { DowngradeRequest_DowngradeAction as Action } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { outcome } from "./signed-in.js";
import { connect, type Connection, put } from "./wire.js";

it("raft's index grows over a restart, and a downgrade job goes on", async () => {
  const table = new MemoryTable();
  const run = async (work: (etcd: Connection) => Promise<void>): Promise<bigint> => {
    const server = await startEtcd({ listen: "127.0.0.1:0", dataDir: table, clock: new ManualClock(), log: silentLogger });
    const etcd = connect(server.address);
    await work(etcd);
    const { raftIndex } = await etcd.maintenance.status({});
    etcd.close();
    await server.close();
    return raftIndex;
  };
  const empty = await run(async () => undefined);
  const before = await run(async (etcd) => {
    for (let lease = 1n; lease <= 20n; lease += 1n) await etcd.grant(60, lease);
    await etcd.kv.put(put({ key: "a", value: "1" }));
    await etcd.maintenance.downgrade({ action: Action.ENABLE, version: "3.4" });
  });
  // 20 leases, a revision, a downgrade job and a start.
  assert.equal(before, empty + 23n);
  const after = await run(async (etcd) => {
    assert.equal(await outcome(etcd.maintenance.downgrade({ action: Action.ENABLE, version: "3.4" })), "FAILED_PRECONDITION etcdserver: cluster has a downgrade job in progress");
    await etcd.maintenance.downgrade({ action: Action.CANCEL, version: "" });
  });
  assert.equal(after, before + 2n);
});
