import { Counter, type Metric } from "../../base/metric.js";
import { StatusError } from "../errors.js";
import { APPLY_TYPE } from "../rest/patch.js";
import type { Exchange } from "./exchange.js";
import { flag } from "./object-answer.js";
import type { Target } from "./path.js";

/** Counts the requests for resources that were answered, as kube-apiserver does. A watch counts when it ends. */
export class RequestMetrics implements Metric {
  readonly #requests = new Counter({ name: "apiserver_request_total", help: "Counter of apiserver requests broken out for each verb, group, version, resource, subresource and HTTP response code." }, [
    "verb",
    "group",
    "version",
    "resource",
    "subresource",
    "code",
  ]);

  /** Answers the request by `serve` and counts how that went. */
  async counted(exchange: Exchange, target: Target, serve: () => Promise<void>): Promise<void> {
    try {
      await serve();
      this.#count(exchange, target, exchange.response.statusCode);
    } catch (error) {
      this.#count(exchange, target, error instanceof StatusError ? error.code : 500);
      throw error;
    }
  }

  text(): string {
    return this.#requests.text();
  }

  #count(exchange: Exchange, { kind, name, subresource }: Target, code: number): void {
    this.#requests.count(verbOf(exchange, name), kind.group, kind.version, kind.resource, subresource, String(code));
  }
}

function verbOf(exchange: Exchange, name: string): string {
  switch (exchange.method) {
    case "GET":
    case "HEAD":
      if (flag(exchange, "watch")) return "WATCH";
      return name === "" ? "LIST" : "GET";
    case "PATCH":
      return (exchange.header("content-type") ?? "").startsWith(APPLY_TYPE) ? "APPLY" : "PATCH";
    case "DELETE":
      return name === "" ? "DELETECOLLECTION" : "DELETE";
    default:
      return exchange.method;
  }
}
