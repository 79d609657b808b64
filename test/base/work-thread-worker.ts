// A worker thread of a test: it answers with what it was sent, and can be told to fail, to end or never to answer.
import { parentPort } from "node:worker_threads";

parentPort?.on("message", (task: { readonly say: string; readonly bytes?: Uint8Array }) => {
  if (task.say === "fail") throw new Error("it failed");
  if (task.say === "end") process.exit(3);
  // oxlint-disable-next-line require-post-message-target-origin -- a thread of Node has no origin
  if (task.say !== "hang") parentPort?.postMessage(`${task.say} ${task.bytes?.length ?? 0}`);
});
