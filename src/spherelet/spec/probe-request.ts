import { ExecAction, GrpcAction, Hook, HttpGetAction, Probe as ProbeRequest, TcpSocketAction } from "../../gen/spheresim/crx/v1/agent.js";
import type { Container, HttpGetAction as HttpGet, LifecycleHandler, Probe } from "../../kubernetes/container.js";
import { expand } from "./expansion.js";

/** What the agent is to try; undefined where the container has no such probe. Named ports become numbers where the container has them. */
export function probeRequestOf(container: Container, probe: Probe | undefined, podIp: string): ProbeRequest | undefined {
  if (probe === undefined) return undefined;
  return ProbeRequest.create({
    action: probeActionOf(container, probe, podIp),
    initialDelaySeconds: probe.initialDelaySeconds ?? 0,
    periodSeconds: probe.periodSeconds ?? 0,
    timeoutSeconds: probe.timeoutSeconds ?? 0,
    successThreshold: probe.successThreshold ?? 0,
    failureThreshold: probe.failureThreshold ?? 0,
    ...(probe.terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds: BigInt(probe.terminationGracePeriodSeconds) }),
  });
}

/** What the agent is to do after the start or before TERM. */
export function hookRequestOf(container: Container, handler: LifecycleHandler | undefined, podIp: string): Hook | undefined {
  if (handler === undefined) return undefined;
  if (handler.sleep !== undefined) return Hook.create({ action: { $case: "sleepSeconds", value: BigInt(handler.sleep.seconds) } });
  return Hook.create({ action: handlerActionOf(container, handler, podIp) });
}

function probeActionOf(container: Container, probe: Probe, podIp: string): ProbeRequest["action"] {
  if (probe.exec !== undefined) return { $case: "exec", value: ExecAction.create({ command: withGivenValues(container, probe.exec.command ?? []) }) };
  if (probe.grpc === undefined) return handlerActionOf(container, probe, podIp);
  return { $case: "grpc", value: GrpcAction.create({ host: podIp, port: probe.grpc.port, service: probe.grpc.service ?? "" }) };
}

/** The command of a probe knows the values that the spec itself gives to variables; one from elsewhere is empty. Commands of hooks know none. */
function withGivenValues({ env = [] }: Container, command: readonly string[]): string[] {
  const given = new Map(env.map(({ name, value = "" }) => [name, value]));
  return command.map((word) => expand(word, (name) => given.get(name)));
}

function handlerActionOf(container: Container, { exec, httpGet, tcpSocket }: LifecycleHandler, podIp: string) {
  if (exec !== undefined) return { $case: "exec" as const, value: ExecAction.create({ command: [...(exec.command ?? [])] }) };
  if (httpGet !== undefined) return { $case: "httpGet" as const, value: httpRequestOf(container, httpGet, podIp) };
  if (tcpSocket !== undefined) return { $case: "tcpSocket" as const, value: TcpSocketAction.create({ host: tcpSocket.host || podIp, port: portOf(container, tcpSocket.port) }) };
  return undefined;
}

function httpRequestOf(container: Container, { host, port, path = "/", scheme = "HTTP" }: HttpGet, podIp: string): HttpGetAction {
  return HttpGetAction.create({ host: host || podIp, port: portOf(container, port), path: path.startsWith("/") ? path : `/${path}`, scheme });
}

function portOf(container: Container, port: number | string): string {
  return String(container.ports?.find(({ name }) => name === port)?.containerPort ?? port);
}
