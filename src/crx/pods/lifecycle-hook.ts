import type { Clock } from "../../base/clock.js";
import type { Hook } from "../../gen/spheresim/crx/v1/agent.js";
import type { AskedContainer } from "../runtime/container-runtime.js";

/** Runs a hook to its end: whether it did its work. `signal` aborts when nobody waits any more. */
export async function runHook(process: AskedContainer, hook: Hook, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const { action } = hook;
  switch (action?.$case) {
    case "exec":
      return (await process.exec({ command: action.value.command, asker: "hook", signal })).exitCode === 0;
    case "httpGet": {
      const { port, path } = action.value;
      if (!/^\d+$/.test(port)) return false;
      // Whoever answers has been told, whatever the status.
      return (await process.connect({ protocol: "http", port: Number(port), path, asker: "hook", signal })).kind === "http";
    }
    case "sleepSeconds":
      await clock.sleep(Number(action.value) * 1000, signal);
      return true;
    case "tcpSocket":
    case undefined:
      return false;
  }
}
