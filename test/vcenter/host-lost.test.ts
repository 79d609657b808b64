import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient, type HardwareServiceService } from "../../src/gen/spheresim/hostd/v1/hardware_service.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { HostConnectionState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import { type Channel, openChannel, type PromiseClient } from "../../src/rpc/channel.js";
import { HostPresence } from "../../src/vcenter/hosts/host-presence.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { HOST, hostKey, hostName, World } from "./world.js";

const { POWERED_ON } = VirtualMachinePowerState;
const { CONNECTED, NOT_RESPONDING } = HostConnectionState;

/** A vCenter before three real hosts that share one address. */
class SharedAddress {
  readonly #directory = mkdtempSync(join(tmpdir(), "spheresim-host-lost-"));
  world!: World;
  hostd!: Hostd;
  hardware!: PromiseClient<typeof HardwareServiceService>;
  host!: PromiseClient<typeof HostServiceService>;
  #channel!: Channel;

  static async start(hostWindowMs = 150): Promise<SharedAddress> {
    const rack = new SharedAddress();
    const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
    const hosts = [1, 2, 3].map((number) => ({ name: hostName(number), cores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb }));
    rack.hostd = await startHostd({ ...common, hosts, dataDir: join(rack.#directory, "esxi") });
    rack.#channel = openChannel({ address: rack.hostd.address });
    rack.hardware = rack.#channel.client(HardwareServiceClient);
    rack.host = rack.#channel.client(HostServiceClient);
    rack.world = await World.start(0, { hostWindowMs });
    for (const number of [1, 2, 3]) await rack.addHost(number);
    await rack.world.connected(3);
    return rack;
  }

  addHost(number: number): Promise<unknown> {
    const spec = HostSpec.fromPartial({ name: hostName(number), numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb, datastores: ["vsan"], networks: ["workload"] });
    return this.world.inventory.addHost({ requestId: "", cluster: this.world.cluster, spec, address: this.hostd.address });
  }

  async close(): Promise<void> {
    await this.world.close();
    this.#channel.close();
    await this.hostd.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  power(number: number, poweredOn: boolean): Promise<unknown> {
    return this.hardware.setPower({ requestId: "", name: hostName(number), poweredOn });
  }

  create(name: string, host: number): Promise<TaskInfo> {
    const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: 1, memoryMb: 1024, memoryAllocation: { reservation: 1024 } });
    return this.world.machines.createVm({ requestId: "", config, host: hostKey(host), pool: undefined, powerOn: true });
  }

  /** The connection of each host, and the power of each VM by name. */
  async stand(): Promise<{ readonly hosts: readonly HostConnectionState[]; readonly vms: Readonly<Record<string, VirtualMachinePowerState>> }> {
    const { hosts } = await this.world.inventory.getInventory({});
    const { virtualMachines } = await this.world.machines.listVms({ pageSize: 1000, pageToken: "", onlyOwned: false });
    return { hosts: hosts.map((host) => host.connectionState), vms: Object.fromEntries(virtualMachines.map((vm) => [vm.config?.name ?? "", vm.powerState])) };
  }

  async hostsAre(what: string, ...states: HostConnectionState[]): Promise<void> {
    await eventually(what, async () => {
      assert.deepEqual((await this.stand()).hosts, states);
      return true;
    });
  }

  async events(): Promise<readonly string[]> {
    const { events } = await this.world.events.queryEvents({ filter: EventFilter.create(), pageSize: 1000, pageToken: "" });
    return events.map((event) => `${event.type} ${event.host?.name ?? ""}`);
  }
}

let rack: SharedAddress;
afterEach(() => rack.close());

const LOSSES = {
  power: { away: () => rack.power(1, false), back: () => rack.power(1, true), lives: false },
  cable: {
    away: () => rack.hardware.setNetwork({ requestId: "", name: hostName(1), connected: false }),
    back: () => rack.hardware.setNetwork({ requestId: "", name: hostName(1), connected: true }),
    lives: true,
  },
  HostD: {
    away: () => rack.hardware.setService({ requestId: "", name: hostName(1), service: HostServiceKey.HOSTD, running: false }),
    back: () => rack.hardware.setService({ requestId: "", name: hostName(1), service: HostServiceKey.HOSTD, running: true }),
    lives: true,
  },
} as const;

for (const [what, { away, back, lives }] of Object.entries(LOSSES)) {
  test(`a host that loses its ${what} is not responding, the others at its address are not touched; back again it is connected and as recorded`, async () => {
    rack = await SharedAddress.start();
    for (const host of [1, 2]) await rack.world.ended(await rack.create(`db-${host}`, host));
    const told = (await rack.events()).length;
    await away();
    await rack.hostsAre("one host does not respond", NOT_RESPONDING, CONNECTED, CONNECTED);
    const task = await rack.world.ended(await rack.create("db-3", 3));
    assert.equal(task.state, TaskState.SUCCESS, "the address serves the others");

    await back();
    await rack.hostsAre("all are connected", CONNECTED, CONNECTED, CONNECTED);
    // A VM that should run is powered on again by vCenter; one that ran on was never touched.
    await eventually("every VM runs", async () => Object.values((await rack.stand()).vms).every((state) => state === POWERED_ON));
    const { vms } = await rack.host.listVms({ pageSize: 10, pageToken: "" }, { authority: hostName(1) });
    assert.deepEqual(vms.map((vm) => [vm.config?.name, vm.powerState, vm.powerOnCount]), [["db-1", POWERED_ON, lives ? 1 : 2]]);
    const news = (await rack.events()).slice(told).filter((event) => event.startsWith("Host"));
    assert.deepEqual(news, [`HostConnectionLostEvent ${hostName(1)}`, `HostConnectedEvent ${hostName(1)}`]);
    assert.ok(!(await rack.events()).some((event) => event.startsWith("VmOrphaned")), "nobody takes a VM for gone");
  });
}

test("a host out of reach is asked for nothing: HostNotReachable", async () => {
  rack = await SharedAddress.start();
  await rack.power(1, false);
  await rack.hostsAre("one host does not respond", NOT_RESPONDING, CONNECTED, CONNECTED);
  assert.equal((await refusal(rack.create("lost", 1))).reason, "HostNotReachable");
});

test("a call that HostD answers with HostNotReachable is made again within the window", async () => {
  rack = await SharedAddress.start(5_000);
  const cut = rack.hardware.setNetwork({ requestId: "", name: hostName(2), connected: false });
  const task = await rack.create("late", 2).catch(() => undefined);
  await cut;
  await rack.hardware.setNetwork({ requestId: "", name: hostName(2), connected: true });
  await rack.hostsAre("all are connected", CONNECTED, CONNECTED, CONNECTED);
  const ended = await rack.world.ended(task ?? (await rack.create("late", 2)));
  assert.equal(ended.state, TaskState.SUCCESS);
});

test("a vCenter that starts while a host has no power waits for that host alone, and orphans nothing", async () => {
  rack = await SharedAddress.start();
  for (const host of [1, 2]) await rack.world.ended(await rack.create(`db-${host}`, host));
  await rack.power(1, false);
  await rack.hostsAre("one host does not respond", NOT_RESPONDING, CONNECTED, CONNECTED);
  await rack.world.stopVcenter();
  await rack.world.startVcenter();
  await rack.hostsAre("the others are connected", NOT_RESPONDING, CONNECTED, CONNECTED);
  await rack.power(1, true);
  await rack.hostsAre("all are connected", CONNECTED, CONNECTED, CONNECTED);
  await eventually("every VM runs", async () => Object.values((await rack.stand()).vms).every((state) => state === POWERED_ON));
  assert.ok(!(await rack.events()).some((event) => event.startsWith("VmOrphaned")));
});

test("a host added to the rack at run time is connected as soon as vCenter knows it, whoever comes first", async () => {
  rack = await SharedAddress.start();
  const hardware = { requestId: "", numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb, labels: {} };
  await rack.hardware.addHardware({ ...hardware, name: hostName(4) });
  await rack.addHost(4);
  await rack.hostsAre("the fourth is connected", CONNECTED, CONNECTED, CONNECTED, CONNECTED);
  await rack.addHost(5);
  await rack.hardware.addHardware({ ...hardware, name: hostName(5) });
  await rack.hostsAre("the fifth is connected", CONNECTED, CONNECTED, CONNECTED, CONNECTED, CONNECTED);
  await rack.power(5, false);
  await rack.hardware.removeHardware({ requestId: "", name: hostName(5) });
  await rack.hostsAre("it does not respond", CONNECTED, CONNECTED, CONNECTED, CONNECTED, NOT_RESPONDING);
});

test("which hosts are known: the worked example of HostPresence", async () => {
  rack = await SharedAddress.start();
  const presence = new HostPresence();
  presence.enter("early", 5n);
  assert.equal(presence.isKnown("early"), false, "VMs are not listed yet");
  presence.synced(7n);
  assert.equal(presence.isKnown("early"), true);
  presence.enter("late", 9n);
  assert.deepEqual([presence.isKnown("late"), presence.reached(8n)], [false, []]);
  assert.deepEqual([presence.reached(9n), presence.isKnown("late")], [["late"], true]);
  presence.leave("late");
  assert.equal(presence.isKnown("late"), false);
  presence.beUnknown();
  assert.equal(presence.isKnown("anybody"), true, "HostD does not tell");
});
