import { Counter, type Metric, ReadGauge } from "../../base/metric.js";
import { StatusError } from "../errors.js";
import { APPLY_TYPE } from "../rest/patch.js";
import type { Exchange } from "./exchange.js";
import { flag } from "./object-answer.js";
import type { Target } from "./path.js";

/** Counts the requests for resources that were answered, as kube-apiserver does. A watch counts when it ends; while it lasts it is a long-running one. */
export class RequestMetrics implements Metric {
  readonly #requests = new Counter({ name: "apiserver_request_total", help: "Counter of apiserver requests broken out for each verb, group, version, resource, subresource and HTTP response code." }, [
    "verb",
    "group",
    "version",
    "resource",
    "subresource",
    "code",
  ]);

  /** Watches under way by kind, named `group/version/resource`. */
  readonly #watches = new Map<string, { readonly target: Target; count: number }>();
  readonly #longRunning = new ReadGauge(
    { name: "apiserver_longrunning_requests", help: "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource. Not all requests are tracked this way." },
    () => [...this.#watches.values()].map(({ target: { kind }, count }) => ({ labels: { group: kind.group, resource: kind.resource, verb: "WATCH", version: kind.version }, value: count })),
  );

  /** Answers the request by `serve` and counts how that went. */
  async counted(exchange: Exchange, target: Target, serve: () => Promise<void>): Promise<void> {
    const verb = verbOf(exchange, target.name);
    const isWatch = verb === "WATCH";
    if (isWatch) this.#watching(target, 1);
    try {
      await serve();
      this.#count(verb, target, exchange.response.statusCode);
    } catch (error) {
      this.#count(verb, target, error instanceof StatusError ? error.code : 500);
      throw error;
    } finally {
      if (isWatch) this.#watching(target, -1);
    }
  }

  text(): string {
    return this.#requests.text() + this.#longRunning.text();
  }

  #watching(target: Target, change: 1 | -1): void {
    const { group, version, resource } = target.kind;
    const name = `${group}/${version}/${resource}`;
    const known = this.#watches.get(name) ?? { target, count: 0 };
    known.count += change;
    this.#watches.set(name, known);
  }

  #count(verb: string, { kind, subresource }: Target, code: number): void {
    this.#requests.count(verb, kind.group, kind.version, kind.resource, subresource, String(code));
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
