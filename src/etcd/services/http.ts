import type { TLSSocket } from "node:tls";
import { answer, PLAIN_TEXT } from "../../rpc/http-answer.js";
import type { HttpHandler } from "../../rpc/listener.js";
import { healthPaths } from "./health-checks.js";
import { CLUSTER_VERSION, ETCD_VERSION } from "../member/etcd-version.js";
import type { EtcdMetrics } from "./metrics.js";
import type { Room } from "./room.js";

/** Whom a browser may send here, and by which names this server is known (etcd --cors, --host-whitelist); empty or `*` means all. */
export interface HttpAccess {
  readonly corsOrigins: readonly string[];
  readonly hostWhitelist: readonly string[];
}

/** What etcd answers over HTTP besides the JSON gateway and `/metrics`: `/version`, `/health`, `/livez`, `/readyz`. */
export function httpPaths(room: Room, metrics: EtcdMetrics): HttpHandler {
  const health = healthPaths(room, metrics);
  return (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const handler = path === "/version" ? answerVersion : health(path);
    if (handler === undefined) answer(response, 404, PLAIN_TEXT, path.startsWith("/v3/") ? "Not Found\n" : "404 page not found\n");
    else if (request.method !== "GET") answer(response, 405, { Allow: "GET", ...PLAIN_TEXT }, "Method Not Allowed\n");
    else handler(request, response);
  };
}

const VERSION = JSON.stringify({ etcdserver: ETCD_VERSION, etcdcluster: CLUSTER_VERSION });

const answerVersion: HttpHandler = (_request, response) => answer(response, 200, { "Content-Type": "application/json" }, VERSION);

/** What stands before every HTTP answer of etcd: the old name of the gateway, the guard against DNS rebinding, the rights of browsers. */
export function accessControl({ corsOrigins, hostWhitelist }: HttpAccess): (inner: HttpHandler) => HttpHandler {
  const anyOrigin = allowsAll(corsOrigins);
  const anyHost = allowsAll(hostWhitelist);
  return (inner) => (request, response) => {
    if (request.url?.startsWith("/v3beta/") === true) request.url = request.url.replace("/v3beta/", "/v3/");
    // HTTP/2 has the name in another header.
    const named = request.headers.host ?? request.headers[":authority"];
    const host = (typeof named === "string" ? named : "").replace(/:\d+$/, "");
    const secure = (request.socket as Partial<TLSSocket>).encrypted ?? false;
    if (!anyHost && !secure && !hostWhitelist.includes(host)) {
      answer(response, 421, PLAIN_TEXT, `${unknownHost(host)}\n`);
      return;
    }
    const origin = anyOrigin ? "*" : request.headers.origin;
    if (origin !== undefined && (anyOrigin || corsOrigins.includes(origin))) {
      response.setHeader("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE");
      response.setHeader("Access-Control-Allow-Origin", origin);
      response.setHeader("Access-Control-Allow-Headers", "accept, content-type, authorization");
    }
    if (request.method === "OPTIONS") answer(response, 200, {}, "");
    else inner(request, response);
  };
}

function allowsAll(names: readonly string[]): boolean {
  return names.length === 0 || names.includes("*");
}

function unknownHost(host: string): string {
  return `etcd does not know itself by the host name "${host}"; use TLS, or add the name: --host-whitelist "${host}" (this keeps out "DNS rebinding", CVE-2018-5702)`;
}
