import type { Namespace } from "../kubernetes/cluster-objects.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { CreateResourcePoolRequest } from "../gen/spheresim/vcenter/v1/resource_pool.js";
import { ResourcePoolServiceClient } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import type { Channel } from "../rpc/channel.js";
import type { NamespacePools } from "./namespace-controller.js";

const pageSize = 1000;

/** A namespace is a resource pool below the pool `Namespaces`, shares normal, expandable, nothing reserved. */
export function namespacePools(channel: Channel): NamespacePools {
  const service = channel.client(ResourcePoolServiceClient);
  const moids = new Map<string, string>();
  const find = async (namespace: string): Promise<string | undefined> => {
    let pageToken = "";
    do {
      const page = await service.listResourcePools({ pageSize, pageToken });
      const found = page.resourcePools.find((pool) => pool.namespace === namespace);
      if (found !== undefined) return found.ref?.value;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return undefined;
  };
  return {
    ensure: async (namespace: Namespace) => {
      const { name } = namespace.metadata;
      let moid = moids.get(name);
      if (moid === undefined) {
        const pool = await service.createResourcePool(CreateResourcePoolRequest.fromPartial({ name, namespace: name })).catch(notYet);
        moid = pool.ref?.value ?? "";
        moids.set(name, moid);
      }
      return { "vmware-system-resource-pool": moid };
    },
    remove: async (namespace: string) => {
      const moid = moids.get(namespace) ?? (await find(namespace));
      if (moid === undefined) return;
      try {
        await service.destroyResourcePool({ requestId: "", pool: { type: "ResourcePool", value: moid } });
      } catch (error) {
        if (!RpcError.is(error, RpcCode.NOT_FOUND)) throw error;
      }
      moids.delete(namespace);
    },
  };
}

/** A vCenter whose inventory is still empty is one that is not there yet. */
function notYet(error: unknown): never {
  throw RpcError.is(error, RpcCode.NOT_FOUND) || RpcError.is(error, RpcCode.FAILED_PRECONDITION) ? RpcError.unavailable(error.message) : error;
}
