// A worker thread that does nothing but passes of DRS, which take many milliseconds on a large cluster.
import { parentPort } from "node:worker_threads";
import { buffersOf } from "../entitlement/buffers.js";
import { drsPass } from "./drs-pass.js";
import type { PassInput } from "./pass-input.js";

const port = parentPort;
if (port === null) throw new Error("pass-worker runs as a worker thread only");
// It ends the thread, which fails the pass; unheard, the pass would wait for its time limit.
port.on("messageerror", (error) => {
  throw error;
});
port.on("message", (input: PassInput) => {
  const result = drsPass(input);
  port.postMessage(result, buffersOf(result));
});
