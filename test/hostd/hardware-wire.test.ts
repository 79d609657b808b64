import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { type AddHardwareRequest, HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient, type HardwareServiceService } from "../../src/gen/spheresim/hostd/v1/hardware_service.js";
import type { HostUpdate, HostVm, VmUpdate } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import { openChannel, type Channel, type PromiseClient } from "../../src/rpc/channel.js";
import { HostPresence } from "../../src/vcenter/hosts/host-presence.js";
import { eventually } from "../support/eventually.js";
import { vmKey } from "./esxi-fixture.js";
import { crxSpec } from "./vm-specs.js";
import { fc } from "../support/properties.js";

const directory = mkdtempSync(join(tmpdir(), "spheresim-hardware-"));
const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
const FIRST = "esxi-01.spheresim.test";
const SECOND = "esxi-02.spheresim.test";
const NAMES = [FIRST, SECOND];
let hostd: Hostd;
let channel: Channel;
let hardware: PromiseClient<typeof HardwareServiceService>;
let host: PromiseClient<typeof HostServiceService>;

before(async () => {
  hostd = await startHostd({ ...common, hosts: NAMES.map((name) => ({ name, cores: 4, cpuMhz: 1000, memoryMb: 65_536 })), dataDir: join(directory, "wire") });
  channel = openChannel({ address: hostd.address });
  hardware = channel.client(HardwareServiceClient);
  host = channel.client(HostServiceClient);
});
after(async () => {
  channel.close();
  await hostd.close();
  rmSync(directory, { recursive: true, force: true });
});

const spec = (change: Partial<AddHardwareRequest> = {}): AddHardwareRequest => ({ requestId: "", name: "esxi-10.spheresim.test", numCpuCores: 8, cpuMhz: 2000, memoryMb: 8192, labels: {}, ...change });

/** Code, reason and fields of a refusal. */
async function refusal(call: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await call.then(
    () => assert.fail("must be refused"),
    (refused: unknown) => refused,
  );
  assert.ok(error instanceof RpcError, String(error));
  return [error.code, error.reason?.reason, ...error.violations.map(({ field }) => field)];
}

const invalid = (field: string): readonly unknown[] => [RpcCode.INVALID_ARGUMENT, "InvalidArgument", field];
const labels = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, n) => [`label-${n}`, ""]));

/** Every request with every field wrong. */
const REFUSALS: readonly (readonly [string, () => Promise<unknown>, readonly unknown[]])[] = [
  ...["", "esxi-10", "Esxi-10.spheresim.test", "esxi_10.spheresim.test", "-esxi.spheresim.test", "esxi-10..test", "127.0.0.1", `${"a.".repeat(126)}aa`].map((name) => [`a host called "${name.slice(0, 30)}"`, () => hardware.addHardware(spec({ name })), invalid("name")] as const),
  ...[0, -1, 1025].map((numCpuCores) => [`${numCpuCores} cores`, () => hardware.addHardware(spec({ numCpuCores })), invalid("num_cpu_cores")] as const),
  ...[0, 99, 10_001].map((cpuMhz) => [`${cpuMhz} MHz`, () => hardware.addHardware(spec({ cpuMhz })), invalid("cpu_mhz")] as const),
  ...[0, 1023, 33_554_433].map((memoryMb) => [`${memoryMb} MB`, () => hardware.addHardware(spec({ memoryMb })), invalid("memory_mb")] as const),
  ...[{ "-zone": "a" }, { "": "a" }, { "/zone": "a" }, { "Up.test/zone": "a" }, { zone: "a b" }, { zone: "a".repeat(64) }, labels(65)].map((wrong, n) => [`wrong labels ${n}`, () => hardware.addHardware(spec({ labels: wrong })), invalid("labels")] as const),
  ["a long request id", () => hardware.addHardware(spec({ requestId: "x".repeat(129) })), invalid("request_id")],
  ["another host's name", () => hardware.addHardware(spec({ name: FIRST })), [RpcCode.ALREADY_EXISTS, "DuplicateName"]],
  ["no name to remove", () => hardware.removeHardware({ requestId: "", name: "" }), invalid("name")],
  ["nobody to remove", () => hardware.removeHardware({ requestId: "", name: "esxi-99.spheresim.test" }), [RpcCode.NOT_FOUND, "ManagedObjectNotFound"]],
  ["a host of the inventory to remove", () => hardware.removeHardware({ requestId: "", name: FIRST }), [RpcCode.FAILED_PRECONDITION, "InvalidState"]],
  ["no name to power", () => hardware.setPower({ requestId: "", name: "", poweredOn: false }), invalid("name")],
  ["nobody to power", () => hardware.setPower({ requestId: "", name: "esxi-99.spheresim.test", poweredOn: false }), [RpcCode.NOT_FOUND, "ManagedObjectNotFound"]],
  ["no name to cut off", () => hardware.setNetwork({ requestId: "", name: "", connected: false }), invalid("name")],
  ["nobody to cut off", () => hardware.setNetwork({ requestId: "", name: "esxi-99.spheresim.test", connected: false }), [RpcCode.NOT_FOUND, "ManagedObjectNotFound"]],
  ["no name to serve", () => hardware.setService({ requestId: "", name: "", service: HostServiceKey.HOSTD, running: false }), invalid("name")],
  ["nobody to serve", () => hardware.setService({ requestId: "", name: "esxi-99.spheresim.test", service: HostServiceKey.HOSTD, running: false }), [RpcCode.NOT_FOUND, "ManagedObjectNotFound"]],
  ["no service", () => hardware.setService({ requestId: "", name: FIRST, service: HostServiceKey.UNSPECIFIED, running: false }), invalid("service")],
  ["a service nobody knows", () => hardware.setService({ requestId: "", name: FIRST, service: HostServiceKey.UNRECOGNIZED, running: false }), invalid("service")],
  ["a negative page", () => hardware.listHardware({ pageSize: -1, pageToken: "" }), invalid("page_size")],
  ["a page too large", () => hardware.listHardware({ pageSize: 1001, pageToken: "" }), invalid("page_size")],
  ["a token of nobody", () => hardware.listHardware({ pageSize: 1, pageToken: "nonsense" }), invalid("page_token")],
  ["a token that is forgotten", () => hardware.listHardware({ pageSize: 1, pageToken: "77.1" }), [RpcCode.OUT_OF_RANGE, "InvalidCollectorVersion"]],
  ["a watch of another life", () => first(hardware.watchHardware({ resumeToken: "other.1" }), 1), [RpcCode.OUT_OF_RANGE, "InvalidCollectorVersion"]],
];

