import type { IncomingMessage, ServerResponse } from "node:http";
import { ETCD_VERSION } from "./maintenance.js";

/** What etcd answers over HTTP/1.1 on its client port: `/version` and `/health`. */
export function answerHttp(request: IncomingMessage, response: ServerResponse): void {
  const [path] = (request.url ?? "").split("?");
  const answer = path === undefined ? undefined : ANSWERS[path];
  if (answer === undefined) {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET", "content-type": "text/plain; charset=utf-8" }).end("Method Not Allowed\n");
  } else {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }
}

/** A store that failed has closed its port, so one that answers is healthy. */
const ANSWERS: Readonly<Record<string, object>> = {
  "/version": { etcdserver: ETCD_VERSION, etcdcluster: `${ETCD_VERSION.split(".").slice(0, 2).join(".")}.0` },
  "/health": { health: "true", reason: "" },
};
