import { apiVersionOf, type Kind } from "../kinds/kind.js";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS = ["get", "patch", "update"];

/** The groups that are served, in order: each with its versions (one each) and kinds. */
export function groupsOf(kinds: readonly Kind[]): readonly { readonly group: string; readonly version: string; readonly kinds: readonly Kind[] }[] {
  const seen = new Map<string, Kind[]>();
  for (const kind of kinds) {
    const key = `${kind.group}/${kind.version}`;
    seen.set(key, [...(seen.get(key) ?? []), kind]);
  }
  return [...seen.values()].map((rows) => ({ group: rows[0]!.group, version: rows[0]!.version, kinds: rows }));
}

/** One resource in a legacy list (`meta/v1 APIResource`). */
function legacyResources(kind: Kind): object[] {
  const own = {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: VERBS,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  };
  const status = kind.hasStatus ? [{ name: `${kind.resource}/status`, singularName: "", namespaced: kind.namespaced, kind: kind.kind, verbs: STATUS_VERBS }] : [];
  const others = kind.subresources.map((row) => ({
    name: `${kind.resource}/${row.name}`,
    singularName: "",
    namespaced: kind.namespaced,
    ...(row.group === kind.group && row.version === kind.version ? {} : { group: row.group, version: row.version }),
    kind: row.kind,
    verbs: row.verbs,
  }));
  return [own, ...others, ...status];
}

/** `GET /api`. */
export function apiVersions(address: string): object {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }] };
}

function legacyGroup(group: string, version: string): object {
  const entry = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [entry], preferredVersion: entry };
}

/** `GET /apis` without aggregation. */
export function apiGroupList(kinds: readonly Kind[]): object {
  const groups = groupsOf(kinds).filter(({ group }) => group !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(({ group, version }) => legacyGroup(group, version)) };
}

/** `GET /apis/{group}`. */
export function apiGroup(kinds: readonly Kind[], name: string): object | undefined {
  const found = groupsOf(kinds).find(({ group }) => group === name && group !== "");
  return found ? { kind: "APIGroup", apiVersion: "v1", ...legacyGroup(found.group, found.version) } : undefined;
}

/** `GET /api/v1` and `GET /apis/{group}/{version}`. */
export function apiResourceList(kinds: readonly Kind[], groupVersion: string): object | undefined {
  const found = groupsOf(kinds).find((row) => apiVersionOf(row) === groupVersion);
  return found ? { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: found.kinds.flatMap(legacyResources) } : undefined;
}

function aggregatedResource(kind: Kind): object {
  const subresources = [
    ...kind.subresources.map((row) => ({ subresource: row.name, responseKind: { group: row.group, version: row.version, kind: row.kind }, verbs: row.verbs })),
    ...(kind.hasStatus ? [{ subresource: "status", responseKind: { group: kind.group, version: kind.version, kind: kind.kind }, verbs: STATUS_VERBS }] : []),
  ];
  return {
    resource: kind.resource,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: VERBS,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/** `APIGroupDiscoveryList`: everything under `/api` (the core group) or `/apis` in one answer. */
export function aggregatedDiscovery(kinds: readonly Kind[], core: boolean, version: "v2" | "v2beta1"): object {
  const groups = groupsOf(kinds).filter(({ group }) => (group === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((row) => ({
      metadata: { name: row.group, creationTimestamp: null },
      versions: [{ version: row.version, resources: row.kinds.map(aggregatedResource), freshness: "Current" }],
    })),
  };
}
