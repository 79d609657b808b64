import type { Clock, Timer } from "../../base/clock.js";
import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { VmPhase } from "../../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import { VirtualMachinePowerState } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { nameOf } from "../../kubernetes/object-meta.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods } from "../../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../../kubernetes/status.js";
import type { HostContext } from "../node/host-context.js";
import { graceSecondsOf } from "./pod-grace.js";
import { loggedAs } from "./pod-setback.js";
import type { VmLife } from "./vm-life.js";
import { ProviderFault } from "../vsphere.js";

/** What a guest without a heartbeat gets beyond the grace of its pod, to say how its containers ended. */
const HANGING_MS = 2_000;

/**
 * D2, and the end of a pod whose time is over (not `deleted`, no step of the way back): stops the containers. Answers how they ended, or undefined where nothing runs: the VM is gone, off, or never got its
 * personality. A pod whose agent does not answer while its VM is on is not let go: the caller tries again. Where HostD says that the guest
 * hangs, the grace is all that is waited for, as a kubelet would kill then: here the finalizer keeps the pod until the VM is destroyed.
 */
export async function stopContainers(context: HostContext, pod: Pod, vmUuid: string, life: VmLife | undefined, deleted: boolean, guestHangs: boolean, signal: AbortSignal): Promise<PodContainers | undefined> {
  const { host, hostd, agents, steps, clock } = context;
  const startMs = clock.nowMs();
  const record = (message: string): void => {
    if (deleted) steps.record({ pod, step: 102, peer: "crx", wire: "spheresim.crx.v1.AgentService/StopPod", startMs, subject: `${host.name}/${vmUuid}`, message });
  };
  let hangs = false;
  let address = guestHangs || life?.trouble !== undefined ? undefined : life?.agent?.address;
  if (address === undefined) {
    const vm = await hostd.getVm(host.name, vmUuid, signal);
    const runs = vm !== undefined && vm.powerState === VirtualMachinePowerState.POWERED_ON && vm.phase === VmPhase.AGENT_READY && vm.personality?.podUid === pod.metadata.uid;
    if (!runs) {
      record("no container runs");
      return undefined;
    }
    address = vm.agentAddress;
    hangs = vm.guestHeartbeatStatus === ManagedEntityStatus.RED;
  }
  const graceSeconds = graceSecondsOf(pod);
  const patience = hangs ? new Patience(clock, graceSeconds * 1000 + HANGING_MS) : undefined;
  try {
    const containers = await agents.stopPod(address, vmUuid, pod.metadata.uid, graceSeconds, patience === undefined ? signal : AbortSignal.any([signal, patience.signal]));
    // What was told on the way is in it.
    life?.learn(containers);
    record(`containers stopped, grace ${graceSeconds} s`);
    return containers;
  } catch (error) {
    if (patience?.signal.aborted === true && !signal.aborted) {
      record(`the guest hangs and did not answer within its grace of ${graceSeconds} s; its containers end with the VM`);
      return undefined;
    }
    if (!(error instanceof ProviderFault) || error.fault !== "OwnerMismatch") throw error;
    record("the VM runs another pod");
    return undefined;
  } finally {
    patience?.end();
  }
}

/** Aborts after a while of emulated time. */
class Patience {
  readonly #over = new AbortController();
  readonly #timer: Timer;

  constructor(clock: Clock, limitMs: number) {
    this.#timer = clock.timer(limitMs, () => this.#over.abort());
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  end(): void {
    this.#timer.cancel();
  }
}

/** The pod's object is gone from the API server: what still runs for it is stopped. */
export async function stopAbandoned({ agents, log }: HostContext, pod: Pod, life: VmLife | undefined, signal: AbortSignal): Promise<void> {
  if (life === undefined || life.over) return;
  try {
    await agents.stopPod(life.agentAddress, life.vmUuid, pod.metadata.uid, 0, signal);
  } catch (error) {
    log.info({ ...loggedAs(error), pod: pod.metadata.name }, "containers of a pod that is gone could not be stopped; their VM will be destroyed");
  }
}

/** D3: the last word of the Spherelet. The lifecycle controller's finalizer keeps the object until the VM is gone too. */
export async function deleteForGood(context: HostContext, pod: Pod, signal: AbortSignal): Promise<void> {
  const { api, steps, clock } = context;
  const startMs = clock.nowMs();
  const { uid, name, namespace = "" } = pod.metadata;
  try {
    await api.delete(pods, nameOf(pod), { gracePeriodSeconds: 0, preconditions: { uid }, signal });
  } catch (error) {
    // Gone, or another pod has its name by now: what was to be deleted is.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
  steps.record({ pod, step: 103, peer: "apiserver", wire: `DELETE /api/v1/namespaces/${namespace}/pods/${name}`, startMs, subject: name, message: "deleted with grace 0" });
}
