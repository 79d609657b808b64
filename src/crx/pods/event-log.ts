import type { PodEvent } from "../../gen/spheresim/crx/v1/agent.js";

/** Events kept for who reads late; older ones are lost. */
const MAX_EVENTS = 32;

/** What the agent has to tell users of, newest last. Its readers remember the number they have read to. */
export class EventLog {
  #events: readonly PodEvent[] = [];
  #number = 0n;

  get last(): readonly PodEvent[] {
    return this.#events;
  }

  add(container: string, reason: string, message: string, warning: boolean): void {
    this.#number += 1n;
    this.#events = [...this.#events.slice(1 - MAX_EVENTS), { number: this.#number, container, warning, reason, message }];
  }
}
