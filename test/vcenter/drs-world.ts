import assert from "node:assert/strict";
import { ManualClock } from "../../src/base/clock.js";
import { DrsBehavior } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { DrsRecommendation, VmUsage } from "../../src/gen/spheresim/vcenter/v1/drs.js";
import { ScaleSharesBehavior } from "../../src/gen/spheresim/vim/v1/resource.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { type TaskInfo, TaskReason } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { eventually } from "../support/eventually.js";
import { HOST, hostKey, hostName, World } from "./world.js";

/** Noon of a day, so that timestamps are those of a day. */
const START_MS = Date.UTC(2026, 0, 1, 12);

/** How DRS is set. */
export interface DrsSettings {
  readonly behavior?: DrsBehavior;
  readonly threshold?: number;
  readonly enabled?: boolean;
}

/** A world whose emulated time stands still until DRS is to have its minute. */
export class DrsWorld {
  readonly world: World;
  readonly clock: ManualClock;

  private constructor(world: World, clock: ManualClock) {
    this.world = world;
    this.clock = clock;
  }

  static async start(hosts: number, settings: DrsSettings = {}): Promise<DrsWorld> {
    const clock = new ManualClock(START_MS);
    const drs = new DrsWorld(await World.start(hosts, { clock }), clock);
    await drs.set(settings);
    return drs;
  }

  async set({ behavior = DrsBehavior.FULLY_AUTOMATED, threshold = 3, enabled = true }: DrsSettings): Promise<void> {
    const drsConfig = { enabled, defaultVmBehavior: behavior, migrationThreshold: threshold, consumedMemoryMetric: false };
    await this.world.clusters.reconfigureCluster({ requestId: "", cluster: undefined, drsConfig, dasConfig: undefined, scaleDescendantsShares: ScaleSharesBehavior.UNSPECIFIED });
  }

  /** An ordinary VM that runs on a host and always uses this much. */
  async busy(name: string, host: number, cpuMhz: number, change: Partial<VirtualMachineConfigSpec> = {}): Promise<ManagedObjectReference> {
    const config = VirtualMachineConfigSpec.fromPartial({ name, numCpus: Math.ceil(cpuMhz / HOST.coreMhz) || 1, memoryMb: 1024, activity: { profile: { $case: "constant", value: { cpuMhz, memoryMb: 256 } } } });
    const task = await this.world.ended(await this.world.machines.createVm({ requestId: "", config: { ...config, ...change }, host: hostKey(host), pool: undefined, powerOn: true }));
    return task.result ?? assert.fail(JSON.stringify(task.error));
  }

  /** Lets a minute pass, and waits for the pass it brings and for all that it sets off. */
  async minute(): Promise<void> {
    const before = await this.passes();
    await this.clock.advance(60_000);
    await eventually("a pass is over", async () => (await this.passes()) > before);
    await this.quiet();
  }

  /** Passes so far. */
  async passes(): Promise<bigint> {
    return (await this.world.clusters.getResourceUsage({ cluster: undefined })).statsGenNumber;
  }

  /** Waits until no task is under way. */
  async quiet(): Promise<void> {
    await eventually("no task is under way", async () => (await this.tasks()).every((task) => task.completeTime !== undefined));
  }

  /** Every task, oldest first. */
  async tasks(): Promise<TaskInfo[]> {
    return (await this.world.tasks.listTasks({ pageSize: 1000, pageToken: "" })).tasks.toReversed();
  }

  /** Migrations in the order in which they began, such as `web: 2`, to host 2; those of DRS itself have a `*`. */
  async moves(): Promise<string[]> {
    const migrations = (await this.tasks()).filter((task) => task.descriptionId === "VirtualMachine.migrate");
    const names = new Map((await this.world.inventory.getInventory({})).hosts.map((host) => [host.ref?.value, host.spec?.name ?? ""]));
    return migrations.map((task) => `${task.entityName}: ${number(names.get(task.host?.value) ?? "")}${task.reason === TaskReason.SYSTEM ? "*" : ""}`);
  }

  async recommended(): Promise<DrsRecommendation[]> {
    return (await this.world.drs.listRecommendations({ cluster: undefined, pageSize: 0, pageToken: "" })).recommendations;
  }

  async usage(): Promise<VmUsage[]> {
    return (await this.world.drs.listVmUsage({ cluster: undefined, pageSize: 0, pageToken: "" })).vms;
  }

  /** The number of the host a VM is on. */
  async hostOf(vm: ManagedObjectReference): Promise<number> {
    return number((await this.world.machines.getVm({ target: { $case: "vm", value: vm } })).hostName);
  }
}

/** A recommendation as `web: 1 -> 2 (5 hostMaint)`. */
export function shown({ vmName, sourceHostName, targetHostName, rating, reason }: DrsRecommendation): string {
  return `${vmName}: ${number(sourceHostName)} -> ${number(targetHostName)} (${rating} ${reason})`;
}

function number(host: string): number {
  return [1, 2, 3, 4, 5, 6].find((each) => hostName(each) === host) ?? 0;
}
