import type { Clock } from "../../base/clock.js";
import type { Vcenter } from "./vcenter.js";

/** A miss asks vCenter again, but not more often than this. */
const MIN_REFRESH_MS = 1_000;

/** vCenter's hosts by moid and by name; the name is also the Node's. */
export class HostDirectory {
  readonly #vcenter: Pick<Vcenter, "hosts">;
  readonly #monotonic: Clock;
  #byMoid: ReadonlyMap<string, string> = new Map();
  #names = new Set<string>();
  #asked: { readonly ms: number; readonly answer: Promise<void> } | undefined;

  constructor(vcenter: Pick<Vcenter, "hosts">, monotonic: Clock) {
    this.#vcenter = vcenter;
    this.#monotonic = monotonic;
  }

  /** Which of these nodes are ESXi hosts of this vCenter. */
  async known(nodes: readonly string[]): Promise<ReadonlySet<string>> {
    if (nodes.some((node) => !this.#names.has(node))) await this.#refresh();
    return new Set(nodes.filter((node) => this.#names.has(node)));
  }

  /** Name of a host; undefined for one that vCenter does not have. */
  async nameOf(moid: string): Promise<string | undefined> {
    if (!this.#byMoid.has(moid)) await this.#refresh();
    return this.#byMoid.get(moid);
  }

  #refresh(): Promise<void> {
    const nowMs = this.#monotonic.nowMs();
    if (this.#asked !== undefined && nowMs - this.#asked.ms < MIN_REFRESH_MS) return this.#asked.answer;
    const answer = this.#vcenter.hosts().then((hosts) => {
      this.#byMoid = hosts;
      this.#names = new Set(hosts.values());
    });
    const asked = { ms: nowMs, answer };
    this.#asked = asked;
    // A failure is told to those who wait and is no reason not to ask again.
    answer.catch(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    return answer;
  }
}
