import type { Namespace } from "../kubernetes/cluster-objects.js";
import type { KubernetesObject } from "../kubernetes/object-meta.js";
import { isBeingDeleted, nameOf } from "../kubernetes/object-meta.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { configMaps, deployments, events, images, leases, limitRanges, namespaces, pods, replicaSets, resourceQuotas, secrets, serviceAccounts, services } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";

/** Held by every namespace until its content is gone. */
const FINALIZER = "kubernetes";
const ROOT_CA = "kube-root-ca.crt";
/** What a namespace may contain, owners before what they own. */
const content: readonly ResourceType<KubernetesObject>[] = [deployments, replicaSets, pods, services, configMaps, secrets, serviceAccounts, leases, images, resourceQuotas, limitRanges, events];
/** Content that is still on its way out is looked at again after this; a pod's end is told earlier. */
const RECHECK_MS = 1_000;

export interface NamespaceControllerOptions {
  /** PEM of the authority that signed the API server's certificate; given to every namespace. */
  readonly clusterCaPem: string;
}

/** Gives each namespace its ServiceAccount `default` and the root certificate, and empties it when it is deleted. */
export class NamespaceController implements Controller {
  readonly #context: ControllerContext;
  readonly #clusterCaPem: string;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext, options: NamespaceControllerOptions) {
    this.#context = context;
    this.#clusterCaPem = options.clusterCaPem;
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "namespace", workers: 5, work: (name) => this.#sync(name) });
    const enqueue = (namespace: Namespace): void => this.#queue.add(namespace.metadata.name);
    context.informers.of(namespaces).subscribe({ added: enqueue, updated: enqueue });
    const enqueueOwn = (object: KubernetesObject): void => this.#queue.add(object.metadata.namespace ?? "");
    context.informers.of(pods).subscribe({
      deleted: (pod) => {
        const namespace = context.informers.of(namespaces).store.get(pod.metadata.namespace ?? "");
        if (namespace !== undefined && isBeingDeleted(namespace)) enqueueOwn(pod);
      },
    });
    context.informers.of(serviceAccounts).subscribe({ deleted: enqueueOwn });
    context.informers.of(configMaps).subscribe({
      updated: (configMap) => {
        if (configMap.metadata.name === ROOT_CA) enqueueOwn(configMap);
      },
      deleted: (configMap) => {
        if (configMap.metadata.name === ROOT_CA) enqueueOwn(configMap);
      },
    });
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #sync(name: string): Promise<void> {
    const namespace = this.#context.informers.of(namespaces).store.get(name);
    if (namespace === undefined) return;
    if (isBeingDeleted(namespace)) await this.#empty(namespace);
    else await this.#furnish(name);
  }

  async #furnish(namespace: string): Promise<void> {
    const { client, informers } = this.#context;
    try {
      if (informers.of(serviceAccounts).store.get(`${namespace}/default`) === undefined) await ignoring(isAlreadyExists, client.create(serviceAccounts, { metadata: { namespace, name: "default" } }));
      const data = { "ca.crt": this.#clusterCaPem };
      const rootCa = informers.of(configMaps).store.get(`${namespace}/${ROOT_CA}`);
      if (rootCa === undefined) await ignoring(isAlreadyExists, client.create(configMaps, { metadata: { namespace, name: ROOT_CA }, data }));
      else if (rootCa.data?.["ca.crt"] !== this.#clusterCaPem) await client.patch(configMaps, nameOf(rootCa), { type: "merge", body: { data } });
    } catch (error) {
      if (!isNotFound(error) && !isNamespaceTerminating(error)) throw error;
    }
  }

  /** Deletes what is inside, and takes the finalizer away once a list of every kind comes back empty. */
  async #empty(namespace: Namespace): Promise<void> {
    const { client } = this.#context;
    const { name } = namespace.metadata;
    if (!(namespace.spec?.finalizers ?? []).includes(FINALIZER)) return;
    let remaining = 0;
    for (const type of content) {
      const list = await ignoring(isNotFound, client.list(type, { namespace: name }));
      remaining += list?.items.length ?? 0;
      for (const object of list?.items ?? []) {
        if (isBeingDeleted(object)) continue;
        const gone = await ignoring((error) => isNotFound(error) || isConflict(error), client.delete(type, nameOf(object), { preconditions: { uid: object.metadata.uid }, propagationPolicy: "Background" }));
        if (gone === undefined || !("metadata" in gone)) remaining -= 1;
      }
    }
    if (remaining > 0) {
      this.#queue.addAfter(name, RECHECK_MS);
      return;
    }
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    await ignoring((error) => isNotFound(error) || isConflict(error), client.update(namespaces, { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: "finalize" }));
  }
}

async function ignoring<R>(isHarmless: (error: unknown) => boolean, call: Promise<R>): Promise<R | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isHarmless(error)) return undefined;
    throw error;
  }
}
