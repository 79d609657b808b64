import type { Clock } from "../../base/clock.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import type { ConfigMap, Secret, Service } from "../../kubernetes/cluster-objects.js";
import type { KubernetesObject } from "../../kubernetes/object-meta.js";
import type { ObjectStore } from "../../kubernetes/object-store.js";
import type { ResourceType } from "../../kubernetes/resource-type.js";
import { configMaps, pathOf, secrets } from "../../kubernetes/resource-type.js";
import { isNotFound } from "../../kubernetes/status.js";

/** Where what a pod's spec refers to comes from. */
export interface ConfigSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  /** Services of the namespace, and `default/kubernetes`. */
  services(namespace: string): readonly Service[];
}

/** Pods of one ReplicaSet start together and ask for the same objects. */
const FRESH_MS = 1_000;
const MAX_KEPT = 256;

interface Kept {
  readonly untilMs: number;
  readonly answer: Promise<KubernetesObject | undefined>;
}

/** Reads from the API server; an answer serves everybody who asks within a second. */
export class ApiConfigSource implements ConfigSource {
  readonly #client: ApiClient;
  readonly #monotonic: Clock;
  readonly #services: ObjectStore<Service>;
  readonly #kept = new Map<string, Kept>();

  /** `services` is indexed by namespace, as an informer's store is. */
  constructor(client: ApiClient, monotonic: Clock, services: ObjectStore<Service>) {
    this.#client = client;
    this.#monotonic = monotonic;
    this.#services = services;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#read(configMaps, namespace, name);
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#read(secrets, namespace, name);
  }

  services(namespace: string): readonly Service[] {
    const master = this.#services.get("default/kubernetes");
    const own = this.#services.byIndex("namespace", namespace);
    return master === undefined || namespace === "default" ? own : [master, ...own];
  }

  #read<T extends KubernetesObject>(type: ResourceType<T>, namespace: string, name: string): Promise<T | undefined> {
    const key = pathOf(type, { namespace, name });
    const nowMs = this.#monotonic.nowMs();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.answer as Promise<T | undefined>;
    const answer = this.#client.get(type, { namespace, name }).catch((error: unknown) => {
      this.#kept.delete(key);
      if (isNotFound(error)) return undefined;
      throw error;
    });
    this.#kept.delete(key);
    if (this.#kept.size >= MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    this.#kept.set(key, { untilMs: nowMs + FRESH_MS, answer });
    return answer;
  }
}
