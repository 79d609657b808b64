import type { IncomingMessage, ServerResponse } from "node:http";
import { Counter, type Metric, METRICS_TYPE } from "../base/metric.js";
import { RpcCode, rpcCodeName } from "../base/rpc-error.js";
import type { HttpHandler } from "./listener.js";
import type { MethodShape } from "./service.js";

/** Counts the calls a server has answered, under the name and labels that etcd and every Go server with gRPC metrics use. */
export class CallMetrics implements Metric {
  readonly #handled = new Counter({ name: "grpc_server_handled_total", help: "Total number of RPCs completed on the server, regardless of success or failure." }, [
    "grpc_type",
    "grpc_service",
    "grpc_method",
    "grpc_code",
  ]);

  /** How the end of a call of this method is counted. */
  of(method: MethodShape): (code: RpcCode) => void {
    const [, service = "", name = ""] = method.path.split("/");
    const type = typeOf(method);
    return (code) => this.#handled.count(type, service, name, codeText(code));
  }

  text(): string {
    return this.#handled.text();
  }
}

/** Answers `GET /metrics`, and leaves every other path to `next`. */
export function metricsPage(metrics: readonly Metric[], next: HttpHandler | undefined): HttpHandler {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/metrics" && request.method === "GET") response.writeHead(200, { "content-type": METRICS_TYPE }).end(metrics.map((each) => each.text()).join(""));
    else if (next !== undefined) next(request, response);
    else response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
  };
}

function typeOf({ requestStream, responseStream }: MethodShape): string {
  if (requestStream) return responseStream ? "bidi_stream" : "client_stream";
  return responseStream ? "server_stream" : "unary";
}

/** `NOT_FOUND` as Go prints it: `NotFound`. */
function codeText(code: RpcCode): string {
  if (code === RpcCode.OK) return "OK";
  if (code === RpcCode.CANCELLED) return "Canceled";
  return rpcCodeName(code).toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
