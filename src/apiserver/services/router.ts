import { METRICS_TYPE } from "../../base/metric.js";
import { REVIEWS } from "../auth/reviews.js";
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from "../discovery/documents.js";
import type { OpenApi } from "../discovery/openapi.js";
import { OPENAPI_V2_TYPE, openApiV2 } from "../discovery/openapi-v2.js";
import { versionInfo } from "../discovery/version.js";
import { methodNotSupported, noSuchPath } from "../errors.js";
import { decodeBody } from "../rest/body.js";
import type { Exchange } from "./exchange.js";
import { negotiateDiscovery } from "./negotiation.js";
import type { Room } from "./object-answer.js";
import { parseTarget } from "./path.js";
import type { RequestMetrics } from "./request-metrics.js";
import { serveResource } from "./resources.js";

/** What the paths outside of resources need. */
export interface RouterOptions extends Room {
  readonly openApi: OpenApi;
  readonly metrics: RequestMetrics;
  /** `host:port` clients reach us at. */
  readonly address: () => string;
}

/** The reviews by their path. */
const REVIEW_PATHS = new Map(REVIEWS.map((row) => [`/apis/${row.group}/v1/${row.resource}`, row]));

function requireGet(exchange: Exchange): void {
  if (exchange.method !== "GET" && exchange.method !== "HEAD") throw methodNotSupported();
}

function sendDocument(exchange: Exchange, document: object | undefined): void {
  requireGet(exchange);
  if (!document) throw noSuchPath();
  exchange.json(200, JSON.stringify(document));
}

function serveDiscovery(exchange: Exchange, options: RouterOptions, core: boolean): void {
  requireGet(exchange);
  const { kinds } = options.registry;
  const form = negotiateDiscovery(exchange.header("accept"));
  exchange.response.setHeader("vary", "Accept");
  if (form === "legacy") return sendDocument(exchange, core ? apiVersions(options.address()) : apiGroupList(kinds));
  exchange.text(200, `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`, `${JSON.stringify(aggregatedDiscovery(kinds, core, form))}\n`);
}

async function serveReadiness(exchange: Exchange, options: RouterOptions): Promise<void> {
  requireGet(exchange);
  // Ready means that the store answers now.
  await options.registry.backend.range({ key: "/registry/health" });
  const verbose = exchange.query.has("verbose");
  exchange.text(200, "text/plain; charset=utf-8", verbose ? `[+]ping ok\n[+]etcd ok\n${exchange.path.slice(1)} check passed\n` : "ok");
}

/** Answers one request: health, metrics, version, discovery, OpenAPI, or a resource. */
export async function route(exchange: Exchange, options: RouterOptions): Promise<void> {
  const { path } = exchange;
  const { kinds } = options.registry;
  switch (path) {
    case "/version":
    case "/version/":
      return sendDocument(exchange, versionInfo());
    case "/healthz":
    case "/livez":
      requireGet(exchange);
      return exchange.text(200, "text/plain; charset=utf-8", "ok");
    case "/readyz":
      return serveReadiness(exchange, options);
    case "/metrics":
      requireGet(exchange);
      return exchange.text(200, METRICS_TYPE, options.metrics.text());
    case "/api":
    case "/api/":
      return serveDiscovery(exchange, options, true);
    case "/apis":
    case "/apis/":
      return serveDiscovery(exchange, options, false);
    case "/":
      return sendDocument(exchange, { paths: ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"] });
    default:
  }
  if (path === "/openapi/v3" || path.startsWith("/openapi/v3/")) {
    requireGet(exchange);
    const text = options.openApi.document(path.slice("/openapi/v3/".length));
    if (text === undefined) throw noSuchPath();
    return exchange.json(200, text);
  }
  if (path === "/openapi/v2") {
    requireGet(exchange);
    return exchange.bytes(200, OPENAPI_V2_TYPE, openApiV2());
  }
  const target = parseTarget(path, kinds);
  if (target) return options.metrics.counted(exchange, target, () => serveResource(exchange, options, target));
  const parts = path.split("/").filter((part) => part !== "");
  if (parts[0] === "api" && parts.length === 2) return sendDocument(exchange, apiResourceList(kinds, parts[1]!));
  if (parts[0] === "apis" && parts.length === 2) return sendDocument(exchange, apiGroup(kinds, parts[1]!));
  if (parts[0] === "apis" && parts.length === 3) return sendDocument(exchange, apiResourceList(kinds, `${parts[1]}/${parts[2]}`));
  const review = REVIEW_PATHS.get(path);
  if (!review) throw noSuchPath();
  if (exchange.method !== "POST") throw methodNotSupported();
  const request = decodeBody(await exchange.body(), review.expected, "Ignore", (text) => exchange.warn(text));
  exchange.json(201, JSON.stringify(review.answer(request, exchange.caller)));
}
