import type { Logger } from "../base/log.js";
import type { KubernetesObject } from "./object-meta.js";
import { objectKey } from "./object-meta.js";

/** What a user of an informer wants to hear. A handler may be async: the next change is told when it has finished. */
export interface InformerHandlers<T> {
  added?(object: T): void | Promise<void>;
  updated?(current: T, previous: T): void | Promise<void>;
  deleted?(last: T): void | Promise<void>;
}

interface Change<T> {
  /** What the handler last heard of; undefined when it did not know the object. */
  readonly previous: T | undefined;
  /** Undefined when the object is gone. */
  readonly current: T | undefined;
}

/**
 * One user's view of an informer. While an async handler is busy, changes of one object melt into one, so that what waits
 * is never more than the objects there are.
 *
 * Example: while the handler works, pod a is changed twice and pod b appears and goes: it then hears one update of a.
 */
export class InformerSubscription<T extends KubernetesObject> {
  readonly #handlers: InformerHandlers<T>;
  readonly #log: Logger;
  readonly #pending = new Map<string, Change<T>>();
  #busy = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(handlers: InformerHandlers<T>, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  tell(previous: T | undefined, current: T | undefined): void {
    const known = current ?? previous;
    if (this.#closed || known === undefined) return;
    const key = objectKey(known);
    const waiting = this.#pending.get(key);
    if (waiting === undefined) this.#pending.set(key, { previous, current });
    else if (waiting.previous === undefined && current === undefined) this.#pending.delete(key);
    else this.#pending.set(key, { previous: waiting.previous, current });
    if (!this.#busy) this.#drain();
  }

  close(): void {
    this.#closed = true;
    this.#pending.clear();
  }

  /** Resolves when everything told so far was handled. */
  idle(): Promise<void> {
    return this.#busy ? new Promise((resolve) => void this.#idle.push(resolve)) : Promise.resolve();
  }

  /** Stays synchronous as long as the handlers are. */
  #drain(): void {
    this.#busy = true;
    for (const [key, change] of this.#pending) {
      this.#pending.delete(key);
      const work = this.#deliver(change);
      if (work !== undefined) {
        void work.then(() => this.#drain());
        return;
      }
    }
    this.#busy = false;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  #deliver({ previous, current }: Change<T>): Promise<void> | undefined {
    if (previous !== undefined && current !== undefined && previous.metadata.uid !== current.metadata.uid) {
      const first = this.#call(() => this.#handlers.deleted?.(previous));
      const second = (): void | Promise<void> => this.#handlers.added?.(current);
      return first === undefined ? this.#call(second) : first.then(() => this.#call(second));
    }
    return this.#call(() => {
      if (current === undefined) return this.#handlers.deleted?.(previous!);
      return previous === undefined ? this.#handlers.added?.(current) : this.#handlers.updated?.(current, previous);
    });
  }

  #call(handler: () => void | Promise<void>): Promise<void> | undefined {
    try {
      const result = handler();
      return result === undefined ? undefined : result.catch((error: unknown) => this.#report(error));
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #report(error: unknown): void {
    this.#log.error({ err: error }, "an informer's handler failed");
  }
}
