import jsonPatch from "fast-json-patch";
import type { Clock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { ApiClient, DeleteOptions, ListOptions, Patch, PatchOptions, SelectOptions, WatchEvent, WatchOptions, WriteOptions } from "../../src/kubernetes/api-client.js";
import type { Binding } from "../../src/kubernetes/cluster-objects.js";
import { matchesFieldSelector, parseFieldSelector } from "../../src/kubernetes/field-selector.js";
import { matchesRequirements, parseLabelSelector } from "../../src/kubernetes/label-selector.js";
import type { Draft, KubernetesObject, ObjectList, ObjectName } from "../../src/kubernetes/object-meta.js";
import type { ResourceType } from "../../src/kubernetes/resource-type.js";
import { apiVersionOf, pathOf, pods } from "../../src/kubernetes/resource-type.js";
import type { StatusReason } from "../../src/kubernetes/status.js";
import { ApiError, type Status } from "../../src/kubernetes/status.js";
import { formatTime } from "../../src/kubernetes/timestamp.js";

type Json = Record<string, unknown>;
type Stored = Json & { metadata: Json & { name: string; namespace?: string; resourceVersion: string } };

interface Change {
  readonly revision: number;
  readonly collection: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Stored;
  readonly previous: Stored | undefined;
}

/** One call as it came in, for tests that count or order them. */
export interface SeenCall {
  readonly verb: string;
  readonly path: string;
  readonly body?: unknown;
}

/**
 * An API server's registry in memory, for unit tests: versions, watches with history, status subresource, binding,
 * preconditions, finalizers, graceful deletion of bound pods. What it does not know it refuses loudly.
 */
export class FakeCluster implements ApiClient {
  readonly calls: SeenCall[] = [];
  /** Called before each call; may throw to make the call fail, or return a promise to hold it up. */
  intercept: ((call: SeenCall) => void | Promise<void>) | undefined;
  readonly #clock: Clock;
  readonly #dice = new Dice("fake-cluster");
  readonly #objects = new Map<string, Stored>();
  #history: Change[] = [];
  #oldest = 0;
  #revision = 100;
  #listeners = new Set<() => void>();
  #cut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Forgets history: watches from older versions get 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#revision;
  }

  /** Ends all running watches without an error. */
  cutWatches(): void {
    this.#cut += 1;
    this.#wake();
  }

  /** The stored object, read without a call being counted. */
  peek<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName): T | undefined {
    return this.#objects.get(pathOf(type, name)) as T | undefined;
  }

  peekAll<T extends KubernetesObject>(type: ResourceType<T>, options: SelectOptions = {}): T[] {
    return this.#select(type, options) as unknown as T[];
  }

  async get<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName): Promise<T> {
    const path = pathOf(type, name);
    await this.#enter({ verb: "get", path });
    return this.#must(path, type, name.name) as unknown as T;
  }

  async list<T extends KubernetesObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    await this.#enter({ verb: "list", path: pathOf(type, options) });
    return { metadata: { resourceVersion: String(this.#revision) }, items: this.#select(type, options) as unknown as T[] };
  }

  async *watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void> {
    await this.#enter({ verb: "watch", path: pathOf(type, options) });
    let at = Number(options.resourceVersion);
    const cut = this.#cut;
    while (options.signal?.aborted !== true && this.#cut === cut) {
      if (at < this.#oldest) throw refuse(410, "Expired", `too old resource version: ${at} (${this.#oldest})`);
      for (const change of this.#history.filter((entry) => entry.revision > at)) {
        at = change.revision;
        const event = this.#seen(change, type, options);
        if (event !== undefined) yield structuredClone(event) as unknown as WatchEvent<T>;
      }
      // What changed while the last one was being looked at has rung already.
      if (!this.#history.some((entry) => entry.revision > at)) await this.#change(options.signal);
    }
  }

  async create<T extends KubernetesObject>(type: ResourceType<T>, draft: Draft<T>, _options?: WriteOptions): Promise<T> {
    const { namespace, generateName } = draft.metadata;
    const name = draft.metadata.name ?? `${generateName}${this.#dice.hex(5)}`;
    const where = namespace === undefined ? { name } : { namespace, name };
    await this.#enter({ verb: "create", path: pathOf(type, where), body: draft });
    const path = pathOf(type, where);
    if (this.#objects.has(path)) throw refuse(409, "AlreadyExists", `${type.plural} "${name}" already exists`);
    const object = structuredClone({ apiVersion: apiVersionOf(type), kind: type.kind, ...draft }) as unknown as Stored;
    if (type.plural === "pods") object["status"] = { phase: "Pending", ...(object["status"] as Json | undefined) };
    object.metadata = { ...object.metadata, name, uid: this.#dice.uuid(), generation: 1, creationTimestamp: formatTime(this.#clock.nowMs()), resourceVersion: "" };
    return this.#put(type, path, object, "ADDED") as unknown as T;
  }

  async update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions & { readonly subresource?: string } = {}): Promise<T> {
    const path = pathOf(type, { name: object.metadata.name, ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }) });
    await this.#enter({ verb: "update", path: suffixed(path, options.subresource), body: object });
    const stored = this.#must(path, type, object.metadata.name);
    if (object.metadata.resourceVersion !== "" && object.metadata.resourceVersion !== stored.metadata.resourceVersion) throw conflict(type, object.metadata.name);
    return this.#write(type, path, stored, structuredClone(object) as unknown as Stored, options.subresource) as unknown as T;
  }

  async patch<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const path = pathOf(type, name);
    await this.#enter({ verb: "patch", path: suffixed(path, options.subresource), body: patch.body });
    const stored = this.#must(path, type, name.name);
    let next: Stored;
    if (patch.type === "json") {
      try {
        next = jsonPatch.applyPatch(structuredClone(stored), structuredClone(patch.body) as jsonPatch.Operation[]).newDocument;
      } catch (error) {
        throw refuse(422, "Invalid", String(error));
      }
    } else {
      const wanted = (patch.body as { metadata?: { uid?: string; resourceVersion?: string } }).metadata ?? {};
      if (wanted.uid !== undefined && wanted.uid !== stored.metadata["uid"]) throw conflict(type, name.name);
      if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== stored.metadata.resourceVersion) throw conflict(type, name.name);
      next = merge(structuredClone(stored), structuredClone(patch.body) as Json, patch.type === "strategic") as Stored;
    }
    return this.#write(type, path, stored, next, options.subresource) as unknown as T;
  }

  async bind(binding: Binding): Promise<Status> {
    const { name, namespace, uid } = binding.metadata;
    const path = pathOf(pods, { name, namespace });
    await this.#enter({ verb: "bind", path, body: binding });
    const pod = this.#must(path, pods, name);
    if (uid !== undefined && uid !== pod.metadata["uid"]) throw conflict(pods, name);
    const spec = pod["spec"] as Json;
    if (spec["nodeName"] !== undefined) throw refuse(409, "Conflict", `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "${spec["nodeName"] as string}"`);
    const status = (pod["status"] ?? {}) as Json;
    const conditions = ((status["conditions"] ?? []) as Json[]).filter((condition) => condition["type"] !== "PodScheduled");
    const next = structuredClone(pod);
    next["spec"] = { ...spec, nodeName: binding.target.name };
    next["status"] = { ...status, conditions: [...conditions, { type: "PodScheduled", status: "True" }] };
    this.#put(pods, path, next, "MODIFIED");
    return { kind: "Status", status: "Success" };
  }

  async delete<T extends KubernetesObject>(type: ResourceType<T>, name: ObjectName, options: DeleteOptions = {}): Promise<T | Status> {
    const path = pathOf(type, name);
    await this.#enter({ verb: "delete", path, body: options });
    const stored = this.#must(path, type, name.name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if ((uid !== undefined && uid !== stored.metadata["uid"]) || (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion)) throw conflict(type, name.name);
    const grace = type.plural === "pods" && (stored["spec"] as Json)["nodeName"] !== undefined ? (options.gracePeriodSeconds ?? 30) : 0;
    const finalizers = [...((stored.metadata["finalizers"] as string[] | undefined) ?? [])];
    if (options.propagationPolicy === "Foreground") finalizers.push("foregroundDeletion");
    if (options.propagationPolicy === "Orphan") finalizers.push("orphan");
    const isHeld = finalizers.length > 0 || (type.plural === "namespaces" && ((stored["spec"] as Json | undefined)?.["finalizers"] as unknown[] | undefined)?.length);
    if (grace === 0 && !isHeld) {
      this.#remove(type, path, stored);
      return { kind: "Status", status: "Success" };
    }
    const next = structuredClone(stored);
    next.metadata = { ...next.metadata, deletionTimestamp: formatTime(this.#clock.nowMs() + grace * 1000), ...(finalizers.length > 0 ? { finalizers } : {}) };
    if (type.plural === "pods") next.metadata["deletionGracePeriodSeconds"] = grace;
    if (type.plural === "namespaces") next["status"] = { phase: "Terminating" };
    const held: unknown = this.#put(type, path, next, "MODIFIED");
    return held as T;
  }

  #write(type: ResourceType<KubernetesObject>, path: string, stored: Stored, wanted: Stored, subresource: string | undefined): Stored {
    const next: Stored = subresource === "status" ? { ...stored, status: wanted["status"] } : subresource === "finalize" ? { ...stored, spec: wanted["spec"] } : { ...wanted, ...(stored["status"] === undefined ? {} : { status: stored["status"] }) };
    next.metadata = { ...(subresource === undefined ? wanted.metadata : stored.metadata), uid: stored.metadata["uid"], resourceVersion: stored.metadata.resourceVersion };
    if (JSON.stringify(next["spec"]) !== JSON.stringify(stored["spec"])) next.metadata["generation"] = Number(stored.metadata["generation"]) + 1;
    const finalizers = (next.metadata["finalizers"] as string[] | undefined) ?? [];
    const specFinalizers = type.plural === "namespaces" ? (((next["spec"] as Json | undefined)?.["finalizers"] as string[] | undefined) ?? []) : [];
    const graceful = type.plural === "pods" && Number(next.metadata["deletionGracePeriodSeconds"] ?? 0) > 0;
    if (next.metadata["deletionTimestamp"] !== undefined && finalizers.length === 0 && specFinalizers.length === 0 && !graceful) return this.#remove(type, path, next);
    if (JSON.stringify(next) === JSON.stringify(stored)) return structuredClone(stored);
    return this.#put(type, path, next, "MODIFIED");
  }

  #put(type: ResourceType<KubernetesObject>, path: string, object: Stored, change: "ADDED" | "MODIFIED"): Stored {
    const previous = this.#objects.get(path);
    this.#revision += 1;
    object.metadata.resourceVersion = String(this.#revision);
    this.#objects.set(path, object);
    this.#history.push({ revision: this.#revision, collection: pathOf(type), type: change, object, previous });
    this.#wake();
    return structuredClone(object);
  }

  #remove(type: ResourceType<KubernetesObject>, path: string, object: Stored): Stored {
    this.#revision += 1;
    const last = structuredClone(object);
    last.metadata.resourceVersion = String(this.#revision);
    const previous = this.#objects.get(path);
    this.#objects.delete(path);
    this.#history.push({ revision: this.#revision, collection: pathOf(type), type: "DELETED", object: last, previous });
    this.#wake();
    return last;
  }

  #select(type: ResourceType<KubernetesObject>, options: SelectOptions): Stored[] {
    const collection = `${pathOf(type)}/`;
    const inNamespace = (object: Stored): boolean => options.namespace === undefined || object.metadata.namespace === options.namespace;
    return [...this.#objects.entries()]
      .filter(([path, object]) => (type.namespaced ? path === pathOf(type, { ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }), name: object.metadata.name }) : path.startsWith(collection)))
      .map(([, object]) => object)
      .filter((object) => inNamespace(object) && matches(object, options))
      .map((object) => structuredClone(object));
  }

  #seen(change: Change, type: ResourceType<KubernetesObject>, options: WatchOptions): { readonly type: string; readonly object: Stored } | undefined {
    if (change.collection !== pathOf(type)) return undefined;
    const wanted = (object: Stored | undefined): boolean => object !== undefined && (options.namespace === undefined || object.metadata.namespace === options.namespace) && matches(object, options);
    const before = wanted(change.previous);
    const now = change.type !== "DELETED" && wanted(change.object);
    if (now) return { type: before ? "MODIFIED" : "ADDED", object: change.object };
    return before ? { type: "DELETED", object: change.object } : undefined;
  }

  #must(path: string, type: ResourceType<KubernetesObject>, name: string): Stored {
    const stored = this.#objects.get(path);
    if (stored === undefined) throw refuse(404, "NotFound", `${type.plural} "${name}" not found`);
    return structuredClone(stored);
  }

  async #enter(call: SeenCall): Promise<void> {
    this.calls.push(call);
    await Promise.resolve();
    await this.intercept?.(call);
  }

  #wake(): void {
    const listeners = this.#listeners;
    this.#listeners = new Set();
    for (const wake of listeners) wake();
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#listeners.delete(wake);
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
      this.#listeners.add(wake);
    });
  }
}

