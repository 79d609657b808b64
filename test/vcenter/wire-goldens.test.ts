import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { AddRuleRequest } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { golden } from "./drs/golden-test.js";
import { admissionOrder, countedHosts, impliedRules, namespacePool } from "./drs/goldens.js";
import { HOST, hostKey, hostName, World } from "./world.js";

let world: World | undefined;
afterEach(() => world?.close());

golden(namespacePool, async ({ parent, reservation, expandable, cpuShares, memoryShares }) => {
  world = await World.start(1);
  const pool = await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "team", namespace: "team", config: undefined });
  const { resourcePools } = await world.inventory.getInventory({});
  const above = resourcePools.find(({ ref }) => ref?.value === pool.parent?.value);
  assert.equal(above?.name, parent);
  for (const { config } of [pool, above]) {
    assert.deepEqual([config?.cpuAllocation?.reservation, config?.memoryAllocation?.reservation], [reservation, reservation]);
    assert.deepEqual([config?.cpuAllocation?.expandableReservation, config?.memoryAllocation?.expandableReservation], [expandable, expandable]);
  }
  assert.deepEqual([pool.config?.cpuAllocation?.shares?.shares, pool.config?.memoryAllocation?.shares?.shares], [cpuShares, memoryShares]);

  // What a pod reserves is taken from the root, up the whole chain, and returns with its end.
  const used = async (): Promise<(number | undefined)[]> => {
    const pools = (await world?.inventory.getInventory({}))?.resourcePools ?? [];
    return [pool.ref?.value, above.ref?.value].map((moid) => pools.find(({ ref }) => ref?.value === moid)?.usage?.reservationUsedMemoryMb);
  };
  const task = await world.deploy("uid-1", { pool: pool.ref });
  const taken = await used();
  assert.ok((taken[0] ?? 0) >= 1024 && taken[0] === taken[1], "with the VM's overhead");
  await world.ended(await world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: task.result ?? assert.fail() }, uuid: "", powerOff: true }));
  assert.deepEqual(await used(), [0, 0]);
});

golden(admissionOrder, async ({ ofCluster }) => {
  world = await World.start(2);
  const fixed = { reservation: 0, expandableReservation: false, limit: -1, shares: undefined };
  const pool = await world.pools.createResourcePool({ requestId: "", parent: undefined, name: "shut", namespace: "", config: { cpuAllocation: fixed, memoryAllocation: fixed, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED } });
  const refused = async (percent: number): Promise<string | undefined> => {
    const dasConfig = { enabled: percent > 0, admissionControlEnabled: percent > 0, cpuFailoverResourcesPercent: percent, memoryFailoverResourcesPercent: percent };
    await world?.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig: undefined, dasConfig, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
    return (await world?.place("uid-1", { pool: pool.ref }, HOST.memoryMb / 2))?.drsFault?.fault?.fault?.$case;
  };
  const stages: Readonly<Record<string, string>> = { insufficientFailoverResourcesFault: "HA", insufficientCpuResourcesFault: "pool", insufficientMemoryResourcesFault: "pool" };
  assert.deepEqual([stages[(await refused(90)) ?? ""], stages[(await refused(0)) ?? ""]], ofCluster, "each thing that is in the way, once the one before is gone");
});

golden(countedHosts, async ({ standby, maintenance }) => {
  const opened = await World.start(2);
  world = opened;
  const { inventory } = opened;
  // What the root pool could still reserve, which is what a VM is admitted by.
  const isCounted = async (): Promise<boolean> => (await inventory.getInventory({})).resourcePools.every(({ usage }) => usage?.unreservedMemoryMb === 2 * HOST.memoryMb);
  assert.ok(await isCounted());
  await opened.ended(await inventory.powerDownHostToStandBy({ requestId: "", host: hostKey(2), timeout: undefined }));
  assert.equal(await isCounted(), standby);
  await opened.ended(await inventory.powerUpHostFromStandBy({ requestId: "", host: hostKey(2) }));
  await opened.maintain(2);
  assert.equal(await isCounted(), maintenance);
});

golden(impliedRules, async ({ apart, together, absent, placedBeside }) => {
  const opened = await World.start(2);
  world = opened;
  const vms = new Map<string, ManagedObjectReference>();
  const [runs] = apart.filter((name) => name !== absent);
  const [comes] = together.filter((name) => name !== absent);
  for (const name of [absent, runs, comes].filter((each) => each !== undefined)) {
    const config = VirtualMachineConfigSpec.fromPartial({ name, guestId: "otherGuest64", numCpus: 1, memoryMb: 256 });
    const task = await opened.ended(await opened.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: name === runs }));
    vms.set(name, task.result ?? assert.fail());
  }
  const of = (names: readonly string[]): ManagedObjectReference[] => names.map((name) => vms.get(name) ?? assert.fail());
  await opened.rules.addRule(AddRuleRequest.fromPartial({ rule: { name: "apart", rule: { $case: "antiAffinity", value: { vms: of(apart) } } } }));
  await opened.rules.addRule(AddRuleRequest.fromPartial({ rule: { name: "together", rule: { $case: "affinity", value: { vms: of(together) } } } }));
  await opened.maintain(2);
  const task = await opened.ended(await opened.machines.powerOnVm({ requestId: "", vm: vms.get(comes ?? "") }));
  const { hostName: on } = await opened.machines.getVm({ target: { $case: "vm", value: vms.get(comes ?? "") ?? assert.fail() } });
  assert.deepEqual([task.error, on === hostName(1)], [undefined, placedBeside]);
});
