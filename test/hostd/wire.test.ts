import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { GuestServiceClient } from "../../src/gen/spheresim/hostd/v1/guest_service.js";
import type { VmUpdate } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { GrpcHostDaemons } from "../../src/vcenter/client.js";
import { openChannel, type Channel, type PromiseClient } from "../../src/rpc/channel.js";
import { crxSpec } from "./vm-specs.js";

const directory = mkdtempSync(join(tmpdir(), "spheresim-hostd-wire-"));
const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
const first = "esxi-01.spheresim.test";
const second = "esxi-02.spheresim.test";
const host = (name: string): { name: string; cores: number; cpuMhz: number; memoryMb: number } => ({ name, cores: 4, cpuMhz: 1000, memoryMb: 4096 });
let hostd: Hostd;
let channel: Channel;
let client: PromiseClient<typeof HostServiceService>;

before(async () => {
  hostd = await startHostd({ ...common, hosts: [host(first), host(second)], dataDir: join(directory, "two") });
  channel = openChannel({ address: hostd.address });
  client = channel.client(HostServiceClient);
});
after(async () => {
  channel.close();
  await hostd.close();
  rmSync(directory, { recursive: true, force: true });
});

const ordinary = (n: number): ReturnType<typeof crxSpec> => crxSpec(n, { guestId: "otherLinux64Guest", ownerUid: "" });

