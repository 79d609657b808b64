/**
 * What happens to a push onto a full queue: `refuse` it, forget the `drop-oldest` or the `drop-newest` element, or `fail` the
 * whole queue (its reader gets the elements so far and then the error: right for a watch, which must not have gaps).
 */
export type Overflow = "refuse" | "drop-oldest" | "drop-newest" | "fail";

/** A queue was closed by its own limit. */
export class QueueOverflow extends Error {
  constructor(limit: number) {
    super(`queue is full at ${limit} elements`);
    this.name = "QueueOverflow";
  }
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A queue between a writer that cannot wait and a reader that can; never longer than its limit.
 *
 * Example with limit 2 and `drop-oldest`: push a, b, c; the reader gets b, c and `dropped` is 1.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #overflow: Overflow;
  #items: T[] = [];
  /** Index of the first element in #items; what lies before is taken and cut off now and then. */
  #head = 0;
  #waiters: Waiter<T>[] = [];
  #roomWaiters: (() => void)[] = [];
  #closed = false;
  #error: Error | undefined;
  #dropped = 0;

  constructor(limit: number, overflow: Overflow) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a queue needs a limit from 1, not ${limit}`);
    this.#limit = limit;
    this.#overflow = overflow;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many elements were refused or forgotten so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds an element without waiting; false when it was not taken. */
  push(item: T): boolean {
    if (this.#closed) return false;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ value: item, done: false });
      return true;
    }
    if (this.size < this.#limit) {
      this.#items.push(item);
      return true;
    }
    this.#dropped += 1;
    switch (this.#overflow) {
      case "refuse":
      case "drop-newest":
        return false;
      case "drop-oldest":
        this.#take();
        this.#items.push(item);
        return true;
      case "fail":
        this.close(new QueueOverflow(this.#limit));
        return false;
    }
  }

  /** Adds an element as soon as there is room; false when the queue was closed. */
  async put(item: T): Promise<boolean> {
    while (!this.#closed && this.#waiters.length === 0 && this.size >= this.#limit) {
      await new Promise<void>((resolve) => void this.#roomWaiters.push(resolve));
    }
    return this.push(item);
  }

  /** The next element; done when the queue is closed and empty. Rejects with the error it was closed with. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.size > 0) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => void this.#waiters.push({ resolve, reject }));
  }

  /** Takes up to `max` elements that are there now. */
  takeNow(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max && this.size > 0) taken.push(this.#take());
    return taken;
  }

  /** No more elements; the reader still gets those inside, then the end or `error`. */
  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    for (const waiter of this.#waiters) {
      if (error === undefined) waiter.resolve({ value: undefined, done: true });
      else waiter.reject(error);
    }
    this.#waiters = [];
    this.#wakeWriters();
  }

  /** Leaving the loop early closes the queue. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.next(),
      return: () => {
        this.close();
        this.#items = [];
        this.#head = 0;
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #take(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined as T;
    this.#head += 1;
    if (this.#head === this.#items.length || this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#wakeWriters();
    return item;
  }

  #wakeWriters(): void {
    if (this.#roomWaiters.length === 0) return;
    const waiting = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiting) wake();
  }
}
