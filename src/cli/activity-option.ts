import { readFileSync } from "node:fs";
import { activityForms, readActivity } from "../base/activity-text.js";
import { fileProblem, UserError } from "../base/user-error.js";
import { ActivityProfile } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { Duration } from "../gen/google/protobuf/duration.js";

/** The profile of an activity as a person writes it; undefined is idle. A trace's file is named from the working directory. */
export function activityProfile(text: string): ActivityProfile | undefined {
  const profile = readActivity(text, readTraceFile);
  return profile === undefined ? undefined : ActivityProfile.create({ profile });
}

function readTraceFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError("usage", `trace ${path}: ${fileProblem(error)}`, `write one of: ${activityForms}`);
  }
}

/**
 * A profile as a table shows it, close to how it is written; a trace by its number of samples.
 *
 * Worked example: a constant profile of 2,000 MHz and 4,096 MB is `constant:2000,4096`.
 */
export function activityText(activity: ActivityProfile | undefined): string {
  const profile = activity?.profile;
  switch (profile?.$case) {
    case "constant":
      return `constant:${profile.value.cpuMhz},${profile.value.memoryMb}`;
    case "dailyWave": {
      const { minCpuMhz, maxCpuMhz, minMemoryMb, maxMemoryMb, peakHour } = profile.value;
      return `wave:${minCpuMhz}-${maxCpuMhz},${minMemoryMb}-${maxMemoryMb}@${peakHour}`;
    }
    case "trace":
      return `trace of ${profile.value.samples.length} samples${profile.value.repeatEvery === undefined ? "" : `, repeat=${secondsText(profile.value.repeatEvery)}`}`;
    case "idleAfter":
      return `idle-after:${secondsText(profile.value.after)}:${profile.value.busy?.cpuMhz ?? 0},${profile.value.busy?.memoryMb ?? 0}`;
    case undefined:
      return "idle";
  }
}

function secondsText(duration: Duration | undefined): string {
  return `${Number(duration?.seconds ?? 0n) + (duration?.nanos ?? 0) / 1e9}s`;
}
