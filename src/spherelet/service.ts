import { SphereletServiceService } from "../gen/spheresim/spherelet/v1/spherelet_service.js";
import { namedByCall } from "../rpc/named-by-call.js";
import { serve, type ServedService } from "../rpc/server.js";
import { configurePod, type ConfigurePodSurroundings } from "./configure-pod.js";
import { SphereletFault, toRpcError } from "./errors.js";
import type { HostContext } from "./host-context.js";

/** SphereletService for all hosts of the process; a call names its host by `:authority`. */
export function sphereletService(around: ConfigurePodSurroundings, contexts: ReadonlyMap<string, HostContext>): ServedService {
  return serve(SphereletServiceService, {
    configurePod: async (request, call) => {
      const context = namedByCall(call, "host", contexts);
      try {
        return { state: await configurePod(around, context, request) };
      } catch (error) {
        throw error instanceof SphereletFault ? toRpcError(error) : error;
      }
    },
  });
}
