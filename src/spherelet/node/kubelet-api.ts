import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Pod } from "../../kubernetes/pod.js";

/** PEM texts of a kubelet API: its own certificate and the authority of those who may ask. */
export interface KubeletCertificates {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface KubeletApiOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly certificates: KubeletCertificates;
  /** The pods of the node. */
  readonly pods: () => readonly Pod[];
}

/** The kubelet API of one Node. */
export interface KubeletApi {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const HEADERS_TIMEOUT_MS = 10_000;

/** Paths of a kubelet (kubernetes.md 5.1) that answer nothing here yet. */
const knownPaths = [
  "/runningpods",
  "/containerLogs",
  "/exec",
  "/attach",
  "/run",
  "/portForward",
  "/stats",
  "/metrics",
  "/configz",
  "/logs",
  "/checkpoint",
  "/debug",
  "/statusz",
  "/flagz",
];

/** Opens the kubelet API of a node. Who has no certificate of the cluster's authority gets no connection. */
export async function openKubeletApi(options: KubeletApiOptions): Promise<KubeletApi> {
  const { certificates } = options;
  const server = createServer(
    {
      ca: certificates.caPem,
      cert: certificates.certPem,
      key: certificates.keyPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      headersTimeout: HEADERS_TIMEOUT_MS,
    },
    (request, response) => answer(options, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // A failed handshake is the client's to report.
  server.on("tlsClientError", () => undefined);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Items of a list carry no type of their own. */
function asListItem(pod: Pod): Omit<Pod, "apiVersion" | "kind"> {
  const { apiVersion: _, kind: __, ...item } = pod;
  return item;
}

function listen(server: Server, { host, port }: KubeletApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answer(options: KubeletApiOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const send = (code: number, type: string, body: string): void => {
    response.writeHead(code, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  if (path === "/healthz" || path.startsWith("/healthz/")) return send(200, "text/plain; charset=utf-8", "ok");
  if (path === "/pods" || path === "/pods/") {
    if (request.method !== "GET" && request.method !== "HEAD") return send(405, "text/plain; charset=utf-8", "405: Method Not Allowed");
    const items = options.pods().map(asListItem);
    return send(200, "application/json", JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: {}, items }));
  }
  if (knownPaths.some((known) => path === known || path.startsWith(`${known}/`))) return send(501, "text/plain; charset=utf-8", `${path} of the kubelet API is not implemented by spheresim`);
  send(404, "text/plain; charset=utf-8", "404 page not found");
}
