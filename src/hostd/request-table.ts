import { requestIdReused, sameMessage } from "./host-fault.js";

interface Remembered {
  readonly method: string;
  readonly request: unknown;
  readonly answer: Promise<unknown>;
}

/**
 * Requests by id: the same id and body get the same answer, also while the first is under way; another body is RequestIdReused.
 * Only what went well is remembered, because a caller that was refused may try again. Bounded; of this process's life only: after a
 * restart a repeated request finds the state it asked for, or does its work again.
 */
export class RequestTable {
  readonly #limit: number;
  readonly #requests = new Map<string, Remembered>();

  constructor(limit = 4096) {
    this.#limit = limit;
  }

  /** Runs `work` unless this request was made before. An empty id is no id. */
  async once<T>(host: string, method: string, request: { readonly requestId: string }, work: () => Promise<T>): Promise<T> {
    if (request.requestId === "") return work();
    const key = `${host}/${request.requestId}`;
    const before = this.#requests.get(key);
    if (before !== undefined) {
      if (before.method !== method || !sameMessage(before.request, request)) throw requestIdReused(request.requestId);
      return before.answer as Promise<T>;
    }
    const answer = work();
    const entry: Remembered = { method, request, answer };
    this.#requests.set(key, entry);
    this.#trim();
    try {
      return await answer;
    } catch (error) {
      if (this.#requests.get(key) === entry) this.#requests.delete(key);
      throw error;
    }
  }

  #trim(): void {
    if (this.#requests.size <= this.#limit) return;
    const [oldest] = this.#requests.keys();
    if (oldest !== undefined) this.#requests.delete(oldest);
  }
}
