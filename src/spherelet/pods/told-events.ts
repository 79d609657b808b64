import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { PodEvents } from "../status/pod-events.js";

/**
 * What was told in events of the present life of a pod's VM, so that each is told once: not again when a start is repeated, and not lost when
 * its first answer came too late.
 */
export class ToldEvents {
  readonly #events: PodEvents;
  #powerOnCount: number | undefined;
  #told: PodContainers | undefined;

  constructor(events: PodEvents) {
    this.#events = events;
  }

  /** The containers of that life are asked for here: all that is heard of them is news. */
  begin(powerOnCount: number): void {
    if (this.#powerOnCount === powerOnCount) return;
    this.#powerOnCount = powerOnCount;
    this.#told = undefined;
  }

  /** Containers were found that somebody else had asked for, who told of them so far. */
  join(powerOnCount: number, found: PodContainers): void {
    if (this.#powerOnCount === powerOnCount) return;
    this.#powerOnCount = powerOnCount;
    this.#told = found;
  }

  /** Tells what is news in a life that began or was joined. */
  tell(pod: Pod, powerOnCount: number, now: PodContainers): void {
    if (this.#powerOnCount !== powerOnCount) return;
    this.#events.containersChanged(pod, this.#told, now);
    if ((now.events.at(-1)?.number ?? 0n) >= (this.#told?.events.at(-1)?.number ?? 0n)) this.#told = now;
  }
}
