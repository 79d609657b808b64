import type { Clock } from "../../base/clock.js";
import { Pace } from "../../base/pace.js";
import { inSlices } from "../../base/slices.js";
import { type ContainerResources, type SizePodRequest, type SizePodResponse } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Deployments } from "../machines/deployments.js";
import { sizePod } from "../drs/pod-size.js";
import type { Holds } from "../placement/holds.js";
import type { Inventory } from "../inventory/inventory.js";
import { onlyCluster } from "../placement/placement-spec.js";
import type { Placements } from "../placement/placements.js";
import { MAX_ANSWER_BYTES } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";
import { answering } from "./answering.js";
import { EncodedPlacementService, encodedResult, encodedWithin } from "./encoded-placement.js";

/** What the service works with. */
export interface PlacementServiceOptions {
  readonly inventory: Inventory;
  readonly placements: Placements;
  readonly deployments: Deployments;
  readonly holds: Holds;
  readonly requests: RequestCache;
  readonly monotonic: Clock;
}

/** A pod of Kubernetes has no limit on containers; its object may have 1.5 MB. */
const MAX_CONTAINERS = 1_000;

/** PlacementService on the wire (steps 4, 5, 7). */
export function placementService(options: PlacementServiceOptions): ServedService {
  const { inventory, placements, deployments, holds, requests, monotonic } = options;
  return serve(EncodedPlacementService, {
    placeVms: answering((request) =>
      requests.answer("PlaceVms", request, async () => Buffer.concat(await inSlices(placements.placeAll(request.specs, request, encodedWithin(MAX_ANSWER_BYTES))))),
    ),
    placeVm: answering((request) =>
      requests.answer("PlaceVm", request, async () => {
        const result = await inSlices(placements.placeOne(request.spec, request));
        return inSlices(encodedResult(result, new Pace(monotonic)));
      }),
    ),
    applyRecommendation: answering((request) =>
      requests.answer("ApplyRecommendation", request, () => deployments.apply(request)),
    ),
    cancelRecommendation: answering((request) =>
      requests.answer("CancelRecommendation", request, () => {
        if (request.key !== "") holds.drop(request.key);
        else if (request.ownerUid !== "") holds.dropOwner(request.ownerUid);
        else throw VimFault.invalidArgument("key", "is required, or owner_uid");
        return {};
      }),
    ),
    sizePod: answering((request) => sized(request, inventory)),
  });
}

function sized(request: SizePodRequest, inventory: Inventory): SizePodResponse {
  const { containers, initContainers, overheadCpuMilli, overheadMemoryBytes } = request;
  if (request.name === "") throw VimFault.invalidArgument("name", "is required");
  if (containers.length === 0) throw VimFault.invalidArgument("containers", "names no container");
  if (containers.length + initContainers.length > MAX_CONTAINERS) throw VimFault.invalidArgument("containers", `at most ${MAX_CONTAINERS} are taken`);
  containers.forEach((container, index) => checkContainer(container, `containers[${index}]`));
  initContainers.forEach((container, index) => checkContainer(container, `init_containers[${index}]`));
  if (overheadCpuMilli < 0) throw VimFault.invalidArgument("overhead_cpu_milli", "must not be negative");
  if (overheadMemoryBytes < 0n) throw VimFault.invalidArgument("overhead_memory_bytes", "must not be negative");
  const coreMhz = slowestCoreMhz(request, inventory);
  return { config: sizePod(request, coreMhz), coreMhz };
}

/** MHz of the slowest host's core: a reservation in MHz must hold on whichever host is chosen. */
function slowestCoreMhz(request: SizePodRequest, inventory: Inventory): number {
  const pool = request.namespace === "" ? undefined : inventory.poolByNamespace(request.namespace);
  const cluster = pool === undefined ? onlyCluster("namespace", inventory) : inventory.clusterOfPool(pool.moid).ref?.value;
  const speeds = inventory.hosts.filter((host) => host.cluster === cluster).map((host) => host.spec.cpuMhz);
  if (speeds.length === 0) throw VimFault.invalidState(`The cluster ${cluster} has no host yet.`);
  return Math.min(...speeds);
}

function checkContainer(container: ContainerResources, field: string): void {
  const figures = { request_cpu_milli: container.requestCpuMilli, limit_cpu_milli: container.limitCpuMilli, request_memory_bytes: container.requestMemoryBytes, limit_memory_bytes: container.limitMemoryBytes };
  for (const [name, figure] of Object.entries(figures)) if (figure !== undefined && figure < 0) throw VimFault.invalidArgument(`${field}.${name}`, `must not be negative, is ${figure}`);
}
