import { nextTurn } from "./clock.js";

/** Work done in slices of a few milliseconds: it yields between them, and returns what it made. */
export type Slices<T> = Generator<void, T, void>;

/** Steps of the size of a JSON token that make a slice; about a millisecond. */
export const STEPS_PER_SLICE = 4_000;

/** Does the work, and lets everything else that waits have its turn between the slices. */
export async function inSlices<T>(work: Slices<T>): Promise<T> {
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
    await nextTurn();
  }
}

/** Does the work in one go. */
export function atOnce<T>(work: Slices<T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
  }
}
