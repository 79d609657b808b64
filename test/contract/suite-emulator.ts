import { deferred } from "../../src/base/deferred.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";

/** An emulator in processes of its own that serves a whole suite. */
export interface SuiteEmulator extends RunningEmulator {
  stop(): Promise<void>;
}

/** `withEmulator` in two halves, for `before` and `after`. */
export async function startEmulator(flags: readonly string[]): Promise<SuiteEmulator> {
  const started = deferred<RunningEmulator>();
  const over = deferred<void>();
  const ended = withEmulator(flags, async (running) => {
    started.resolve(running);
    await over.promise;
  });
  ended.catch((error: unknown) => started.reject(error as Error));
  const running = await started.promise;
  return {
    ...running,
    stop: () => {
      over.resolve();
      return ended;
    },
  };
}
