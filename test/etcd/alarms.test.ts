import assert from "node:assert/strict";
import { it } from "node:test";
import { Alarms } from "../../src/etcd/member/alarms.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { Store } from "../../src/etcd/kv/store.js";
import { AlarmType } from "../../src/gen/etcd/etcdserverpb/rpc.js";

it("alarms are on and off over restarts until somebody says otherwise", async () => {
  const table = new MemoryTable();
  const restarted = async (work: (alarms: Alarms) => Promise<unknown>): Promise<string[]> => {
    const store = await Store.open(table, { onFailure: assert.fail });
    const alarms = await Alarms.open(store);
    const before = alarms.list().map(({ memberID, alarm }) => `${memberID} ${AlarmType[alarm]}`);
    await work(alarms);
    await store.close();
    return before;
  };
  assert.deepEqual(await restarted((alarms) => Promise.all([alarms.activate(7n, AlarmType.NOSPACE), alarms.activate(8n, AlarmType.CORRUPT)])), []);
  assert.deepEqual(await restarted((alarms) => alarms.deactivate(7n, AlarmType.NOSPACE)), ["7 NOSPACE", "8 CORRUPT"]);
  assert.deepEqual(await restarted(() => Promise.resolve()), ["8 CORRUPT"]);
});
