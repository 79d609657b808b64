import { DeleteRangeRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { LockService } from "../../gen/etcd/v3lockpb/v3lock_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { lock } from "../recipes/mutex.js";
import { asRecipe, recipeCaller } from "./recipe-caller.js";
import type { Room } from "./room.js";

/** v3lockpb.Lock. */
export function lockService(room: Room): ServedService {
  const clientOf = recipeCaller(room);
  return serve(LockService, {
    lock: (request, call) => asRecipe(call, () => lock(clientOf(call), room.hub, request, call.signal)),
    unlock: (request, call) =>
      asRecipe(call, async () => {
        const { header } = await clientOf(call).deleteRange(DeleteRangeRequest.create({ key: request.key }));
        return { header };
      }),
  });
}
