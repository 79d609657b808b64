import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectDirectory } from "../../../src/base/project-files.js";

/** Release of etcd whose `benchmark` tool puts on the load; fetched as a Go module when it is first needed. */
const ETCD_MODULES = "v3.5.16";
const run = promisify(execFile);

/** What one run of etcd's benchmark tool says. */
export interface LoadResult {
  readonly perSecond: number;
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Builds etcd's benchmark tool with Go, once; returns its path. Throws where Go or its modules are missing. */
export function buildBenchmarkTool(onProgress: (line: string) => void): string {
  const directory = join(projectDirectory, "node_modules", ".cache", "spheresim", `etcd-benchmark-${ETCD_MODULES}`);
  const tool = join(directory, "benchmark");
  if (existsSync(tool)) return tool;
  onProgress(`building etcd's benchmark ${ETCD_MODULES} with Go (once)`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "go.mod"), "module bench\n\ngo 1.22\n");
  writeFileSync(join(directory, "tools.go"), '//go:build tools\n\npackage tools\n\nimport _ "go.etcd.io/etcd/v3/tools/benchmark"\n');
  const options = { cwd: directory, env: { ...process.env, GOFLAGS: "-mod=mod" }, stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"] };
  execFileSync("go", ["get", "-C", directory, `go.etcd.io/etcd/v3/tools/benchmark@${ETCD_MODULES}`], options);
  execFileSync("go", ["build", "-C", directory, "-o", tool, "go.etcd.io/etcd/v3/tools/benchmark"], options);
  return tool;
}

/** Runs the tool against a server. */
export async function load(tool: string, address: string, words: readonly string[]): Promise<LoadResult> {
  const { stdout } = await run(tool, ["--endpoints", address, "--precise", ...words], { maxBuffer: 64 * 1024 * 1024 });
  return readLoadResult(stdout);
}

/**
 * Reads the tool's summary. A tool that measures several things prints several; the last one is taken.
 *
 * Example: `Average: 0.0021 secs.`, `Requests/sec: 4711.5`, `50% in 0.0020 secs.`, `99% in 0.0061 secs.`
 */
export function readLoadResult(text: string): LoadResult {
  const last = (pattern: RegExp): number => {
    const found = [...text.matchAll(pattern)].at(-1)?.[1];
    if (found === undefined) throw new Error(`etcd's benchmark did not say ${pattern.source}:\n${text.slice(-2_000)}`);
    return Number(found);
  };
  return {
    perSecond: last(/Requests\/sec:\s+([\d.]+)/g),
    averageMs: last(/Average:\s+([\d.]+) secs/g) * 1_000,
    p50Ms: last(/\b50% in ([\d.]+) secs/g) * 1_000,
    p99Ms: last(/\b99% in ([\d.]+) secs/g) * 1_000,
  };
}
