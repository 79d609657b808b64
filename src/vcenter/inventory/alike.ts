/** So many values are remembered; one that is forgotten costs memory where it comes again, nothing else. */
const MOST = 4_096;
/** What has a longer key is not remembered: many such would fill memory by themselves. */
const LONGEST_KEY = 256;

/**
 * One of many equal values, for all who have it: a hundred thousand copies of one would fill memory. The values must never be changed in place.
 *
 * Example: `one("2/4", a)` is `a`; `one("2/4", b)` is `a` too, and `b` is free to go.
 */
export class Alike<T> {
  readonly #most: number;
  /** Oldest first. */
  readonly #known = new Map<string, T>();

  constructor(most = MOST) {
    this.#most = most;
  }

  /** The first value that came under the key, which must say all of the value. */
  one(key: string, value: T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (key.length > LONGEST_KEY) return value;
    this.#known.set(key, value);
    if (this.#known.size > this.#most) for (const oldest of this.#known.keys()) return this.#forget(oldest, value);
    return value;
  }

  #forget(key: string, value: T): T {
    this.#known.delete(key);
    return value;
  }
}
