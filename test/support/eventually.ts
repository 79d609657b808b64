import { setImmediate as nextTurn } from "node:timers/promises";
import { monotonicClock } from "../../src/base/clock.js";

/** Only what fails waits for it: on a busy machine what takes milliseconds may take seconds. */
const LIMIT_MS = 60_000;

/** Gives way to the event loop until `check` no longer throws or answers false; fails with its last word after 60 s. */
export async function eventually<T>(what: string, check: () => T | Promise<T>): Promise<Exclude<T, false | undefined>> {
  const clock = monotonicClock();
  const endMs = clock.nowMs() + LIMIT_MS;
  for (;;) {
    let last: unknown;
    try {
      const result = await check();
      if (result !== false && result !== undefined) return result as Exclude<T, false | undefined>;
    } catch (error) {
      last = error;
    }
    if (clock.nowMs() > endMs) throw new Error(`never: ${what}`, { cause: last });
    await nextTurn();
  }
}

/** Lets everything that is ready happen a few times over; for showing that something does not. */
export async function settled(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}
