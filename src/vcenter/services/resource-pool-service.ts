import type { ResourcePool } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { ResourcePoolServiceService } from "../../gen/spheresim/vcenter/v1/resource_pool_service.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Inventory } from "../inventory/inventory.js";
import { listedPools } from "../inventory/inventory-view.js";
import type { Pages } from "../inventory/pages.js";
import type { PoolAdmin } from "../clusters/pool-admin.js";
import type { PoolMoves } from "../clusters/pool-moves.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface ResourcePoolServiceOptions {
  readonly inventory: Inventory;
  readonly pools: PoolAdmin;
  readonly moves: PoolMoves;
  readonly requests: RequestCache;
  readonly poolPages: Pages<ResourcePool>;
}

/** ResourcePoolService on the wire. */
export function resourcePoolService(options: ResourcePoolServiceOptions): ServedService {
  const { inventory, pools, moves, requests, poolPages } = options;
  return serve(ResourcePoolServiceService, {
    createResourcePool: answering((request) =>
      requests.answer("CreateResourcePool", request, async () => pools.create(request)),
    ),
    updateResourcePool: answering((request) =>
      requests.answer("UpdateResourcePool", request, async () => pools.update(request)),
    ),
    destroyResourcePool: answering((request) =>
      requests.answer("DestroyResourcePool", request, async () => {
        await pools.destroy(request.pool?.value);
        return {};
      }),
    ),
    moveIntoResourcePool: answering((request) =>
      requests.answer("MoveIntoResourcePool", request, async () => {
        await moves.moveInto(request);
        return {};
      }),
    ),
    listResourcePools: answering((request) => {
      const { items, nextPageToken } = poolPages.page(request, () => listedPools(inventory));
      return { resourcePools: [...items], nextPageToken };
    }),
  });
}
