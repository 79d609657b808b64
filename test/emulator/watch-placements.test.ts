import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { openJournalStore } from "../../src/emulator/client.js";
import { encodeRecord, journalKey } from "../../src/emulator/journal-key.js";
import { emulatorService } from "../../src/emulator/services/emulator.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { Info, WatchPlacementsRequest } from "../../src/gen/spheresim/emulator/v1/emulator.js";
import { EmulatorServiceClient } from "../../src/gen/spheresim/emulator/v1/emulator_service.js";
import { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { openChannel } from "../../src/rpc/channel.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { startRpcServer } from "../../src/rpc/server.js";

/** EmulatorService over a journal in a real store, without a cluster. */
async function startService(t: TestContext) {
  const monotonic = monotonicClock();
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonic, log: silentLogger });
  const store = openJournalStore({ etcdEndpoints: [etcd.address], monotonic });
  const raw = new EtcdClient({ endpoints: [etcd.address], clock: monotonic });
  const noCluster = new RestClient({ server: "https://127.0.0.1:1", userAgent: "test/1" });
  const inventory = (): Promise<never> => Promise.reject(new Error("no vCenter"));
  const service = emulatorService({ client: noCluster, reader: store, inventory, monotonic, info: () => Info.create() });
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "emulator", log: silentLogger, services: [service], closeLimitMs: 100 });
  const channel = openChannel({ address: server.address });
  t.after(async () => {
    channel.close();
    await server.close();
    await noCluster.close();
    raw.close();
    store.close();
    await etcd.close();
  });
  const emulator = channel.client(EmulatorServiceClient);
  const record = async (step: number): Promise<void> => store.put([{ key: journalKey("pod", 1, step), value: encodeRecord(StepRecord.create({ podUid: "pod", step })) }]);
  const told = async (request: Partial<WatchPlacementsRequest>) => {
    const updates: { readonly step: number; readonly revision: bigint }[] = [];
    for await (const { step, revision } of emulator.watchPlacements(WatchPlacementsRequest.fromPartial({ podUid: "pod", ...request }))) updates.push({ step: step?.step ?? 0, revision });
    return updates;
  };
  return { record, told, raw };
}

test("until_now tells what is stored and ends, from a revision on if one is given", async (t) => {
  const { record, told } = await startService(t);
  for (const step of [1, 2, 3]) await record(step);
  const all = await told({ untilNow: true });
  assert.deepEqual(all.map(({ step }) => step), [1, 2, 3]);
  const rest = await told({ untilNow: true, afterRevision: all[0]?.revision ?? 0n });
  assert.deepEqual(rest, all.slice(1));
  assert.deepEqual(await told({ untilNow: true, afterRevision: all[2]?.revision ?? 0n }), []);
});

test("a revision that etcd has compacted is refused as too old", async (t) => {
  const { record, told, raw } = await startService(t);
  for (const step of [1, 2, 3]) await record(step);
  const [first, , last] = await told({ untilNow: true });
  await raw.compact(Number(last?.revision));
  await assert.rejects(told({ afterRevision: (first?.revision ?? 0n) - 1n || 1n }), { code: RpcCode.OUT_OF_RANGE, reason: { reason: "InvalidCollectorVersion", domain: "emulator.spheresim.test", metadata: {} } });
});
