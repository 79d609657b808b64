import type { HttpGetAction, Probe } from "../../gen/spheresim/crx/v1/agent.js";
import { goDuration } from "../../base/go-duration.js";
import type { AskedContainer, Asker, NetworkAnswer, NetworkRequest } from "../runtime/container-runtime.js";

/** How one try went. `output` is what the event says of a failure. */
export interface Verdict {
  readonly outcome: "success" | "failure" | "error";
  readonly output: string;
}

/** A try that can be waited for no longer than its probe's time-out. */
export interface Try {
  readonly answer: Promise<Verdict>;
  /** What to say when the time is up. */
  readonly timedOut: Verdict;
}

const success: Verdict = { outcome: "success", output: "" };
const failure = (output: string): Verdict => ({ outcome: "failure", output });
const error = (output: string): Verdict => ({ outcome: "error", output });

/** Begins one try of a probe, in the words of a kubelet's probers. `signal` aborts when nobody waits any more. */
export function tryProbe(process: AskedContainer, action: Probe["action"], asker: Asker, timeoutMs: number, signal: AbortSignal): Try {
  switch (action?.$case) {
    case "exec": {
      const { command } = action.value;
      const answer = process.exec({ command, asker, signal }).then(({ exitCode, output }) => (exitCode === 0 ? success : failure(output)));
      return { answer, timedOut: failure(`command timed out: ${JSON.stringify(command.join(" "))} timed out after ${goDuration(timeoutMs)}`) };
    }
    case "httpGet":
      return httpTry(process, action.value, asker, signal);
    case "tcpSocket": {
      const { host, port } = action.value;
      return onPort(process, port, { protocol: "tcp", path: "", asker, signal }, failure(`dial tcp ${host}:${port}: i/o timeout`), ({ kind }) =>
        kind === "refused" ? failure(`dial tcp ${host}:${port}: connect: connection refused`) : success,
      );
    }
    case "grpc": {
      const { host, port, service } = action.value;
      const unreachable = failure(`timeout: failed to connect service "${host}:${port}" within ${goDuration(timeoutMs)}: context deadline exceeded`);
      return onPort(process, String(port), { protocol: "grpc", path: service, asker, signal }, unreachable, (answer) => {
        if (answer.kind !== "grpc") return unreachable;
        if (answer.status === "SERVING") return success;
        if (answer.status === "NOT_SERVING") return failure(`service unhealthy (responded with "NOT_SERVING")`);
        return failure("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): rpc error: code = Unimplemented desc = unknown service grpc.health.v1.Health");
      });
    }
    case undefined:
      return { answer: Promise.resolve(error("missing probe handler for container")), timedOut: success };
  }
}

function httpTry(process: AskedContainer, { host, port, path, scheme }: HttpGetAction, asker: Asker, signal: AbortSignal): Try {
  const get = `Get "${scheme.toLowerCase()}://${host}:${port}${path}"`;
  return onPort(process, port, { protocol: scheme === "HTTPS" ? "https" : "http", path, asker, signal }, failure(`${get}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`), (answer) => {
    if (answer.kind === "refused") return failure(`${get}: dial tcp ${host}:${port}: connect: connection refused`);
    if (answer.kind === "plain") return failure(`${get}: http: server gave HTTP response to HTTPS client`);
    if (answer.kind !== "http") return failure(`${get}: EOF`);
    return answer.status >= 200 && answer.status < 400 ? success : failure(`HTTP probe failed with statuscode: ${answer.status}`);
  });
}

/** A port that is a name is one that no port of the container has; a kubelet then complains about the number it is not. */
function onPort(process: AskedContainer, port: string, request: Omit<NetworkRequest, "port">, timedOut: Verdict, read: (answer: NetworkAnswer) => Verdict): Try {
  if (!/^\d+$/.test(port)) return { answer: Promise.resolve(error(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`)), timedOut };
  return { answer: process.connect({ ...request, port: Number(port) }).then(read), timedOut };
}
