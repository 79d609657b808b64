import type { Image } from "../../kubernetes/cluster-objects.js";
import type { Informer } from "../../kubernetes/informer.js";
import { objectKey } from "../../kubernetes/object-meta.js";

/** The Image objects of the cluster, and who waits for which. */
export class ImageBook {
  readonly #informer: Pick<Informer<Image>, "store" | "subscribe">;
  /** Wakes by image; a waiter is there at most once for each image, and leaves when it is woken or says so. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #unsubscribe: (() => void) | undefined;

  constructor(informer: Pick<Informer<Image>, "store" | "subscribe">) {
    this.#informer = informer;
  }

  start(): void {
    const tell = (image: Image): void => {
      const key = objectKey(image);
      const waiting = this.#waiting.get(key);
      this.#waiting.delete(key);
      for (const wake of waiting ?? []) wake();
    };
    this.#unsubscribe = this.#informer.subscribe({ added: tell, updated: tell, deleted: tell });
  }

  close(): void {
    this.#unsubscribe?.();
    this.#waiting.clear();
  }

  get(namespace: string, name: string): Image | undefined {
    return this.#informer.store.get(`${namespace}/${name}`);
  }

  /** Calls `wake` once, at the next change of any of these images. */
  onChange(namespace: string, names: readonly string[], wake: () => void): () => void {
    const keys = names.map((name) => `${namespace}/${name}`);
    const leave = (): void => {
      for (const key of keys) {
        const waiting = this.#waiting.get(key);
        waiting?.delete(once);
        if (waiting?.size === 0) this.#waiting.delete(key);
      }
    };
    const once = (): void => {
      leave();
      wake();
    };
    for (const key of keys) {
      const waiting = this.#waiting.get(key);
      if (waiting === undefined) this.#waiting.set(key, new Set([once]));
      else waiting.add(once);
    }
    return leave;
  }
}
