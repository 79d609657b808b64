import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startCrx, type Crx } from "../../src/crx/index.js";
import { AgentServiceClient, type AgentServiceService } from "../../src/gen/spheresim/crx/v1/agent_service.js";
import type { GuestHello, GuestToHost, HostToGuest } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { GuestServiceService } from "../../src/gen/spheresim/hostd/v1/guest_service.js";
import { Personality } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { openChannel, type Channel, type PromiseClient } from "../../src/rpc/channel.js";
import { serve, startRpcServer, type RpcServer, type StreamWriter } from "../../src/rpc/server.js";
import { podRequest, podUid, uuid, words } from "./machine-fixture.js";

const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
const guest = { uuid, powerOnCount: 1 };
const authority = `${uuid}.crx.spheresim.test`;

/** A HostD that notes what guests say and says what the test wants. */
interface FakeHostd {
  readonly server: RpcServer;
  readonly hello: Promise<GuestHello>;
  readonly orders: Promise<StreamWriter<HostToGuest>>;
  heard(what: NonNullable<GuestToHost["message"]>["$case"]): Promise<void>;
}

async function fakeHostd(listen: string): Promise<FakeHostd> {
  const hello = deferred<GuestHello>();
  const orders = deferred<StreamWriter<HostToGuest>>();
  const heard: string[] = [];
  const waiting: { readonly what: string; readonly resolve: () => void }[] = [];
  const server = await startRpcServer({
    listen,
    room: "hostd",
    log: silentLogger,
    services: [
      serve(GuestServiceService, {
        connect: async (requests, stream, call) => {
          orders.resolve(stream);
          const over = new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
          const listening = async (): Promise<void> => {
            for await (const { message } of requests) {
              if (message?.$case === "hello") hello.resolve(message.value);
              heard.push(message?.$case ?? "");
              for (const each of waiting) if (heard.includes(each.what)) each.resolve();
            }
          };
          await Promise.race([listening(), over]);
        },
      }),
    ],
  });
  return {
    server,
    hello: hello.promise,
    orders: orders.promise,
    heard: (what) =>
      new Promise((resolve) => {
        if (heard.includes(what)) resolve();
        else waiting.push({ what, resolve });
      }),
  };
}

let hostd: FakeHostd;
let crx: Crx;
let channel: Channel;
let agent: PromiseClient<typeof AgentServiceService>;

before(async () => {
  hostd = await fakeHostd("127.0.0.1:0");
  crx = await startCrx({ ...common, hostdAddress: hostd.server.address });
  channel = openChannel({ address: crx.address });
  agent = channel.client(AgentServiceClient);
});
after(async () => {
  channel.close();
  await crx.close();
  await hostd.server.close();
});

