import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { TlsMaterial } from "../../rpc/tls.js";
import { nodeOf } from "../auth/authorizer.js";
import { forbidden, notFound, notImplemented, StatusError } from "../errors.js";
import type { ApiObject } from "../object.js";
import type { Exchange } from "./exchange.js";
import type { Room } from "./object-answer.js";
import type { Target } from "./path.js";

/** Connections to one kubelet; further requests wait for their turn. */
const MAX_CONNECTIONS = 8;
/** So long a kubelet may say nothing. */
const SILENCE_MS = 30_000;
/** Where a kubelet listens whose Node does not say. */
const USUAL_PORT = 10_250;
/** Which address of a Node is taken, as kubeadm sets kube-apiserver up. */
const ADDRESS_TYPES = ["InternalIP", "ExternalIP", "Hostname"];
/** Headers of the caller that a kubelet needs; who he is stays here. */
const FORWARDED = ["accept", "accept-encoding", "user-agent"];
const RETURNED = ["content-encoding", "content-length", "content-type", "location", "allow"];

/** The API server as a client of kubelets. */
export class KubeletClient {
  readonly #tls: TlsMaterial;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS });

  /** `tls`: its certificate as a client, and the authority that kubelets' certificates come from. */
  constructor(tls: TlsMaterial) {
    this.#tls = tls;
  }

  /** Asks the kubelet of a node; resolves with the head of its answer. */
  ask(node: ApiObject, call: { readonly method: string; readonly path: string; readonly headers: Record<string, string>; readonly signal: AbortSignal }): Promise<IncomingMessage> {
    const { caPem: ca, certPem: cert, keyPem: key } = this.#tls;
    const addresses = (node["status"]?.addresses ?? []) as readonly { readonly type: string; readonly address: string }[];
    const host = ADDRESS_TYPES.map((type) => addresses.find((each) => each.type === type)?.address).find((address) => address !== undefined);
    const port: number = node["status"]?.daemonEndpoints?.kubeletEndpoint?.Port ?? USUAL_PORT;
    return new Promise((resolve, reject) => {
      if (host === undefined) {
        reject(new Error(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(" ")}]`));
        return;
      }
      // Its certificate must be the node's own.
      const asked = httpsRequest({ ...call, host, port, servername: node.metadata.name, ca, cert, key, agent: this.#agent, timeout: SILENCE_MS }, resolve);
      asked.on("timeout", () => asked.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
      asked.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "ECONNREFUSED" ? new Error(`dial tcp ${host}:${port}: connect: connection refused`) : error));
      asked.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

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
  if (port !== "" && port !== String(node["status"]?.daemonEndpoints?.kubeletEndpoint?.Port ?? USUAL_PORT)) throw notImplemented(`nodes/proxy to port ${port}, which is not the kubelet's,`);
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
