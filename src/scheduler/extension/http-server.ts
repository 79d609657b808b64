import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../../base/log.js";
import { BadExtenderBody, readBindingArgs, readExtenderArgs } from "./extender-json.js";
import type { ExtenderVerbs } from "./extender-verbs.js";

/** 5,000 whole nodes in one body are about 60 MB. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;
const MAX_CONNECTIONS = 256;

/** The extender's HTTP server. */
export interface ExtenderServer {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves kube-scheduler's extender v1 over HTTP: `POST <urlPrefix>/filter`, `/prioritize`, `/bind`, whatever the prefix.
 *
 * A scheduler configuration that uses it: `extenders: [{urlPrefix: "http://127.0.0.1:7435", filterVerb: filter, bindVerb: bind,
 * nodeCacheCapable: true, weight: 1}]`.
 */
export async function startExtenderServer(options: { readonly host: string; readonly port: number; readonly verbs: ExtenderVerbs; readonly log: Logger }): Promise<ExtenderServer> {
  const { host, port, verbs, log } = options;
  const server = createServer((request, response) => {
    answer(request, verbs).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        if (error instanceof BadExtenderBody) return send(response, 400, { Error: error.message });
        log.warn({ err: error, path: request.url }, "an extender call failed");
        return send(response, 500, { Error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, verbs: ExtenderVerbs): Promise<{ readonly status: number; readonly body: unknown }> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const verb = path.slice(path.lastIndexOf("/") + 1);
  if (request.method === "GET" && (verb === "healthz" || verb === "readyz")) return { status: 200, body: "ok" };
  if (verb !== "filter" && verb !== "prioritize" && verb !== "bind") return { status: 404, body: { Error: `no verb ${path}; there are filter, prioritize and bind` } };
  if (request.method !== "POST") return { status: 405, body: { Error: `${verb} takes POST` } };
  const body = await readJson(request);
  if (verb === "filter") return { status: 200, body: await verbs.filter(readExtenderArgs(body)) };
  if (verb === "prioritize") return { status: 200, body: await verbs.prioritize(readExtenderArgs(body)) };
  return { status: 200, body: await verbs.bind(readBindingArgs(body)) };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new BadExtenderBody(`the body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new BadExtenderBody("the body is no JSON");
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
