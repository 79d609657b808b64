import { fromTimestamp, toTimestamp } from "../../base/timestamp.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import type { Duration } from "../../gen/google/protobuf/duration.js";
import type { ActivityProfile, ActivitySample, ConstantActivity, DailyWaveActivity, IdleAfterActivity, TraceActivity } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Amount } from "../drs/amount.js";
import { NOTHING } from "../drs/amount.js";
import { VimFault } from "../vim-fault.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_SAMPLES = 10_000;
/** The longest duration protobuf knows: 10,000 years. */
const MAX_DURATION_S = 315_576_000_000;

/**
 * What a VM with this profile uses at a moment of emulated time, milliseconds since 1970. No profile is idle.
 *
 * Worked examples. A wave of 200 to 1,000 MHz with its peak at 14: at 14:00 UTC 1,000, at 2:00 UTC 200, at 8:00 and 20:00 UTC 600. A trace
 * of (0 s: 100 MHz), (60 s: 900 MHz) that repeats every 120 s, started at noon: 12:00:59 100, 12:01:00 900, 12:01:59 900, 12:02:00 100.
 * Idle after 30 s: busy until 12:00:29.999, then nothing. Before its start a trace has its first sample, and what ends is busy.
 */
export function useAt(activity: ActivityProfile | undefined, nowMs: number): Amount {
  const { profile, startTime } = activity ?? {};
  const offsetMs = Math.max(0, nowMs - (startTime === undefined ? nowMs : fromTimestamp(startTime)));
  switch (profile?.$case) {
    case undefined:
      return NOTHING;
    case "constant":
      return amountOf(profile.value);
    case "dailyWave":
      return waveAt(profile.value, nowMs);
    case "trace":
      return traceAt(profile.value, offsetMs);
    case "idleAfter":
      return offsetMs < durationMs(profile.value.after) ? amountOf(profile.value.busy) : NOTHING;
  }
}

/** What a VM with this profile is expected to use when it runs: of a wave its top, whatever the time is; else what the profile says now, or begins with. */
export function expectedUse(activity: ActivityProfile | undefined, nowMs?: number): Amount {
  const profile = activity?.profile;
  if (profile?.$case === "dailyWave") return { cpuMhz: profile.value.maxCpuMhz, memoryMb: profile.value.maxMemoryMb };
  return nowMs === undefined ? useAt({ profile, startTime: undefined }, 0) : useAt(activity, nowMs);
}

/** The profile with a moment its offsets count from: `nowMs` where it names none. */
export function started(activity: ActivityProfile | undefined, nowMs: number): ActivityProfile | undefined {
  return activity === undefined || activity.startTime !== undefined ? activity : { ...activity, startTime: toTimestamp(nowMs) };
}

/**
 * Refuses an activity that no VM can have: negative figures, a minimum over its maximum, more active memory than `memoryMb`, the memory the VM
 * is configured with, samples out of order. How much CPU its virtual CPUs can use depends on the host (drs/demand.ts). `field` is the path
 * of the activity in the request.
 */
export function checkActivity(activity: ActivityProfile | undefined, memoryMb: number, field: string): void {
  if (activity === undefined) return;
  const { profile, startTime } = activity;
  if (startTime !== undefined && !isTimestamp(startTime)) throw VimFault.invalidArgument(`${field}.start_time`, "must lie in the years 1 to 9999");
  switch (profile?.$case) {
    case undefined:
      throw VimFault.invalidArgument(`${field}.profile`, "is required");
    case "constant":
      return checkUse(profile.value, memoryMb, `${field}.constant`);
    case "dailyWave":
      return checkWave(profile.value, memoryMb, `${field}.daily_wave`);
    case "trace":
      return checkTrace(profile.value, memoryMb, `${field}.trace`);
    case "idleAfter":
      return checkIdleAfter(profile.value, memoryMb, `${field}.idle_after`);
  }
}

function amountOf(use: ConstantActivity | ActivitySample | undefined): Amount {
  return use === undefined ? NOTHING : { cpuMhz: use.cpuMhz, memoryMb: use.memoryMb };
}

/** A sine whose top lies at the full hour of the peak, in whole MHz and MB. */
function waveAt({ minCpuMhz, maxCpuMhz, minMemoryMb, maxMemoryMb, peakHour }: DailyWaveActivity, nowMs: number): Amount {
  const height = (1 + Math.cos((2 * Math.PI * (nowMs - peakHour * HOUR_MS)) / DAY_MS)) / 2;
  return { cpuMhz: Math.round(minCpuMhz + (maxCpuMhz - minCpuMhz) * height), memoryMb: Math.round(minMemoryMb + (maxMemoryMb - minMemoryMb) * height) };
}

