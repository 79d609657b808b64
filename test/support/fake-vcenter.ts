import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { type GetAboutRequest, Host, HostConnectionState, InventoryUpdate, VirtualMachine } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceService } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { type ApplyRecommendationRequest, type HostVerdict, PlacementResult, type PlacementSpec, SizePodResponse } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceService } from "../../src/gen/spheresim/vcenter/v1/placement_service.js";
import { TaskUpdate } from "../../src/gen/spheresim/vcenter/v1/task.js";
import { TaskServiceService } from "../../src/gen/spheresim/vcenter/v1/task_service.js";
import { VirtualMachineServiceService } from "../../src/gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { type RpcServer, serve, startRpcServer, type StreamWriter } from "../../src/rpc/server.js";

export const VCENTER_UUID = "eaedc1c0-0469-4378-9193-db78caa7a6db";

/** What a test may decide for each thing vCenter does; what is left out goes well. */
export interface FakeVcenterScript {
  /** DRS' choice out of the hosts named; undefined for none. The first one when absent. */
  choose?(spec: PlacementSpec, hosts: readonly string[]): string | undefined;
  /** What pool or HA would need, where no host is chosen. */
  wouldFitIf?: readonly string[];
  /** Why each host is refused when none is chosen. */
  refusal?: (host: string) => MethodFault;
  /** Fault the creation task of this owner ends with. */
  createFault?(ownerUid: string, host: string): MethodFault | undefined;
  /** Creation tasks stay running until `endTasks`. */
  holdTasks?: boolean;
  /** Throws to refuse a call by name. */
  before?(method: string, request: unknown): void;
}

/**
 * A vCenter for tests of its clients, over a real socket: sizes every pod alike, places on the first host, creates VMs at
 * once, keeps owners apart. What it holds survives `restart`, its streams do not.
 */
export class FakeVcenter {
  readonly script: FakeVcenterScript = {};
  readonly calls: { readonly method: string; readonly request: unknown }[] = [];
  /** VMs by owner. */
  readonly vms = new Map<string, VirtualMachine>();
  readonly tasks = new Map<string, TaskInfo>();
  readonly hosts: string[];
  #server: RpcServer | undefined;
  #address = "";
  #taskStreams = new Set<StreamWriter<TaskUpdate>>();
  #inventoryStreams = new Set<StreamWriter<InventoryUpdate>>();
  #next = 100;
  #log: TaskInfo[] = [];

  constructor(hosts: readonly string[]) {
    this.hosts = [...hosts];
  }

