import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A part of a process's time. */
export interface Cause {
  readonly name: string;
  /** Time in it and not in what it called. */
  readonly selfMs: number;
  /** Share of the time the process was busy. */
  readonly share: number;
}

/** Where one process spent its time. */
export interface ProfileSummary {
  readonly process: string;
  readonly busyMs: number;
  /** By part: a room or folder of src, a package, a module of Node. */
  readonly parts: readonly Cause[];
  /** By function, with file and line. */
  readonly functions: readonly Cause[];
}

/** The format of V8's .cpuprofile, as far as it is read here. */
interface CpuProfile {
  readonly nodes: ReadonlyArray<{ readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }>;
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** What makes a Node process write a profile into a directory when it ends. */
export function profilingOptions(directory: string): string[] {
  return ["--cpu-prof", `--cpu-prof-dir=${directory}`, "--cpu-prof-interval=500"];
}

/** Reads the profiles of these processes (name by pid; undefined for all) and names the first causes of each. */
export function summarizeProfiles(directory: string, processes: ReadonlyMap<number, string> | undefined, top: number): ProfileSummary[] {
  // The name is CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile.
  const files = readdirSync(directory).filter((file) => file.endsWith(".cpuprofile"));
  return files.flatMap((file) => {
    const name = processes === undefined ? file : processes.get(Number(file.split(".")[3]));
    return name === undefined ? [] : [summarize(name, JSON.parse(readFileSync(join(directory, file), "utf8")) as CpuProfile, top)];
  });
}

/**
 * Sums the self time of every function and part.
 *
 * Worked example: samples a, b, a with 0, 2 and 3 µs before them: each sample lasts until the next, so a has 2 µs and b has 3 µs.
 */
export function summarize(process: string, profile: CpuProfile, top: number): ProfileSummary {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const parts = new Map<string, number>();
  let busyMs = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const ms = (profile.timeDeltas[index + 1] ?? 0) / 1000;
    if (frame === undefined || frame.functionName === "(idle)") continue;
    busyMs += ms;
    const file = fileOf(frame.url);
    add(functions, file === "" ? frame.functionName : `${frame.functionName || "(anonymous)"} ${file}:${frame.lineNumber + 1}`, ms);
    add(parts, partOf(file) || frame.functionName, ms);
  }
  const largest = (times: ReadonlyMap<string, number>): Cause[] =>
    [...times].sort((a, b) => b[1] - a[1]).slice(0, top).map(([name, selfMs]) => ({ name, selfMs: Math.round(selfMs), share: selfMs / busyMs }));
  return { process, busyMs: Math.round(busyMs), parts: largest(parts), functions: largest(functions) };
}

function add(times: Map<string, number>, key: string, ms: number): void {
  times.set(key, (times.get(key) ?? 0) + ms);
}

/** A short name of a script: `src/apiserver/registry.js`, `node_modules/@grpc/grpc-js/build/src/call.js`, `node:http2`. */
function fileOf(url: string): string {
  return url.replace(/^.*\/(node_modules\/)/, "$1").replace(/^.*\/dist\/(src|test)\//, "$1/");
}

/** `src/apiserver`, `node_modules/@grpc/grpc-js`, `node:internal/http2`. */
function partOf(file: string): string {
  const words = file.split("/");
  if (words[0] !== "node_modules") return words.slice(0, 2).join("/");
  return words.slice(0, words[1]?.startsWith("@") ? 3 : 2).join("/");
}
