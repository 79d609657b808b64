import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { VmPhase, type HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import { Outcome } from "../../gen/spheresim/emulator/v1/journal.js";
import { ManagedEntityStatus } from "../../gen/spheresim/vim/v1/managed_entity.js";
import type { Image } from "../../kubernetes/cluster-objects.js";
import type { Pod } from "../../kubernetes/pod.js";
import { formerLifeOf } from "./former-life.js";
import type { HostContext } from "../node/host-context.js";
import { personalityOf } from "../spec/personality.js";
import { annotatedAddress, type PodAddress } from "./pod-address.js";
import { imageObjectsOf } from "./pod-annotations.js";
import { buildStartRequest } from "../spec/start-request.js";
import { ProviderFault } from "../vsphere.js";

/** The node's range has no address left for the pod. */
export class NoPodAddress extends Error {
  override readonly name = "NoPodAddress";

  constructor(podCidr: string) {
    super(`no address left in the pod range ${podCidr} of this node`);
  }
}

/** A VM whose agent answers. */
export interface ReadyVm {
  readonly agentAddress: string;
  readonly podIp: string;
  /** Number of the VM's power-on. */
  readonly powerOnCount: number;
  /** Set when the VM had its personality already: containers may run in it. */
  readonly mayRun: boolean;
}

/** Image objects the pod waits for: those that are there and not ready. One nobody has created is no reason to wait. */
export function missingImages(context: HostContext, pod: Pod): readonly string[] {
  const namespace = pod.metadata.namespace ?? "";
  return [...new Set(imageObjectsOf(pod).values())].filter((name) => {
    const image = context.images.get(namespace, name);
    return image !== undefined && image.status?.phase !== "Ready";
  });
}

/**
 * Step 12: gives the pod's VM its personality. A VM that had it before this Spherelet was there is taken as it is, so that
 * nothing is asked twice of a pod that runs.
 */
export async function giveBody(context: HostContext, pod: Pod, vmUuid: string, mayHaveOne: boolean, signal: AbortSignal): Promise<ReadyVm> {
  const { host, hostd, steps, clock } = context;
  if (mayHaveOne) {
    const vm = await hostd.getVm(host.name, vmUuid, signal);
    if (vm?.guestHeartbeatStatus === ManagedEntityStatus.RED) throw new ProviderFault("the Spherelet agent", "", "no heartbeat from the guest", true);
    if (vm?.phase === VmPhase.AGENT_READY && vm.personality?.podUid === pod.metadata.uid) return readyVm(vm, true);
  }
  const address = addressFor(context, pod);
  const startMs = clock.nowMs();
  const record = (outcome: Outcome, message: string): void =>
    steps.record({ pod, step: 12, peer: "hostd", wire: "spheresim.hostd.v1.HostService/ConfigurePersonality", startMs, subject: `${host.name}/${vmUuid}`, message, outcome });
  try {
    const vm = await hostd.configurePersonality(host.name, vmUuid, personalityOf(pod, address, imagesOf(context, pod)), signal);
    record(Outcome.OK, `${address.ip} on ${host.name}`);
    return readyVm(vm, mayHaveOne);
  } catch (error) {
    if (error instanceof ProviderFault && !error.passing) record(Outcome.FAILED, error.message);
    throw error;
  }
}

function readyVm(vm: HostVm, mayRun: boolean): ReadyVm {
  if (vm.agentAddress === "") throw new ProviderFault("HostD", "InvalidState", `VM ${vm.config?.uuid ?? ""} has no agent address in phase ${vm.phase}`, true);
  return { agentAddress: vm.agentAddress, podIp: vm.personality?.networkInterfaces[0]?.ip ?? "", powerOnCount: vm.powerOnCount, mayRun };
}

function addressFor(context: HostContext, pod: Pod): PodAddress {
  const address = annotatedAddress(pod) ?? context.addresses.take(pod.metadata.uid, pod.status?.podIP);
  if (address === undefined) throw new NoPodAddress(context.host.podCidr);
  return address;
}

function imagesOf(context: HostContext, pod: Pod): readonly Image[] {
  const namespace = pod.metadata.namespace ?? "";
  return [...new Set(imageObjectsOf(pod).values())].flatMap((name) => context.images.get(namespace, name) ?? []);
}

/** How a start went: what the agent says, or, where restartPolicy Never forbids a second life, how the pod ended. */
export interface Started {
  readonly containers: PodContainers;
  /** Containers were found running: nothing happened that an event should tell. */
  readonly found: boolean;
}

/**
 * Step 13: has the agent start the containers; `announce` is called before a start that is new. Throws UnmountedVolumes or UnsupportedPod where the
 * spec cannot be followed yet.
 */
export async function startContainers(context: HostContext, pod: Pod, vmUuid: string, vm: ReadyVm, announce: () => void, signal: AbortSignal): Promise<Started> {
  const { agents, config, host, clock } = context;
  if (vm.mayRun) {
    const present = await agents.getPod(vm.agentAddress, vmUuid, signal);
    if (present.podUid === pod.metadata.uid) return { containers: present, found: true };
  }
  const former = formerLifeOf(pod, clock.nowMs());
  if (former.ended !== undefined) return { containers: former.ended, found: true };
  announce();
  const request = await buildStartRequest({ pod, host, podIp: vm.podIp }, config, former.restartCounts, former.finished);
  context.events.mounted(pod);
  return { containers: await agents.startPod(vm.agentAddress, vmUuid, request, signal), found: false };
}
