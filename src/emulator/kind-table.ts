import { RpcError } from "../base/rpc-error.js";
import type { RestClient } from "../kubernetes/rest-client.js";
import { ApiError } from "../kubernetes/status.js";
import type { ManifestObject } from "./manifest.js";
import type { KubernetesObject } from "../kubernetes/object-meta.js";
import type { ResourceType } from "../kubernetes/resource-type.js";

interface ApiResourceList {
  readonly resources: ReadonlyArray<{ readonly name: string; readonly kind: string; readonly namespaced: boolean }>;
}

/** Which resource a kind is, as the API server's discovery says; each group version is asked for once. */
export class KindTable {
  readonly #client: RestClient;
  readonly #lists = new Map<string, Promise<ApiResourceList>>();

  constructor(client: RestClient) {
    this.#client = client;
  }

  /** Throws INVALID_ARGUMENT with kubectl's words for a kind the server does not have; `field` is where in the request the object stands. */
  async find({ apiVersion, kind }: ManifestObject, field: string): Promise<ResourceType<KubernetesObject>> {
    const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/", 2) as [string, string]) : (["", apiVersion] as const);
    const row = (await this.#list(group, version, apiVersion)).resources.find((each) => each.kind === kind && !each.name.includes("/"));
    if (row === undefined) throw unknownKind(apiVersion, kind, `${field}.kind`);
    return { group, version, kind, plural: row.name, namespaced: row.namespaced };
  }

  async #list(group: string, version: string, apiVersion: string): Promise<ApiResourceList> {
    let list = this.#lists.get(apiVersion);
    if (list === undefined) {
      const path = group === "" ? `/api/${encodeURIComponent(version)}` : `/apis/${encodeURIComponent(group)}/${encodeURIComponent(version)}`;
      list = this.#client.raw("GET", path) as Promise<ApiResourceList>;
      this.#lists.set(apiVersion, list);
      list.catch(() => this.#lists.delete(apiVersion));
    }
    try {
      return await list;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return { resources: [] };
      throw error;
    }
  }
}

function unknownKind(apiVersion: string, kind: string, field: string): RpcError {
  const message = `no matches for kind "${kind}" in version "${apiVersion}"`;
  return RpcError.invalidArgument(message, { field, description: message });
}
