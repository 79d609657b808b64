import { isUuid } from "../base/ids.js";
import { RpcError } from "../base/rpc-error.js";
import type { PodContainersUpdate, WatchPodsRequest } from "../gen/spheresim/crx/v1/agent.js";
import { AgentServiceService } from "../gen/spheresim/crx/v1/agent_service.js";
import type { ListPodStatsRequest, ListPodStatsResponse } from "../gen/spheresim/crx/v1/stats.js";
import { HOST_METADATA, namedByCall } from "../rpc/named-by-call.js";
import { type Mutation, RequestCache } from "../rpc/request-cache.js";
import { serve, type Call, type ServedService, type StreamWriter } from "../rpc/server.js";
import { invalidArgument, noInstance } from "./agent-fault.js";
import type { CrxInstance } from "./crx-instance.js";
import { answering } from "./errors.js";
import type { Machine } from "./machine.js";
import type { PodChanges } from "./pods/pod-changes.js";
import { PodWatch } from "./pods/pod-watch.js";

/** Names of instances end so: `<vm uuid>.crx.spheresim.test`. */
export const INSTANCE_DOMAIN = ".crx.spheresim.test";
const DEFAULT_GRACE_MS = 30_000;

/** AgentService for all instances of the process. */
export function agentService(machine: Machine): ServedService {
  const instanceOf = (call: Call): CrxInstance => {
    const uuid = uuidOf(call);
    const instance = machine.instance(uuid);
    if (instance === undefined) throw noInstance(uuid);
    return instance;
  };
  const requests = new RequestCache("crx");
  const once = <T>(call: Call, method: string, request: Mutation, work: (instance: CrxInstance) => Promise<T>): Promise<T> =>
    answering(() => {
      const instance = instanceOf(call);
      // An answer is one life's: the next one knows nothing of it.
      return requests.answer(`${instance.uuid}/${instance.key.powerOnCount}/${method}`, request, () => heard(instance, call, work));
    });
  return serve(AgentServiceService, {
    startPod: (request, call) => once(call, "StartPod", request, (instance) => instance.startPod(request)),
    stopPod: (request, call) => {
      const { podUid, gracePeriod: grace } = request;
      return once(call, "StopPod", request, (instance) => instance.stopPod(podUid, grace === undefined ? DEFAULT_GRACE_MS : Number(grace.seconds) * 1000 + grace.nanos / 1e6));
    },
    getPod: (_request, call) => answering(() => heard(instanceOf(call), call, (instance) => instance.pod())),
    watchPods: (request, stream, call) => answering(() => watchPods(machine.changes, request, stream, call)),
    getPodStats: (_request, call) => answering(() => heard(instanceOf(call), call, (instance) => instance.stats())),
    listPodStats: (request) => answering(() => listPodStats(machine, request)),
    exec: () => Promise.reject(RpcError.unimplemented("method /spheresim.crx.v1.AgentService/Exec of crx")),
  });

  /** The VM a call means; INVALID_ARGUMENT when it means none of them. */
  function uuidOf(call: Call): string {
    for (const name of [call.authority.toLowerCase(), call.header(HOST_METADATA)?.toLowerCase() ?? ""]) {
      const uuid = name.endsWith(INSTANCE_DOMAIN) ? name.slice(0, -INSTANCE_DOMAIN.length) : name;
      if (isUuid(uuid)) return uuid;
    }
    return namedByCall(call, "CRX instance", new Map(machine.agents().map((instance) => [instance.uuid + INSTANCE_DOMAIN, instance.uuid])));
  }
}

/** Instances a call may ask after; what one takes stays far below 5 ms. */
const MAX_LISTED = 100;

async function listPodStats(machine: Machine, { vmUuids }: ListPodStatsRequest): Promise<ListPodStatsResponse> {
  if (vmUuids.length > MAX_LISTED) throw invalidArgument("vm_uuids", `must name at most ${MAX_LISTED} VMs`);
  const running = vmUuids.map((uuid) => machine.instance(uuid.toLowerCase())).filter((instance) => instance?.hasAgent === true && !instance.hangs);
  return { pods: await Promise.all(running.map((instance) => instance!.stats())) };
}

/** A guest that hangs neither hears a call nor answers one. */
async function heard<T>(instance: CrxInstance, call: Call, work: (instance: CrxInstance) => Promise<T> | T): Promise<T> {
  if (instance.hangs) await instance.awake(call.signal);
  const answer = await work(instance);
  if (instance.hangs) await instance.awake(call.signal);
  return answer;
}

/** Tells what waits at the pace of the reader, then waits for more. */
async function watchPods(changes: PodChanges, request: WatchPodsRequest, stream: StreamWriter<PodContainersUpdate>, call: Call): Promise<void> {
  const watch = new PodWatch(changes, request);
  while (!call.signal.aborted) {
    for (const update of watch.pending()) await stream.write(update);
    await watch.wait(call.signal);
  }
}
