import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { ResourcePool } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { CreateResourcePoolRequest, DestroyResourcePoolRequest } from "../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import type { Channel } from "../rpc/channel.js";
import type { NamespacePool, PoolDirectory } from "./resource-pool-controller.js";

const PAGE_SIZE = 1000;

/** Resource pools over `spheresim.vcenter.v1`. */
export function poolDirectory(channel: Channel): PoolDirectory {
  const pools = channel.client(ResourcePoolServiceClient);
  const inventory = channel.client(InventoryServiceClient);
  return {
    ensure: async (namespace, uid) => poolOf(await pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ requestId: `namespace/${uid}`, name: namespace, namespace }))),
    list: async () => {
      const all: NamespacePool[] = [];
      for (let pageToken = ""; ; ) {
        const page = await pools.listResourcePools({ pageSize: PAGE_SIZE, pageToken });
        all.push(...page.resourcePools.filter(({ namespace }) => namespace !== "").map(poolOf));
        if (page.nextPageToken === "") return all;
        pageToken = page.nextPageToken;
      }
    },
    destroy: async (moid) => {
      try {
        await pools.destroyResourcePool(DestroyResourcePoolRequest.fromPartial({ pool: { type: "ResourcePool", value: moid } }));
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== RpcCode.NOT_FOUND) throw error;
      }
    },
    cluster: async () => {
      const { clusters, hosts } = await inventory.getInventory({});
      const moid = clusters[0]?.ref?.value;
      if (moid === undefined) return undefined;
      const speeds = hosts.flatMap((host) => (host.cluster?.value === moid && host.spec !== undefined ? [host.spec.cpuMhz] : []));
      return { moid, coreMhz: speeds.length === 0 ? 0 : Math.min(...speeds) };
    },
  };
}

function poolOf(pool: ResourcePool): NamespacePool {
  const limited = (limit: number | undefined): number | undefined => (limit === undefined || limit < 0 ? undefined : limit);
  const cpuLimitMhz = limited(pool.config?.cpuAllocation?.limit);
  const memoryLimitMb = limited(pool.config?.memoryAllocation?.limit);
  return {
    moid: pool.ref?.value ?? "",
    namespace: pool.namespace,
    ...(cpuLimitMhz === undefined ? {} : { cpuLimitMhz }),
    ...(memoryLimitMb === undefined ? {} : { memoryLimitMb }),
  };
}
