import { SphereletServiceService } from "../gen/spheresim/spherelet/v1/spherelet_service.js";
import { namedByCall } from "../rpc/named-by-call.js";
import { RequestCache } from "../rpc/request-cache.js";
import { serve, type ServedService } from "../rpc/server.js";
import { configurePod, type ConfigurePodSurroundings } from "./pods/configure-pod.js";
import { SphereletFault, toRpcError } from "./errors.js";
import type { HostContext } from "./node/host-context.js";

/** SphereletService for all hosts of the process; a call names its host by `:authority`. */
export function sphereletService(around: ConfigurePodSurroundings, contexts: ReadonlyMap<string, HostContext>): ServedService {
  const requests = new RequestCache("spherelet");
  return serve(SphereletServiceService, {
    configurePod: async (request, call) => {
      const context = namedByCall(call, "host", contexts);
      try {
        return await requests.answer(context.host.name, request, async () => ({ state: await configurePod(around, context, request) }));
      } catch (error) {
        throw error instanceof SphereletFault ? toRpcError(error) : error;
      }
    },
  });
}