/** The last sample that began by then, found by halving. */
function traceAt({ samples, repeatEvery }: TraceActivity, sinceStartMs: number): Amount {
  const offsetMs = repeatEvery === undefined ? sinceStartMs : sinceStartMs % durationMs(repeatEvery);
  let [low, high] = [0, samples.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (durationMs(samples[middle]?.offset) <= offsetMs) low = middle;
    else high = middle - 1;
  }
  return amountOf(samples[low]);
}

function checkUse(use: ConstantActivity | ActivitySample, memoryMb: number, field: string): void {
  checkFigure(use.cpuMhz, `${field}.cpu_mhz`);
  checkMemory(use.memoryMb, memoryMb, `${field}.memory_mb`);
}

function checkWave(wave: DailyWaveActivity, memoryMb: number, field: string): void {
  checkFigure(wave.minCpuMhz, `${field}.min_cpu_mhz`);
  checkFigure(wave.maxCpuMhz, `${field}.max_cpu_mhz`);
  if (wave.minCpuMhz > wave.maxCpuMhz) throw VimFault.invalidArgument(`${field}.min_cpu_mhz`, `${wave.minCpuMhz} MHz is more than max_cpu_mhz, ${wave.maxCpuMhz} MHz`);
  if (wave.peakHour < 0 || wave.peakHour > 23) throw VimFault.invalidArgument(`${field}.peak_hour`, `must be 0 to 23, is ${wave.peakHour}`);
  checkMemory(wave.minMemoryMb, memoryMb, `${field}.min_memory_mb`);
  checkMemory(wave.maxMemoryMb, memoryMb, `${field}.max_memory_mb`);
  if (wave.minMemoryMb > wave.maxMemoryMb) throw VimFault.invalidArgument(`${field}.min_memory_mb`, `${wave.minMemoryMb} MB is more than max_memory_mb, ${wave.maxMemoryMb} MB`);
}

function checkTrace({ samples, repeatEvery }: TraceActivity, memoryMb: number, field: string): void {
  if (samples.length === 0) throw VimFault.invalidArgument(`${field}.samples`, "has no sample");
  if (samples.length > MAX_SAMPLES) throw VimFault.invalidArgument(`${field}.samples`, `has ${samples.length} samples, at most ${MAX_SAMPLES} are taken`);
  let beforeMs = -1;
  samples.forEach((sample, index) => {
    const path = `${field}.samples[${index}]`;
    const offsetMs = checkDuration(sample.offset, `${path}.offset`);
    if (offsetMs <= beforeMs) throw VimFault.invalidArgument(`${path}.offset`, "must be after the sample before it");
    beforeMs = offsetMs;
    checkUse(sample, memoryMb, path);
  });
  if (repeatEvery === undefined) return;
  const everyMs = checkDuration(repeatEvery, `${field}.repeat_every`);
  if (everyMs <= 0) throw VimFault.invalidArgument(`${field}.repeat_every`, "must be above 0");
  if (everyMs < beforeMs) throw VimFault.invalidArgument(`${field}.repeat_every`, `must not be before the last sample, at ${beforeMs / 1000} s, is ${everyMs / 1000} s`);
}

function checkIdleAfter({ busy, after }: IdleAfterActivity, memoryMb: number, field: string): void {
  if (busy === undefined) throw VimFault.invalidArgument(`${field}.busy`, "is required");
  checkUse(busy, memoryMb, `${field}.busy`);
  if (after === undefined) throw VimFault.invalidArgument(`${field}.after`, "is required");
  if (checkDuration(after, `${field}.after`) <= 0) throw VimFault.invalidArgument(`${field}.after`, "must be above 0");
}

function checkFigure(figure: number, field: string): void {
  if (figure < 0) throw VimFault.invalidArgument(field, `must not be negative, is ${figure}`);
}

function checkMemory(activeMb: number, memoryMb: number, field: string): void {
  checkFigure(activeMb, field);
  if (activeMb > memoryMb) throw VimFault.invalidArgument(field, `${activeMb} MB is more than the memory of ${memoryMb} MB`);
}

/** Milliseconds of a duration that is not negative; absent is 0. */
function checkDuration(duration: Duration | undefined, field: string): number {
  const { seconds = 0n, nanos = 0 } = duration ?? {};
  if (seconds < 0 || nanos < 0 || nanos > 999_999_999 || seconds > MAX_DURATION_S) throw VimFault.invalidArgument(field, "must be a duration that is not negative");
  return durationMs(duration);
}

/** Whether it is a moment that protobuf knows: years 1 to 9999. */
function isTimestamp({ seconds, nanos }: Timestamp): boolean {
  return seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos <= 999_999_999;
}

function durationMs(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
