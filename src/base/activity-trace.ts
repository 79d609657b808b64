import { type DurationParts, durationParts } from "./timestamp.js";
import { UserError } from "./user-error.js";

/** From `offset` on this much is in use: MHz and MB. */
export interface TraceSample {
  offset: DurationParts;
  cpuMhz: number;
  memoryMb: number;
}

/** What a trace may hold, by the contract. */
const MAX_SAMPLES = 10_000;
const MOST = 2_147_483_647;

/**
 * Reads a trace: lines of `seconds,MHz,MB` in order of time. A first line of words is a heading; empty lines and those that begin with # are
 * passed over. Throws a UserError (usage) that names file and line.
 *
 * Worked example: `seconds,cpu_mhz,memory_mb\n0,500,1024\n3600,4000,8192\n` is 500 MHz for an hour, then 4,000.
 *
 * @param file what it is to the user
 */
export function readTrace(text: string, file: string): TraceSample[] {
  const samples: TraceSample[] = [];
  let before = -1;
  let mayBeHeading = true;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const refuse = (why: string): UserError => new UserError("usage", `trace ${file}, line ${index + 1}: ${why}`, "write lines of seconds,MHz,MB in order of time");
    const figures = line.split(",").map((cell) => cell.trim());
    const heading = mayBeHeading && figures.every((cell) => /^[A-Za-z]/.test(cell));
    mayBeHeading = false;
    if (heading) continue;
    const [seconds = Number.NaN, cpuMhz = Number.NaN, memoryMb = Number.NaN] = figures.map((cell) => (/^\d+(\.\d+)?$/.test(cell) ? Number(cell) : Number.NaN));
    if (figures.length !== 3 || [seconds, cpuMhz, memoryMb].some((each) => Number.isNaN(each) || each > MOST)) throw refuse(`"${line}" is not seconds,MHz,MB`);
    if (seconds <= before) throw refuse(`${seconds} s does not come after ${before} s`);
    if (samples.length === MAX_SAMPLES) throw refuse(`a trace has at most ${MAX_SAMPLES} samples`);
    before = seconds;
    samples.push({ offset: durationParts(seconds), cpuMhz: Math.round(cpuMhz), memoryMb: Math.round(memoryMb) });
  }
  if (samples.length === 0) throw new UserError("usage", `trace ${file}: no sample is in it`, "write lines of seconds,MHz,MB in order of time");
  return samples;
}
