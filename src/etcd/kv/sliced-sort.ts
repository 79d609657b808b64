import type { Slices } from "../../base/slices.js";

/** Items that are sorted, or merged, in one slice. */
const RUN = 512;
const MERGED_PER_SLICE = 4_096;

/**
 * The items in order, in slices: runs of 512 are sorted, then merged two by two. What compares equal stays in its order.
 *
 * Worked example with runs of 2: 3 1 2 0 5 becomes 1 3 | 0 2 | 5, then 0 1 2 3 | 5, then 0 1 2 3 5.
 */
export function* sorted<T>(items: readonly T[], compare: (a: T, b: T) => number): Slices<T[]> {
  if (items.length <= RUN) return [...items].sort(compare);
  let from: T[] = [];
  for (let at = 0; at < items.length; at += RUN) {
    for (const item of items.slice(at, at + RUN).sort(compare)) from.push(item);
    yield;
  }
  let to: T[] = Array.from({ length: items.length });
  for (let width = RUN; width < items.length; width *= 2) {
    for (let at = 0; at < items.length; at += width * 2) yield* merge(from, to, { at, middle: Math.min(at + width, items.length), end: Math.min(at + width * 2, items.length) }, compare);
    [from, to] = [to, from];
  }
  return from;
}

/** Merges two neighbouring sorted runs of `from`, [at, middle) and [middle, end), to the same place in `to`. */
function* merge<T>(from: readonly T[], to: T[], { at, middle, end }: { readonly at: number; readonly middle: number; readonly end: number }, compare: (a: T, b: T) => number): Slices<void> {
  let [left, right] = [at, middle];
  for (let place = at; place < end; place += 1) {
    const takeLeft = left < middle && (right >= end || compare(from[left] as T, from[right] as T) <= 0);
    to[place] = from[takeLeft ? left++ : right++] as T;
    if ((place + 1) % MERGED_PER_SLICE === 0) yield;
  }
}
