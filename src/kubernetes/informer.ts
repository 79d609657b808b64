import { Backoff } from "../base/backoff.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { silentLogger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "./api-client.js";
import type { InformerHandlers } from "./informer-subscription.js";
import { InformerSubscription } from "./informer-subscription.js";
import type { KubernetesObject } from "./object-meta.js";
import { objectKey } from "./object-meta.js";
import { ObjectStore } from "./object-store.js";
import { reportFailure } from "./retry-report.js";
import type { ResourceType } from "./resource-type.js";
import { isExpired } from "./status.js";

export interface InformerOptions<T extends KubernetesObject> {
  readonly client: ApiClient;
  readonly type: ResourceType<T>;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Monotonic. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log?: Logger;
  readonly pageSize?: number;
}

const INITIAL_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
/** A watch that lasted this long was a success. */
const HEALTHY_WATCH_MS = 5_000;
/** The server is asked to end a watch after this plus up to as much again, so that watches do not end all at once. */
const WATCH_TIMEOUT_S = 300;

/**
 * Keeps a reading copy of a collection: lists it, then watches from the list's version on. A broken watch resumes where it
 * stood; a version the server has forgotten (410) leads to a new list, whose differences are told as changes. Many users
 * share one informer; who comes later hears everything there is as added.
 */
export class Informer<T extends KubernetesObject> {
  readonly store = new ObjectStore<T>();
  readonly #options: InformerOptions<T>;
  readonly #log: Logger;
  readonly #subscriptions = new Set<InformerSubscription<T>>();
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #resourceVersion: string | undefined;
  #synced = false;
  #onSynced: (() => void)[] = [];

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#log = (options.log ?? silentLogger).child({ informer: options.type.plural });
    this.store.addIndex("namespace", (object) => [object.metadata.namespace ?? ""]);
  }

  /** The version the copy stands at; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** Whether the first list is in. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves when the first list is in and was told; never rejects. */
  synced(): Promise<void> {
    return this.#synced ? Promise.resolve() : new Promise((resolve) => void this.#onSynced.push(resolve));
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Registers a user; the returned function takes it off again. */
  subscribe(handlers: InformerHandlers<T>): () => void {
    const subscription = new InformerSubscription<T>(handlers, this.#log);
    this.#subscriptions.add(subscription);
    for (const object of this.store.list()) subscription.tell(undefined, object);
    return () => {
      subscription.close();
      this.#subscriptions.delete(subscription);
    };
  }

  async close(): Promise<void> {
    this.#abort.abort();
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions.clear();
    await this.#running;
    for (const resolve of this.#onSynced) resolve();
    this.#onSynced = [];
  }

  async #run(): Promise<void> {
    const { clock, dice } = this.#options;
    const { signal } = this.#abort;
    const backoff = new Backoff({ initialMs: INITIAL_BACKOFF_MS, maxMs: MAX_BACKOFF_MS, jitter: 0.3, dice });
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      try {
        if (this.#resourceVersion === undefined) await this.#relist();
        await this.#watch();
        if (clock.nowMs() - startedMs >= HEALTHY_WATCH_MS) {
          backoff.reset();
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (clock.nowMs() - startedMs >= HEALTHY_WATCH_MS) backoff.reset();
        if (isExpired(error)) {
          this.#log.info({ resourceVersion: this.#resourceVersion }, "version too old, listing again");
          const first = this.#resourceVersion !== undefined;
          this.#resourceVersion = undefined;
          if (first) continue;
        } else reportFailure(this.#log, error, backoff.attempts + 1, {}, "list or watch failed, will try again");
      }
      await clock.sleep(backoff.nextMs(), signal).catch(() => undefined);
    }
  }

  async #relist(): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector, pageSize } = this.#options;
    const list = await client.list(type, {
      signal: this.#abort.signal,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(pageSize === undefined ? {} : { pageSize }),
    });
    const gone = new Set(this.store.keys());
    for (const object of list.items) {
      gone.delete(objectKey(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key, undefined);
    this.#resourceVersion = list.metadata.resourceVersion;
    if (this.#synced) return;
    this.#synced = true;
    for (const resolve of this.#onSynced) resolve();
    this.#onSynced = [];
  }

  async #watch(): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector, dice } = this.#options;
    const events = client.watch(type, {
      resourceVersion: this.#resourceVersion!,
      timeoutSeconds: WATCH_TIMEOUT_S + dice.int(WATCH_TIMEOUT_S),
      signal: this.#abort.signal,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    for await (const event of events) {
      if (this.#abort.signal.aborted) return;
      if (event.type === "BOOKMARK") {
        this.#resourceVersion = event.resourceVersion;
        continue;
      }
      if (event.type === "DELETED") this.#remove(objectKey(event.object), event.object);
      else this.#put(event.object);
      this.#resourceVersion = event.object.metadata.resourceVersion;
    }
  }

  #put(object: T): void {
    const previous = this.store.set(object);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion && previous.metadata.uid === object.metadata.uid) return;
    for (const subscription of this.#subscriptions) subscription.tell(previous, object);
  }

  #remove(key: string, last: T | undefined): void {
    const previous = this.store.delete(key);
    const object = last ?? previous;
    if (object === undefined || previous === undefined) return;
    // The last state the server tells of is what "deleted" hands on; `previous` decides who knew the object at all.
    for (const subscription of this.#subscriptions) subscription.tell(object, undefined);
  }
}
