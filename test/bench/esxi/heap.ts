import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { monotonicClock } from "../../../src/base/clock.js";

/** Where the probe writes; the processes of an emulator have it from their parent. */
export const heapProbeVariable = "HEAP_PROBE_DIRECTORY";

/** Memory of a process right after its garbage was collected. */
export interface HeapUse {
  /** JavaScript's heap and what hangs on it outside: buffers. */
  readonly heldBytes: number;
  readonly residentBytes: number;
}

const limitMs = 20_000;
const pollMs = 20;

/** The file a process answers in. */
export function heapFileOf(directory: string, pid: number): string {
  return join(directory, `${pid}.json`);
}

/** Node's options that load the probe. */
export function heapProbeOptions(): string[] {
  return ["--expose-gc", "--import", new URL("./heap-probe.js", import.meta.url).href];
}

/** Has a process with the probe collect its garbage, and tells what is left. */
export async function heapUse(directory: string, pid: number): Promise<HeapUse> {
  const clock = monotonicClock();
  const file = heapFileOf(directory, pid);
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  const untilMs = clock.nowMs() + limitMs;
  while (!existsSync(file)) {
    if (clock.nowMs() > untilMs) throw new Error(`process ${pid} did not tell its heap within ${limitMs / 1000} s`);
    await clock.sleep(pollMs);
  }
  return JSON.parse(readFileSync(file, "utf8")) as HeapUse;
}
