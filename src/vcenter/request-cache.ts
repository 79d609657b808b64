import { createHash } from "node:crypto";
import { VimFault } from "./vim-fault.js";

interface Remembered {
  readonly bodyHash: string;
  readonly answer: Promise<unknown>;
}

/** Answers kept; beyond it the oldest are forgotten. */
const MAX_ANSWERS = 10_000;
const MAX_REQUEST_ID = 128;

/**
 * Answers by request id: the same id with the same body gets the same answer, also while the first call is still under way; with another
 * body it is RequestIdReused. Errors are not kept: what failed changed nothing and may be tried again.
 *
 * It lives in memory. What must be idempotent across a restart is so by its own key: a VM by its owner, a pool by its namespace, a host,
 * cluster and datacenter by name; an ordinary VM by the request id, which is stored with it (records.ts, CreationRecord).
 */
export class RequestCache {
  readonly #answers = new Map<string, Remembered>();

  /** Runs `work` unless this request was answered before. `body` is the request as it came. */
  async answer<T>(method: string, requestId: string, body: Uint8Array, work: () => Promise<T>): Promise<T> {
    if (requestId === "") return work();
    if (requestId.length > MAX_REQUEST_ID) throw VimFault.invalidArgument("request_id", `has ${requestId.length} characters, at most ${MAX_REQUEST_ID} are taken`);
    const key = `${method}/${requestId}`;
    const bodyHash = hashOf(body);
    const known = this.#answers.get(key);
    if (known !== undefined) {
      if (known.bodyHash !== bodyHash) throw VimFault.requestIdReused(requestId);
      return known.answer as Promise<T>;
    }
    const answer = work();
    this.#answers.set(key, { bodyHash, answer });
    this.#forgetOldest();
    try {
      return await answer;
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }

  #forgetOldest(): void {
    if (this.#answers.size <= MAX_ANSWERS) return;
    for (const key of this.#answers.keys()) return void this.#answers.delete(key);
  }
}

/** What tells two bodies apart. */
export function hashOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("base64");
}
