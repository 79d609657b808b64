import type { RunningEmulator } from "./running-emulator.js";
import { through } from "./through.js";

/** Resolves when the step of the pod was recorded, or a later one; the journal itself may be away for a moment. D1 to D6 are 101 to 106. */
export async function recorded(running: RunningEmulator, podUid: string, step: number): Promise<void> {
  await through(async () => {
    for await (const update of running.emulator.watchPlacements({ podUid, namespace: "", name: "", untilNow: false, resumeToken: "" })) {
      if ((update.step?.step ?? 0) >= step) return;
    }
    throw new Error("the watch of placements ended");
  });
}

/** The steps of the pod that the journal has now, in order. */
export async function stepsOf(running: RunningEmulator, podUid: string): Promise<readonly number[]> {
  const steps = new Set<number>();
  for await (const { step } of running.emulator.watchPlacements({ podUid, namespace: "", name: "", untilNow: true, resumeToken: "" })) {
    if (step !== undefined) steps.add(step.step);
  }
  return [...steps].toSorted((a, b) => a - b);
}
