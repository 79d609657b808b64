import type { Clock } from "../../base/clock.js";
import { VimFault } from "../vim-fault.js";

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** What can be read a piece at a time: an array, or what makes its pieces as they are read. */
export interface Sliceable<T> {
  readonly length: number;
  slice(from: number, end: number): readonly T[];
}

interface Snapshot<T> {
  readonly items: Sliceable<T>;
  readonly untilMs: number;
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const TOKEN_LIFE_MS = 300_000;
/** Lists that somebody is in the middle of; beyond it the oldest can no longer be read on. */
const MAX_SNAPSHOTS = 100;

/**
 * Lists by pages. The first page takes a snapshot, and its tokens read on in that one, so nothing is seen twice or missed while
 * objects come and go. A token is `<snapshot>.<offset>` and ends after 5 minutes.
 */
export class Pages<T> {
  readonly #monotonic: Clock;
  readonly #epoch: bigint;
  readonly #snapshots = new Map<string, Snapshot<T>>();
  #taken = 0;

  constructor(epoch: bigint, monotonic: Clock) {
    this.#epoch = epoch;
    this.#monotonic = monotonic;
  }

  /** A page; `all` is asked for the first one only. Throws InvalidArgument and InvalidCollectorVersion. */
  page(request: { readonly pageSize: number; readonly pageToken: string }, all: () => Sliceable<T>): Page<T> {
    const { pageSize, pageToken } = request;
    if (pageSize < 0 || pageSize > MAX_PAGE) throw VimFault.invalidArgument("page_size", `must be 1 to ${MAX_PAGE}, or 0 for ${DEFAULT_PAGE}; is ${pageSize}`);
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    if (pageToken === "") {
      const items = all();
      if (items.length <= size) return { items: items.slice(0, size), nextPageToken: "" };
      this.#taken += 1;
      const id = `${this.#epoch}-${this.#taken}`;
      this.#snapshots.set(id, { items, untilMs: this.#monotonic.nowMs() + TOKEN_LIFE_MS });
      this.#forgetOld();
      return this.#cut(id, items, 0, size);
    }
    const match = /^(\d+-\d+)\.(\d{1,12})$/.exec(pageToken);
    if (match === null) throw VimFault.invalidArgument("page_token", `"${pageToken}" is no token of this service`);
    this.#forgetOld();
    const id = match[1] ?? "";
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) throw VimFault.invalidCollectorVersion("");
    return this.#cut(id, snapshot.items, Number(match[2]), size);
  }

  #cut(id: string, items: Sliceable<T>, from: number, size: number): Page<T> {
    const end = from + size;
    return { items: items.slice(from, end), nextPageToken: end < items.length ? `${id}.${end}` : "" };
  }

  #forgetOld(): void {
    const nowMs = this.#monotonic.nowMs();
    for (const [id, snapshot] of this.#snapshots) {
      if (snapshot.untilMs > nowMs && this.#snapshots.size <= MAX_SNAPSHOTS) return;
      this.#snapshots.delete(id);
    }
  }
}
