import { type Cell, Counter, type Metric, METRICS_TYPE } from "../base/metric.js";
import { RpcCode, rpcCodeName } from "../base/rpc-error.js";
import { answer, PLAIN_TEXT } from "./http-answer.js";
import type { HttpHandler } from "./listener.js";
import type { MethodShape } from "./service.js";

/** In the order of their names, as Go prints them. */
const LABELS = ["grpc_method", "grpc_service", "grpc_type"] as const;

/** How calls of one method are counted. */
export interface MethodMetrics {
  readonly started: () => void;
  readonly received: () => void;
  readonly sent: () => void;
  readonly ended: (code: RpcCode) => void;
}

/** Counts the calls a server takes and answers, under the names and labels that etcd and every Go server with gRPC metrics use. */
export class CallMetrics implements Metric {
  readonly #handled = new Counter({ name: "grpc_server_handled_total", help: "Total number of RPCs completed on the server, regardless of success or failure." }, ["grpc_code", ...LABELS]);
  readonly #received = new Counter({ name: "grpc_server_msg_received_total", help: "Total number of RPC stream messages received on the server." }, LABELS);
  readonly #sent = new Counter({ name: "grpc_server_msg_sent_total", help: "Total number of gRPC stream messages sent by the server." }, LABELS);
  readonly #started = new Counter({ name: "grpc_server_started_total", help: "Total number of RPCs started on the server." }, LABELS);

  /** How a method is counted; it stands on the page with zeros before it is first called, as etcd's do. */
  of(method: MethodShape): MethodMetrics {
    const [, service = "", name = ""] = method.path.split("/");
    const labels = [name, service, typeOf(method)];
    const [started, received, sent] = [this.#started.cell(...labels), this.#received.cell(...labels), this.#sent.cell(...labels)];
    const handled = new Map<RpcCode, Cell>(Object.values(RpcCode).map((code) => [code, this.#handled.cell(codeText(code), ...labels)]));
    return { started: () => started.add(), received: () => received.add(), sent: () => sent.add(), ended: (code) => handled.get(code)?.add() };
  }

  text(): string {
    return [this.#handled, this.#received, this.#sent, this.#started].map((counter) => counter.text()).join("");
  }
}

/** Answers `/metrics`, whatever the method, as Prometheus' own handler does, and leaves every other path to `next`. */
export function metricsPage(metrics: readonly Metric[], next: HttpHandler | undefined): HttpHandler {
  return (request, response) => {
    if (request.url?.split("?", 1)[0] === "/metrics") answer(response, 200, { "Content-Type": METRICS_TYPE }, metrics.map((each) => each.text()).join(""));
    else if (next !== undefined) next(request, response);
    else answer(response, 404, PLAIN_TEXT, "404 page not found\n");
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
