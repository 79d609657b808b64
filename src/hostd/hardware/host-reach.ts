import type { HostFault } from "../host-fault.js";

/** Whether HostD of one host answers to the world outside. Calls under way end when it no longer does; what they began goes on inside. */
export class HostReach {
  #lost: HostFault | undefined;
  #times = 0;
  readonly #calls = new Set<(why: HostFault) => void>();

  /** @param why nobody reaches it yet */
  constructor(why: HostFault) {
    this.#lost = why;
  }

  get isThere(): boolean {
    return this.#lost === undefined;
  }

  /** How often it came (back): who saw another number missed that it was away. */
  get times(): number {
    return this.#times;
  }

  /** It answers from now on. */
  found(): void {
    this.#lost = undefined;
    this.#times += 1;
  }

  /** It answers no longer: calls under way end with `why`, and those to come are refused with it. */
  lose(why: HostFault): void {
    this.#lost = why;
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const end of calls) end(why);
  }

  /** Throws HostNotReachable. */
  require(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Does a call's work, as long as the caller can be answered. */
  async answering<T>(work: () => Promise<T>): Promise<T> {
    this.require();
    let end: (why: HostFault) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => {
      end = reject;
      this.#calls.add(end);
    });
    try {
      return await Promise.race([work(), lost]);
    } finally {
      this.#calls.delete(end);
    }
  }
}
