import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError, typeUrl } from "../../src/base/rpc-error.js";
import { HostInfo, HostVm, VmPhase, VmUpdate } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { type VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { type RpcServer, serve, startRpcServer } from "../../src/rpc/server.js";
import type { StreamWriter } from "../../src/rpc/stream-writer.js";

/** A host of the fake ESXi process. */
export interface FakeHost {
  readonly name: string;
  readonly cpuMhz: number;
  readonly memoryMb: number;
  /** By instance uuid. */
  readonly vms: Map<string, HostVm>;
}

const ON = VirtualMachinePowerState.POWERED_ON;
const OFF = VirtualMachinePowerState.POWERED_OFF;

/**
 * HostD as vCenter meets it, over a real socket: creates, powers, moves and destroys VMs at once, admits by reservation, tells every
 * watcher. What it holds survives `stop` and `start`, as a host's disk does.
 */
export class FakeEsxi {
  readonly hosts = new Map<string, FakeHost>();
  readonly calls: { readonly method: string; readonly host: string; readonly instanceUuid: string }[] = [];
  /** Called before each unary call; may throw, or hold it up. */
  before: ((method: string, host: string, instanceUuid: string) => void | Promise<void>) | undefined;
  /** Called after a VM was received; may throw, so that the answer is lost. */
  afterReceive: (() => void) | undefined;
  readonly #streams = new Set<StreamWriter<VmUpdate>>();
  #server: RpcServer | undefined;
  #address = "";
  #revision = 0;

  get address(): string {
    return this.#address;
  }

  addHost(name: string, cpuMhz: number, memoryMb: number): void {
    this.hosts.set(name, { name, cpuMhz, memoryMb, vms: new Map() });
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /** Every VM of every host. */
  get vms(): HostVm[] {
    return [...this.hosts.values()].flatMap((host) => [...host.vms.values()]);
  }

  async start(): Promise<this> {
    this.#server = await startRpcServer({ listen: this.#address === "" ? "127.0.0.1:0" : this.#address, room: "fake esxi", log: silentLogger, closeLimitMs: 20, services: [this.#service()] });
    this.#address = this.#server.address;
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
    this.#streams.clear();
  }

  /** The next start listens at another port. */
  moveAway(): void {
    this.#address = "";
  }

  /** The power of every host goes: nothing runs after the next start. */
  loseGuests(): void {
    for (const host of this.hosts.values()) for (const [uuid, vm] of host.vms) host.vms.set(uuid, { ...vm, powerState: OFF, phase: VmPhase.OFF });
  }

  /** A VM appears that no vCenter asked for. */
  plant(hostName: string, config: VirtualMachineConfigSpec): void {
    const host = this.#host(hostName);
    this.#put(host, this.#vm(host, config, ON), UpdateKind.ENTER);
  }

  /** Something happens to a VM that nobody asked for. */
  happen(uuid: string, change: Partial<HostVm>): void {
    for (const host of this.hosts.values()) {
      const vm = host.vms.get(uuid);
      if (vm !== undefined) this.#put(host, { ...vm, ...change }, UpdateKind.MODIFY);
    }
  }

  #service(): ReturnType<typeof serve> {
    return serve(HostServiceService, {
      getHost: async (_request, call) => {
        await this.#enter("getHost", call.authority, "");
        const { name, cpuMhz, memoryMb } = this.#host(call.authority);
        return HostInfo.create({ name, cpuMhz, memoryMb, apiType: "HostAgent", bootId: "boot" });
      },
      createVm: async ({ config, powerOn }, call) => {
        const uuid = config?.instanceUuid ?? "";
        await this.#enter("createVm", call.authority, uuid);
        const host = this.#host(call.authority);
        const known = host.vms.get(uuid);
        if (known !== undefined) return known;
        if (config === undefined) throw new RpcError(RpcCode.INVALID_ARGUMENT, "no config");
        if (powerOn) this.#admit(host, config);
        return this.#put(host, this.#vm(host, config, powerOn ? ON : OFF), UpdateKind.ENTER);
      },
      powerOnVm: async ({ vm: key }, call) => this.#power("powerOnVm", call.authority, key?.key?.value ?? "", ON),
      powerOffVm: async ({ vm: key }, call) => this.#power("powerOffVm", call.authority, key?.key?.value ?? "", OFF),
      getVm: async ({ vm: key }, call) => {
        await this.#enter("getVm", call.authority, key?.key?.value ?? "");
        return this.#find(this.#host(call.authority), key?.key?.value ?? "");
      },
      resetVm: async ({ vm: key }, call) => this.#power("resetVm", call.authority, key?.key?.value ?? "", ON),
      reconfigureVm: async ({ vm: key, config }, call) => {
        const uuid = key?.key?.value ?? "";
        await this.#enter("reconfigureVm", call.authority, uuid);
        const host = this.#host(call.authority);
        const vm = this.#find(host, uuid);
        if (config === undefined) throw new RpcError(RpcCode.INVALID_ARGUMENT, "no config");
        if (vm.powerState === ON) this.#admit(host, config);
        return this.#put(host, { ...vm, config }, UpdateKind.MODIFY);
      },
      receiveVm: async ({ config, poweredOn, powerOnCount }, call) => {
        const uuid = config?.instanceUuid ?? "";
        await this.#enter("receiveVm", call.authority, uuid);
        const host = this.#host(call.authority);
        if (config === undefined) throw new RpcError(RpcCode.INVALID_ARGUMENT, "no config");
        const known = host.vms.get(uuid);
        if (known !== undefined && (known.powerState === ON) === poweredOn) return known;
        if (poweredOn) this.#admit(host, config);
        const received = this.#put(host, { ...this.#vm(host, config, poweredOn ? ON : OFF), powerOnCount }, UpdateKind.ENTER);
        this.afterReceive?.();
        return received;
      },
      releaseVm: async ({ vm: key }, call) => {
        await this.#leave("releaseVm", call.authority, key?.key?.value ?? "");
        return {};
      },
      destroyVm: async ({ vm: key }, call) => {
        await this.#leave("destroyVm", call.authority, key?.key?.value ?? "");
        return {};
      },
      watchVms: async (_request, stream, call) => {
        for (const vm of this.vms) await stream.write(VmUpdate.create({ kind: UpdateKind.ENTER, vm }));
        await stream.write(VmUpdate.create({ kind: UpdateKind.SYNCED }));
        this.#streams.add(stream);
        await new Promise<void>((resolve) => (call.signal.aborted ? resolve() : call.signal.addEventListener("abort", () => resolve(), { once: true })));
        this.#streams.delete(stream);
      },
    });
  }

  async #enter(method: string, host: string, instanceUuid: string): Promise<void> {
    this.calls.push({ method, host, instanceUuid });
    await this.before?.(method, host, instanceUuid);
  }

  async #leave(method: string, authority: string, uuid: string): Promise<void> {
    await this.#enter(method, authority, uuid);
    const host = this.#host(authority);
    const vm = this.#find(host, uuid);
    host.vms.delete(uuid);
    this.#tell(vm, UpdateKind.LEAVE);
  }

  async #power(method: string, authority: string, uuid: string, powerState: VirtualMachinePowerState): Promise<HostVm> {
    await this.#enter(method, authority, uuid);
    const host = this.#host(authority);
    const vm = this.#find(host, uuid);
    return this.#put(host, { ...vm, powerState, powerOnCount: vm.powerOnCount + (powerState === ON ? 1 : 0) }, UpdateKind.MODIFY);
  }

  #vm(host: FakeHost, config: VirtualMachineConfigSpec, powerState: VirtualMachinePowerState): HostVm {
    return HostVm.fromPartial({ vmId: String(host.vms.size + 1), config, powerState, phase: powerState === ON ? VmPhase.INIT_WAITING : VmPhase.OFF, hostName: host.name, powerOnCount: 1 });
  }

  #put(host: FakeHost, vm: HostVm, kind: UpdateKind): HostVm {
    this.#revision += 1;
    const stored = { ...vm, revision: BigInt(this.#revision) };
    host.vms.set(vm.config?.instanceUuid ?? "", stored);
    this.#tell(stored, kind);
    return stored;
  }

  #tell(vm: HostVm, kind: UpdateKind): void {
    for (const stream of this.#streams) void stream.write(VmUpdate.create({ kind, vm })).catch(() => undefined);
  }

  #admit(host: FakeHost, config: VirtualMachineConfigSpec): void {
    let mhz = config.cpuAllocation?.reservation ?? 0;
    let mb = (config.memoryAllocation?.reservation ?? 0) + config.overheadMemoryMb;
    for (const vm of host.vms.values()) {
      if (vm.powerState !== ON || vm.config?.instanceUuid === config.instanceUuid) continue;
      mhz += vm.config?.cpuAllocation?.reservation ?? 0;
      mb += (vm.config?.memoryAllocation?.reservation ?? 0) + (vm.config?.overheadMemoryMb ?? 0);
    }
    if (mhz > host.cpuMhz || mb > host.memoryMb) throw insufficientMemory(host.memoryMb, mb);
  }

  #host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new RpcError(RpcCode.INVALID_ARGUMENT, `no host ${name} here`);
    return host;
  }

  #find(host: FakeHost, uuid: string): HostVm {
    const vm = host.vms.get(uuid);
    if (vm === undefined) throw hostFault(RpcCode.NOT_FOUND, { localizedMessage: `no VM ${uuid}`, fault: { $case: "managedObjectNotFound", value: { obj: undefined } } });
    return vm;
  }
}

/** The error of a host that has too little memory. */
export function insufficientMemory(unreserved: number, requested: number): RpcError {
  return hostFault(RpcCode.RESOURCE_EXHAUSTED, { localizedMessage: "the host is full", fault: { $case: "insufficientHostMemoryCapacityFault", value: { unreserved, requested, host: undefined } } });
}

function hostFault(code: RpcCode, fault: MethodFault): RpcError {
  return new RpcError(code, fault.localizedMessage, { details: [{ typeUrl: typeUrl("spheresim.vim.v1.MethodFault"), value: MethodFault.encode(fault).finish() }] });
}
