import { type Http2Server, Http2ServerRequest, Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { HttpHandler } from "./listener.js";

/** The content types of gRPC: `application/grpc`, `application/grpc+proto`. */
const GRPC = /^application\/grpc(?:$|[+;])/;

/**
 * Gives HTTP/2 requests that are no gRPC to `http`: over TLS a client such as curl offers both protocols and gets HTTP/2, as from etcd.
 *
 * grpc-js has no door for this, it answers such requests with 415 by itself. So the one place that knows its http2 server by its inner
 * name is here; should a newer grpc-js call it otherwise, starting a server says so.
 */
export function serveHttp2Paths(server: Server, http: HttpHandler): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  if (http2 === undefined) throw new Error("this version of grpc-js keeps its HTTP/2 servers elsewhere");
  const grpc = http2.listeners("stream");
  http2.removeAllListeners("stream");
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: readonly [number, string[]]) => {
    if (GRPC.test(headers["content-type"] ?? "")) {
      for (const listener of grpc) listener.call(http2, stream, headers, ...rest);
      return;
    }
    // A client that goes resets the stream; its handler learns of it by the response's close.
    stream.on("error", () => undefined);
    http(new Http2ServerRequest(stream, headers, {}, rest[1]), new Http2ServerResponse(stream));
  });
}
