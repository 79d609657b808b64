import type { HostVm, ListVmsResponse } from "../gen/spheresim/hostd/v1/host.js";
import { invalidArgument, invalidCollectorVersion } from "./host-fault.js";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
/** Lists that may be under way at once; the oldest one's token is forgotten. */
const MAX_LISTS = 64;

/** Lists in pages; a token is bound to the moment of its first page, so a VM is seen once or not at all. */
export class VmPages {
  readonly #lists = new Map<string, { readonly host: string; readonly vms: readonly HostVm[] }>();
  #next = 1;

  page(host: string, pageSize: number, token: string, vms: () => readonly HostVm[]): ListVmsResponse {
    if (pageSize < 0 || pageSize > MAX_PAGE) throw invalidArgument("page_size", `must be 0 to ${MAX_PAGE}, not ${pageSize}`);
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    if (token === "") return this.#cut(host, vms(), 0, size, undefined);
    const match = /^(\d{1,15})\.(\d{1,9})$/.exec(token);
    if (match === null) throw invalidArgument("page_token", "was not given by this method");
    const [, id = "", offset = ""] = match;
    const list = this.#lists.get(id);
    if (list === undefined || list.host !== host) throw invalidCollectorVersion("");
    return this.#cut(host, list.vms, Number(offset), size, id);
  }

  #cut(host: string, vms: readonly HostVm[], offset: number, size: number, id: string | undefined): ListVmsResponse {
    const end = offset + size;
    const page = vms.slice(offset, end);
    if (end >= vms.length) return { vms: page, nextPageToken: "" };
    return { vms: page, nextPageToken: `${id ?? this.#keep(host, vms)}.${end}` };
  }

  #keep(host: string, vms: readonly HostVm[]): string {
    const id = String(this.#next);
    this.#next += 1;
    this.#lists.set(id, { host, vms });
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return id;
  }
}
