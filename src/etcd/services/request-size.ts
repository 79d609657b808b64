import { etcdError } from "../errors.js";

/** Largest write etcd takes by default (--max-request-bytes). */
export const DEFAULT_MAX_REQUEST_BYTES = 1536 * 1024;
/** What etcd's own envelope adds to a request before it is measured, about. */
const ENVELOPE_BYTES = 24;

/** What etcd reads of a message beyond the largest write: for what surrounds it. */
export const MESSAGE_OVERHEAD_BYTES = 512 * 1024;

/** Turns bytes into the request they hold. */
type Decode<T extends object> = (bytes: Buffer) => T;
/** The methods of a service definition, of which only how to read their requests is looked at. */
type Methods = Readonly<Record<string, { readonly requestDeserialize: Decode<object> }>>;

/** Remembers which requests are larger than a write may be, as only the decoder sees their size. */
export class RequestSizes {
  readonly #tooLarge = new WeakSet<object>();
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A decoder that remembers. */
  watch<T extends object>(decode: Decode<T>): Decode<T> {
    return (bytes) => {
      const request = decode(bytes);
      if (bytes.length + ENVELOPE_BYTES > this.#maxBytes) this.#tooLarge.add(request);
      return request;
    };
  }

  /** The same service with a decoder that remembers for each method. */
  watchAll<S extends Methods>(service: S): S {
    return Object.fromEntries(Object.entries(service).map(([name, method]) => [name, { ...method, requestDeserialize: this.watch(method.requestDeserialize) }])) as S;
  }

  /** Throws etcd's error if the request is too large. */
  check(request: object): void {
    if (this.#tooLarge.has(request)) throw etcdError("requestTooLarge");
  }
}
