import type { Informer } from "../kubernetes/informer.js";
import type { Namespace } from "../kubernetes/cluster-objects.js";
import { isBeingDeleted, nameOf, objectKey } from "../kubernetes/object-meta.js";
import {
  configMaps,
  deployments,
  events,
  images,
  leases,
  namespaces as namespaceType,
  pods,
  replicaSets,
  secrets,
  serviceAccounts,
  services,
} from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, Surroundings } from "./surroundings.js";

const fieldManager = "kube-controller-manager";
const rootCaName = "kube-root-ca.crt";
const pollMs = 50;

/** Everything that can stand in a namespace, owners before what they would make again. */
const contents = [deployments, replicaSets, pods, services, configMaps, secrets, serviceAccounts, leases, images, events] as const;

/** What the rest of the world does with a namespace: makes its resource pool, and removes it. */
export interface NamespacePools {
  /** Resolves when the pool exists; answers annotations the namespace shall carry. */
  ensure(namespace: Namespace): Promise<Readonly<Record<string, string>>>;
  /** Resolves when the pool is gone. */
  remove(namespace: string): Promise<void>;
}

/**
 * Gives each namespace its ServiceAccount `default`, the ConfigMap `kube-root-ca.crt` and its resource pool; empties a namespace that is
 * being deleted and lets it go. Upstream: namespace, serviceaccount and root-ca-cert-publisher controllers; the pool is the WCP service's.
 */
export class NamespaceController implements Controller {
  readonly #around: Surroundings;
  readonly #namespaces: Informer<Namespace>;
  readonly #pools: NamespacePools;
  readonly #rootCa: string;
  readonly #queue: WorkQueue;

  constructor(around: Surroundings, options: { readonly pools: NamespacePools; readonly rootCa: string }) {
    this.#around = around;
    this.#pools = options.pools;
    this.#rootCa = options.rootCa;
    this.#namespaces = around.informers.of(namespaceType);
    this.#queue = new WorkQueue({ clock: around.monotonic, log: around.log, name: "namespace", work: (key) => this.#sync(key) });
    const enqueue = (namespace: Namespace): void => this.#queue.add(objectKey(namespace));
    this.#namespaces.subscribe({ added: enqueue, updated: enqueue });
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #sync(key: string): Promise<void> {
    const namespace = this.#namespaces.store.get(key);
    if (namespace === undefined) return;
    if (isBeingDeleted(namespace)) await this.#empty(namespace);
    else await this.#furnish(namespace);
  }

  async #furnish(namespace: Namespace): Promise<void> {
    const { name } = namespace.metadata;
    await this.#create(() => this.#around.client.create(serviceAccounts, { metadata: { name: "default", namespace: name } }, { fieldManager }));
    await this.#create(() => this.#around.client.create(configMaps, { metadata: { name: rootCaName, namespace: name }, data: { "ca.crt": this.#rootCa } }, { fieldManager }));
    const annotations = await this.#pools.ensure(namespace);
    const missing = Object.entries(annotations).filter(([annotation, value]) => namespace.metadata.annotations?.[annotation] !== value);
    if (missing.length > 0) await this.#around.client.patch(namespaceType, { name }, { type: "merge", body: { metadata: { annotations: Object.fromEntries(missing) } } }, { fieldManager: "wcp" });
  }

  async #create(create: () => Promise<unknown>): Promise<void> {
    try {
      await create();
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  }

  async #empty(namespace: Namespace): Promise<void> {
    const { name } = namespace.metadata;
    let remaining = 0;
    for (const type of contents) {
      const { items } = await this.#around.client.list(type, { namespace: name });
      remaining += items.length;
      for (const object of items) {
        if (isBeingDeleted(object)) continue;
        await this.#around.client.delete(type, nameOf(object), { propagationPolicy: "Background", preconditions: { uid: object.metadata.uid } }).catch((error: unknown) => {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        });
      }
    }
    if (remaining > 0) {
      this.#queue.addAfter(name, pollMs);
      return;
    }
    await this.#pools.remove(name);
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
    try {
      await this.#around.client.update(namespaceType, { ...namespace, spec: { finalizers } }, { subresource: "finalize", fieldManager });
    } catch (error) {
      if (isConflict(error)) this.#queue.addAfter(name, pollMs);
      else if (!isNotFound(error)) throw error;
    }
  }
}
