import { authorizeWrite } from "../auth/authorizer.js";
import { badRequest, deleted, methodNotSupported, noSuchPath } from "../errors.js";
import { apiVersionOf, bodyStructOf, type Kind } from "../kinds/kind.js";
import { partialMetadata, tableOf } from "../printing/table.js";
import { decodeBody } from "../rest/body.js";
import { createObject } from "../rest/create.js";
import type { Deletion } from "../rest/delete.js";
import { listObjects, type ListQuery } from "../rest/list.js";
import { parsePatch, patchObject } from "../rest/patch.js";
import { replaceObject } from "../rest/update.js";
import type { WatchQuery } from "../rest/watch.js";
import type { Stored } from "../storage/stored.js";
import { deleteOptions, removeObject } from "./deletion.js";
import type { Exchange } from "./exchange.js";
import { negotiate, type Representation } from "./negotiation.js";
import { flag, getObject, includeObject, type Room, sendObject, writeOptions } from "./object-answer.js";
import type { Target } from "./path.js";
import { serveSubresource } from "./subresources.js";
import { serveWatch } from "./watch-stream.js";

function listQuery(exchange: Exchange, namespace: string): ListQuery {
  const limit = exchange.parameter("limit");
  if (limit !== "" && !/^\d{1,9}$/.test(limit)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`);
  return {
    namespace,
    labelSelector: exchange.parameter("labelSelector"),
    fieldSelector: exchange.parameter("fieldSelector"),
    limit: Number(limit),
    continueToken: exchange.parameter("continue"),
    resourceVersion: exchange.parameter("resourceVersion"),
    resourceVersionMatch: exchange.parameter("resourceVersionMatch"),
  };
}

function watchQuery(exchange: Exchange, namespace: string): WatchQuery {
  const initial = exchange.parameter("sendInitialEvents");
  return {
    namespace,
    labelSelector: exchange.parameter("labelSelector"),
    fieldSelector: exchange.parameter("fieldSelector"),
    resourceVersion: exchange.parameter("resourceVersion"),
    resourceVersionMatch: exchange.parameter("resourceVersionMatch"),
    sendInitialEvents: initial === "" ? undefined : flag(exchange, "sendInitialEvents"),
    allowWatchBookmarks: flag(exchange, "allowWatchBookmarks"),
  };
}

/** A list is put together from texts: each object is serialised once for all who read it. */
function listText(kind: Kind, items: readonly Stored[], metadata: object, representation: Representation): string {
  if (representation.as) {
    return JSON.stringify({ kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items: items.map(({ object }) => partialMetadata(object)) });
  }
  const texts = items.map((stored) => (kind.view ? JSON.stringify(kind.view.fromStored(stored.object)) : stored.json));
  return `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[${texts.join(",")}]}`;
}

async function list(exchange: Exchange, room: Room, { kind, namespace }: Target): Promise<void> {
  const representation = negotiate(exchange.header("accept"));
  if (flag(exchange, "watch")) {
    await serveWatch(exchange, room.registry, kind, watchQuery(exchange, namespace), representation, includeObject(exchange), room.closing);
    return;
  }
  const page = await listObjects(room.registry, kind, listQuery(exchange, namespace));
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  if (representation.as === "Table") {
    exchange.json(200, JSON.stringify(tableOf(kind, page.items, metadata, includeObject(exchange), room.registry.emulated.nowMs())), representation);
  } else exchange.json(200, listText(kind, page.items, metadata, representation), representation);
}

function sendDeletion(exchange: Exchange, room: Room, kind: Kind, deletion: Deletion): void {
  const { object } = deletion.stored;
  if (!deletion.removed || kind.graceOf) sendObject(exchange, room.registry, kind, deletion.stored);
  else exchange.status({ ...deleted(kind, object.metadata.name, object.metadata.uid ?? ""), code: 200 });
}

async function removeCollection(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { dryRun, ...options } = deleteOptions(exchange, await exchange.body());
  const page = await listObjects(room.registry, target.kind, { ...listQuery(exchange, target.namespace), limit: 0, continueToken: "", resourceVersion: "", resourceVersionMatch: "" });
  const gone: Stored[] = [];
  for (const { object } of page.items) {
    const { name, namespace = "" } = object.metadata;
    try {
      gone.push((await removeObject(exchange, room, { ...target, namespace, name }, options, dryRun)).stored);
    } catch (error) {
      if ((error as { reason?: string }).reason !== "NotFound") throw error;
    }
  }
  exchange.json(200, listText(target.kind, gone, { resourceVersion: String(page.revision) }, { format: "json" }));
}

async function create(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { kind, namespace } = target;
  const startMs = room.registry.emulated.nowMs();
  const options = writeOptions(exchange);
  const expected = { apiVersion: apiVersionOf(kind), kind: kind.kind, struct: bodyStructOf(kind) };
  const body = decodeBody(await exchange.body(), expected, options.fieldValidation, options.warn);
  const where = namespace === "" && kind.namespaced ? (body.metadata.namespace ?? "") : namespace;
  if (kind.namespaced && where === "") throw badRequest("an empty namespace may not be set during creation");
  authorizeWrite(kind, body.metadata.name ?? "", exchange.caller);
  const storingMs = room.registry.emulated.nowMs();
  const stored = await createObject(room.registry, kind, where, body, options);
  if (!options.dryRun) room.notes.creation(kind, stored, startMs, storingMs, exchange.caller);
  sendObject(exchange, room.registry, kind, stored, 201);
}

async function replace(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { kind, namespace, name, subresource } = target;
  const options = writeOptions(exchange, subresource);
  authorizeWrite(kind, name, exchange.caller);
  const body = decodeBody(await exchange.body(), { apiVersion: apiVersionOf(kind), kind: kind.kind, struct: bodyStructOf(kind) }, options.fieldValidation, options.warn);
  const { stored, created } = await replaceObject(room.registry, kind, namespace, name, body, options);
  sendObject(exchange, room.registry, kind, stored, created ? 201 : 200);
}

async function patch(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { kind, namespace, name, subresource } = target;
  const options = writeOptions(exchange, subresource);
  authorizeWrite(kind, name, exchange.caller);
  const changed = await patchObject(room.registry, kind, namespace, name, parsePatch(kind, await exchange.body()), options);
  sendObject(exchange, room.registry, kind, changed.stored);
}

/** Answers a request for a collection, an object or its status; other subresources have handlers of their own. */
export async function serveResource(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { kind, name, subresource } = target;
  if (target.rest !== "" && subresource !== "proxy") throw noSuchPath();
  const method = exchange.method === "HEAD" ? "GET" : exchange.method;
  if (name === "") {
    if (method === "GET") return list(exchange, room, target);
    if (method === "POST") return create(exchange, room, target);
    if (method === "DELETE") return removeCollection(exchange, room, target);
    throw methodNotSupported();
  }
  if (subresource !== "" && !(subresource === "status" && kind.hasStatus)) return serveSubresource(exchange, room, target);
  switch (method) {
    case "GET": {
      // `watch=true` on one object is an old form of a list with a field selector.
      if (flag(exchange, "watch")) {
        exchange.query.set("fieldSelector", `metadata.name=${name}`);
        return list(exchange, room, { ...target, name: "" });
      }
      return sendObject(exchange, room.registry, kind, await getObject(exchange, room.registry, target));
    }
    case "PUT":
      return replace(exchange, room, target);
    case "PATCH":
      return patch(exchange, room, target);
    case "DELETE": {
      if (subresource !== "") throw methodNotSupported();
      const { dryRun, ...options } = deleteOptions(exchange, await exchange.body());
      return sendDeletion(exchange, room, kind, await removeObject(exchange, room, target, options, dryRun));
    }
    default:
      throw methodNotSupported();
  }
}
