import type { Clock } from "../../base/clock.js";
import type { Hook } from "../../gen/spheresim/crx/v1/agent.js";
import type { AskedContainer } from "../runtime/container-runtime.js";

/** Says something for a Kubernetes Event. */
type TellOfHook = (reason: string, message: string, warning: boolean) => void;

/** Runs a hook to its end: whether it did its work. `signal` aborts when nobody waits any more. */
export async function runHook(process: AskedContainer, hook: Hook, clock: Clock, signal: AbortSignal, tell: TellOfHook): Promise<boolean> {
  const { action } = hook;
  switch (action?.$case) {
    case "exec":
      return (await process.exec({ command: action.value.command, asker: "hook", signal })).exitCode === 0;
    case "httpGet": {
      const { host, port, path, scheme } = action.value;
      if (!/^\d+$/.test(port)) return false;
      const request = { port: Number(port), path, asker: "hook", signal } as const;
      const answer = await process.connect({ ...request, protocol: scheme === "HTTPS" ? "https" : "http" });
      // Whoever answers has been told, whatever the status.
      if (answer.kind !== "plain") return answer.kind === "http";
      const again = await process.connect({ ...request, protocol: "http" });
      if (again.kind === "http") tell("LifecycleHTTPFallback", `request to HTTPS lifecycle hook ${host}:${port} got HTTP response, retry with HTTP succeeded`, true);
      return again.kind === "http";
    }
    case "sleepSeconds":
      await clock.sleep(Number(action.value) * 1000, signal);
      return true;
    case "tcpSocket":
    case undefined:
      return false;
  }
}
