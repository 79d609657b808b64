import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import { DrsBehavior, type Inventory, type InventoryUpdate } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { CreateResourcePoolRequest, UpdateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import type { TaskInfo } from "../../src/gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { hostKey, onHosts, World } from "./world.js";
import { fc } from "../support/properties.js";

const HOSTS = 4;
const CHANGES = 600;

let world: World;
afterEach(() => world.close());

type Watched = NonNullable<InventoryUpdate["object"]>;

/** A client that follows the inventory, and now and then loses its connection and goes on by its token. */
class Follower {
  readonly objects = new Map<string, Watched>();
  readonly complaints: string[] = [];
  #token = "";
  /** Such a watch may tell that an object left which came and went unheard. */
  #resumed = false;
  #stream: { cancel(): void } | undefined;
  #reading: Promise<void> = Promise.resolve();

  start(): this {
    this.#resumed = this.synced;
    const stream = world.inventory.watchInventory({ resumeToken: this.#token });
    this.#stream = stream;
    this.#reading = (async () => {
      for await (const update of stream) this.#take(update);
    })().catch((error: unknown) => {
      if (!(error instanceof RpcError) || error.codeName !== "CANCELLED") this.complaints.push(String(error));
    });
    return this;
  }

  async stop(): Promise<void> {
    this.#stream?.cancel();
    await this.#reading;
  }

  get synced(): boolean {
    return this.#token !== "";
  }

  #take({ kind, resumeToken, object }: InventoryUpdate): void {
    if (resumeToken !== "") this.#token = resumeToken;
    const key = object?.value.ref?.value ?? "";
    if (object === undefined) return;
    if (kind === UpdateKind.LEAVE) {
      if (!this.objects.delete(key) && !this.#resumed) this.complaints.push(`${key} left and was not there`);
    } else {
      if (kind === UpdateKind.MODIFY && !this.objects.has(key)) this.complaints.push(`${key} changed and was not there`);
      this.objects.set(key, object);
    }
  }
}

function byMoid(inventory: Inventory): Map<string, Watched["value"]> {
  const { datacenters, clusters, hosts, resourcePools, virtualMachines } = inventory;
  return new Map([...datacenters, ...clusters, ...hosts, ...resourcePools, ...virtualMachines].map((object) => [object.ref?.value ?? "", object]));
}

/** One random thing that somebody does; `pick` is a number to choose objects by. */
type Deed = (pick: number, number: number) => Promise<unknown>;

function at<T>(items: readonly T[], pick: number): T {
  return items[pick % items.length] ?? assert.fail("nothing to choose from");
}

const now = (): Promise<Inventory> => world.inventory.getInventory({});
const ended = async (task: Promise<TaskInfo>): Promise<TaskInfo> => world.ended(await task);
const someVm = async (pick: number) => at((await now()).virtualMachines, pick).ref;
const somePool = async (pick: number) => at((await now()).resourcePools, pick).ref;

const DEEDS: Readonly<Record<string, Deed>> = {
  createVm: (pick, number) => {
    const config = VirtualMachineConfigSpec.fromPartial({ name: `vm-${number}`, numCpus: 1, memoryMb: 512, memoryAllocation: { reservation: 512 } });
    return ended(world.machines.createVm({ requestId: "", config, host: pick % 3 === 0 ? undefined : hostKey((pick % HOSTS) + 1), pool: undefined, powerOn: pick % 2 === 0 }));
  },
  deployPod: (pick, number) => world.deploy(`uid-${number}`, pick % 2 === 0 ? {} : { hosts: onHosts((pick % HOSTS) + 1) }),
  hold: (pick, number) => world.place(`held-${number}`),
  powerOn: async (pick) => ended(world.machines.powerOnVm({ requestId: "", vm: await someVm(pick) })),
  powerOff: async (pick) => ended(world.machines.powerOffVm({ requestId: "", vm: await someVm(pick) })),
  destroy: async (pick) => ended(world.machines.destroyVm({ requestId: "", target: { $case: "vm", value: (await someVm(pick)) ?? assert.fail() }, powerOff: true, uuid: "" })),
  migrate: async (pick) => ended(world.machines.migrateVm({ requestId: "", vm: await someVm(pick), host: undefined })),
  createPool: async (pick, number) => world.pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ name: `pool-${number}`, parent: (await somePool(pick)) ?? {}, config: { memoryAllocation: { reservation: (pick % 4) * 100 } } })),
  updatePool: async (pick, number) => world.pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: (await somePool(pick)) ?? {}, name: `renamed-${number}` })),
  destroyPool: async (pick) => world.pools.destroyResourcePool({ requestId: "", pool: await somePool(pick) }),
  move: async (pick) => world.pools.moveIntoResourcePool({ requestId: "", pool: await somePool(pick), list: [(pick % 2 === 0 ? await someVm(pick >> 3) : await somePool(pick >> 3)) ?? assert.fail()] }),
  enterMaintenance: async (pick) => world.enterMaintenance((pick % HOSTS) + 1),
  exitMaintenance: (pick) => world.inventory.exitMaintenanceMode({ requestId: "", host: hostKey((pick % HOSTS) + 1) }),
  cancel: async () => {
    const waiting = (await now()).hosts.find((host) => host.evacuation !== undefined)?.evacuation?.task;
    if (waiting !== undefined) await world.tasks.cancelTask({ requestId: "", task: waiting });
  },
  quarantine: (pick) => world.inventory.setQuarantineMode({ requestId: "", host: hostKey((pick % HOSTS) + 1), inQuarantineMode: pick % 2 === 0 }),
  sleep: (pick) => world.inventory.powerDownHostToStandBy({ requestId: "", host: hostKey((pick % HOSTS) + 1), timeout: undefined }),
  wake: (pick) => world.inventory.powerUpHostFromStandBy({ requestId: "", host: hostKey((pick % HOSTS) + 1) }),
  disconnect: (pick) => world.inventory.setHostConnection({ requestId: "", host: hostKey((pick % HOSTS) + 1), connected: false }),
  reconnect: (pick) => world.inventory.setHostConnection({ requestId: "", host: hostKey((pick % HOSTS) + 1), connected: true }),
  removeHost: (pick) => world.inventory.removeHost({ requestId: "", host: hostKey((pick % HOSTS) + 1) }),
  addHost: (pick) => world.addHost((pick % HOSTS) + 1),
  cluster: (pick) => {
    const drsConfig = { enabled: pick % 5 !== 0, defaultVmBehavior: pick % 2 === 0 ? DrsBehavior.MANUAL : DrsBehavior.FULLY_AUTOMATED, migrationThreshold: 0, consumedMemoryMetric: false };
    return world.clusters.reconfigureCluster({ requestId: "", cluster: world.cluster, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
  },
  // Late: where there are several clusters, most calls must say which they mean.
  addCluster: async (_pick, number) => number > CHANGES - 50 && world.inventory.createCluster({ requestId: "", datacenter: (await now()).datacenters[0]?.ref, name: `cluster-${number}` }),
};

test(`who follows the inventory and who lists it agree after ${CHANGES} random changes of hosts, pools, clusters and VMs, also by tokens`, async () => {
  world = await World.start(HOSTS);
  const follower = new Follower().start();
  const steady = new Follower().start();
  await eventually("both are synced", () => follower.synced && steady.synced);
  const names = Object.keys(DEEDS);
  const changes = fc.sample(fc.record({ deed: fc.constantFrom(...names), pick: fc.nat(1 << 16), lose: fc.nat(19) }), { numRuns: CHANGES, seed: 4 });
  const taken = new Set<string>();
  for (const [number, { deed, pick, lose }] of changes.entries()) {
    // Some are refused, as they should be; what goes wrong otherwise fails the test.
    await DEEDS[deed]?.(pick, number).then(
      () => void taken.add(deed),
      (error: unknown) => {
        if (!(error instanceof RpcError || error instanceof assert.AssertionError) || (error instanceof RpcError && error.reason === undefined)) throw error;
      },
    );
    if (lose > 0) continue;
    await follower.stop();
    follower.start();
  }
  const never = names.filter((name) => !taken.has(name));
  assert.ok(never.length <= names.length / 4, `never taken: ${never.join(", ")}`);
  for (const each of [follower, steady]) {
    await eventually("the follower agrees", async () => {
      assert.deepEqual(new Map([...each.objects].map(([key, object]) => [key, object.value])), byMoid(await now()));
      return true;
    });
    assert.deepEqual(each.complaints, []);
    await each.stop();
  }
});
