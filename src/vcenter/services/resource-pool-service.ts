import type { ResourcePool } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { CreateResourcePoolRequest, DestroyResourcePoolRequest, UpdateResourcePoolRequest } from "../../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceService } from "../../gen/spheresim/vcenter/v1/resource_pool_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { type Inventory, inOrder } from "../inventory.js";
import { showPool } from "../inventory-view.js";
import type { Pages } from "../pages.js";
import type { PoolAdmin } from "../pool-admin.js";
import type { RequestCache } from "../request-cache.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface ResourcePoolServiceOptions {
  readonly inventory: Inventory;
  readonly pools: PoolAdmin;
  readonly requests: RequestCache;
  readonly poolPages: Pages<ResourcePool>;
}

/** ResourcePoolService on the wire. */
export function resourcePoolService(options: ResourcePoolServiceOptions): ServedService {
  const { inventory, pools, requests, poolPages } = options;
  return serve(ResourcePoolServiceService, {
    createResourcePool: answering((request) =>
      requests.answer("CreateResourcePool", request.requestId, CreateResourcePoolRequest.encode(request).finish(), async () => pools.create(request)),
    ),
    updateResourcePool: answering((request) =>
      requests.answer("UpdateResourcePool", request.requestId, UpdateResourcePoolRequest.encode(request).finish(), async () => pools.update(request)),
    ),
    destroyResourcePool: answering((request) =>
      requests.answer("DestroyResourcePool", request.requestId, DestroyResourcePoolRequest.encode(request).finish(), async () => {
        await pools.destroy(request.pool?.value);
        return {};
      }),
    ),
    listResourcePools: answering((request) => {
      const { items, nextPageToken } = poolPages.page(request, () => inOrder(inventory.pools.map((pool) => pool.moid)).map((moid) => showPool(inventory, moid)));
      return { resourcePools: [...items], nextPageToken };
    }),
  });
}