for (const [what, request, expected] of REFUSALS) {
  test(`refused with its code, reason and field, and nothing changed: ${what}`, async () => {
    const before = await hardware.listHardware({ pageSize: 0, pageToken: "" });
    assert.deepEqual(await refusal(request()), expected);
    assert.deepEqual(await hardware.listHardware({ pageSize: 0, pageToken: "" }), before);
  });
}

/** The first messages of a stream, which is then left. */
async function first<T>(stream: AsyncIterable<T>, count: number): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) if (messages.push(message) >= count) break;
  return messages;
}

test("a service of a host without power is InvalidState; so is the removal of one with power", async () => {
  await hardware.addHardware(spec());
  const { name } = spec();
  assert.deepEqual(await refusal(hardware.removeHardware({ requestId: "", name })), [RpcCode.FAILED_PRECONDITION, "InvalidState"]);
  await hardware.setPower({ requestId: "", name, poweredOn: false });
  for (const running of [true, false]) assert.deepEqual(await refusal(hardware.setService({ requestId: "", name, service: HostServiceKey.HOSTD, running })), [RpcCode.FAILED_PRECONDITION, "InvalidState"]);
  await hardware.removeHardware({ requestId: "gone", name });
  await hardware.removeHardware({ requestId: "gone", name });
});

test("the same request id answers the same, with another body it is refused", async () => {
  const off = await hardware.setPower({ requestId: "off", name: SECOND, poweredOn: false });
  await hardware.setPower({ requestId: "", name: SECOND, poweredOn: true });
  assert.deepEqual(await hardware.setPower({ requestId: "off", name: SECOND, poweredOn: false }), off, "answered, not done again");
  assert.deepEqual(await refusal(hardware.setPower({ requestId: "off", name: FIRST, poweredOn: false })), [RpcCode.ALREADY_EXISTS, "RequestIdReused", "request_id"]);
  assert.ok((await host.getHost({}, { authority: SECOND })).bootId !== "");
});

test("hosts are listed by pages and followed from the beginning or from a token", async () => {
  const page = await hardware.listHardware({ pageSize: 1, pageToken: "" });
  await hardware.addHardware(spec({ name: "esxi-00.spheresim.test" }));
  const rest = await hardware.listHardware({ pageSize: 5, pageToken: page.nextPageToken });
  assert.deepEqual([...page.hosts, ...rest.hosts].map(({ name }) => name), NAMES, "one moment");

  const begun = await first(hardware.watchHardware({ resumeToken: "" }), 4);
  assert.deepEqual(begun.map(({ kind, host: told }) => [kind, told?.name]), [
    [UpdateKind.ENTER, "esxi-00.spheresim.test"],
    [UpdateKind.ENTER, FIRST],
    [UpdateKind.ENTER, SECOND],
    [UpdateKind.SYNCED, undefined],
  ]);
  const { resumeToken } = begun[3] as (typeof begun)[number];
  await hardware.setPower({ requestId: "", name: "esxi-00.spheresim.test", poweredOn: false });
  await hardware.removeHardware({ requestId: "", name: "esxi-00.spheresim.test" });
  const changes = await first(hardware.watchHardware({ resumeToken }), 3);
  assert.deepEqual(changes.map(({ kind, host: told }) => [kind, told?.name, told?.poweredOn]), [
    [UpdateKind.MODIFY, "esxi-00.spheresim.test", false],
    [UpdateKind.LEAVE, "esxi-00.spheresim.test", false],
    [UpdateKind.SYNCED, undefined, undefined],
  ]);
});

