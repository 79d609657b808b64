import { deferred, type Deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import type { GuestKey, GuestToHost, HostToGuest } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { GuestServiceService } from "../../src/gen/spheresim/hostd/v1/guest_service.js";
import { HostVm, type VmKey, VmPhase, VmUpdate } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { type RpcServer, serve, startRpcServer, type StreamWriter } from "../../src/rpc/server.js";

/**
 * HostD between a Spherelet and real CRX guests, over sockets: its VMs and their guests outlive it, as a real HostD's do. Boots at once; knows
 * no admission and no disks.
 */
export class SmallHostD {
  readonly #vms = new Map<string, HostVm>();
  readonly #watches = new Set<StreamWriter<VmUpdate>>();
  readonly #ends = new Set<() => void>();
  #orders: StreamWriter<HostToGuest> | undefined;
  #agentReady = new Map<string, Deferred<void>>();
  #server: RpcServer | undefined;
  #address = "127.0.0.1:0";

  get address(): string {
    return this.#address;
  }

  /** Whether a machine process is there to run guests. */
  get isLinked(): boolean {
    return this.#orders !== undefined;
  }

  async start(): Promise<void> {
    this.#server = await startRpcServer({ listen: this.#address, room: "small-hostd", closeLimitMs: 20, log: silentLogger, services: [this.#hostService(), this.#guestService()] });
    this.#address = this.#server.address;
  }

  /** The daemon ends; VMs run on. */
  async stop(): Promise<void> {
    for (const end of this.#ends) end();
    this.#orders = undefined;
    await this.#server?.close();
  }

  /** Powers a VM on, or, where it ran, off and on. */
  boot(uuid: string, ownerUid: string): void {
    const before = this.#vms.get(uuid);
    const powerOnCount = (before?.powerOnCount ?? 0) + 1;
    if (before !== undefined) this.#order({ $case: "kill", value: { guest: { uuid, powerOnCount: powerOnCount - 1 } } });
    const config = VirtualMachineConfigSpec.create({ uuid, ownerUid, guestId: "crxPod1Guest" });
    this.#put(HostVm.create({ config, powerState: VirtualMachinePowerState.POWERED_ON, phase: VmPhase.UNSPECIFIED, powerOnCount }));
    this.#agentReady.set(uuid, deferred());
    this.#order({ $case: "boot", value: { guest: { uuid, powerOnCount }, kernel: "photon-crx", hostName: "esxi-01.spheresim.test", config } });
  }

  #order(message: HostToGuest["message"]): void {
    this.#orders?.write({ message }).catch(() => undefined);
  }

  #put(vm: HostVm): HostVm {
    this.#vms.set(vm.config?.uuid ?? "", vm);
    for (const watch of this.#watches) watch.write(VmUpdate.create({ kind: UpdateKind.MODIFY, vm })).catch(() => undefined);
    return vm;
  }

  #find(key: VmKey | undefined): HostVm {
    const vm = this.#vms.get(key?.key?.value ?? "");
    if (vm === undefined) throw new RpcError(RpcCode.NOT_FOUND, "no such VM", { reason: { reason: "ManagedObjectNotFound", domain: "hostd.spheresim.test" } });
    return vm;
  }

  #hostService(): ReturnType<typeof serve> {
    return serve(HostServiceService, {
      getVm: async ({ vm }) => this.#find(vm),
      configurePersonality: async ({ vm: key, personality }, call) => {
        const vm = this.#find(key);
        const uuid = vm.config?.uuid ?? "";
        if (vm.phase === VmPhase.UNSPECIFIED) throw new RpcError(RpcCode.FAILED_PRECONDITION, "boots", { reason: { reason: "InvalidState", domain: "hostd.spheresim.test" } });
        if (vm.phase !== VmPhase.AGENT_READY) {
          this.#put({ ...vm, personality });
          this.#order({ $case: "personality", value: { guest: { uuid, powerOnCount: vm.powerOnCount }, personality } });
          const over = new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
          await Promise.race([this.#agentReady.get(uuid)?.promise, over]);
        }
        return this.#find(key);
      },
      watchVms: async (_request, stream, call) => {
        this.#watches.add(stream);
        for (const vm of this.#vms.values()) await stream.write(VmUpdate.create({ kind: UpdateKind.ENTER, vm }));
        await this.#untilEnd(call.signal);
        this.#watches.delete(stream);
      },
    });
  }

  #guestService(): ReturnType<typeof serve> {
    return serve(GuestServiceService, {
      connect: async (words, stream, call) => {
        this.#orders = stream;
        const listening = async (): Promise<void> => {
          for await (const { message } of words) this.#hear(message);
        };
        await Promise.race([listening().catch(() => undefined), this.#untilEnd(call.signal)]);
      },
    });
  }

  #hear(message: GuestToHost["message"]): void {
    if (message?.$case !== "initWaiting" && message?.$case !== "agentReady") return;
    const { uuid, powerOnCount }: GuestKey = message.value.guest ?? { uuid: "", powerOnCount: 0 };
    const vm = this.#vms.get(uuid);
    if (vm?.powerOnCount !== powerOnCount) return;
    if (message.$case === "initWaiting") this.#put({ ...vm, phase: VmPhase.INIT_WAITING });
    else {
      this.#put({ ...vm, phase: VmPhase.AGENT_READY, agentAddress: message.value.agentAddress });
      this.#agentReady.get(uuid)?.resolve();
    }
  }

  #untilEnd(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#ends.delete(end);
        resolve();
      };
      this.#ends.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}
