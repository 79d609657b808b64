import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { Cluster, Host, HostConnectionState, InventoryUpdate, ResourcePool, VirtualMachine } from "../../../src/gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../../src/gen/spheresim/vim/v1/update.js";
import { VirtualMachinePowerState } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { CapacityBell } from "../../../src/scheduler/extension/capacity-bell.js";

type Kind = "ENTER" | "MODIFY" | "LEAVE";
type Seen = NonNullable<InventoryUpdate["object"]>;

describe("the bell that has refused pods tried again", () => {
  let clock: ManualClock;
  let bell: CapacityBell;
  let rung: number;

  beforeEach(() => {
    clock = new ManualClock();
    bell = new CapacityBell(clock);
    rung = 0;
    bell.subscribe(() => (rung += 1));
  });

  /** Whether it rings for a change. */
  async function rings(kind: Kind, object: Seen): Promise<boolean> {
    const before = rung;
    bell.changed(InventoryUpdate.create({ kind: UpdateKind[kind], object }));
    await clock.advance(1000);
    return rung > before;
  }

  const vm = (host: string, memoryMb: number, { on = true, owner = "", cpuMhz = 0 } = {}): Seen => ({
    $case: "virtualMachine",
    value: VirtualMachine.fromPartial({
      ref: { type: "VirtualMachine", value: "vm-1" },
      host: { type: "HostSystem", value: host },
      ownerUid: owner,
      powerState: on ? VirtualMachinePowerState.POWERED_ON : VirtualMachinePowerState.POWERED_OFF,
      config: { memoryMb: 4096, cpuAllocation: { reservation: cpuMhz }, memoryAllocation: { reservation: memoryMb } },
    }),
  });
  const cluster = (percent: number, dasEnabled = true): Seen => ({
    $case: "cluster",
    value: Cluster.fromPartial({
      ref: { type: "ClusterComputeResource", value: "domain-c8" },
      name: "c",
      dasConfig: { enabled: dasEnabled, admissionControlEnabled: true, memoryFailoverResourcesPercent: percent },
    }),
  });

  test("the worked example: HA keeps less free", async () => {
    await rings("ENTER", cluster(60));
    assert.equal(await rings("MODIFY", cluster(60)), false);
    assert.equal(await rings("MODIFY", cluster(54)), true);
    assert.equal(await rings("MODIFY", cluster(54, false)), true);
  });

  test("an ordinary VM reserves less, moves, goes off or away; not when it comes, reserves more or only uses less", async () => {
    assert.equal(await rings("ENTER", vm("host-1", 2048)), false);
    assert.equal(await rings("MODIFY", vm("host-1", 2048)), false);
    assert.equal(await rings("MODIFY", vm("host-1", 3072)), false);
    assert.equal(await rings("MODIFY", vm("host-1", 2048)), true);
    assert.equal(await rings("MODIFY", vm("host-1", 2048, { cpuMhz: 500 })), false);
    assert.equal(await rings("MODIFY", vm("host-1", 2048, { cpuMhz: 400 })), true);
    assert.equal(await rings("MODIFY", vm("host-2", 2048, { cpuMhz: 400 })), true);
    assert.equal(await rings("MODIFY", vm("host-2", 2048, { on: false })), true);
    assert.equal(await rings("LEAVE", vm("host-2", 2048)), true);
  });

  test("a pod's VM only when it is off or gone: each placement must not have all refused pods tried again", async () => {
    assert.equal(await rings("ENTER", vm("host-1", 2048, { on: false, owner: "u" })), false);
    assert.equal(await rings("MODIFY", vm("host-1", 2048, { owner: "u" })), false);
    assert.equal(await rings("MODIFY", vm("host-1", 1024, { owner: "u" })), false);
    assert.equal(await rings("MODIFY", vm("host-1", 1024, { on: false, owner: "u" })), true);
  });

  test("a host that can be used again, and a pool with other settings; a start from the beginning rings for what is there", async () => {
    const host = (connectionState: HostConnectionState): Seen => ({ $case: "host", value: Host.fromPartial({ ref: { value: "host-1" }, connectionState }) });
    const pool = (limit: number, used: number): Seen => ({ $case: "resourcePool", value: ResourcePool.fromPartial({ ref: { value: "resgroup-1" }, config: { memoryAllocation: { limit } }, usage: { reservationUsedMemoryMb: used } }) });
    assert.equal(await rings("ENTER", host(HostConnectionState.DISCONNECTED)), false);
    assert.equal(await rings("MODIFY", host(HostConnectionState.CONNECTED)), true);
    assert.equal(await rings("MODIFY", host(HostConnectionState.CONNECTED)), false);
    assert.equal(await rings("ENTER", pool(2048, 0)), true);
    assert.equal(await rings("MODIFY", pool(2048, 512)), false);
    assert.equal(await rings("MODIFY", pool(4145, 512)), true);
    bell.restarted();
    assert.equal(await rings("ENTER", host(HostConnectionState.CONNECTED)), true);
  });

  test("changes of one moment ring once; a bell that is closed is silent", async () => {
    for (const memoryMb of [4000, 3000, 2000]) bell.changed(InventoryUpdate.create({ kind: UpdateKind.MODIFY, object: vm("host-1", memoryMb) }));
    await clock.advance(1000);
    assert.equal(rung, 1);
    bell.close();
    assert.equal(await rings("LEAVE", vm("host-1", 0)), false);
  });
});
