import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { sendText } from "./kubelet-answer.js";
import { callerOf, forbiddenText } from "./kubelet-caller.js";
import { type KubeletFacts, routeOf } from "./kubelet-handlers.js";

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
  readonly facts: KubeletFacts;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** The kubelet API of one Node. */
export interface KubeletApi {
  readonly port: number;
  close(): Promise<void>;
}

/** Limits of one listener. Bodies are not read: no request here has one that means anything. */
const MAX_CONNECTIONS = 64;
const HEADERS_TIMEOUT_MS = 10_000;
/** So long a connection may stand still: unused, or with an answer that nobody takes. */
const STALL_MS = 60_000;
/** So long a client may take to read the answer that came before it had said all. */
const LINGER_MS = 500;

/** Opens the kubelet API of a node: `401` for who shows no certificate of the cluster's authority, `403` for who may not ask. */
export async function openKubeletApi(options: KubeletApiOptions): Promise<KubeletApi> {
  const { certificates, log } = options;
  const server = createServer(
    {
      ca: certificates.caPem,
      cert: certificates.certPem,
      key: certificates.keyPem,
      requestCert: true,
      // A stranger gets an HTTP answer that says so, not a broken handshake.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: STALL_MS,
      keepAliveTimeout: STALL_MS,
    },
    (request, response) => {
      response.on("error", (error: Error) => log.debug({ err: error }, "an answer of the kubelet API broke"));
      cutUnfinished(options, request, response);
      answer(options, request, response).catch((error: unknown) => {
        log.error({ err: error, path: request.url }, "a request of the kubelet API failed");
        if (response.headersSent) response.destroy();
        else sendText(response, 500, "Internal Error");
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(STALL_MS);
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

function listen(server: Server, { host, port }: KubeletApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Ends the connection of a request that was answered before it was over: the rest of its body might never end. */
function cutUnfinished({ monotonic }: KubeletApiOptions, request: IncomingMessage, response: ServerResponse): void {
  response.once("finish", () => {
    if (request.complete) return;
    const { socket } = request;
    const limit = monotonic.timer(LINGER_MS, () => {
      if (!request.complete) socket.destroy();
    });
    socket.once("close", () => limit.cancel());
  });
}

async function answer({ facts }: KubeletApiOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const [path = "/", query = ""] = url.split(/\?(.*)/s, 2);
  const route = routeOf(path);
  if (route === undefined) return sendText(response, 404, "404 page not found\n");
  const caller = callerOf(request.socket as TLSSocket);
  if (caller === undefined) return sendText(response, 401, "Unauthorized");
  const forbidden = forbiddenText(caller, method, path);
  if (forbidden !== undefined) return sendText(response, 403, forbidden);
  if (route.methods?.includes(method) === false) return sendText(response, 405, "405: Method Not Allowed", { allow: route.methods.join(", ") });
  await route.answer({ response, query: new URLSearchParams(query), facts });
}
