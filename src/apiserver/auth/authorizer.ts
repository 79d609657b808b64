import { forbidden } from "../errors.js";
import type { Caller, Kind } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";

const NODE_USER = "system:node:";

/** The node a caller acts for, if it is a node's agent. */
export function nodeOf(caller: Caller): string | undefined {
  return caller.name.startsWith(NODE_USER) && caller.groups.includes("system:nodes") ? caller.name.slice(NODE_USER.length) : undefined;
}

/**
 * NodeRestriction: an agent may write its own Node alone, and status and deletion of the pods that run on it. Everything
 * else is allowed to everybody who has shown who he is.
 */
export function authorizeWrite(kind: Kind, name: string, caller: Caller): void {
  const node = nodeOf(caller);
  if (node === undefined || kind.group !== "" || kind.resource !== "nodes" || name === node) return;
  throw forbidden(kind, name, `node "${node}" is not allowed to modify node "${name}"`);
}

/** The half of NodeRestriction that needs to see the pod. */
export function authorizePodWrite(verb: "update" | "delete", pod: ApiObject, caller: Caller): void {
  const node = nodeOf(caller);
  if (node === undefined || pod["spec"]?.nodeName === node) return;
  const what = verb === "delete" ? "delete pods" : "update pod status for pods";
  throw forbidden({ group: "", resource: "pods" }, pod.metadata.name, `node "${node}" can only ${what} with spec.nodeName set to itself`);
}
