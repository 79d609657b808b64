import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { UserError } from "../../src/base/user-error.js";
import { haveHost } from "../../src/daemon/fill-hosts.js";
import { type Host, HostConnectionState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { WantedHost } from "../../src/rpc/added-host.js";
import { hostKey, hostName, HOST, World } from "../vcenter/world.js";

let world: World;
afterEach(() => world.close());

function wanted(number: number, change: Partial<HostSpec> = {}): WantedHost {
  const spec = HostSpec.fromPartial({ name: hostName(number), numCpuCores: HOST.cores, cpuMhz: HOST.coreMhz, memoryMb: HOST.memoryMb, ...change });
  return { cluster: world.cluster, spec, address: world.esxi.address };
}

async function known(number: number): Promise<Host | undefined> {
  return (await world.inventory.getInventory({})).hosts.find(({ spec }) => spec?.name === hostName(number));
}

test("the worked example: what was added before the first start was killed is found, at a new address too, and the rest is added", async () => {
  world = await World.start(1);
  world.esxi.addHost(hostName(2), HOST.cores * HOST.coreMhz, HOST.memoryMb);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: true, address: "127.0.0.1:1" });
  const first = await haveHost(world.inventory, wanted(1), await known(1));
  const second = await haveHost(world.inventory, wanted(2), await known(2));
  assert.deepEqual([first.ref?.value, first.address, second.ref?.value, second.address], ["host-21", world.esxi.address, "host-22", world.esxi.address]);
  await world.connected(2);
});

test("a host that somebody else adds in between is looked at again, not added twice", async () => {
  world = await World.start(0);
  world.esxi.addHost(hostName(1), HOST.cores * HOST.coreMhz, HOST.memoryMb);
  const both = await Promise.all([haveHost(world.inventory, wanted(1), undefined), haveHost(world.inventory, wanted(1), undefined)]);
  assert.deepEqual(both.map(({ ref }) => ref?.value), ["host-21", "host-21"]);
  assert.equal((await world.inventory.getInventory({})).hosts.length, 1);
});

test("what a person disconnected stays so, and is found at the new address when it is connected", async () => {
  world = await World.start(1);
  await world.inventory.setHostConnection({ requestId: "", host: hostKey(1), connected: false, address: "127.0.0.1:1" });
  const host = await haveHost(world.inventory, wanted(1), await known(1));
  assert.deepEqual([host.connectionState, host.address], [HostConnectionState.DISCONNECTED, world.esxi.address]);
});

test("a host of other hardware, or of another cluster, is the user's to mend, and nothing changes", async () => {
  world = await World.start(1);
  const before = await known(1);
  const { datacenters } = await world.inventory.getInventory({});
  const other = await world.inventory.createCluster({ requestId: "", datacenter: datacenters[0]?.ref, name: "other" });
  const mismatches: ReadonlyArray<readonly [WantedHost, RegExp]> = [
    [wanted(1, { numCpuCores: 4 }), /^inventory: host esxi-01\.spheresim\.test has 8 cores of 2000 MHz and 16384 MB since it was added, not 4 cores of 2000 MHz and 16384 MB$/],
    [{ ...wanted(1), cluster: other.ref }, /^inventory: vCenter has host esxi-01\.spheresim\.test in another cluster \(domain-c8\)$/],
  ];
  for (const [each, message] of mismatches) {
    for (const found of [before, undefined]) {
      await assert.rejects(haveHost(world.inventory, each, found), (error: unknown) => error instanceof UserError && error.kind === "cannot-start" && message.test(error.message));
    }
  }
  assert.deepEqual(await known(1), before);
});
