import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { ResourcePool } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { CreateResourcePoolRequest, DestroyResourcePoolRequest, UpdateResourcePoolRequest } from "../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import type { Channel } from "../rpc/channel.js";
import type { PoolLimiter } from "./quota-mirror.js";
import type { NamespacePool, PoolDirectory } from "./resource-pool-controller.js";

const PAGE_SIZE = 1000;
const UNLIMITED = -1;
/** vCenter understood, and says no: asking the same again needs another state of its pools. */
const REFUSALS: ReadonlySet<RpcCode> = new Set([RpcCode.INVALID_ARGUMENT, RpcCode.FAILED_PRECONDITION, RpcCode.RESOURCE_EXHAUSTED]);

/** Resource pools over `spheresim.vcenter.v1`. */
export function poolDirectory(channel: Channel): PoolDirectory & PoolLimiter {
  const pools = channel.client(ResourcePoolServiceClient);
  const inventory = channel.client(InventoryServiceClient);
  const listAll = async (): Promise<ResourcePool[]> => {
    const all: ResourcePool[] = [];
    for (let pageToken = ""; ; ) {
      const page = await pools.listResourcePools({ pageSize: PAGE_SIZE, pageToken });
      all.push(...page.resourcePools);
      if (page.nextPageToken === "") return all;
      pageToken = page.nextPageToken;
    }
  };
  return {
    ensure: async (namespace, uid) => poolOf(await pools.createResourcePool(CreateResourcePoolRequest.fromPartial({ requestId: `namespace/${uid}`, name: namespace, namespace }))),
    list: async () => (await listAll()).filter(({ namespace }) => namespace !== "").map(poolOf),
    setLimits: async (moid, { cpuLimitMhz = UNLIMITED, memoryLimitMb = UNLIMITED }) => {
      const pool = (await listAll()).find(({ ref }) => ref?.value === moid);
      const { config } = pool ?? {};
      const changed = { ...config, cpuAllocation: { ...config?.cpuAllocation, limit: cpuLimitMhz }, memoryAllocation: { ...config?.memoryAllocation, limit: memoryLimitMb } };
      try {
        await pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: { type: "ResourcePool", value: moid }, config: changed }));
        return undefined;
      } catch (error) {
        if (error instanceof RpcError && REFUSALS.has(error.code)) return error.message;
        throw error;
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
