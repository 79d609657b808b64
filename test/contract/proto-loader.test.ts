import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startCrx } from "../../src/crx/index.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { startHostd } from "../../src/hostd/index.js";
import { startVcenter } from "../../src/vcenter/index.js";
import { eventually } from "../support/eventually.js";
import { LoadedClient, type Message, servicesUnder } from "./loaded-contracts.js";
import { startEmulator, type SuiteEmulator } from "./suite-emulator.js";

const PLACEMENT = "spheresim.vcenter.v1.PlacementService";
const MACHINES = "spheresim.vcenter.v1.VirtualMachineService";
const INVENTORY = "spheresim.vcenter.v1.InventoryService";
const TASKS = "spheresim.vcenter.v1.TaskService";
const HOST = "spheresim.hostd.v1.HostService";
const AGENT = "spheresim.crx.v1.AgentService";
const domain = "spheresim.test";

/** The rooms under test, wherever they run. */
interface Rooms {
  readonly vcenter: LoadedClient;
  readonly hostd: LoadedClient;
  readonly crx: LoadedClient;
  /** Names of the hosts behind `hostd`. */
  readonly hosts: readonly string[];
  close(): Promise<void>;
}

/** vCenter, HostD and CRX in this process, on sockets of their own. */
async function roomsInProcess(): Promise<Rooms> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-contract-"));
  const hosts = ["esxi-01", "esxi-02", "esxi-03"].map((name) => `${name}.${domain}`);
  const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
  const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: common.monotonic, log: silentLogger });
  const hostd = await startHostd({ ...common, hosts: hosts.map((name) => ({ name, cores: 16, cpuMhz: 2600, memoryMb: 65_536 })), dataDir: join(directory, "esxi") });
  const crx = await startCrx({ ...common, hostdAddress: hostd.address });
  const vcenter = await startVcenter({ ...common, etcdEndpoints: [etcd.address] });
  await vcenter.ready;
  const clients = { vcenter: new LoadedClient(vcenter.address), hostd: new LoadedClient(hostd.address), crx: new LoadedClient(crx.address) };
  const datacenter = await clients.vcenter.call(`${INVENTORY}/CreateDatacenter`, { request_id: "dc", name: "dc-01" });
  const cluster = await clients.vcenter.call(`${INVENTORY}/CreateCluster`, { request_id: "c", datacenter: datacenter.ref, name: "cluster-01" });
  for (const name of hosts) {
    const spec = { name, num_cpu_cores: 16, cpu_mhz: 2600, memory_mb: 65_536, datastores: ["datastore-01"], networks: ["workload-01"] };
    await clients.vcenter.call(`${INVENTORY}/AddHost`, { request_id: name, cluster: cluster.ref, spec, address: hostd.address });
  }
  return {
    ...clients,
    hosts,
    close: async () => {
      for (const client of Object.values(clients)) client.close();
      for (const room of [vcenter, crx, hostd, etcd]) await room.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A daemon as a user runs it, for all tests that want one. */
let running: SuiteEmulator;
before(async () => {
  running = await startEmulator([]);
});
after(() => running.stop());

/** The same rooms of the daemon. */
async function roomsOfDaemon(): Promise<Rooms> {
  const client = (room: string): LoadedClient => new LoadedClient(running.ready.endpoints[room] ?? "");
  const clients = { vcenter: client("vcenter"), hostd: client("esxi"), crx: client("crx") };
  return {
    ...clients,
    hosts: running.ready.hosts.map((host) => host.name),
    close: async () => {
      for (const each of Object.values(clients)) each.close();
    },
  };
}

const named = (...names: readonly string[]): Message => ({ hosts: { hosts: names.map((name) => ({ name })) } });

const vm = (name: string, change: Message = {}): Message => ({
  name,
  num_cpus: 1,
  memory_mb: 512,
  cpu_allocation: { reservation: 260 },
  memory_allocation: { reservation: 128 },
  devices: [{ key: 2000, disk: { capacity_kb: "1048576", controller: "pvscsi" } }, { key: 4000, ethernet_card: { card_type: "vmxnet3", network: "workload-01" } }],
  ...change,
});

for (const [where, start] of [["rooms in this process", roomsInProcess], ["the spawned daemon", roomsOfDaemon]] as const) {
  describe(`proto/ as it stands drives ${where}`, () => {
    let rooms: Rooms;
    before(async () => {
      rooms = await start();
      // A host takes part once its HostD has answered.
      await eventually("every host is connected", async () => {
        const { hosts } = await rooms.vcenter.call(`${INVENTORY}/GetInventory`);
        return hosts.length === rooms.hosts.length && hosts.every((host: Message) => host.connection_state === "HOST_CONNECTION_STATE_CONNECTED");
      });
    });
    after(() => rooms.close());

    const podUid = (n: number): string => `0badcafe-0000-4000-8000-00000000000${n}`;
    /** The task at its end. */
    const ended = async (task: Message): Promise<Message> => {
      const isEnd = (update: Message): boolean => update.task?.task.value === task.task.value && /SUCCESS|ERROR/.test(update.task.state);
      const updates = await rooms.vcenter.until(`${TASKS}/WatchTasks`, {}, isEnd);
      return updates.at(-1).task;
    };
    const done = async (task: Message): Promise<Message> => {
      const end = await ended(task);
      assert.equal(end.state, "TASK_STATE_SUCCESS", JSON.stringify(end.error));
      return end;
    };

    test("PlaceVm chooses from the curated list, holds what it chose, and says why", async () => {
      const [first = "", second = ""] = rooms.hosts;
      const spec = { config: vm("chosen"), hosts: named(first, second), owner_uid: podUid(1) };
      const placed = await rooms.vcenter.call(`${PLACEMENT}/PlaceVm`, { request_id: "chosen", spec, verdict_detail: "VERDICT_DETAIL_FULL" });
      assert.equal(placed.drs_fault, null);
      const [recommendation] = placed.recommendations;
      const target = recommendation.actions[0].target_host_name;
      assert.ok([first, second].includes(target), target);
      assert.deepEqual(placed.verdicts.map((each: Message) => each.host_name).sort(), [first, second].sort());
      assert.deepEqual(placed.verdicts.map((each: Message) => each.verdict).sort(), ["chosen", "feasible"]);
      assert.ok(placed.verdicts[0].chosen.parts.length > 0);
      assert.equal(placed.sized.guest_id, "crxPod1Guest");
      // The same id and body: the same answer. Another body: refused.
      assert.deepEqual(await rooms.vcenter.call(`${PLACEMENT}/PlaceVm`, { request_id: "chosen", spec, verdict_detail: "VERDICT_DETAIL_FULL" }), placed);
      const reused = await rooms.vcenter.refusal(`${PLACEMENT}/PlaceVm`, { request_id: "chosen", spec: { ...spec, hosts: named(first) } });
      assert.deepEqual([reused.code, reused.reason, reused.methodFault.request_id_reused], [status.ALREADY_EXISTS, "RequestIdReused", { request_id: "chosen" }]);
      assert.deepEqual(await rooms.vcenter.call(`${PLACEMENT}/CancelRecommendation`, { key: recommendation.key }), {});
    });

    test("a batch is placed in order, and a VM that fits nowhere is an answer with its fault", async () => {
      const reserving = (name: string, mb: number): Message => ({ config: vm(name, { memory_mb: mb, memory_allocation: { reservation: mb } }) });
      // 64 GiB a host, 192 GiB or more in the pool.
      const specs = [{ config: vm("fits") }, reserving("larger-than-a-host", 98_304), reserving("larger-than-the-pool", 1_048_576)];
      const { results } = await rooms.vcenter.call(`${PLACEMENT}/PlaceVms`, { specs });
      assert.deepEqual(results.map((each: Message) => each.recommendations.length), [1, 0, 0]);
      assert.deepEqual(results.map((each: Message) => each.drs_fault?.fault.fault), [undefined, "no_compatible_host", "insufficient_memory_resources_fault"], JSON.stringify(results));
      const { host, error } = results[1].drs_fault.fault.no_compatible_host;
      assert.deepEqual([host.length, error.length], [rooms.hosts.length, rooms.hosts.length]);
      await rooms.vcenter.call(`${PLACEMENT}/CancelRecommendation`, { key: results[0].recommendations[0].key });
    });

    test("an unknown host in the curated list is refused by the path of its field", async () => {
      const spec = { config: vm("lost"), hosts: named(rooms.hosts[0] ?? "", `esxi-99.${domain}`), owner_uid: podUid(2) };
      for (const [method, request, path] of [
        ["PlaceVm", { spec }, "spec.hosts.hosts.hosts[1].name"],
        ["PlaceVms", { specs: [{ config: vm("well") }, spec] }, "specs[1].hosts.hosts.hosts[1].name"],
      ] as const) {
        const refused = await rooms.vcenter.refusal(`${PLACEMENT}/${method}`, request);
        assert.deepEqual([refused.code, refused.reason, refused.fields], [status.INVALID_ARGUMENT, "InvalidArgument", [path]], refused.text);
        assert.equal(refused.methodFault.invalid_argument.invalid_property, path);
        assert.match(refused.text, /esxi-99\.spheresim\.test/);
      }
    });

    test("a spec without config, a batch without items and an unset field are refused by name", async () => {
      const cases: readonly (readonly [string, Message, string])[] = [
        ["PlaceVm", {}, "spec"],
        ["PlaceVms", {}, "specs"],
        ["PlaceVm", { spec: {} }, "spec.config"],
        ["PlaceVm", { spec: { config: vm("odd", { memory_mb: 513 }) } }, "spec.config.memory_mb"],
        ["PlaceVm", { spec: { config: vm("no-cpu", { num_cpus: 0 }) } }, "spec.config.num_cpus"],
        ["PlaceVm", { spec: { config: vm("nowhere"), hosts: named() } }, "spec.hosts.hosts.hosts"],
      ];
      for (const [method, request, field] of cases) {
        const refused = await rooms.vcenter.refusal(`${PLACEMENT}/${method}`, request);
        assert.deepEqual([refused.code, refused.reason, refused.fields], [status.INVALID_ARGUMENT, "InvalidArgument", [field]], refused.text);
      }
    });

    test("a pod's VM: applied, powered on by HostD, given its personality, its containers started by the agent, destroyed", async () => {
      const ownerUid = podUid(3);
      const placed = await rooms.vcenter.call(`${PLACEMENT}/PlaceVm`, { spec: { config: vm("pod"), owner_uid: ownerUid } });
      const [{ key, actions }] = placed.recommendations;
      const authority: string = actions[0].target_host_name;
      const task = await rooms.vcenter.call(`${PLACEMENT}/ApplyRecommendation`, { request_id: "apply", key, owner_uid: ownerUid });
      const { result, vm_uuid: uuid } = await done(task);
      assert.equal(result.type, "VirtualMachine");
      const registered = await rooms.vcenter.call(`${MACHINES}/GetVm`, { owner_uid: ownerUid });
      assert.deepEqual([registered.ref, registered.host_name, registered.power_state], [result, authority, "VIRTUAL_MACHINE_POWER_STATE_POWERED_ON"]);

      // The host has it, and no other host of the same port.
      const onHost = await rooms.hostd.call(`${HOST}/GetVm`, { vm: { uuid } }, { authority });
      assert.deepEqual([onHost.phase, onHost.agent_address, onHost.host_name], ["VM_PHASE_INIT_WAITING", "", authority]);
      const elsewhere = rooms.hosts.find((name) => name !== authority) ?? "";
      const missing = await rooms.hostd.refusal(`${HOST}/GetVm`, { vm: { uuid } }, { authority: elsewhere });
      assert.deepEqual([missing.code, missing.reason], [status.NOT_FOUND, "ManagedObjectNotFound"]);

      // Nobody answers inside before the personality is there, and nobody but the owner may bring it.
      const inside = { authority: `${uuid}.crx.${domain}` };
      const early = await rooms.crx.refusal(`${AGENT}/GetPod`, {}, inside);
      assert.equal(early.code, status.UNAVAILABLE, early.text);
      const personality = { pod_uid: ownerUid, namespace: "default", name: "pod", hostname: "pod", network_interfaces: [{ mac: "04:50:56:00:00:01", ip: "10.244.9.9", prefix_length: 24 }] };
      const stranger = await rooms.hostd.refusal(`${HOST}/ConfigurePersonality`, { vm: { uuid }, personality: { ...personality, pod_uid: podUid(4) } }, { authority });
      assert.deepEqual([stranger.code, stranger.reason, stranger.methodFault.owner_mismatch.existing_owner_uid], [status.FAILED_PRECONDITION, "OwnerMismatch", ownerUid]);
      const ready = await rooms.hostd.call(`${HOST}/ConfigurePersonality`, { vm: { uuid }, personality }, { authority });
      assert.equal(ready.phase, "VM_PHASE_AGENT_READY");
      assert.notEqual(ready.agent_address, "");

      // Step 13, by authority and by metadata.
      const agent = new LoadedClient(ready.agent_address);
      try {
        const start = { pod_uid: ownerUid, namespace: "default", name: "pod", containers: [{ name: "app", image: "nginx:1.27" }], restart_policy: "RESTART_POLICY_ALWAYS" };
        const wrong = await agent.refusal(`${AGENT}/StartPod`, { ...start, pod_uid: podUid(4) }, inside);
        assert.deepEqual([wrong.code, wrong.reason], [status.FAILED_PRECONDITION, "OwnerMismatch"]);
        const nothing = await agent.refusal(`${AGENT}/StartPod`, { ...start, containers: [] }, inside);
        assert.deepEqual([nothing.code, nothing.reason, nothing.fields], [status.INVALID_ARGUMENT, "InvalidArgument", ["containers"]], nothing.text);
        await agent.call(`${AGENT}/StartPod`, start, inside);
        const running = await eventually("the container runs", async () => {
          const pod = await agent.call(`${AGENT}/GetPod`, {}, { metadata: { "spheresim-host": `${uuid}.crx.${domain}` } });
          return pod.containers[0]?.state === "running" && pod;
        });
        assert.deepEqual([running.pod_uid, running.containers[0].name, running.containers[0].restart_count], [ownerUid, "app", 0]);
        const stopped = await agent.call(`${AGENT}/StopPod`, { pod_uid: ownerUid, grace_period: { seconds: 1 } }, inside);
        assert.equal(stopped.containers[0].state, "terminated");
        await assert.rejects(agent.exchange(`${AGENT}/Exec`, { start: { container: "app", command: ["true"] } }), { code: status.UNIMPLEMENTED, details: /AgentService\/Exec/ });
      } finally {
        agent.close();
      }

      // The way back: a running VM is not destroyed by accident.
      const accident = await rooms.vcenter.refusal(`${MACHINES}/DestroyVm`, { owner_uid: ownerUid });
      assert.deepEqual([accident.code, accident.reason], [status.FAILED_PRECONDITION, "InvalidPowerState"]);
      await done(await rooms.vcenter.call(`${MACHINES}/DestroyVm`, { request_id: "destroy", owner_uid: ownerUid, power_off: true, uuid }));
      const gone = await rooms.vcenter.refusal(`${MACHINES}/GetVm`, { owner_uid: ownerUid });
      assert.deepEqual([gone.code, gone.reason, gone.methodFault.fault], [status.NOT_FOUND, "ManagedObjectNotFound", "managed_object_not_found"]);
      const goneOnHost = await rooms.hostd.refusal(`${HOST}/GetVm`, { vm: { uuid } }, { authority });
      assert.equal(goneOnHost.code, status.NOT_FOUND);
    });

    test("an ordinary VM: powered on through vCenter, off and on on its host", async () => {
      const [authority = ""] = rooms.hosts;
      const created = await done(await rooms.vcenter.call(`${MACHINES}/CreateVm`, { request_id: "ordinary", config: vm("ordinary"), host: { name: authority } }));
      const reference = { vm: created.result };
      const { config } = await rooms.vcenter.call(`${MACHINES}/GetVm`, reference);
      const onHost = { vm: { instance_uuid: config.instance_uuid } };
      assert.equal((await rooms.hostd.call(`${HOST}/GetVm`, onHost, { authority })).phase, "VM_PHASE_OFF");

      await done(await rooms.vcenter.call(`${MACHINES}/PowerOnVm`, reference));
      assert.equal((await rooms.hostd.call(`${HOST}/GetVm`, onHost, { authority })).phase, "VM_PHASE_RUNNING");
      const twice = await rooms.vcenter.refusal(`${MACHINES}/PowerOnVm`, reference);
      assert.deepEqual([twice.code, twice.reason], [status.FAILED_PRECONDITION, "InvalidPowerState"]);
      assert.deepEqual(twice.methodFault.invalid_power_state, { requested_state: "poweredOn", existing_state: "poweredOn" });

      // Off behind vCenter's back: its record says on, so it has the host power it on again.
      await rooms.hostd.call(`${HOST}/PowerOffVm`, onHost, { authority });
      await eventually("vCenter has it powered on again", async () => {
        const { phase, power_on_count: count } = await rooms.hostd.call(`${HOST}/GetVm`, onHost, { authority });
        return phase === "VM_PHASE_RUNNING" && count === 2;
      });

      // Off by vCenter, then on at the host itself: vCenter shows what the host says.
      await done(await eventually("no task holds it", () => rooms.vcenter.call(`${MACHINES}/PowerOffVm`, reference)));
      const again = await rooms.hostd.call(`${HOST}/PowerOnVm`, onHost, { authority });
      assert.deepEqual([again.phase, again.power_state, again.power_on_count], ["VM_PHASE_RUNNING", "VIRTUAL_MACHINE_POWER_STATE_POWERED_ON", 3]);
      const fourth = await rooms.hostd.refusal(`${HOST}/PowerOnVm`, onHost, { authority });
      assert.deepEqual([fourth.code, fourth.reason], [status.FAILED_PRECONDITION, "InvalidPowerState"]);
      await eventually("vCenter has heard of it", async () => (await rooms.vcenter.call(`${MACHINES}/GetVm`, reference)).power_state === "VIRTUAL_MACHINE_POWER_STATE_POWERED_ON");
      await done(await rooms.vcenter.call(`${MACHINES}/DestroyVm`, { ...reference, power_off: true }));
    });

    test("a call to a port of many hosts must name one: by :authority, else by metadata", async () => {
      const [first = "", second = ""] = rooms.hosts;
      const name = async (how: Parameters<LoadedClient["call"]>[2]): Promise<string> => (await rooms.hostd.call(`${HOST}/GetHost`, {}, how)).name;
      assert.equal(await name({ authority: second }), second);
      assert.equal(await name({ authority: second.toUpperCase() }), second);
      assert.equal(await name({ authority: `${second}:7433` }), second);
      assert.equal(await name({ metadata: { "spheresim-host": second } }), second);
      assert.equal(await name({ authority: first, metadata: { "spheresim-host": second } }), first);
      for (const [how, what] of [
        [{}, /^the call names no host;/],
        [{ authority: `esxi-99.${domain}` }, /^no host "esxi-99\.spheresim\.test" behind this port;/],
        [{ metadata: { "spheresim-host": "nobody" } }, /^no host "nobody" behind this port;/],
      ] as const) {
        const refused = await rooms.hostd.refusal(`${HOST}/GetHost`, {}, how);
        assert.deepEqual([refused.code, refused.reason, refused.fields], [status.INVALID_ARGUMENT, "InvalidArgument", [":authority"]]);
        assert.equal(refused.methodFault?.invalid_argument.invalid_property, ":authority");
        assert.match(refused.text, what);
        assert.ok(refused.text.endsWith(`; set :authority (the host of the call) or metadata "spheresim-host" to one of: ${rooms.hosts.join(", ")}`), refused.text);
      }
    });

    test("a call to the port of the CRX instances must name one; one that does not run is out of reach", async () => {
      const unnamed = await rooms.crx.refusal(`${AGENT}/GetPod`);
      assert.deepEqual([unnamed.code, unnamed.reason, unnamed.fields], [status.INVALID_ARGUMENT, "InvalidArgument", [":authority"]]);
      assert.match(unnamed.text, /^the call names no CRX instance; set :authority/);
      const nobody = await rooms.crx.refusal(`${AGENT}/GetPod`, {}, { authority: `0badcafe-0000-4000-8000-0000000000ff.crx.${domain}` });
      assert.deepEqual([nobody.code, nobody.reason], [status.UNAVAILABLE, "ManagedObjectNotFound"]);
    });
  });
}

test("a port of one host needs no name, and does not answer to a sibling's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-contract-"));
  const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
  const hostd = await startHostd({ ...common, hosts: [{ name: `esxi-01.${domain}`, cores: 4, cpuMhz: 2600, memoryMb: 8_192 }], dataDir: directory });
  const client = new LoadedClient(hostd.address);
  try {
    assert.equal((await client.call(`${HOST}/GetHost`)).name, `esxi-01.${domain}`);
    assert.equal((await client.call(`${HOST}/GetHost`, {}, { authority: "proxy.example.com" })).name, `esxi-01.${domain}`);
    assert.equal((await client.refusal(`${HOST}/GetHost`, {}, { authority: `esxi-02.${domain}` })).code, status.INVALID_ARGUMENT);
  } finally {
    client.close();
    await hostd.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

describe("every gRPC port of the daemon", () => {
  const ports: Readonly<Record<string, readonly string[]>> = {
    emulator: servicesUnder("spheresim.emulator.v1."),
    vcenter: servicesUnder("spheresim.vcenter.v1."),
    esxi: servicesUnder("spheresim.hostd.v1."),
    spherelet: servicesUnder("spheresim.spherelet.v1."),
    crx: servicesUnder("spheresim.crx.v1."),
    scheduler: servicesUnder("spheresim.scheduler.v1."),
    etcd: [...servicesUnder("etcdserverpb."), ...servicesUnder("v3electionpb."), ...servicesUnder("v3lockpb.")],
  };

  test("there is no other", () => {
    const grpc = Object.entries(running.ready.endpoints).filter(([, address]) => !address.startsWith("http"));
    assert.deepEqual(grpc.map(([room]) => room).sort(), Object.keys(ports).sort());
  });

  for (const [room, services] of Object.entries(ports)) {
    test(`${room} answers health and reflection for ${services.length} service${services.length === 1 ? "" : "s"} of proto/`, async () => {
      const client = new LoadedClient(running.ready.endpoints[room] ?? "");
      try {
        const listed = await client.exchange("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", { list_services: "*" });
        const names: string[] = listed.list_services_response.service.map((each: Message) => each.name);
        const own = names.filter((name) => !name.startsWith("grpc."));
        assert.deepEqual(own.sort(), services);
        assert.ok(names.includes("grpc.health.v1.Health"));
        // etcd knows only the server as a whole.
        const healthy = room === "etcd" ? [""] : ["", ...services];
        for (const service of healthy) assert.deepEqual(await client.call("grpc.health.v1.Health/Check", { service }), { status: "SERVING" }, service);
        for (const service of ["no.such.Service", ...services].filter((each) => !healthy.includes(each))) {
          assert.equal((await client.refusal("grpc.health.v1.Health/Check", { service })).code, status.NOT_FOUND, service);
        }
        for (const service of services) {
          const described = await client.exchange("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", { file_containing_symbol: service });
          assert.ok(described.file_descriptor_response.file_descriptor_proto.length > 0, service);
        }
      } finally {
        client.close();
      }
    });
  }

  test("the Spherelets' port wants a host's name too", async () => {
    const client = new LoadedClient(running.ready.endpoints["spherelet"] ?? "");
    try {
      const refused = await client.refusal("spheresim.spherelet.v1.SphereletService/ConfigurePod", { namespace: "default", name: "pod", pod_uid: "u", vm_uuid: "v" });
      assert.equal(refused.code, status.INVALID_ARGUMENT);
      assert.match(refused.text, /^the call names no host; set :authority/);
    } finally {
      client.close();
    }
  });
});
