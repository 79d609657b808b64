/**
 * Node's options for a process of the emulator and its worker threads: they lower what a burst of calls costs beside its own work, the first after a start most of all.
 *
 * - The young generation has room for what lives as long as a call, from the beginning, so that less of it is copied: Node begins with 1 MB and goes
 *   up to 16, and 200 pods fill them many times a second.
 * - One thread copies it, where several would wait for a core.
 * - The old generation may triple before it is collected: much of a small one is buffers that come and go.
 * - A function is optimized after three times as many calls as usual: where all cores are busy, optimizing would take a third of the first burst.
 * - Node does not make the two accessors that warn of their deprecation for each HTTP/2 request.
 */
export function nodeOptions(nodeVersion: string): readonly string[] {
  // V8 counted bytecode in Node 20 and counts calls since; each is three times its default.
  const optimizing = Number.parseInt(nodeVersion, 10) < 22 ? "--interrupt-budget=202752" : "--invocation-count-for-turbofan=9000";
  return ["--min-semi-space-size=16", "--max-semi-space-size=32", "--no-parallel-scavenge", "--heap-growing-percent=200", optimizing, "--no-deprecation"];
}