test("every call to a host out of reach is UNAVAILABLE HostNotReachable, and a call by no name of a host InvalidArgument as ever", async () => {
  await hardware.setNetwork({ requestId: "", name: FIRST, connected: false });
  const vm = vmKey(1);
  const authority = { authority: FIRST };
  const calls = [
    host.getHost({}, authority),
    host.createVm({ requestId: "", config: crxSpec(1), powerOn: false }, authority),
    host.powerOnVm({ requestId: "", vm }, authority),
    host.powerOffVm({ requestId: "", vm }, authority),
    host.resetVm({ requestId: "", vm }, authority),
    host.reconfigureVm({ requestId: "", vm, config: crxSpec(1) }, authority),
    host.receiveVm({ requestId: "", config: crxSpec(1), poweredOn: false, powerOnCount: 0 }, authority),
    host.releaseVm({ requestId: "", vm }, authority),
    host.destroyVm({ requestId: "", vm, powerOff: true }, authority),
    host.configurePersonality({ requestId: "", vm, personality: undefined }, authority),
    host.getVm({ vm }, authority),
    host.listVms({ pageSize: 0, pageToken: "" }, authority),
  ];
  for (const call of calls) assert.deepEqual(await refusal(call), [RpcCode.UNAVAILABLE, "HostNotReachable"]);
  assert.deepEqual(await refusal(host.getHost({}, { authority: "esxi-77.spheresim.test" })), [RpcCode.INVALID_ARGUMENT, "InvalidArgument", ":authority"]);
  const synced = await first(host.watchVms({ resumeToken: "", hostName: FIRST, pathSet: [] }), 1);
  assert.equal(synced[0]?.kind, UpdateKind.SYNCED, "of a host out of reach nothing is told");
  await hardware.setNetwork({ requestId: "", name: FIRST, connected: true });
});

test("a request id of the boot before is a new one", async () => {
  const config = crxSpec(5, { guestId: "otherLinux64Guest", ownerUid: "" });
  await host.createVm({ requestId: "", config, powerOn: false }, { authority: FIRST });
  await host.powerOnVm({ requestId: "on", vm: vmKey(5) }, { authority: FIRST });
  await hardware.setPower({ requestId: "", name: FIRST, poweredOn: false });
  await hardware.setPower({ requestId: "", name: FIRST, poweredOn: true });
  assert.equal((await host.powerOnVm({ requestId: "on", vm: vmKey(5) }, { authority: FIRST })).powerOnCount, 2);
  await host.destroyVm({ requestId: "", vm: vmKey(5), powerOff: true }, { authority: FIRST });
});

/** A client of WatchVms and WatchHosts as vCenter is one: what it knows, and which hosts it takes for known. */
class Replica {
  readonly vms = new Map<string, HostVm>();
  readonly leaves: string[] = [];
  readonly #pathSet: string[];
  #presence = new HostPresence();
  #token = "";
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  /** Knows of each VM these fields; all when there are none. */
  constructor(...pathSet: string[]) {
    this.#pathSet = pathSet;
  }

