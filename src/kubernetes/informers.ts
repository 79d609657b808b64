import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "./api-client.js";
import { Informer } from "./informer.js";
import type { KubernetesObject } from "./object-meta.js";
import type { ResourceType } from "./resource-type.js";
import { apiVersionOf } from "./resource-type.js";

export interface InformersOptions {
  readonly client: ApiClient;
  /** Monotonic. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log?: Logger;
}

/** One informer per kind, shared by everybody in the process who asks for it. */
export class Informers {
  readonly #options: InformersOptions;
  readonly #informers = new Map<string, Informer<KubernetesObject>>();
  #closed = false;

  constructor(options: InformersOptions) {
    this.#options = options;
  }

  /** The informer of that kind over all namespaces; made, not started, at the first call. */
  of<T extends KubernetesObject>(type: ResourceType<T>): Informer<T> {
    const name = `${apiVersionOf(type)}/${type.plural}`;
    const known = this.#informers.get(name);
    if (known !== undefined) return known as unknown as Informer<T>;
    const informer = new Informer<T>({ ...this.#options, type, dice: this.#options.dice.fork(name) });
    this.#informers.set(name, informer as unknown as Informer<KubernetesObject>);
    return informer;
  }

  /** Whether they have ended, perhaps without their first lists: nobody may take what is not there for gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Starts all asked for so far and resolves when each has its first list, or all are closed. */
  async start(): Promise<void> {
    for (const informer of this.#informers.values()) informer.start();
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#informers.values()].map((informer) => informer.close()));
  }
}