test("a host is named by :authority, else by metadata", async () => {
  assert.equal((await client.getHost({}, { authority: second })).name, second);
  assert.equal((await client.getHost({}, { authority: second.toUpperCase() })).name, second);
  assert.equal((await client.getHost({}, { metadata: { "spheresim-host": first } })).name, first);
  const refused = (message: RegExp) => (error: unknown) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && message.test(error.message);
  await assert.rejects(client.getHost({}), refused(/the call names no host; set :authority .* or metadata "spheresim-host" to one of: esxi-01\.spheresim\.test, esxi-02\.spheresim\.test/));
  await assert.rejects(client.getHost({}, { authority: "esxi-09.spheresim.test" }), refused(/no host "esxi-09\.spheresim\.test" behind this port/));
  await assert.rejects(client.getHost({}, { metadata: { "spheresim-host": "esxi-09.spheresim.test" } }), refused(/no host "esxi-09/));
});

test("a port with one host needs no name, and takes none of another host", async () => {
  const alone = await startHostd({ ...common, hosts: [host(first)], dataDir: join(directory, "one") });
  const toAlone = openChannel({ address: alone.address });
  try {
    assert.equal((await toAlone.client(HostServiceClient).getHost({})).name, first);
    await assert.rejects(toAlone.client(HostServiceClient).getHost({}, { authority: second }), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT));
  } finally {
    toAlone.close();
    await alone.close();
  }
});

test("an error carries code, ErrorInfo, MethodFault and field", async () => {
  const error = await client.createVm({ requestId: "", config: crxSpec(1, { memoryMb: 5 }), powerOn: false }, { authority: first }).then(
    () => assert.fail("must be refused"),
    (refusal: unknown) => refusal,
  );
  assert.ok(error instanceof RpcError);
  assert.equal(error.code, RpcCode.INVALID_ARGUMENT);
  assert.deepEqual(error.reason, { reason: "InvalidArgument", domain: "hostd.spheresim.test", metadata: {} });
  assert.equal(error.violations[0]?.field, "config.memory_mb");
  const fault = MethodFault.decode(error.detail("spheresim.vim.v1.MethodFault") ?? new Uint8Array());
  assert.deepEqual(fault.fault, { $case: "invalidArgument", value: { invalidProperty: "config.memory_mb" } });
  assert.equal(error.message, fault.localizedMessage);
  const missing = { key: { $case: "vmId" as const, value: "99" } };
  await assert.rejects(client.getVm({ vm: missing }, { authority: first }), (refusal) => RpcError.is(refusal, RpcCode.NOT_FOUND) && refusal.reason?.reason === "ManagedObjectNotFound");
});

test("a truncated message is refused and harms nothing", async () => {
  const raw = new Client(hostd.address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("spheresim-host", first);
  const error = await new Promise<ServiceError | null>((resolve) => {
    raw.makeUnaryRequest("/spheresim.hostd.v1.HostService/CreateVm", (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, Buffer.of(0x12, 0x7f, 0x0a), metadata, (failure) => resolve(failure));
  });
  raw.close();
  assert.notEqual(error, null);
  assert.equal((await client.getHost({}, { authority: first })).name, first);
});

test("the same request id answers the same, with another body it is refused", async () => {
  const request = { requestId: "r-1", config: ordinary(11), powerOn: true };
  const [one, two] = await Promise.all([client.createVm(request, { authority: first }), client.createVm(request, { authority: first })]);
  assert.deepEqual(one, two);
  await assert.rejects(client.createVm({ ...request, powerOn: false }, { authority: first }), (error) => RpcError.is(error, RpcCode.ALREADY_EXISTS) && error.reason?.reason === "RequestIdReused");
});

test("vCenter's create asked again is answered by the VM as it is now, not as it once was: one that lost its power gets it back", async () => {
  const daemons = new GrpcHostDaemons(undefined);
  try {
    const daemon = daemons.at(hostd.address);
    const { signal } = new AbortController();
    const config = ordinary(12);
    assert.equal((await daemon.createVm(first, config, true, signal)).powerState, VirtualMachinePowerState.POWERED_ON);
    await daemon.powerOffVm(first, config.instanceUuid, signal);
    const again = await daemon.createVm(first, config, true, signal);
    assert.deepEqual([again.powerState, again.powerOnCount], [VirtualMachinePowerState.POWERED_ON, 2]);
    await daemon.destroyVm(first, config.instanceUuid, signal);
  } finally {
    daemons.close();
  }
});

test("a watch shows what exists, then changes, and goes on from a token", async () => {
  await client.createVm({ requestId: "", config: ordinary(21), powerOn: false }, { authority: second });
  const updates: VmUpdate[] = [];
  const read = async (resumeToken: string, hostName: string, until: (update: VmUpdate) => boolean): Promise<VmUpdate[]> => {
    const seen: VmUpdate[] = [];
    for await (const update of client.watchVms({ resumeToken, hostName, pathSet: [] })) {
      seen.push(update);
      if (until(update)) break;
    }
    return seen;
  };
  updates.push(...(await read("", second, (update) => update.kind === UpdateKind.SYNCED)));
  assert.deepEqual(updates.map((update) => [update.kind, update.vm?.config?.name]), [
    [UpdateKind.ENTER, "web-21"],
    [UpdateKind.SYNCED, undefined],
  ]);
  const token = updates.at(-1)?.resumeToken ?? "";
  const vm = { key: { $case: "uuid" as const, value: ordinary(21).uuid } };
  await client.powerOnVm({ requestId: "", vm }, { authority: second });
  await client.destroyVm({ requestId: "", vm, powerOff: true }, { authority: second });
  const resumed = await read(token, second, (update) => update.kind === UpdateKind.SYNCED);
  assert.deepEqual(resumed.map((update) => update.kind), [
    ...resumed.slice(0, -2).map(() => UpdateKind.MODIFY),
    UpdateKind.LEAVE,
    UpdateKind.SYNCED,
  ]);
  const leave = resumed.at(-2)?.vm;
  assert.deepEqual([leave?.config?.uuid, leave?.config?.instanceUuid, leave?.hostName, leave?.config?.memoryMb], [ordinary(21).uuid, ordinary(21).instanceUuid, second, 0]);
  await assert.rejects(read("elsewhere.7", "", () => true), (error) => RpcError.is(error, RpcCode.OUT_OF_RANGE) && error.reason?.reason === "InvalidCollectorVersion");
  await assert.rejects(read("", "esxi-09.spheresim.test", () => true), (error) => RpcError.is(error, RpcCode.NOT_FOUND));
});

test("a watch of some fields tells their changes alone, whole, and as well from a token", async () => {
  const config = ordinary(22);
  const vm = { key: { $case: "uuid" as const, value: config.uuid } };
  const read = async (resumeToken: string, pathSet: string[]): Promise<VmUpdate[]> => {
    const seen: VmUpdate[] = [];
    for await (const update of client.watchVms({ resumeToken, hostName: second, pathSet })) {
      seen.push(update);
      if (update.kind === UpdateKind.SYNCED) return seen;
    }
    return seen;
  };
  const token = (await read("", [])).at(-1)?.resumeToken ?? "";
  await client.createVm({ requestId: "", config, powerOn: true }, { authority: second });
  await client.reconfigureVm({ requestId: "", vm, config: { ...config, name: "web-22b" } }, { authority: second });
  await client.powerOffVm({ requestId: "", vm }, { authority: second });
  const now = await client.getVm({ vm }, { authority: second });
  const on = VirtualMachinePowerState.POWERED_ON;
  const off = VirtualMachinePowerState.POWERED_OFF;
  const lines = (updates: readonly VmUpdate[]): unknown[] => updates.map((update) => [update.kind, update.vm?.powerState, update.vm?.config?.name]);
  const synced = [UpdateKind.SYNCED, undefined, undefined];
  const enter = [UpdateKind.ENTER, on, "web-22"];
  const power = await read(token, ["power_state"]);
  assert.deepEqual(lines(power), [enter, [UpdateKind.MODIFY, off, "web-22b"], synced]);
  assert.deepEqual(power[1]?.vm, now);
  assert.equal(power[1]?.revision, now.revision);
  assert.deepEqual(lines(await read(token, ["config"])), [enter, [UpdateKind.MODIFY, on, "web-22b"], synced]);
  assert.deepEqual(lines(await read(power[1]?.resumeToken ?? "", ["config", "power_state"])), [synced]);
  assert.ok((await read(token, [])).length > power.length, "a watch of no field in particular tells the phases too");
  await client.destroyVm({ requestId: "", vm, powerOff: false }, { authority: second });
  assert.equal((await read(token, ["phase"])).at(-2)?.kind, UpdateKind.LEAVE, "that a VM is gone is told whatever was asked for");
  await assert.rejects(read("", ["power_state", "powerState"]), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.violations[0]?.field === "path_set[1]");
});

test("a guest channel that does not begin with hello is refused", async () => {
  const stream = channel.client(GuestServiceClient).connect();
  await stream.write({ message: { $case: "heartbeat", value: { guests: [] } } });
  await assert.rejects(stream[Symbol.asyncIterator]().next(), (error) => RpcError.is(error, RpcCode.INVALID_ARGUMENT));
});

test("a second HostD on the same directory is refused in one line", async () => {
  await assert.rejects(startHostd({ ...common, hosts: [host(first)], dataDir: join(directory, "two") }), /is locked by another process$/);
});
