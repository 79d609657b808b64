import type { Key, KeyRange } from "../key-index/key-range.js";

/** One range and what belongs to it. */
interface Node<T> {
  readonly start: Key;
  /** Undefined where the range has no upper bound. */
  readonly end: Key | undefined;
  readonly value: T;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  /** Levels from here down. */
  height: number;
  /** Greatest end from here down; undefined where a range has no upper bound. */
  top: Key | undefined;
}

/**
 * Values by half-open range of keys, such that the ranges around a key are found without a look at the others: an AVL tree ordered by
 * start, then end, in which every node knows the greatest end below it (an interval tree; etcd keeps its watches in one).
 *
 * Worked example: [a, c), [b, z), [d, e), [f, ∞). The root is [b, z) and its top is ∞; left of it stands [a, c) with top c, right of it
 * [d, e) with top ∞, because [f, ∞) is below. Asked for c: [a, c) is left out by its top, [b, z) holds c, and nothing right of [d, e) is
 * looked at, because d is above c. The answer is [b, z).
 */
export class RangeTree<T> {
  #root: Node<T> | undefined;
  #size = 0;

  /** Number of ranges. */
  get size(): number {
    return this.#size;
  }

  /** What belongs to exactly this range. */
  get(range: KeyRange): T | undefined {
    for (let node = this.#root; node !== undefined; ) {
      const order = compare(range, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** Adds a range that is not there yet. */
  add({ start, end }: KeyRange, value: T): void {
    this.#root = inserted(this.#root, { start, end, value, left: undefined, right: undefined, height: 1, top: end });
    this.#size += 1;
  }

  /** Takes a range out; does nothing if it is not there. */
  remove(range: KeyRange): void {
    if (this.get(range) === undefined) return;
    this.#root = removed(this.#root, range);
    this.#size -= 1;
  }

  /** What belongs to the ranges that hold the key, ordered by start, then end. */
  around(key: Key): T[] {
    const found: T[] = [];
    collect(this.#root, key, found);
    return found;
  }
}

/** Order of two ranges by start, then end; no end is above all. */
function compare(a: Pick<KeyRange, "start" | "end">, b: Pick<KeyRange, "start" | "end">): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  if (a.end === b.end) return 0;
  return b.end === undefined || (a.end !== undefined && a.end < b.end) ? -1 : 1;
}

function collect<T>(node: Node<T> | undefined, key: Key, found: T[]): void {
  if (node === undefined || (node.top !== undefined && node.top <= key)) return;
  collect(node.left, key, found);
  if (key < node.start) return;
  if (node.end === undefined || key < node.end) found.push(node.value);
  collect(node.right, key, found);
}

function inserted<T>(node: Node<T> | undefined, added: Node<T>): Node<T> {
  if (node === undefined) return added;
  if (compare(added, node) < 0) node.left = inserted(node.left, added);
  else node.right = inserted(node.right, added);
  return balanced(node);
}

function removed<T>(node: Node<T> | undefined, range: KeyRange): Node<T> | undefined {
  if (node === undefined) return undefined;
  const order = compare(range, node);
  if (order < 0) node.left = removed(node.left, range);
  else if (order > 0) node.right = removed(node.right, range);
  else {
    if (node.left === undefined || node.right === undefined) return node.left ?? node.right;
    const next = first(node.right);
    next.right = withoutFirst(node.right);
    next.left = node.left;
    return balanced(next);
  }
  return balanced(node);
}

function first<T>(node: Node<T>): Node<T> {
  let found = node;
  while (found.left !== undefined) found = found.left;
  return found;
}

function withoutFirst<T>(node: Node<T>): Node<T> | undefined {
  if (node.left === undefined) return node.right;
  node.left = withoutFirst(node.left);
  return balanced(node);
}

/** The node or what takes its place, with sides whose heights differ by one at most, where they differed by two at most. */
function balanced<T>(node: Node<T>): Node<T> {
  const { left, right } = node;
  const lean = height(left) - height(right);
  if (lean > 1 && left !== undefined) {
    if (height(left.left) < height(left.right)) node.left = turnedLeft(left);
    return turnedRight(node);
  }
  if (lean < -1 && right !== undefined) {
    if (height(right.right) < height(right.left)) node.right = turnedRight(right);
    return turnedLeft(node);
  }
  return refreshed(node);
}

function turnedRight<T>(node: Node<T>): Node<T> {
  const up = node.left as Node<T>;
  node.left = up.right;
  up.right = refreshed(node);
  return refreshed(up);
}

function turnedLeft<T>(node: Node<T>): Node<T> {
  const up = node.right as Node<T>;
  node.right = up.left;
  up.left = refreshed(node);
  return refreshed(up);
}

function refreshed<T>(node: Node<T>): Node<T> {
  const { left, right } = node;
  node.height = Math.max(height(left), height(right)) + 1;
  node.top = higher(node.end, higher(left === undefined ? "" : left.top, right === undefined ? "" : right.top));
  return node;
}

function height<T>(node: Node<T> | undefined): number {
  return node === undefined ? 0 : node.height;
}

/** The greater of two ends. */
function higher(a: Key | undefined, b: Key | undefined): Key | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a < b ? b : a;
}
