import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { nodeOf } from "../auth/authorizer.js";
import { forbidden, notFound, notImplemented, StatusError } from "../errors.js";
import type { Exchange } from "./exchange.js";
import { kubeletPort } from "./kubelet-client.js";
import type { Room } from "./object-answer.js";
import type { Target } from "./path.js";

/** Headers of the caller that a kubelet needs; who he is stays here. */
const FORWARDED = ["accept", "accept-encoding", "user-agent"];
const RETURNED = ["content-encoding", "content-length", "content-type", "location", "allow"];

/**
 * `nodes/NAME/proxy/PATH`: the kubelet's answer, byte for byte. Reading alone; a node's agent may not, as with Kubernetes' own roles.
 *
 * Worked example: `GET /api/v1/nodes/esxi-01/proxy/stats/summary?only_cpu_and_memory=true` asks the kubelet of esxi-01 for
 * `/stats/summary?only_cpu_and_memory=true`, as the API server's own user.
 */
export async function serveNodeProxy(exchange: Exchange, room: Room, { kind, name }: Target): Promise<void> {
  const { method, response, caller } = exchange;
  if (room.kubelets === undefined) throw notImplemented("nodes/proxy without kubelets");
  if (method !== "GET" && method !== "HEAD") throw notImplemented(`nodes/proxy with ${method}`);
  if (nodeOf(caller) !== undefined) throw forbidden(kind, name, `User ${JSON.stringify(caller.name)} cannot get resource "nodes/proxy" in API group "" at the cluster scope`);
  const [nodeName, port] = schemeNamePort(name);
  const node = room.registry.cached(kind, "", nodeName)?.object;
  if (node === undefined) throw notFound(kind, nodeName);
  if (port !== "" && port !== String(kubeletPort(node))) throw notImplemented(`nodes/proxy to port ${port}, which is not the kubelet's,`);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const headers = Object.fromEntries(FORWARDED.map((header) => [header, exchange.header(header)] as const).filter((row): row is [string, string] => row[1] !== undefined));
  let answer: IncomingMessage;
  try {
    answer = await room.kubelets.ask(node, { method, path: pathOf(exchange), headers, signal: gone.signal });
  } catch (error) {
    throw new StatusError(503, "ServiceUnavailable", `error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
  }
  await passOn(answer, response, exchange);
}

async function passOn(answer: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
  const returned = RETURNED.flatMap((header): [string, string][] => {
    const value = answer.headers[header];
    return typeof value === "string" ? [[header, value]] : [];
  });
  response.writeHead(answer.statusCode ?? 502, { ...exchange.headers("application/octet-stream"), ...Object.fromEntries(returned) } as Record<string, string>);
  try {
    await pipeline(answer, response);
  } catch {
    // The caller went, or the kubelet did: an answer that has begun can only be cut.
    response.destroy();
  }
}

/** `name`, `name:port` or `scheme:name:port`; a kubelet speaks HTTPS, whatever the scheme. */
function schemeNamePort(text: string): readonly [name: string, port: string] {
  const parts = text.split(":");
  if (parts.length === 1) return [text, ""];
  return parts.length === 2 ? [parts[0] ?? "", parts[1] ?? ""] : [parts[1] ?? "", parts[2] ?? ""];
}

/** What follows `/api/v1/nodes/NAME/proxy`, as the caller wrote it. */
function pathOf({ path, query }: Exchange): string {
  const rest = `/${path.split("/").slice(6).join("/")}`;
  const search = query.toString();
  return search === "" ? rest : `${rest}?${search}`;
}
