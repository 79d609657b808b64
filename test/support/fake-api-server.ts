import { createServer } from "node:http2";
import type { IncomingHttpHeaders, Http2Session, ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Patch } from "../../src/kubernetes/api-client.js";
import type { Binding } from "../../src/kubernetes/cluster-objects.js";
import type { KubernetesObject } from "../../src/kubernetes/object-meta.js";
import type { ResourceType } from "../../src/kubernetes/resource-type.js";
import { ApiError } from "../../src/kubernetes/status.js";
import type { FakeCluster } from "./fake-cluster.js";

/** A small API server over clear HTTP/2 in front of a FakeCluster. */
export interface FakeApiServer {
  readonly url: string;
  /** Requests in order: `GET /api/v1/pods?limit=500`. */
  readonly requests: { readonly line: string; readonly headers: IncomingHttpHeaders }[];
  /** Answers the next request with this instead; `undefined` body resets the stream. */
  answerNext(answer: { readonly code: number; readonly headers?: Record<string, string>; readonly body?: string }): void;
  /** Breaks every connection at once. */
  dropConnections(): void;
  /** Tells every client to go elsewhere for new requests. */
  goAway(): void;
  readonly sessionsSeen: () => number;
  close(): Promise<void>;
}

export async function startFakeApiServer(cluster: FakeCluster): Promise<FakeApiServer> {
  const requests: FakeApiServer["requests"] = [];
  const sessions = new Set<Http2Session>();
  const planned: Parameters<FakeApiServer["answerNext"]>[0][] = [];
  let seen = 0;
  const server = createServer();
  server.on("session", (session) => {
    seen += 1;
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    requests.push({ line: `${headers[":method"]} ${headers[":path"]}`, headers });
    const plan = planned.shift();
    if (plan !== undefined) {
      if (plan.code === 0) stream.close(2);
      else {
        stream.respond({ ":status": plan.code, ...plan.headers });
        stream.end(plan.body ?? "");
      }
      return;
    }
    void answer(cluster, stream, headers).catch((error: unknown) => {
      if (stream.destroyed) return;
      const status = error instanceof ApiError ? error.status : { kind: "Status", code: 500, message: String(error) };
      if (!stream.headersSent) stream.respond({ ":status": status.code ?? 500, "content-type": "application/json" });
      stream.end(JSON.stringify(status));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerNext: (plan) => void planned.push(plan),
    dropConnections: () => {
      for (const session of sessions) session.destroy();
    },
    goAway: () => {
      for (const session of sessions) session.goaway();
    },
    sessionsSeen: () => seen,
    close: () =>
      new Promise((resolve) => {
        for (const session of sessions) session.destroy();
        server.close(() => resolve());
      }),
  };
}

async function answer(cluster: FakeCluster, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const url = new URL(headers[":path"] ?? "/", "http://fake");
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
  const { type, namespace, name, subresource } = resolve(url.pathname);
  const where = { ...(namespace === undefined ? {} : { namespace }), name: name ?? "" };
  const query = (key: string): string | undefined => url.searchParams.get(key) ?? undefined;
  const select = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(query("labelSelector") === undefined ? {} : { labelSelector: query("labelSelector")! }),
    ...(query("fieldSelector") === undefined ? {} : { fieldSelector: query("fieldSelector")! }),
  };
  const send = (object: unknown): void => {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(JSON.stringify(object));
  };
  switch (headers[":method"]) {
    case "GET": {
      if (query("watch") === "true") {
        const abort = new AbortController();
        stream.once("close", () => abort.abort());
        const events = cluster.watch(type, { ...select, resourceVersion: query("resourceVersion") ?? "0", signal: abort.signal });
        stream.respond({ ":status": 200, "content-type": "application/json" });
        try {
          for await (const event of events) stream.write(`${JSON.stringify(event)}\n`);
          stream.end();
        } catch (error) {
          stream.end(`${JSON.stringify({ type: "ERROR", object: (error as ApiError).status })}\n`);
        }
        return;
      }
      if (name !== undefined) return send(await cluster.get(type, where));
      const list = await cluster.list(type, select);
      const limit = Number(query("limit") ?? "500");
      const from = Number(query("continue")?.split(":")[0] ?? "0");
      const resourceVersion = query("continue")?.split(":")[1] ?? list.metadata.resourceVersion;
      const rest = list.items.length - from - limit;
      return send({ kind: `${type.kind}List`, metadata: { resourceVersion, ...(rest > 0 ? { continue: `${from + limit}:${resourceVersion}` } : {}) }, items: list.items.slice(from, from + limit) });
    }
    case "POST":
      if (subresource === "binding") return send(await cluster.bind(body as unknown as Binding));
      return send(await cluster.create(type, { ...body, metadata: { ...(body?.["metadata"] as object), ...(namespace === undefined ? {} : { namespace }) } }));
    case "PUT":
      return send(await cluster.update(type, body as unknown as KubernetesObject, subresource === undefined ? {} : { subresource }));
    case "PATCH": {
      const kinds: Record<string, Patch["type"]> = { "application/merge-patch+json": "merge", "application/strategic-merge-patch+json": "strategic", "application/json-patch+json": "json" };
      const patch = { type: kinds[headers["content-type"] ?? ""], body } as Patch;
      return send(await cluster.patch(type, where, patch, subresource === undefined ? {} : { subresource }));
    }
    case "DELETE":
      return send(await cluster.delete(type, where, body ?? {}));
    default:
      throw new Error(`unexpected ${headers[":method"]}`);
  }
}

function resolve(path: string): { type: ResourceType<KubernetesObject>; namespace: string | undefined; name: string | undefined; subresource: string | undefined } {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const core = parts[0] === "api";
  const [group, version] = core ? ["", parts[1]!] : [parts[1]!, parts[2]!];
  let rest = parts.slice(core ? 2 : 3);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "finalize" && rest[2] !== "status") {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural, name, subresource] = rest;
  return { type: { group, version, plural: plural!, kind: "", namespaced: namespace !== undefined || !["nodes", "namespaces"].includes(plural!) }, namespace, name, subresource };
}
