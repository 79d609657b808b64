import { monotonicClock } from "../../src/base/clock.js";

const LIMIT_MS = 120_000;
const AGAIN_MS = 50;

/** Tries again what fails while a part of the emulator is away; the last failure counts after 2 minutes. */
export async function through<T>(attempt: () => Promise<T>): Promise<T> {
  const clock = monotonicClock();
  const endMs = clock.nowMs() + LIMIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (clock.nowMs() >= endMs) throw error;
      await clock.sleep(AGAIN_MS);
    }
  }
}
