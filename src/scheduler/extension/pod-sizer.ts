import type { Clock } from "../../base/clock.js";
import { RecentMap } from "../../base/recent-map.js";
import { ContainerResources, SizePodRequest, type SizePodResponse } from "../../gen/spheresim/vcenter/v1/placement.js";
import { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Container } from "../../kubernetes/container.js";
import { amountOf, cpuMilliOf, isSidecar } from "../../kubernetes/pod-resources.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { Vcenter } from "./vcenter.js";

/** Shapes remembered; a ReplicaSet's pods share one. */
const MAX_SHAPES = 1024;
/** A size depends on the cluster's slowest core, which changes when a host comes or goes. */
const FRESH_MS = 60_000;
/** Thousandths of a core are int32 in the contracts. */
const MAX_INT32 = 2_147_483_647;

interface Sized {
  readonly answer: Promise<SizePodResponse>;
  readonly askedMs: number;
}

/** Asks vCenter how a pod is sized to a VM, once for all pods of one shape. */
export class PodSizer {
  readonly #vcenter: Pick<Vcenter, "sizePod">;
  readonly #monotonic: Clock;
  readonly #shapes = new RecentMap<string, Sized>(MAX_SHAPES);

  constructor(vcenter: Pick<Vcenter, "sizePod">, monotonic: Clock) {
    this.#vcenter = vcenter;
    this.#monotonic = monotonic;
  }

  /** The pod as a VM, named and owned. */
  async size(pod: Pod): Promise<SizePodResponse> {
    const request = sizePodRequest(pod);
    const shape = JSON.stringify([request.namespace, request.containers, request.initContainers, request.overheadCpuMilli, request.overheadMemoryBytes], (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    const known = this.#shapes.get(shape);
    const nowMs = this.#monotonic.nowMs();
    let sized = known;
    if (sized === undefined || nowMs - sized.askedMs > FRESH_MS) {
      sized = { answer: this.#vcenter.sizePod(request), askedMs: nowMs };
      this.#shapes.set(shape, sized);
    }
    try {
      const { config, coreMhz } = await sized.answer;
      return { coreMhz, config: VirtualMachineConfigSpec.fromPartial({ ...config, name: request.name, ownerUid: request.ownerUid }) };
    } catch (error) {
      if (this.#shapes.get(shape) === sized) this.#shapes.delete(shape);
      throw error;
    }
  }
}

/**
 * Sidecars run beside the containers, so they count with them; and beside each init container that comes after them, which therefore asks
 * for what they have too.
 *
 * Example: sidecar 100m, then init container 700m, app 500m: containers ask for 500m and 100m, the init container for 800m.
 */
export function sizePodRequest(pod: Pod): SizePodRequest {
  const init = pod.spec.initContainers ?? [];
  const { overhead } = pod.spec;
  const steps = init.flatMap((container, at) => (isSidecar(container) ? [] : [together(resourcesOf(container), init.slice(0, at).filter(isSidecar).map(resourcesOf))]));
  return SizePodRequest.fromPartial({
    name: pod.metadata.name,
    ownerUid: pod.metadata.uid,
    namespace: pod.metadata.namespace ?? "",
    containers: [...pod.spec.containers, ...init.filter(isSidecar)].map(resourcesOf),
    initContainers: steps,
    overheadCpuMilli: cpuMilliOf(overhead?.["cpu"]),
    overheadMemoryBytes: overhead?.["memory"] === undefined ? 0n : amountOf("memory", overhead["memory"]),
  });
}

function resourcesOf({ name, resources }: Container): ContainerResources {
  const { requests, limits } = resources ?? {};
  // Named only where stated: absent and 0 are two things to vCenter.
  return {
    ...ContainerResources.create({ name }),
    ...(requests?.["cpu"] === undefined ? {} : { requestCpuMilli: cpuMilliOf(requests["cpu"]) }),
    ...(limits?.["cpu"] === undefined ? {} : { limitCpuMilli: cpuMilliOf(limits["cpu"]) }),
    ...(requests?.["memory"] === undefined ? {} : { requestMemoryBytes: amountOf("memory", requests["memory"]) }),
    ...(limits?.["memory"] === undefined ? {} : { limitMemoryBytes: amountOf("memory", limits["memory"]) }),
  };
}

/** An init container with the sidecars beside it: requests add up where anybody states one, a limit holds where all have one. */
function together(step: ContainerResources, sidecars: readonly ContainerResources[]): ContainerResources {
  const { name } = step;
  const all = [step, ...sidecars];
  const cpuRequests = all.flatMap(({ requestCpuMilli }) => requestCpuMilli ?? []);
  const cpuLimits = all.flatMap(({ limitCpuMilli }) => limitCpuMilli ?? []);
  const memoryRequests = all.flatMap(({ requestMemoryBytes }) => requestMemoryBytes ?? []);
  const memoryLimits = all.flatMap(({ limitMemoryBytes }) => limitMemoryBytes ?? []);
  return {
    ...ContainerResources.create({ name }),
    ...(cpuRequests.length === 0 ? {} : { requestCpuMilli: Math.min(MAX_INT32, cpuRequests.reduce((a, b) => a + b)) }),
    ...(cpuLimits.length < all.length ? {} : { limitCpuMilli: Math.min(MAX_INT32, cpuLimits.reduce((a, b) => a + b)) }),
    ...(memoryRequests.length === 0 ? {} : { requestMemoryBytes: memoryRequests.reduce((a, b) => a + b) }),
    ...(memoryLimits.length < all.length ? {} : { limitMemoryBytes: memoryLimits.reduce((a, b) => a + b) }),
  };
}
