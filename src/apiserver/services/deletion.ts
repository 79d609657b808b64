import { authorizePodWrite, authorizeWrite } from "../auth/authorizer.js";
import { invalid } from "../errors.js";
import type { ApiObject } from "../object.js";
import type { DeleteOptions } from "../request.js";
import { decodeBody, type RawBody } from "../rest/body.js";
import { deleteObject, type Deletion } from "../rest/delete.js";
import type { Exchange } from "./exchange.js";
import { type Room, writeOptions } from "./object-answer.js";
import type { Target } from "./path.js";

/** The body of a DELETE: options as JSON or protobuf, or nothing; grace and policy may stand in the query too. */
export function deleteOptions(exchange: Exchange, body: RawBody): DeleteOptions & { readonly dryRun: boolean } {
  const decoded: ApiObject = body.bytes.length === 0 ? { apiVersion: "v1", kind: "DeleteOptions", metadata: { name: "" } } : readDeleteOptions(body);
  const options = decoded as unknown as DeleteOptions & { orphanDependents?: boolean; dryRun?: string[] };
  const grace = exchange.parameter("gracePeriodSeconds");
  const policy = options.propagationPolicy ?? (exchange.parameter("propagationPolicy") || (options.orphanDependents === undefined ? undefined : options.orphanDependents ? "Orphan" : "Background"));
  if (policy !== undefined && policy !== "Orphan" && policy !== "Background" && policy !== "Foreground") {
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [
      { reason: "FieldValueNotSupported", message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan", nil`, field: "propagationPolicy" },
    ]);
  }
  const seconds = options.gracePeriodSeconds ?? (grace === "" ? undefined : Number(grace));
  return {
    ...(seconds === undefined ? {} : { gracePeriodSeconds: seconds }),
    ...(options.preconditions ? { preconditions: options.preconditions } : {}),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    dryRun: exchange.query.getAll("dryRun").length > 0 || (options.dryRun ?? []).length > 0,
  };
}

function readDeleteOptions(body: RawBody): ApiObject {
  // Clients of any group send DeleteOptions as meta.k8s.io/v1, as v1 or as their own group's version.
  const silent = (): void => undefined;
  if (body.contentType === "application/vnd.kubernetes.protobuf") return decodeBody(body, { apiVersion: "v1", kind: "DeleteOptions", struct: "meta.DeleteOptions" }, "Ignore", silent);
  const text = body.bytes.toString("utf8").replace(/"apiVersion"\s*:\s*"[^"]*"/, '"apiVersion":"v1"');
  return decodeBody({ ...body, bytes: Buffer.from(text) }, { apiVersion: "v1", kind: "DeleteOptions", struct: "meta.DeleteOptions" }, "Ignore", silent);
}

/** Deletes one object and notes the beginning of a pod's way back. */
export async function removeObject(exchange: Exchange, room: Room, target: Target, options: DeleteOptions, dryRun: boolean): Promise<Deletion> {
  const { kind, namespace, name } = target;
  authorizeWrite(kind, name, exchange.caller);
  if (kind.resource === "pods" && kind.group === "") {
    const pod = room.registry.cached(kind, namespace, name);
    if (pod) authorizePodWrite("delete", pod.object, exchange.caller);
  }
  const startMs = room.registry.emulated.nowMs();
  const deletion = await deleteObject(room.registry, kind, namespace, name, options, { ...writeOptions(exchange), dryRun });
  if (!dryRun && deletion.isFirst) room.notes.deletion(kind, deletion.stored.object, deletion.revision, startMs, exchange.caller);
  return deletion;
}
