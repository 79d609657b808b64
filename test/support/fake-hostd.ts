import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { silentLogger } from "../../src/base/log.js";
import { type ConfigurePersonalityRequest, HostVm, type VmKey, VmPhase, type VmUpdate } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { VirtualMachineConfigSpec, VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { serve, startRpcServer, type StreamWriter } from "../../src/rpc/server.js";

/** HostD as a Spherelet meets it: VMs that wait for their personality. */
export interface FakeHostD {
  readonly address: string;
  /** By BIOS uuid; change them at will. */
  readonly vms: Map<string, HostVm>;
  /** Calls in order: `getVm`, `configurePersonality`. */
  readonly calls: { readonly method: string; readonly authority: string; readonly uuid: string; readonly personality?: ConfigurePersonalityRequest["personality"] }[];
  /** Called before each call; may throw, or hold it up. */
  intercept: ((method: string, uuid: string) => void | Promise<void>) | undefined;
  /** Watches that are open. */
  readonly streams: number;
  /** Called before configurePersonality answers, when its work is done; may throw, or hold the answer up. */
  afterwards: ((uuid: string) => void | Promise<void>) | undefined;
  /** Ends every watch that is open. */
  breakStreams(): void;
  /** Adds a CRX that waits for its personality. */
  addVm(uuid: string, ownerUid: string): void;
  /** The VM boots again without its personality. */
  reboot(uuid: string): void;
  /** Nothing is told of it any more, as of a host out of reach; whoever asks is answered. */
  leave(uuid: string): void;
  /** Something else happens to it. */
  happen(uuid: string, change: Partial<HostVm>): void;
  close(): Promise<void>;
}

/** @param agentAddress where agents answer once a personality is there; `onAgent` hears of each. */
export async function startFakeHostD(agentAddress: string, onAgent: (uuid: string) => void): Promise<FakeHostD> {
  const vms = new Map<string, HostVm>();
  const calls: FakeHostD["calls"] = [];
  const streams = new Set<StreamWriter<VmUpdate>>();
  const ends = new Set<() => void>();
  const find = (key: VmKey | undefined): HostVm => {
    const uuid = key?.key?.value ?? "";
    const vm = vms.get(uuid);
    if (vm === undefined) throw fault(RpcCode.NOT_FOUND, "ManagedObjectNotFound", `no VM ${uuid}`);
    return vm;
  };
  const server = await startRpcServer({
    listen: "127.0.0.1:0",
    room: "fake-hostd",
    closeLimitMs: 100,
    log: silentLogger,
    services: [
      serve(HostServiceService, {
        getVm: async ({ vm }, call) => {
          calls.push({ method: "getVm", authority: call.authority, uuid: vm?.key?.value ?? "" });
          await fake.intercept?.("getVm", vm?.key?.value ?? "");
          return find(vm);
        },
        configurePersonality: async ({ vm: key, personality }, call) => {
          calls.push({ method: "configurePersonality", authority: call.authority, uuid: key?.key?.value ?? "", personality });
          await fake.intercept?.("configurePersonality", key?.key?.value ?? "");
          const vm = find(key);
          if (vm.config?.ownerUid !== personality?.podUid) throw fault(RpcCode.FAILED_PRECONDITION, "OwnerMismatch", "not the owner");
          if (vm.powerState !== VirtualMachinePowerState.POWERED_ON) throw fault(RpcCode.FAILED_PRECONDITION, "InvalidPowerState", "the VM is off");
          const ready = { ...vm, hostName: call.authority, phase: VmPhase.AGENT_READY, personality, agentAddress };
          const uuid = vm.config?.uuid ?? "";
          if (vm.phase !== VmPhase.AGENT_READY) onAgent(uuid);
          vms.set(uuid, ready);
          await fake.afterwards?.(uuid);
          return ready;
        },
        watchVms: async (_request, stream, call) => {
          streams.add(stream);
          await new Promise<void>((resolve) => {
            call.signal.addEventListener("abort", () => resolve(), { once: true });
            ends.add(resolve);
          });
          streams.delete(stream);
        },
      }),
    ],
  });
  const fake: FakeHostD = {
    address: server.address,
    vms,
    calls,
    intercept: undefined,
    afterwards: undefined,
    get streams() {
      return streams.size;
    },
    breakStreams: () => {
      for (const end of ends) end();
      ends.clear();
    },
    addVm: (uuid, ownerUid) =>
      void vms.set(
        uuid,
        HostVm.create({
          config: VirtualMachineConfigSpec.create({ uuid, ownerUid, guestId: "crxPod1Guest" }),
          powerState: VirtualMachinePowerState.POWERED_ON,
          phase: VmPhase.INIT_WAITING,
          powerOnCount: 1,
        }),
      ),
    reboot: (uuid) => {
      const vm = find({ key: { $case: "uuid", value: uuid } });
      const powerState = VirtualMachinePowerState.POWERED_ON;
      fake.happen(uuid, { personality: undefined, powerState, phase: VmPhase.INIT_WAITING, agentAddress: "", powerOnCount: vm.powerOnCount + 1, lastFault: undefined, guestHeartbeatStatus: ManagedEntityStatus.GREEN });
    },
    leave: (uuid) => {
      const { config, hostName } = find({ key: { $case: "uuid", value: uuid } });
      for (const stream of streams) stream.write({ kind: UpdateKind.LEAVE, resumeToken: "1", vm: HostVm.create({ config, hostName }), revision: 0n }).catch(() => undefined);
    },
    happen: (uuid, change) => {
      const vm = { ...find({ key: { $case: "uuid", value: uuid } }), ...change };
      vms.set(uuid, vm);
      for (const stream of streams) stream.write({ kind: UpdateKind.MODIFY, resumeToken: "1", vm, revision: 0n }).catch(() => undefined);
    },
    close: () => server.close(),
  };
  return fake;
}

function fault(code: RpcCode, reason: string, message: string): RpcError {
  return new RpcError(code, message, { reason: { reason, domain: "hostd.spheresim.test" } });
}
