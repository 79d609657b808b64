import { badRequest, expired, revisionInFuture } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import type { Registry } from "../registry.js";
import type { Selection } from "../request.js";
import { CompactedError, FutureRevisionError } from "../storage/backend.js";
import { Stored } from "../storage/stored.js";
import { Filter } from "./selection.js";

/** What a list asks for (`meta/v1 ListOptions`). */
export interface ListQuery extends Selection {
  readonly namespace: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

/** One page of one snapshot. */
export interface Page {
  readonly items: readonly Stored[];
  readonly revision: number;
  readonly continueToken?: string;
  readonly remaining?: number;
}

/** How many keys are read at a time while a selector looks for enough matches. */
const SCAN_LIMIT = 500;

/** `{rv, start}`: continue in the snapshot of revision `rv` after key `start`. */
function encodeToken(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: after })).toString("base64url");
}

function decodeToken(token: string): { revision: number; after: string } {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as { rv: unknown; start: unknown };
    if (Number.isInteger(rv) && typeof start === "string") return { revision: rv as number, after: start };
  } catch {
    // Falls through to the refusal.
  }
  throw badRequest("continue key is not valid: illegal base64 data or unknown version");
}

/** A resource version as a number; 400 for anything else. */
export function parseRevision(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function prefixOf(kind: Kind, namespace: string): string {
  return kind.namespaced && namespace !== "" ? `${kind.prefix}${namespace}/` : kind.prefix;
}

/** Everything the cache knows, for callers that take any state. */
function fromCache(registry: Registry, kind: Kind, filter: Filter, namespace: string): Page {
  const prefix = prefixOf(kind, namespace);
  const items: Stored[] = [];
  for (const [key, stored] of registry.cache.shelf(kind.prefix).objects) if (key.startsWith(prefix) && filter.matches(stored.object)) items.push(stored);
  items.sort((left, right) => (left.key < right.key ? -1 : 1));
  return { items, revision: registry.cache.revision };
}

/** Reads pages of one snapshot from the store until `limit` objects match. */
async function fromStore(registry: Registry, kind: Kind, filter: Filter, query: ListQuery, revision: number, after: string): Promise<Page> {
  const prefix = prefixOf(kind, query.namespace);
  const shelf = registry.cache.shelf(kind.prefix);
  const items: Stored[] = [];
  let at = revision;
  let from = after === "" ? prefix : `${after}\0`;
  for (;;) {
    const limit = query.limit === 0 ? 0 : filter.isSelective ? Math.max(SCAN_LIMIT, query.limit) : query.limit;
    const result = await registry.backend.range({ prefix, from, revision: at, limit });
    if (at === 0) at = result.revision;
    let seen = 0;
    for (const row of result.rows) {
      seen++;
      const known = shelf.objects.get(row.key);
      const stored = known?.revision === row.modRevision ? known : Stored.fromRow(row);
      if (!filter.matches(stored.object)) continue;
      items.push(stored);
      if (query.limit > 0 && items.length === query.limit) {
        const remaining = result.count - seen;
        if (remaining === 0) return { items, revision: at };
        return { items, revision: at, continueToken: encodeToken(at, row.key), ...(filter.isSelective ? {} : { remaining }) };
      }
    }
    const last = result.rows.at(-1);
    if (!result.more || !last) return { items, revision: at };
    from = `${last.key}\0`;
  }
}

/** Lists objects of a kind: the newest state by default, any cached one for resource version 0. */
export async function listObjects(registry: Registry, kind: Kind, query: ListQuery): Promise<Page> {
  const filter = new Filter(kind, query.namespace, query);
  const { resourceVersion, resourceVersionMatch } = query;
  if (resourceVersionMatch !== "" && resourceVersionMatch !== "Exact" && resourceVersionMatch !== "NotOlderThan") {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${resourceVersionMatch}": supported values: "Exact", "NotOlderThan", ""`);
  }
  try {
    if (query.continueToken !== "") {
      if (resourceVersion !== "" && resourceVersion !== "0") throw badRequest("specifying resource version is not allowed when using continue");
      const { revision, after } = decodeToken(query.continueToken);
      if (!after.startsWith(prefixOf(kind, query.namespace))) throw badRequest("continue key is not valid: it is of another list");
      return await fromStore(registry, kind, filter, query, revision, after);
    }
    if (resourceVersion === "") {
      if (resourceVersionMatch !== "") throw badRequest("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
      return await fromStore(registry, kind, filter, query, 0, "");
    }
    const wanted = parseRevision(resourceVersion);
    if (resourceVersionMatch === "Exact") {
      if (wanted === 0) throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
      return await fromStore(registry, kind, filter, query, wanted, "");
    }
    if (wanted === 0 || (registry.cache.revision >= wanted && query.limit === 0)) return fromCache(registry, kind, filter, query.namespace);
    const page = await fromStore(registry, kind, filter, query, 0, "");
    if (page.revision < wanted) throw revisionInFuture(wanted, page.revision);
    return page;
  } catch (error) {
    if (error instanceof FutureRevisionError) throw revisionInFuture(Number(resourceVersion) || 0, registry.cache.revision);
    if (!(error instanceof CompactedError)) throw error;
    if (query.continueToken === "") throw expired(`The resourceVersion for the provided list is too old.`);
    const { after } = decodeToken(query.continueToken);
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
      encodeToken(0, after),
    );
  }
}