  get address(): string {
    return this.#address;
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  async start(): Promise<this> {
    const server = await startRpcServer({ listen: this.#address === "" ? "127.0.0.1:0" : this.#address, room: "fake vcenter", log: silentLogger, closeLimitMs: 50, services: this.#services() });
    this.#server = server;
    this.#address = server.address;
    return this;
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** A VM that nobody here created, as an earlier run may have left it. */
  addVm(ownerUid: string, host: string, uuid: string, createdMs: number): VirtualMachine {
    const vm = VirtualMachine.fromPartial({
      ref: { type: "VirtualMachine", value: `vm-${this.#next++}` },
      config: { uuid },
      host: this.hostRef(host),
      hostName: host,
      ownerUid,
      createDate: { seconds: BigInt(Math.floor(createdMs / 1000)), nanos: 0 },
    });
    this.vms.set(ownerUid, vm);
    return vm;
  }

  hostRef(name: string): { readonly type: string; readonly value: string } {
    return { type: "HostSystem", value: `host-${21 + this.hosts.indexOf(name)}` };
  }

  /** Ends every running task, well or as the script says. */
  endTasks(): void {
    for (const task of this.tasks.values()) if (task.state === TaskState.RUNNING) this.#finish(task);
  }

  /** Tells every watch of the inventory. */
  tellInventory(update: InventoryUpdate): void {
    for (const stream of this.#inventoryStreams) void stream.write(update).catch(() => undefined);
  }

  /** Tells that a VM has left the inventory. */
  tellVmGone(moid: string): void {
    this.tellInventory(InventoryUpdate.fromPartial({ kind: UpdateKind.LEAVE, resumeToken: "9", object: { $case: "virtualMachine", value: { ref: { type: "VirtualMachine", value: moid } } } }));
  }

  #services(): ReturnType<typeof serve>[] {
    return [
      serve(PlacementServiceService, {
        sizePod: (request) => {
          this.#enter("SizePod", request);
          return SizePodResponse.fromPartial({ coreMhz: 2600, config: { name: request.name, ownerUid: request.ownerUid, guestId: "crxPod1Guest", numCpus: Math.max(1, request.containers.length), memoryMb: 512 } });
        },
        placeVms: (request) => {
          this.#enter("PlaceVms", request);
          return { results: request.specs.map((spec) => this.#place(spec)) };
        },
        applyRecommendation: (request) => {
          this.#enter("ApplyRecommendation", request);
          return this.#apply(request);
        },
        cancelRecommendation: (request) => {
          this.#enter("CancelRecommendation", request);
          return {};
        },
      }),
      serve(TaskServiceService, {
        watchTasks: async ({ resumeToken }, stream, call) => {
          this.#enter("WatchTasks", { resumeToken });
          const from = resumeToken === "" ? 0 : Number(resumeToken);
          if (from > this.#log.length) throw new RpcError(RpcCode.OUT_OF_RANGE, "too old");
          for (const [at, task] of this.#log.slice(from).entries()) await stream.write(TaskUpdate.fromPartial({ kind: UpdateKind.ENTER, task, resumeToken: String(from + at + 1) }));
          await stream.write(TaskUpdate.fromPartial({ kind: UpdateKind.SYNCED, resumeToken: String(this.#log.length) }));
          await this.#keepOpen(this.#taskStreams, stream, call.signal);
        },
      }),
      serve(VirtualMachineServiceService, {
        destroyVm: (request) => {
          this.#enter("DestroyVm", request);
          const { target } = request;
          const owner = target?.$case === "ownerUid" ? target.value : [...this.vms.values()].find((vm) => vm.ref?.value === target?.value.value)?.ownerUid;
          const vm = this.#owned(owner ?? "");
          return this.#newTask({ descriptionId: "VirtualMachine.destroy", entity: vm.ref, ownerUid: vm.ownerUid, vmUuid: vm.config?.uuid ?? "" });
        },
        getVm: (request) => {
          this.#enter("GetVm", request);
          return this.#owned(request.target?.$case === "ownerUid" ? request.target.value : "");
        },
        powerOffVm: (request) => {
          this.#enter("PowerOffVm", request);
          const vm = [...this.vms.values()].find(({ ref }) => ref?.value === request.vm?.value);
          if (vm === undefined || vm.powerState === VirtualMachinePowerState.POWERED_OFF) throw new RpcError(RpcCode.FAILED_PRECONDITION, "The attempted operation cannot be performed in the current state (Powered off).", { reason: { reason: "InvalidPowerState", domain: "vcenter.spheresim.test" } });
          return this.#newTask({ descriptionId: "VirtualMachine.powerOff", entity: vm.ref, ownerUid: vm.ownerUid, vmUuid: vm.config?.uuid ?? "" });
        },
        listVms: (request) => {
          this.#enter("ListVms", request);
          return { virtualMachines: [...this.vms.values()], nextPageToken: "" };
        },
      }),
      serve(InventoryServiceService, {
        getAbout: (request: GetAboutRequest) => {
          this.#enter("GetAbout", request);
          return { name: "fake", instanceUuid: VCENTER_UUID, version: "", apiType: "VirtualCenter", epoch: 1n };
        },
        listHosts: (request) => {
          this.#enter("ListHosts", request);
          return { hosts: this.hosts.map((name) => Host.fromPartial({ ref: this.hostRef(name), spec: { name }, connectionState: HostConnectionState.CONNECTED })), nextPageToken: "" };
        },
        watchInventory: async (request, stream, call) => {
          this.#enter("WatchInventory", request);
          await stream.write(InventoryUpdate.fromPartial({ kind: UpdateKind.SYNCED, resumeToken: "1" }));
          await this.#keepOpen(this.#inventoryStreams, stream, call.signal);
        },
      }),
    ];
  }

  #owned(owner: string): VirtualMachine {
    const vm = this.vms.get(owner);
    if (vm === undefined) throw new RpcError(RpcCode.NOT_FOUND, "no such VM", { reason: { reason: "ManagedObjectNotFound", domain: "vcenter.spheresim.test" } });
    return vm;
  }

  #enter(method: string, request: unknown): void {
    this.calls.push({ method, request });
    this.script.before?.(method, request);
  }

  #place(spec: PlacementSpec): PlacementResult {
    const asked = spec.hosts?.set?.$case === "hosts" ? spec.hosts.set.value.hosts.map((key) => (key.key?.$case === "name" ? key.key.value : "")) : this.hosts;
    const own = this.vms.get(spec.ownerUid)?.hostName;
    const chosen = own ?? (this.script.choose === undefined ? asked[0] : this.script.choose(spec, asked));
    const fault = this.script.refusal ?? (() => MethodFault.fromPartial({ localizedMessage: "no room", fault: { $case: "insufficientHostMemoryCapacityFault", value: {} } }));
    const verdictOf = (hostName: string): HostVerdict["verdict"] => {
      if (chosen === undefined) return { $case: "fault", value: fault(hostName) };
      return hostName === chosen ? { $case: "chosen", value: { total: 80, parts: [] } } : { $case: "feasible", value: { total: 55, parts: [] } };
    };
    const verdicts = asked.map((hostName) => ({
      host: this.hostRef(hostName),
      hostName,
      verdict: verdictOf(hostName),
    }));
    if (chosen === undefined) return PlacementResult.fromPartial({ verdicts, drsFault: { reason: "powerOnVm", fault: { fault: { $case: "noCompatibleHost", value: {} } }, wouldFitIf: [...(this.script.wouldFitIf ?? [])] } });
    return PlacementResult.fromPartial({
      recommendations: [{ key: `rec-${spec.ownerUid}-${chosen}`, rating: 5, actions: [{ targetHost: this.hostRef(chosen), targetHostName: chosen }] }],
      verdicts,
    });
  }

  #apply({ ownerUid, spec }: ApplyRecommendationRequest): TaskInfo {
    const key = spec?.hosts?.set?.$case === "hosts" ? spec.hosts.set.value.hosts[0]?.key : undefined;
    const host = key?.$case === "name" ? key.value : (this.hosts[0] ?? "");
    const existing = this.vms.get(ownerUid);
    if (existing !== undefined) {
      const known = [...this.tasks.values()].find((task) => task.ownerUid === ownerUid && task.descriptionId === "ResourcePool.createVm" && task.state !== TaskState.ERROR);
      return known ?? TaskInfo.fromPartial({ ...this.#resultOf(existing), task: { type: "Task", value: `task-${this.#next++}` }, state: TaskState.SUCCESS });
    }
    const vm = this.addVm(ownerUid, host, `502d0cfb-3862-102e-e601-${String(this.#next).padStart(12, "0")}`, 0);
    return this.#newTask({ descriptionId: "ResourcePool.createVm", ...this.#resultOf(vm) });
  }

  #resultOf(vm: VirtualMachine): Partial<TaskInfo> {
    return { ownerUid: vm.ownerUid, vmUuid: vm.config?.uuid ?? "", ephemeralDiskUuid: `6000C29f-${vm.ref?.value ?? ""}`, host: vm.host, result: vm.ref, entity: vm.ref };
  }

  #newTask(fields: Partial<TaskInfo>): TaskInfo {
    const task = TaskInfo.fromPartial({ ...fields, task: { type: "Task", value: `task-${this.#next++}` }, state: TaskState.RUNNING });
    this.tasks.set(task.task!.value, task);
    if (this.script.holdTasks !== true) this.#finish(task);
    // The answer tells of the start; the stream may already have told of the end.
    return { ...task, state: TaskState.RUNNING };
  }

  #finish(task: TaskInfo): void {
    const creating = task.descriptionId === "ResourcePool.createVm";
    const vm = this.vms.get(task.ownerUid);
    const fault = creating ? this.script.createFault?.(task.ownerUid, vm?.hostName ?? "") : undefined;
    task.state = fault === undefined ? TaskState.SUCCESS : TaskState.ERROR;
    if (fault !== undefined) task.error = fault;
    if (task.descriptionId === "VirtualMachine.powerOff") vm!.powerState = VirtualMachinePowerState.POWERED_OFF;
    else if (!creating || fault !== undefined) this.vms.delete(task.ownerUid);
    this.#log.push(structuredClone(task));
    for (const stream of this.#taskStreams) void stream.write(TaskUpdate.fromPartial({ kind: UpdateKind.MODIFY, task, resumeToken: String(this.#log.length) })).catch(() => undefined);
  }

  async #keepOpen<T>(streams: Set<StreamWriter<T>>, stream: StreamWriter<T>, signal: AbortSignal): Promise<void> {
    streams.add(stream);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    streams.delete(stream);
  }
}
