import { etcdError } from "../errors.js";

/** Largest write etcd takes by default (--max-request-bytes). */
export const MAX_REQUEST_BYTES = 1536 * 1024;
/** What etcd's own envelope adds to a request before it is measured, about. */
const ENVELOPE_BYTES = 24;

/** Largest message that is read at all: the limit above and 512 KiB for what surrounds it, as etcd. */
export const MAX_MESSAGE_BYTES = MAX_REQUEST_BYTES + 512 * 1024;

/** Remembers which requests are larger than a write may be, as only the decoder sees their size. */
export class RequestSizes {
  readonly #tooLarge = new WeakSet<object>();

  /** A decoder that remembers. */
  watch<T extends object>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T {
    return (bytes) => {
      const request = decode(bytes);
      if (bytes.length + ENVELOPE_BYTES > MAX_REQUEST_BYTES) this.#tooLarge.add(request);
      return request;
    };
  }

  /** Throws etcd's error if the request is too large. */
  check(request: object): void {
    if (this.#tooLarge.has(request)) throw etcdError("requestTooLarge");
  }
}