  start(): void {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const vms = host.watchVms({ resumeToken: this.#token, hostName: "", pathSet: this.#pathSet }, { signal });
    const hosts = host.watchHosts({}, { signal });
    this.#running = Promise.allSettled([each(vms, (update) => this.#takeVm(update)), each(hosts, (update) => this.#takeHost(update))]);
  }

  /** Loses its connection; what it knows stays, and it goes on from its token. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#presence = new HostPresence();
  }

  knows(name: string): boolean {
    return this.#presence.isKnown(name);
  }

  on(name: string): HostVm[] {
    return [...this.vms.values()].filter((vm) => vm.hostName === name).toSorted((one, other) => Number(one.vmId) - Number(other.vmId));
  }

  #takeVm({ kind, vm, resumeToken, revision }: VmUpdate): void {
    if (resumeToken !== "") this.#token = resumeToken;
    if (kind === UpdateKind.SYNCED) this.#presence.synced(revision);
    const uuid = vm?.config?.instanceUuid ?? "";
    if (vm !== undefined && kind === UpdateKind.LEAVE) {
      this.vms.delete(uuid);
      this.leaves.push(uuid);
    } else if (vm !== undefined) this.vms.set(uuid, vm);
    this.#presence.reached(revision);
  }

  #takeHost({ kind, host: told, revision }: HostUpdate): void {
    if (kind === UpdateKind.ENTER) this.#presence.enter(told?.name ?? "", revision);
    if (kind === UpdateKind.LEAVE) this.#presence.leave(told?.name ?? "");
  }
}

async function each<T>(stream: AsyncIterable<T>, take: (message: T) => void): Promise<void> {
  for await (const message of stream) take(message);
}

const ordinary = (n: number): ReturnType<typeof crxSpec> => crxSpec(n, { guestId: "otherLinux64Guest", ownerUid: "", memoryMb: 64, memoryAllocation: undefined, cpuAllocation: undefined });
const where = (n: number): string => NAMES[n % 2] as string;

const powerOf = ({ config, powerState }: HostVm): unknown => [config, powerState];

/** What can happen to two hosts, their VMs and a watcher. Calls to a host out of reach fail, as they should. */
const HAPPENINGS = ["create", "destroy", "on", "off", "destroy and cut", "create and unplug", "unplug", "plug", "cut", "mend", "stop HostD", "start HostD", "leave", "come"] as const;

test("property: a watcher of VMs and hosts knows what each host that answers has, and takes no VM for gone that is not", async () => {
  const step = fc.record({ what: fc.constantFrom(...HAPPENINGS), n: fc.integer({ min: 0, max: 5 }) });
  let run = 100;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      run += 10;
      const base = run;
      const destroyed = new Set<string>();
      const watcher = new Replica();
      const powerWatcher = new Replica("power_state", "config");
      const power = (name: string, poweredOn: boolean) => hardware.setPower({ requestId: "", name, poweredOn });
      const network = (name: string, connected: boolean) => hardware.setNetwork({ requestId: "", name, connected });
      const daemon = (name: string, running: boolean) => hardware.setService({ requestId: "", name, service: HostServiceKey.HOSTD, running }).catch(() => undefined);
      const create = (n: number) => host.createVm({ requestId: "", config: ordinary(base + n), powerOn: true }, { authority: where(n) }).catch(() => undefined);
      const destroy = (n: number) => {
        destroyed.add(ordinary(base + n).instanceUuid);
        return host.destroyVm({ requestId: "", vm: vmKey(base + n), powerOff: true }, { authority: where(n) }).catch(() => undefined);
      };
      const doings: Readonly<Record<(typeof HAPPENINGS)[number], (n: number) => Promise<unknown>>> = {
        create,
        destroy,
        on: (n) => host.powerOnVm({ requestId: "", vm: vmKey(base + n) }, { authority: where(n) }).catch(() => undefined),
        off: (n) => host.powerOffVm({ requestId: "", vm: vmKey(base + n) }, { authority: where(n) }).catch(() => undefined),
        "destroy and cut": (n) => Promise.all([destroy(n), network(where(n), false)]),
        "create and unplug": (n) => Promise.all([create(n), power(where(n), false)]),
        unplug: (n) => power(where(n), false),
        plug: (n) => power(where(n), true),
        cut: (n) => network(where(n), false),
        mend: (n) => network(where(n), true),
        "stop HostD": (n) => daemon(where(n), false),
        "start HostD": (n) => daemon(where(n), true),
        leave: () => Promise.all([watcher.stop(), powerWatcher.stop()]),
        come: async () => {
          await doings.leave(0);
          watcher.start();
          powerWatcher.start();
        },
      };
      watcher.start();
      powerWatcher.start();
      for (const { what, n } of steps) await doings[what](n);
      await doings.come(0);
      const agree = async (): Promise<boolean> => {
        for (const name of NAMES) {
          const listed = await host.listVms({ pageSize: 1000, pageToken: "" }, { authority: name }).catch(() => undefined);
          if ([watcher, powerWatcher].some((each) => each.knows(name) !== (listed !== undefined))) return false;
          if (listed === undefined) continue;
          assert.deepEqual(watcher.on(name), listed.vms);
          assert.deepEqual(powerWatcher.on(name).map(powerOf), listed.vms.map(powerOf));
        }
        return true;
      };
      await eventually("the watcher knows what hosts that answer have", agree);
      for (const name of NAMES) {
        await power(name, true);
        await network(name, true);
        await daemon(name, true);
      }
      await eventually("the watcher knows what all hosts have", agree);
      for (const uuid of watcher.leaves) assert.ok(destroyed.has(uuid), "a VM is told to be gone that was never destroyed");
      for (let n = 0; n <= 5; n += 1) await destroy(n);
      await doings.leave(0);
    }),
    { numRuns: 40, seed: 20260101 },
  );
});
