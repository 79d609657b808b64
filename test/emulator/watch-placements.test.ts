import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { openEsxiHosts, openJournalStore } from "../../src/emulator/client.js";
import { encodeRecord, journalKey, podPrefix } from "../../src/emulator/journal-key.js";
import { emulatorService } from "../../src/emulator/services/emulator.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { Info, type PlacementUpdate, WatchPlacementsRequest } from "../../src/gen/spheresim/emulator/v1/emulator.js";
import { EmulatorServiceClient } from "../../src/gen/spheresim/emulator/v1/emulator_service.js";
import { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { openChannel } from "../../src/rpc/channel.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { faultInStatus } from "../../src/rpc/method-fault.js";
import { startRpcServer } from "../../src/rpc/server.js";

/** EmulatorService over a journal in a real store, without a cluster. */
async function startService(t: TestContext, progressIntervalMs?: number) {
  const monotonic = monotonicClock();
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonic, log: silentLogger, ...(progressIntervalMs === undefined ? {} : { progressIntervalMs }) });
  const store = openJournalStore({ etcdEndpoints: [etcd.address], monotonic });
  const raw = new EtcdClient({ endpoints: [etcd.address], clock: monotonic });
  const noCluster = new RestClient({ server: "https://127.0.0.1:1", userAgent: "test/1" });
  const inventory = (): Promise<never> => Promise.reject(new Error("no vCenter"));
  const service = emulatorService({ client: noCluster, reader: store, inventory, esxi: openEsxiHosts(undefined), monotonic, info: () => Info.create() });
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
  const record = async (step: number, podUid = "pod"): Promise<void> => store.put([{ key: journalKey(podUid, 1, step), value: encodeRecord(StepRecord.create({ podUid, step })) }]);
  const watch = (request: Partial<WatchPlacementsRequest>) => emulator.watchPlacements(WatchPlacementsRequest.fromPartial({ podUid: "pod", ...request }));
  /** Kind and step of everything until SYNCED, and its token. */
  const told = async (resumeToken = "") => {
    const updates: string[] = [];
    let token = "";
    for await (const update of watch({ resumeToken, untilNow: true })) {
      updates.push(words(update));
      token = update.resumeToken;
    }
    return { updates, token };
  };
  return { record, watch, told, raw, store };
}

function words({ kind, step }: PlacementUpdate): string {
  return `${UpdateKind[kind] ?? kind} ${step?.step ?? ""}`.trim();
}

test("ENTER for what is stored, then SYNCED; from a token what was recorded since, again or for the first time, and what was forgotten", async (t) => {
  const { record, told, store } = await startService(t);
  for (const step of [1, 2, 3]) await record(step);
  const { updates, token } = await told();
  assert.deepEqual(updates, ["ENTER 1", "ENTER 2", "ENTER 3", "SYNCED"]);
  assert.deepEqual(await told(token), { updates: ["SYNCED"], token });
  await record(5);
  await record(2);
  await record(1, "another");
  assert.deepEqual((await told(token)).updates, ["ENTER 5", "MODIFY 2", "SYNCED"]);
  await store.deletePrefix(podPrefix("pod"));
  assert.deepEqual((await told(token)).updates, ["LEAVE 1", "LEAVE 2", "LEAVE 3", "SYNCED"]);
  assert.deepEqual((await told()).updates, ["SYNCED"]);
});

test("after SYNCED every change comes as it happens; of one Txn only the last has a token", async (t) => {
  const { record, watch, store } = await startService(t);
  await record(1);
  const stream = watch({})[Symbol.asyncIterator]();
  const next = async (): Promise<PlacementUpdate> => (await stream.next()).value ?? assert.fail("the watch ended");
  assert.deepEqual([words(await next()), words(await next())], ["ENTER 1", "SYNCED"]);
  await store.put([2, 3].map((step) => ({ key: journalKey("pod", 1, step), value: encodeRecord(StepRecord.create({ podUid: "pod", step })) })));
  const txn = [await next(), await next()];
  assert.deepEqual(txn.map(words), ["ENTER 2", "ENTER 3"]);
  assert.deepEqual(txn.map(({ resumeToken }) => resumeToken !== ""), [false, true]);
  await record(3);
  assert.equal(words(await next()), "MODIFY 3");
  await store.deletePrefix(journalKey("pod", 1, 3));
  const gone = await next();
  assert.deepEqual([words(gone), gone.step?.podUid, gone.step?.attempt], ["LEAVE 3", "pod", 1]);
  await stream.return?.();
});

test("a token that etcd has compacted, or of another store, is InvalidCollectorVersion; what is no token names its field", async (t) => {
  const { record, told, raw } = await startService(t);
  await record(1);
  const { token } = await told();
  for (const step of [2, 3]) await record(step);
  await raw.compact(Number((await told()).token));
  for (const old of [token, "1000000"]) {
    const refused = await told(old).catch((error: unknown) => error);
    assert.ok(RpcError.is(refused, RpcCode.OUT_OF_RANGE), String(refused));
    assert.deepEqual([refused.reason?.reason, faultInStatus(refused)?.fault?.$case], ["InvalidCollectorVersion", "invalidCollectorVersion"]);
  }
  const nonsense = await told("-1").catch((error: unknown) => error);
  assert.ok(RpcError.is(nonsense, RpcCode.INVALID_ARGUMENT), String(nonsense));
  assert.deepEqual(nonsense.violations.map(({ field }) => field), ["resume_token"]);
});

test("a quiet watch gets a bookmark when etcd says how far it is", async (t) => {
  const { record, watch } = await startService(t, 20);
  const stream = watch({})[Symbol.asyncIterator]();
  const synced = (await stream.next()).value;
  await record(1, "another");
  let mark = (await stream.next()).value;
  while (mark?.resumeToken === synced?.resumeToken) mark = (await stream.next()).value;
  assert.deepEqual([mark?.kind, Number(mark?.resumeToken)], [UpdateKind.BOOKMARK, Number(synced?.resumeToken) + 1]);
  await stream.return?.();
});
