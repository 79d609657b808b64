import { durationSeconds } from "./duration-text.js";
import { readTrace, type TraceSample } from "./activity-trace.js";
import { type DurationParts, durationParts } from "./timestamp.js";
import { UserError } from "./user-error.js";

/** CPU in use, MHz, and memory in active use, MB. */
interface Use {
  cpuMhz: number;
  memoryMb: number;
}

/** A profile of use over time, shaped as `ActivityProfile.profile` of the contract. */
export type Activity =
  | { $case: "constant"; value: Use }
  | { $case: "dailyWave"; value: { minCpuMhz: number; maxCpuMhz: number; peakHour: number; minMemoryMb: number; maxMemoryMb: number } }
  | { $case: "trace"; value: { samples: TraceSample[]; repeatEvery: DurationParts | undefined } }
  | { $case: "idleAfter"; value: { busy: Use; after: DurationParts } };

/** The forms an activity is written in. */
export const activityForms = "constant:MHZ,MB | wave:MHZ-MHZ,MB-MB[@HOUR] | trace:FILE.csv[,repeat[=DURATION]] | idle-after:DURATION:MHZ,MB | idle";

const MOST = 2_147_483_647;
const LAST_HOUR = 23;
/** The hour of a wave that names none. */
const USUAL_PEAK_HOUR = 14;

/**
 * Reads the use of an ordinary VM as a person writes it; undefined is idle. Throws a UserError (usage).
 *
 * Worked example: `constant:2000,4096` uses 2,000 MHz and 4,096 MB at all times; `wave:200-3000,1024-4096@9` is highest at nine;
 * `idle-after:2h:2000,4096` falls idle after two hours; `trace:web.csv,repeat=1d` begins the samples of web.csv anew each day.
 *
 * @param readFile gives the text of a trace's file
 */
export function readActivity(text: string, readFile: (path: string) => string): Activity | undefined {
  if (text === "idle") return undefined;
  const [kind = "", rest = ""] = text.split(/:(.*)/s, 2);
  switch (kind) {
    case "constant":
      return { $case: "constant", value: use(rest, text) };
    case "wave":
      return { $case: "dailyWave", value: wave(rest, text) };
    case "trace":
      return trace(rest, text, readFile);
    case "idle-after": {
      const [, duration = "", busy = ""] = /^([^:]*):(.*)$/s.exec(rest) ?? [];
      const seconds = durationSeconds(duration);
      if (seconds === undefined || seconds <= 0) throw wrong(text, `"${duration}" is no duration, such as 90s, 15m or 2h`);
      return { $case: "idleAfter", value: { busy: use(busy, text), after: durationParts(seconds) } };
    }
    default:
      throw wrong(text, `"${kind}" is no kind of activity`);
  }
}

function use(part: string, text: string): Use {
  const [, cpu, memory] = /^(\d+),(\d+)$/.exec(part) ?? [];
  if (cpu === undefined || memory === undefined) throw wrong(text, `"${part}" is not MHZ,MB`);
  return { cpuMhz: amount(cpu, text), memoryMb: amount(memory, text) };
}

function wave(part: string, text: string): Extract<Activity, { $case: "dailyWave" }>["value"] {
  const match = /^(\d+)-(\d+),(\d+)-(\d+)(?:@(\d+))?$/.exec(part);
  if (match === null) throw wrong(text, `"${part}" is not MHZ-MHZ,MB-MB or MHZ-MHZ,MB-MB@HOUR`);
  const [minCpuMhz = 0, maxCpuMhz = 0, minMemoryMb = 0, maxMemoryMb = 0] = match.slice(1, 5).map((each) => amount(each, text));
  const peakHour = Number(match[5] ?? USUAL_PEAK_HOUR);
  if (minCpuMhz > maxCpuMhz || minMemoryMb > maxMemoryMb) throw wrong(text, "the lower figure of a wave comes first");
  if (peakHour > LAST_HOUR) throw wrong(text, `the hour of the peak is 0 to ${LAST_HOUR}, not ${peakHour}`);
  return { minCpuMhz, maxCpuMhz, peakHour, minMemoryMb, maxMemoryMb };
}

function trace(part: string, text: string, readFile: (path: string) => string): Activity {
  const [, file = "", repeat, every] = /^(.*?)(?:,(repeat)(?:=(.*))?)?$/s.exec(part) ?? [];
  if (file === "") throw wrong(text, "no file is named");
  const samples = readTrace(readFile(file), file);
  const lastSeconds = Number(samples.at(-1)?.offset.seconds ?? 0n);
  // A repeating trace holds its last sample for as long as the one before it.
  const usual = lastSeconds + Math.max(1, lastSeconds - Number(samples.at(-2)?.offset.seconds ?? 0n));
  const seconds = every === undefined ? usual : durationSeconds(every);
  if (seconds === undefined || seconds <= 0) throw wrong(text, `"${every}" is no duration, such as 15m, 2h or 1d`);
  if (seconds < lastSeconds) throw wrong(text, `it cannot repeat after ${seconds} s: its last sample is at ${lastSeconds} s`);
  return { $case: "trace", value: { samples, repeatEvery: repeat === undefined ? undefined : durationParts(seconds) } };
}

function amount(digits: string, text: string): number {
  const value = Number(digits);
  if (value > MOST) throw wrong(text, `${digits} is too large`);
  return value;
}

function wrong(text: string, why: string): UserError {
  return new UserError("usage", `activity "${text}": ${why}`, `write one of: ${activityForms}`);
}
