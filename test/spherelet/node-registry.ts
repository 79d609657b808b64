import type { Draft, KubernetesObject } from "../../src/kubernetes/object-meta.js";
import type { Node } from "../../src/kubernetes/node.js";
import { isConditionTrue } from "../../src/kubernetes/condition.js";
import type { InformerHandlers } from "../../src/kubernetes/informer-subscription.js";
import { ObjectStore } from "../../src/kubernetes/object-store.js";
import { apiVersionOf, nodes, type ResourceType } from "../../src/kubernetes/resource-type.js";
import { ApiError } from "../../src/kubernetes/status.js";
import type { KeptNode, NodeKeeperOptions } from "../../src/spherelet/node/node-keeper.js";

/** Nodes and Leases as an API server keeps them, without one: small enough for a thousand hosts over minutes. */
export class NodeRegistry {
  /** `patch leases`, `patch nodes/status` ... and how often. */
  readonly calls = new Map<string, number>();
  readonly #store = new ObjectStore<Node>();
  readonly #leases = new Set<string>();
  readonly #handlers: InformerHandlers<Node>[] = [];
  #revision = 0;

  readonly api: KeptNode["api"] = {
    create: <T extends KubernetesObject>(type: ResourceType<T>, draft: Draft<T>) => {
      this.#count(`create ${type.plural}`);
      if (type.plural !== nodes.plural) {
        this.#leases.add(draft.metadata.name ?? "");
        return Promise.resolve(draft as unknown as T);
      }
      return Promise.resolve(this.#put({ apiVersion: apiVersionOf(nodes), kind: nodes.kind, ...draft, metadata: { ...draft.metadata, uid: `uid-${draft.metadata.name}` } } as unknown as Node) as unknown as T);
    },
    get: <T extends KubernetesObject>(type: ResourceType<T>, { name }: { readonly name: string }) => {
      this.#count(`get ${type.plural}`);
      return Promise.resolve(this.#store.get(name) as unknown as T);
    },
    patch: <T extends KubernetesObject>(type: ResourceType<T>, { name }: { readonly name: string }, { body }: { readonly body: object }, { subresource = "" }: { readonly subresource?: string } = {}) => {
      this.#count(`patch ${type.plural}${subresource === "" ? "" : `/${subresource}`}`);
      if (type.plural === nodes.plural) return Promise.resolve(this.#put({ ...this.#store.get(name)!, ...(body as Pick<Node, "status">) }) as unknown as T);
      if (this.#leases.has(name)) return Promise.resolve({} as T);
      return Promise.reject(new ApiError({ status: "Failure", reason: "NotFound", code: 404, message: `leases "${name}" not found` }));
    },
  };

  readonly informer: NodeKeeperOptions["informer"] = {
    store: this.#store,
    subscribe: (handlers) => {
      this.#handlers.push(handlers);
      return () => undefined;
    },
  };

  /** Nodes that say they are well. */
  get nodesReady(): number {
    return this.#store.list().filter((node) => isConditionTrue(node.status?.conditions, "Ready")).length;
  }

  #count(call: string): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
  }

  #put(node: Node): Node {
    this.#revision += 1;
    const written = { ...node, metadata: { ...node.metadata, resourceVersion: String(this.#revision) } };
    const previous = this.#store.set(written);
    for (const handler of this.#handlers) void (previous === undefined ? handler.added?.(written) : handler.updated?.(written, previous));
    return written;
  }
}
