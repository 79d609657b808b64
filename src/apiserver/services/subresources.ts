import { badRequest, methodNotSupported, noSuchPath, notImplemented } from "../errors.js";
import { apiVersionOf, type Kind } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";
import { decodeBody } from "../rest/body.js";
import { parsePatch, patchedObject } from "../rest/patch.js";
import { bindPod } from "../rest/pod-subresources.js";
import { editScale, scaleOf } from "../rest/scale.js";
import { replaceObject } from "../rest/update.js";
import { removeObject } from "./deletion.js";
import type { Exchange } from "./exchange.js";
import { serveNodeProxy } from "./node-proxy.js";
import type { Target } from "./path.js";
import { getObject, type Room, sendObject, writeOptions } from "./object-answer.js";

const SCALE = { apiVersion: "autoscaling/v1", kind: "Scale", struct: "autoscaling.Scale" } as const;

async function serveScale(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const { kind, namespace, name } = target;
  const send = (object: ApiObject): void => exchange.json(200, JSON.stringify(scaleOf(object)));
  if (exchange.method === "GET") return send((await getObject(exchange, room.registry, target)).object);
  const options = writeOptions(exchange, "scale");
  const body = await exchange.body();
  if (exchange.method === "PUT") {
    const scale = decodeBody(body, SCALE, options.fieldValidation, options.warn);
    return send((await editScale(room.registry, kind, namespace, name, () => scale, options)).object);
  }
  if (exchange.method !== "PATCH") throw methodNotSupported();
  const patch = parsePatch(kind, body);
  const edited = await editScale(
    room.registry,
    kind,
    namespace,
    name,
    (scale) => {
      const result = patchedObject(scale, patch, SCALE, options);
      // The revision in an answer to a read is no precondition unless the patch itself names it.
      if (result.metadata.resourceVersion === scale.metadata.resourceVersion) delete result.metadata.resourceVersion;
      return result;
    },
    options,
  );
  send(edited.object);
}

async function serveBinding(exchange: Exchange, room: Room, { kind, namespace, name }: Target): Promise<void> {
  if (exchange.method !== "POST") throw methodNotSupported();
  const options = writeOptions(exchange);
  const binding = decodeBody(await exchange.body(), { apiVersion: "v1", kind: "Binding", struct: "core.Binding" }, options.fieldValidation, options.warn);
  const { status } = await bindPod(room.registry, kind, namespace, name, binding, options);
  exchange.status(status);
}

async function serveEviction(exchange: Exchange, room: Room, target: Target): Promise<void> {
  if (exchange.method !== "POST") throw methodNotSupported();
  const options = writeOptions(exchange);
  const eviction = decodeBody(await exchange.body(), { apiVersion: "policy/v1", kind: "Eviction", struct: "policy.Eviction" }, options.fieldValidation, options.warn);
  if (eviction.metadata.name && eviction.metadata.name !== target.name) throw badRequest("name in URL does not match name in Eviction object");
  const { dryRun = [], ...rest } = (eviction["deleteOptions"] ?? {}) as Record<string, never> & { dryRun?: string[] };
  await removeObject(exchange, room, target, rest, options.dryRun || dryRun.length > 0);
  exchange.status({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

async function serveFinalize(exchange: Exchange, room: Room, { kind, namespace, name }: Target): Promise<void> {
  if (exchange.method !== "PUT") throw methodNotSupported();
  const options = writeOptions(exchange, "finalize");
  const body = decodeBody(await exchange.body(), { apiVersion: apiVersionOf(kind), kind: kind.kind, struct: kind.struct }, options.fieldValidation, options.warn);
  const { stored } = await replaceObject(room.registry, kind, namespace, name, body, options);
  sendObject(exchange, room.registry, kind, stored);
}

const HANDLERS: Readonly<Record<string, (exchange: Exchange, room: Room, target: Target) => Promise<void>>> = {
  scale: serveScale,
  binding: serveBinding,
  eviction: serveEviction,
  finalize: serveFinalize,
  proxy: serveNodeProxy,
};

/** Subresources a real API server has and this one has not yet; they are not in discovery, and say their name when called. */
const UNIMPLEMENTED: Readonly<Record<string, readonly string[]>> = {
  pods: ["attach", "ephemeralcontainers", "exec", "log", "portforward", "proxy", "resize"],
  services: ["proxy"],
  serviceaccounts: ["token"],
};

function isServed(kind: Kind, subresource: string): boolean {
  return kind.subresources.some((row) => row.name === subresource);
}

/** Answers a request for a subresource other than status. */
export async function serveSubresource(exchange: Exchange, room: Room, target: Target): Promise<void> {
  const handler = HANDLERS[target.subresource];
  if (UNIMPLEMENTED[target.kind.resource]?.includes(target.subresource)) throw notImplemented(`${target.kind.resource}/${target.subresource}`);
  if (!handler || !isServed(target.kind, target.subresource)) throw noSuchPath();
  await handler(exchange, room, target);
}
