import { SphereletServiceService } from "../gen/spheresim/spherelet/v1/spherelet_service.js";
import { namedByCall } from "../rpc/named-by-call.js";
import { RequestCache } from "../rpc/request-cache.js";
import { serve, type ServedService } from "../rpc/server.js";
import { configurePod } from "./pods/configure-pod.js";
import { SphereletFault, toRpcError } from "./errors.js";
import type { SphereletFleet } from "./node/spherelet-fleet.js";

/** SphereletService for all hosts of the process; a call names its host by `:authority`. */
export function sphereletService(fleet: SphereletFleet, podCount: () => number): ServedService {
  const requests = new RequestCache("spherelet");
  return serve(SphereletServiceService, {
    configurePod: async (request, call) => {
      const name = namedByCall(call, "host", fleet.names);
      try {
        const spherelet = fleet.reach(name);
        return await requests.answer(name, request, async () => ({ state: await configurePod({ context: spherelet.context, workers: spherelet.workers, podCount }, request) }));
      } catch (error) {
        throw error instanceof SphereletFault ? toRpcError(error) : error;
      }
    },
  });
}
