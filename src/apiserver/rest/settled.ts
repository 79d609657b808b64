import type { Kind } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";

const settled = new WeakSet<object>();

/** Notes that an object's spec is decoded, defaulted and checked, so that it can be shared by the object's later versions. From here on nobody changes it. */
export function settleSpec(kind: Kind, object: ApiObject): void {
  if (kind.settlesSpec) settled.add(object["spec"]);
}

/** Whether this server settled the spec; one that was read from the store may be anything. */
export function isSettled(object: Readonly<Record<string, unknown>>): boolean {
  const { spec } = object;
  return typeof spec === "object" && spec !== null && settled.has(spec);
}
