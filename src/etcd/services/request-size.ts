import { etcdError } from "../errors.js";

/** Largest write etcd takes by default (--max-request-bytes). */
export const DEFAULT_MAX_REQUEST_BYTES = 1536 * 1024;
/** What etcd's own envelope adds to a request before it is measured, about. */
const ENVELOPE_BYTES = 24;

/** What etcd reads of a message beyond the largest write: for what surrounds it. */
export const MESSAGE_OVERHEAD_BYTES = 512 * 1024;

/** Remembers which requests are larger than a write may be, as only the decoder sees their size. */
export class RequestSizes {
  readonly #tooLarge = new WeakSet<object>();
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A decoder that remembers. */
  watch<T extends object>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T {
    return (bytes) => {
      const request = decode(bytes);
      if (bytes.length + ENVELOPE_BYTES > this.#maxBytes) this.#tooLarge.add(request);
      return request;
    };
  }

  /** Throws etcd's error if the request is too large. */
  check(request: object): void {
    if (this.#tooLarge.has(request)) throw etcdError("requestTooLarge");
  }
}
