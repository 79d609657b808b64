import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Periodic } from "../base/periodic.js";
import { RpcError } from "../base/rpc-error.js";
import { type VirtualMachine, VirtualMachineConnectionState } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { Pod } from "../kubernetes/pod.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { vmUuidOf } from "../kubernetes/vsphere-pod.js";
import type { VsphereVms } from "./vsphere.js";

export interface OrphanSweepOptions {
  readonly client: ApiClient;
  /** Pods as the informer knows them, by UID: spares the quorum read while nothing looks wrong. */
  readonly podByUid: (uid: string) => Pod | undefined;
  readonly vms: VsphereVms;
  /** Emulated: a VM's age. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  /** Between two sweeps; 10,000 when absent. */
  readonly periodMs?: number;
}

const DEFAULT_PERIOD_MS = 10_000;
/** A younger VM may belong to a placement under way. */
const MIN_AGE_MS = 30_000;
/** Destroyed in one sweep; the next one goes on. */
const MAX_DESTROYED = 64;

/**
 * Destroys VMs that no pod wants: those older than 30 s whose owner is absent in a quorum read of the pods, or whose owner
 * names another VM. Placement and deletion clean up after themselves; this is for what a crash left behind, and for VMs of pods that were deleted by
 * force while their host was away. A VM that vCenter does not reach waits: to ask again and again would only fill vCenter with failed tasks.
 */
export class OrphanSweep {
  readonly #options: OrphanSweepOptions;
  readonly #turns: Periodic;

  constructor(options: OrphanSweepOptions) {
    this.#options = options;
    const failed = (error: unknown): void => options.log.warn({ err: error }, "orphan sweep failed, the next one tries again");
    this.#turns = new Periodic({ everyMs: options.periodMs ?? DEFAULT_PERIOD_MS, clock: options.monotonic, work: () => this.sweep(), failed });
  }

  start(): void {
    this.#turns.start();
  }

  close(): Promise<void> {
    return this.#turns.close();
  }

  /** One sweep; answers how many VMs it had destroyed. */
  async sweep(): Promise<number> {
    const { client, podByUid, vms, log } = this.#options;
    const suspects = (await vms.ownedVms()).filter((vm) => isReached(vm) && this.#isOld(vm) && !isWanted(vm, podByUid(vm.ownerUid)));
    if (suspects.length === 0) return 0;
    // Without a resource version the API server reads the store itself, not a cache.
    const stored = new Map((await client.list(podType)).items.map((pod) => [pod.metadata.uid, pod]));
    let destroyed = 0;
    for (const vm of suspects) {
      if (destroyed >= MAX_DESTROYED) break;
      if (isWanted(vm, stored.get(vm.ownerUid))) continue;
      try {
        log.info({ vm: vm.ref?.value, ownerUid: vm.ownerUid }, "no pod wants this VM, destroying it");
        await vms.destroyVm(vm);
        destroyed += 1;
      } catch (error) {
        log.warn({ vm: vm.ref?.value, ...(RpcError.is(error) ? { error: error.message } : { err: error }) }, "an orphan VM could not be destroyed yet");
      }
    }
    return destroyed;
  }

  #isOld(vm: VirtualMachine): boolean {
    const created = vm.createDate;
    if (created === undefined) return false;
    return this.#options.clock.nowMs() - (Number(created.seconds) * 1000 + created.nanos / 1e6) >= MIN_AGE_MS;
  }
}

function isReached(vm: VirtualMachine): boolean {
  return vm.connectionState !== VirtualMachineConnectionState.DISCONNECTED;
}

/** A pod without a VM id may yet come to name this one. */
function isWanted(vm: VirtualMachine, pod: Pod | undefined): boolean {
  if (pod === undefined) return false;
  const named = vmUuidOf(pod);
  return named === undefined || named === vm.config?.uuid;
}
