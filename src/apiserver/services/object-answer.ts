import { badRequest, invalid, notFound, revisionInFuture } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { type IncludeObject, partialMetadata, tableOf } from "../printing/table.js";
import type { Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import { parseRevision } from "../rest/list.js";
import type { StepNotes } from "../step-notes.js";
import type { Stored } from "../storage/stored.js";
import type { Exchange } from "./exchange.js";
import { negotiate } from "./negotiation.js";
import type { KubeletClient } from "./kubelet-client.js";
import type { Target } from "./path.js";

/** What every handler of resources needs. */
export interface Room {
  readonly registry: Registry;
  readonly notes: StepNotes;
  /** Aborts when the server closes: watches end. */
  readonly closing: AbortSignal;
  /** Undefined where none can be asked. */
  readonly kubelets?: KubeletClient | undefined;
}

/** A boolean query parameter. */
export function flag(exchange: Exchange, name: string): boolean {
  const value = exchange.parameter(name);
  return value === "true" || value === "1";
}

/** How much of each object a Table carries. */
export function includeObject(exchange: Exchange): IncludeObject {
  const value = exchange.parameter("includeObject");
  if (value === "" || value === "Metadata") return "Metadata";
  if (value === "Object" || value === "None") return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

/** Options of a write from its query parameters. */
export function writeOptions(exchange: Exchange, subresource = ""): WriteOptions {
  const dryRun = exchange.query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    throw invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [{ reason: "FieldValueNotSupported", message: `Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`, field: "dryRun" }]);
  }
  const validation = exchange.parameter("fieldValidation");
  if (validation !== "" && validation !== "Strict" && validation !== "Warn" && validation !== "Ignore") {
    throw invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [
      { reason: "FieldValueNotSupported", message: `Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`, field: "fieldValidation" },
    ]);
  }
  const agent = (exchange.header("user-agent") ?? "unknown").split("/", 1)[0]!.slice(0, 128);
  return {
    caller: exchange.caller,
    fieldManager: exchange.parameter("fieldManager") || agent,
    dryRun: dryRun.length > 0,
    fieldValidation: validation === "" ? "Warn" : validation,
    force: flag(exchange, "force"),
    ...(subresource === "" ? {} : { subresource }),
    warn: (text) => exchange.warn(text),
  };
}

/** Sends one object as the client wants to see it. */
export function sendObject(exchange: Exchange, registry: Registry, kind: Kind, stored: Stored, status = 200): void {
  const representation = negotiate(exchange.header("accept"));
  const { view } = kind;
  if (representation.as === "Table") {
    exchange.json(status, JSON.stringify(tableOf(kind, [stored], { resourceVersion: String(stored.revision) }, includeObject(exchange), registry.emulated.nowMs())), representation);
  } else if (representation.as) exchange.json(status, JSON.stringify(partialMetadata(stored.object)), representation);
  else exchange.json(status, view ? JSON.stringify(view.fromStored(stored.object)) : stored.json, representation);
}

/** The object; resource version 0 or one we have seen may come from the cache. */
export async function getObject(exchange: Exchange, registry: Registry, { kind, namespace, name }: Target): Promise<Stored> {
  const version = exchange.parameter("resourceVersion");
  let stored: Stored | undefined;
  if (version !== "") {
    const wanted = parseRevision(version);
    if (registry.cache.revision >= wanted) stored = registry.cached(kind, namespace, name);
    else if ((await registry.backend.range({ prefix: kind.prefix, countOnly: true })).revision < wanted) throw revisionInFuture(wanted, registry.cache.revision);
  }
  stored ??= await registry.fresh(kind, namespace, name);
  if (!stored) throw notFound(kind, name);
  return stored;
}
