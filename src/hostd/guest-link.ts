import { BoundedQueue } from "../base/bounded-queue.js";
import type { Clock } from "../base/clock.js";
import { deferred, type Deferred } from "../base/deferred.js";
import type { HostToGuest } from "../gen/spheresim/hostd/v1/guest.js";
import type { PowerLife } from "./power-life.js";

/** Words to guests that may wait for the wire; a machine process that leaves more unread is cut off and says hello again. */
const MAX_UNSENT = 10_000;

/** The VMkernel's end of the channel to the machine process, if there is one. A new one takes over from the old one. */
export class GuestLink {
  #queue: BoundedQueue<HostToGuest> | undefined;
  #arrival: Deferred<void> | undefined;

  get connected(): boolean {
    return this.#queue !== undefined;
  }

  /** A machine process is here; what is said to its guests comes out of the queue. */
  open(): BoundedQueue<HostToGuest> {
    this.#queue?.close();
    this.#queue = new BoundedQueue(MAX_UNSENT, "fail");
    this.#arrival?.resolve();
    this.#arrival = undefined;
    return this.#queue;
  }

  /** That machine process is gone; a newer one is not touched. */
  close(queue: BoundedQueue<HostToGuest>): void {
    queue.close();
    if (this.#queue === queue) this.#queue = undefined;
  }

  /** Nothing more will be said; what waits is delivered as far as the channel still carries it. */
  end(): void {
    this.#queue?.close();
    this.#queue = undefined;
  }

  /** Says something to a guest; false when nobody is there to hear it (the hello of the next machine process makes it good). */
  say(message: HostToGuest["message"]): boolean {
    return this.#queue?.push({ message }) ?? false;
  }

  /** Waits for a machine process: at most `limitMs` of monotonic time, then Timedout. */
  async arrival(life: PowerLife, monotonic: Clock, limitMs: number): Promise<void> {
    if (this.connected) return;
    this.#arrival ??= deferred();
    await life.within(this.#arrival.promise, monotonic, limitMs, `no machine process for CRX guests connected within ${limitMs} ms`);
  }
}
