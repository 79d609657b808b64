// Loaded into every process before its own code (`node --expose-gc --import`): at SIGUSR2 it collects the garbage and writes down what is left.
import { renameSync, writeFileSync } from "node:fs";
import { heapFileOf, heapProbeVariable } from "./heap.js";

const directory = process.env[heapProbeVariable];
const collect = (globalThis as { gc?: () => void }).gc;

process.on("SIGUSR2", () => {
  if (directory === undefined || collect === undefined) return;
  // What finalizers let go of in the first pass is gone after the second.
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const file = heapFileOf(directory, process.pid);
  writeFileSync(`${file}.part`, JSON.stringify({ heldBytes: heapUsed + external, residentBytes: rss }));
  renameSync(`${file}.part`, file);
});
