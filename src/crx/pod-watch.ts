import type { PodContainersUpdate } from "../gen/spheresim/crx/v1/agent.js";
import type { Machine } from "./machine.js";

/**
 * One watch of the pods of this process: remembers which instances changed and reads their state when its reader is ready, so a slow
 * reader skips states in between, never the last one; what waits is bounded by the number of instances.
 */
export class PodWatch {
  readonly #machine: Machine;
  readonly #changed = new Set<string>();
  /** Instances the reader has seen alive: only of these it hears that they are gone. */
  readonly #shown = new Set<string>();
  readonly #end: () => void;
  #wake: (() => void) | undefined;

  /** `uuid` empty: all instances. */
  constructor(machine: Machine, uuid: string) {
    this.#machine = machine;
    for (const instance of machine.agents()) if (uuid === "" || uuid === instance.uuid) this.#changed.add(instance.uuid);
    this.#end = machine.watch((changed) => {
      if (uuid !== "" && uuid !== changed) return;
      this.#changed.add(changed);
      this.#wake?.();
    });
  }

  /** The next change that waits, if any. */
  next(): PodContainersUpdate | undefined {
    for (const uuid of this.#changed) {
      this.#changed.delete(uuid);
      const instance = this.#machine.instance(uuid);
      if (instance?.hasAgent === true) {
        this.#shown.add(uuid);
        return { vmUuid: uuid, pod: instance.pod(), synced: false };
      }
      // Gone, or in a new life that has no agent yet.
      if (this.#shown.delete(uuid)) return { vmUuid: uuid, pod: undefined, synced: false };
    }
    return undefined;
  }

  /** Resolves when something waits, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#changed.size > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done, { once: true });
    });
  }

  close(): void {
    this.#end();
  }
}
