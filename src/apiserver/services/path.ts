import type { Kind } from "../kinds/kind.js";

/** What a path under `/api` or `/apis` is about. */
export interface Target {
  readonly kind: Kind;
  /** "" for all namespaces, or a kind that has none. */
  readonly namespace: string;
  /** "" for the collection. */
  readonly name: string;
  /** "" for the object itself. */
  readonly subresource: string;
  /** What follows the subresource (`proxy/...`), without slash. */
  readonly rest: string;
}

/**
 * Reads a resource path.
 *
 * `/api/v1/namespaces/a/pods/p/status` is pods, namespace a, name p, status; `/api/v1/namespaces/a/finalize` is namespace a
 * itself. Undefined when no kind is served there.
 */
export function parseTarget(path: string, kinds: readonly Kind[]): Target | undefined {
  let parts: string[];
  try {
    parts = path.split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return undefined;
  const group = isCore ? "" : (parts[1] ?? "");
  const version = parts[isCore ? 1 : 2];
  let rest = parts.slice(isCore ? 2 : 3);
  const find = (resource: string | undefined): Kind | undefined => kinds.find((kind) => kind.group === group && kind.version === version && kind.resource === resource);
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length >= 3) {
    const inner = find(rest[2]);
    if (inner?.namespaced) {
      namespace = rest[1]!;
      rest = rest.slice(2);
    }
  }
  const kind = find(rest[0]);
  if (!kind) return undefined;
  // A named object of a namespaced kind is found only inside its namespace.
  if (kind.namespaced && namespace === "" && rest.length > 1) return undefined;
  return { kind, namespace, name: rest[1] ?? "", subresource: rest[2] ?? "", rest: rest.slice(3).join("/") };
}
