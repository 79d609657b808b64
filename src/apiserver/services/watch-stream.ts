import { once } from "node:events";
import { internalError, StatusError } from "../errors.js";
import { apiVersionOf, type Kind } from "../kinds/kind.js";
import { type IncludeObject, partialMetadata, tableOf } from "../printing/table.js";
import type { Registry } from "../registry.js";
import { checkWatchQuery, watchObjects, type WatchEvent, type WatchQuery } from "../rest/watch.js";
import { Filter } from "../rest/selection.js";
import type { Stored } from "../storage/stored.js";
import type { Exchange } from "./exchange.js";
import type { Representation } from "./negotiation.js";

/** How often a watch that asks for bookmarks gets one. */
const BOOKMARK_MS = 60_000;
/** A watch without timeoutSeconds ends after a random time from here to twice as long. */
const LONGEST_MS = 30 * 60_000;

/** Writes events as lines of JSON in the representation the client chose. */
class EventWriter {
  readonly #registry: Registry;
  readonly #kind: Kind;
  readonly #representation: Representation;
  readonly #include: IncludeObject;
  #isFirstTable = true;

  constructor(registry: Registry, kind: Kind, representation: Representation, include: IncludeObject) {
    this.#registry = registry;
    this.#kind = kind;
    this.#representation = representation;
    this.#include = include;
  }

  line(event: WatchEvent): string {
    switch (event.type) {
      case "ERROR":
        return `{"type":"ERROR","object":${JSON.stringify(event.status)}}\n`;
      case "BOOKMARK":
        return `{"type":"BOOKMARK","object":${JSON.stringify(this.#bookmark(event))}}\n`;
      default:
        return `{"type":"${event.type}","object":${this.#object(event.object)}}\n`;
    }
  }

  #object(stored: Stored): string {
    const view = this.#kind.view;
    switch (this.#representation.as) {
      case "Table": {
        const table = tableOf(this.#kind, [stored], { resourceVersion: String(stored.revision) }, this.#include, this.#registry.emulated.nowMs(), this.#isFirstTable);
        this.#isFirstTable = false;
        return JSON.stringify(table);
      }
      case "PartialObjectMetadata":
      case "PartialObjectMetadataList":
        return JSON.stringify(partialMetadata(stored.object));
      default:
        return view ? JSON.stringify(view.fromStored(stored.object)) : stored.json;
    }
  }

  #bookmark({ revision, endsInitialEvents }: { readonly revision: number; readonly endsInitialEvents: boolean }): object {
    const metadata = { resourceVersion: String(revision), ...(endsInitialEvents ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}) };
    if (this.#representation.as === "Table") return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata: { resourceVersion: String(revision) }, columnDefinitions: null, rows: [{ cells: [], object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata } }] };
    return { kind: this.#kind.kind, apiVersion: apiVersionOf(this.#kind), metadata };
  }
}

/** Answers a watch: headers at once, then events until the client leaves, the time is over or the server closes. */
export async function serveWatch(exchange: Exchange, registry: Registry, kind: Kind, query: WatchQuery, representation: Representation, include: IncludeObject, closing: AbortSignal): Promise<void> {
  // Refusals of the query come as an ordinary answer, before the stream begins.
  checkWatchQuery(query);
  const filter = new Filter(kind, query.namespace, query);
  const { response } = exchange;
  const writer = new EventWriter(registry, kind, representation, include);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  const seconds = Number(exchange.parameter("timeoutSeconds"));
  const timer = registry.monotonic.timer(seconds > 0 ? seconds * 1000 : LONGEST_MS * (1 + registry.dice.next()), end);
  response.once("close", end);
  closing.addEventListener("abort", end);
  response.writeHead(200, { ...exchange.headers("application/json") } as Record<string, string>);
  // Node's HTTP/2 sends headers at once; HTTP/1.1 waits for the first event unless told.
  if (exchange.request.httpVersionMajor === 1) response.flushHeaders();
  try {
    for await (const events of watchObjects(registry, kind, query, filter, BOOKMARK_MS, stop.signal)) {
      if (!response.write(events.map((event) => writer.line(event)).join("")) && !stop.signal.aborted) await once(response, "drain", { signal: stop.signal }).catch(() => undefined);
    }
  } catch (error) {
    const status = error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error));
    registry.log.warn({ err: error, resource: kind.resource }, "a watch ended with an error");
    if (!stop.signal.aborted) response.write(writer.line({ type: "ERROR", status: status.toStatus() }));
  } finally {
    timer.cancel();
    closing.removeEventListener("abort", end);
    response.off("close", end);
    response.end();
  }
}