function suffixed(path: string, subresource: string | undefined): string {
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function refuse(code: number, reason: StatusReason, message: string): ApiError {
  return new ApiError({ kind: "Status", status: "Failure", code, reason, message });
}

function conflict(type: ResourceType<KubernetesObject>, name: string): ApiError {
  return refuse(409, "Conflict", `Operation cannot be fulfilled on ${type.plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`);
}

function matches(object: Stored, options: SelectOptions): boolean {
  const field = (path: string): string => {
    const value = path.split(".").reduce<unknown>((at, part) => (at as Json | undefined)?.[part], object);
    return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  };
  return (
    (options.labelSelector === undefined || matchesRequirements(parseLabelSelector(options.labelSelector), object.metadata["labels"] as Record<string, string> | undefined)) &&
    (options.fieldSelector === undefined || matchesFieldSelector(parseFieldSelector(options.fieldSelector), field))
  );
}

/** RFC 7386; strategic adds lists of conditions and taints merged by their key. */
function merge(target: Json, patch: Json, strategic: boolean): Json {
  for (const [key, value] of Object.entries(patch)) {
    const old = target[key];
    if (value === null) delete target[key];
    else if (Array.isArray(value) && strategic && key === "conditions") {
      const list = [...((old ?? []) as Json[])];
      for (const item of value as Json[]) {
        const at = list.findIndex((candidate) => candidate["type"] === item["type"]);
        if (at < 0) list.push(item);
        else list[at] = merge({ ...list[at] }, item, true);
      }
      target[key] = list;
    } else if (typeof value === "object" && !Array.isArray(value)) target[key] = merge(typeof old === "object" && old !== null && !Array.isArray(old) ? (old as Json) : {}, value as Json, strategic);
    else target[key] = value;
  }
  return target;
}
