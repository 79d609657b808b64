import type { Http2Server } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/**
 * The http2 server inside a server of grpc-js. grpc-js has no door to it, so the one place that knows its inner name is here; should a
 * newer grpc-js call it otherwise, starting a server says so.
 */
export function innerHttp2Server(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  if (http2 === undefined) throw new Error("this version of grpc-js keeps its HTTP/2 servers elsewhere");
  return http2;
}
