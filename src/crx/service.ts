import { isUuid } from "../base/ids.js";
import { RpcError } from "../base/rpc-error.js";
import type { PodContainersUpdate, WatchPodsRequest } from "../gen/spheresim/crx/v1/agent.js";
import { AgentServiceService } from "../gen/spheresim/crx/v1/agent_service.js";
import { HOST_METADATA, namedByCall } from "../rpc/named-by-call.js";
import { serve, type Call, type ServedService, type StreamWriter } from "../rpc/server.js";
import { noInstance } from "./agent-fault.js";
import type { CrxInstance } from "./crx-instance.js";
import { answering } from "./errors.js";
import type { Machine } from "./machine.js";
import { PodWatch } from "./pod-watch.js";

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
  return serve(AgentServiceService, {
    startPod: (request, call) => answering(() => instanceOf(call).startPod(request)),
    stopPod: (request, call) =>
      answering(() => {
        const grace = request.gracePeriod;
        return instanceOf(call).stopPod(request.podUid, grace === undefined ? DEFAULT_GRACE_MS : Number(grace.seconds) * 1000 + grace.nanos / 1e6);
      }),
    getPod: (_request, call) => answering(() => instanceOf(call).pod()),
    watchPods: (request, stream, call) => answering(() => watchPods(machine, request, stream, call)),
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

/** First what exists, then `synced`, then every change at the pace of the reader. */
async function watchPods(machine: Machine, request: WatchPodsRequest, stream: StreamWriter<PodContainersUpdate>, call: Call): Promise<void> {
  const watch = new PodWatch(machine, request.vmUuid);
  try {
    let synced = false;
    while (!call.signal.aborted) {
      const update = watch.next();
      if (update !== undefined) await stream.write(update);
      else if (!synced) {
        await stream.write({ vmUuid: "", pod: undefined, synced: true });
        synced = true;
      } else await watch.wait(call.signal);
    }
  } finally {
    watch.close();
  }
}
