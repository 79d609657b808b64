/** An item and when its time was over when it came in. */
interface Entry<T> {
  readonly item: T;
  readonly dueMs: number;
  /** Number of the entry: of equal deadlines the one that came first is first. */
  readonly turn: number;
}

/** What one look at the clock found. */
export interface Due<T> {
  /** Items whose time is over, the longest first; they are in the heap no more. */
  readonly items: readonly T[];
  /** There was more to look at than was allowed. */
  readonly more: boolean;
}

/**
 * Items by their deadlines, the next one first: a binary heap. An item that was given more time is not moved: when the time that it came
 * in with is over, it is asked, and put back (so a renewal costs nothing here). One that is gone is dropped then.
 *
 * Worked example: x is due at 10, y at 20; x is then given time until 30. At 15 x is asked, says 30 and goes behind y; nothing is due.
 * At 20 y is due; at 30 x is.
 */
export class DeadlineHeap<T> {
  #entries: Entry<T>[] = [];
  #turns = 0;

  /** Items, those included that are gone and were not asked yet. */
  get size(): number {
    return this.#entries.length;
  }

  add(item: T, dueMs: number): void {
    const entries = this.#entries;
    let at = entries.length;
    entries.push({ item, dueMs, turn: this.#turns });
    this.#turns += 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#before(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes up to `items` that are due and asks no more than `looks`; `deadlineOf` says an item's deadline by now, undefined if it is gone. */
  takeDue(nowMs: number, limits: { readonly items: number; readonly looks: number }, deadlineOf: (item: T) => number | undefined): Due<T> {
    const items: T[] = [];
    for (let looks = 0; ; looks += 1) {
      const first = this.#entries[0];
      if (first === undefined || first.dueMs > nowMs) return { items, more: false };
      if (looks >= limits.looks || items.length >= limits.items) return { items, more: true };
      this.#removeFirst();
      const dueMs = deadlineOf(first.item);
      if (dueMs === undefined) continue;
      if (dueMs > nowMs) this.add(first.item, dueMs);
      else items.push(first.item);
    }
  }

  /** Drops the items that are gone now and not when their time comes. */
  sweep(deadlineOf: (item: T) => number | undefined): void {
    const entries = this.#entries;
    this.#entries = [];
    // In the order of deadlines none moves up.
    for (const { item, dueMs } of entries.sort(order)) if (deadlineOf(item) !== undefined) this.add(item, dueMs);
  }

  #removeFirst(): void {
    const entries = this.#entries;
    const last = entries.pop() as Entry<T>;
    if (entries.length === 0) return;
    entries[0] = last;
    for (let at = 0; ; ) {
      const left = at * 2 + 1;
      const right = left + 1;
      if (left >= entries.length) return;
      const child = right < entries.length && this.#before(right, left) ? right : left;
      if (this.#before(at, child)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    return order(this.#entries[a] as Entry<T>, this.#entries[b] as Entry<T>) < 0;
  }

  #swap(a: number, b: number): void {
    const entry = this.#entries[a] as Entry<T>;
    this.#entries[a] = this.#entries[b] as Entry<T>;
    this.#entries[b] = entry;
  }
}

function order(a: Entry<unknown>, b: Entry<unknown>): number {
  return a.dueMs - b.dueMs || a.turn - b.turn;
}
