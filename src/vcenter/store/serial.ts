import { RpcCode, RpcError } from "../../base/rpc-error.js";

/** Pieces of work in line; beyond it callers get RESOURCE_EXHAUSTED. */
const MAX_WAITING = 1_000;

/** Runs pieces of work one after the other, in order of arrival: changes of the inventory's structure, each of which looks before it commits. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) return Promise.reject(new RpcError(RpcCode.RESOURCE_EXHAUSTED, `${MAX_WAITING} changes of the inventory wait already`));
    return this.finish(work);
  }

  /** As `run`, however long the line is: for the end of what has begun, of which there is one a host at most. */
  finish<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const mine = this.#last.then(work).finally(() => (this.#waiting -= 1));
    // The caller hears of a failure; the next in line does not.
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
