import { invalidArgument, invalidCollectorVersion } from "./host-fault.js";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
/** Lists that may be under way at once; the oldest one's token is forgotten. */
const MAX_LISTS = 64;

/** A page of a list. */
export interface ListPage<T> {
  readonly items: T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Lists in pages; a token is bound to the moment of its first page, so an item is seen once or not at all. */
export class ListPages<T> {
  readonly #lists = new Map<string, { readonly scope: string; readonly items: readonly T[] }>();
  #next = 1;

  /** `scope`: a token of another one is not taken. */
  page(scope: string, pageSize: number, token: string, items: () => readonly T[]): ListPage<T> {
    if (pageSize < 0 || pageSize > MAX_PAGE) throw invalidArgument("page_size", `must be 0 to ${MAX_PAGE}, not ${pageSize}`);
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    if (token === "") return this.#cut(scope, items(), 0, size, undefined);
    const match = /^(\d{1,15})\.(\d{1,9})$/.exec(token);
    if (match === null) throw invalidArgument("page_token", "was not given by this method");
    const [, id = "", offset = ""] = match;
    const list = this.#lists.get(id);
    if (list === undefined || list.scope !== scope) throw invalidCollectorVersion("");
    return this.#cut(scope, list.items, Number(offset), size, id);
  }

  #cut(scope: string, all: readonly T[], offset: number, size: number, id: string | undefined): ListPage<T> {
    const end = offset + size;
    const items = all.slice(offset, end);
    if (end >= all.length) return { items, nextPageToken: "" };
    return { items, nextPageToken: `${id ?? this.#keep(scope, all)}.${end}` };
  }

  #keep(scope: string, items: readonly T[]): string {
    const id = String(this.#next);
    this.#next += 1;
    this.#lists.set(id, { scope, items });
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return id;
  }
}
