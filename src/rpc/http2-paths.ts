import { type Http2Server, Http2ServerRequest, Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { HttpHandler } from "./listener.js";

/** The content types of gRPC: `application/grpc`, `application/grpc+proto`. */
const GRPC = /^application\/grpc(?:$|[+;])/;

/**
 * Gives HTTP/2 requests that are no gRPC to `http`: over TLS a client such as curl offers both protocols and gets HTTP/2, as from etcd.
 *
 * grpc-js answers such requests with 415 by itself.
 */
export function serveHttp2Paths(http2: Http2Server, http: HttpHandler): void {
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