test("the whole way over the wire: hello, boot, personality, StartPod, watch, a broken channel, kill", async () => {
  assert.deepEqual((await hostd.hello).guests, []);
  await assert.rejects(agent.getPod({}, { authority }), (error) => RpcError.is(error, RpcCode.UNAVAILABLE) && error.reason?.reason === "ManagedObjectNotFound");
  const orders = await hostd.orders;
  await orders.write({ message: { $case: "boot", value: { guest, kernel: "photon-crx", hostName: "esxi-01.spheresim.test", config: VirtualMachineConfigSpec.create({ uuid }) } } });
  await hostd.heard("initWaiting");
  await assert.rejects(agent.startPod(podRequest({}), { authority }), (error) => RpcError.is(error, RpcCode.UNAVAILABLE) && error.reason?.reason === "HostNotReachable");
  await orders.write({ message: { $case: "personality", value: { guest, personality: Personality.create({ podUid, name: "web" }) } } });
  await hostd.heard("agentReady");

  const watch = agent.watchPods({ resumeToken: "", vmUuid: "" })[Symbol.asyncIterator]();
  const first = (await watch.next()).value;
  assert.deepEqual([first?.kind, first?.vmUuid, first?.resumeToken], [UpdateKind.ENTER, uuid, ""]);
  const synced = (await watch.next()).value;
  assert.equal(synced?.kind, UpdateKind.SYNCED);
  const started = await agent.startPod(podRequest({ requestId: "start" }), { authority });
  assert.equal(words(started.containers[0]), "web running");
  assert.deepEqual(await agent.startPod(podRequest({ requestId: "start" }), { authority }), started);
  await assert.rejects(agent.startPod(podRequest({ requestId: "start", name: "other" }), { authority }), (error) => RpcError.is(error, RpcCode.ALREADY_EXISTS) && error.reason?.reason === "RequestIdReused");
  for (;;) {
    const { value } = await watch.next();
    if (words(value?.pod?.containers[0]) === "web running") break;
  }
  // One instance behind the port: a call that names none means it.
  assert.equal((await agent.getPod({})).podUid, podUid);
  assert.equal((await agent.getPod({}, { metadata: { "spheresim-host": authority } })).podUid, podUid);
  await assert.rejects(agent.getPod({}, { metadata: { "spheresim-host": "elsewhere" } }), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.message.includes(authority));

  // What it uses: alone by its name, and among many; who does not run here is left out.
  const used = await agent.getPodStats({}, { authority });
  assert.deepEqual([used.vmUuid, used.podUid, used.containers.map(({ name, memoryWorkingSetBytes }) => [name, memoryWorkingSetBytes])], [uuid, podUid, [["web", 9_437_184n]]]);
  const stranger = "420d0000-0000-4000-8000-000000000099";
  const { pods } = await agent.listPodStats({ vmUuids: [stranger, uuid.toUpperCase()] });
  assert.deepEqual(pods.map(({ vmUuid, containers }) => [vmUuid, containers[0]?.containerId]), [[uuid, used.containers[0]?.containerId]]);
  await assert.rejects(agent.listPodStats({ vmUuids: Array.from({ length: 101 }, () => uuid) }), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.violations[0]?.field === "vm_uuids" && error.message === "vm_uuids: must name at most 100 VMs");

  // HostD goes and comes back at the same address: the guest has lived on, and hello names it.
  const { address } = hostd.server;
  await hostd.server.close();
  assert.equal(words((await agent.getPod({}, { authority })).containers[0]), "web running");
  hostd = await fakeHostd(address);
  assert.deepEqual((await hostd.hello).guests, [guest]);
  await hostd.heard("agentReady");
  await (await hostd.orders).write({ message: { $case: "kill", value: { guest } } });
  for (;;) {
    const { value } = await watch.next();
    if (value?.kind === UpdateKind.LEAVE) break;
  }
  await watch.return?.();
  // Resumed where everything was there: it is gone, and nothing else.
  const resumed = agent.watchPods({ resumeToken: synced?.resumeToken ?? "", vmUuid: "" })[Symbol.asyncIterator]();
  const told = [(await resumed.next()).value, (await resumed.next()).value];
  assert.deepEqual(told.map((update) => [update?.kind, update?.vmUuid]), [[UpdateKind.LEAVE, uuid], [UpdateKind.SYNCED, ""]]);
  await resumed.return?.();
  const foreign = agent.watchPods({ resumeToken: "another-process.1", vmUuid: "" })[Symbol.asyncIterator]();
  await assert.rejects(foreign.next(), (error) => RpcError.is(error, RpcCode.OUT_OF_RANGE) && error.reason?.reason === "InvalidCollectorVersion");
  await assert.rejects(agent.getPod({}, { authority }), (error) => RpcError.is(error, RpcCode.UNAVAILABLE));
});

test("Exec is unimplemented by name; a call that names nothing is refused", async () => {
  const exec = agent.exec({ authority });
  await assert.rejects(exec[Symbol.asyncIterator]().next(), (error) => RpcError.is(error, RpcCode.UNIMPLEMENTED) && error.message.includes("AgentService/Exec"));
  await assert.rejects(agent.getPod({}), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.message.includes("the call names no CRX instance"));
});
