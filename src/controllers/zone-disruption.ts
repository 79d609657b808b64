import { EvictionLine } from "./eviction-line.js";
import { evictionRateOf, type ZoneState, zoneStateOf } from "./zone-state.js";

/** A node as the zones are judged by it. */
export interface JudgedNode {
  readonly name: string;
  readonly zone: string;
  readonly ready: boolean;
  /** Whether it has its NoExecute taint. */
  readonly tainted: boolean;
  /** It says nothing about its zone: it carries the label `node.kubernetes.io/exclude-disruption`. */
  readonly excluded: boolean;
}

interface Zone {
  /** Undefined while no node says anything about it. */
  state: ZoneState | undefined;
  size: number;
  readonly line: EvictionLine;
}

/**
 * Zones of nodes, how disrupted each is, and with it how fast its nodes are given up. While no zone has a Ready node (master disruption mode)
 * it must be the control plane that hears nothing, and no node is given up at all.
 */
export class ZoneDisruption {
  readonly #zones = new Map<string, Zone>();
  /** Zone by node. */
  readonly #places = new Map<string, string>();

  /** No node of any zone is Ready. */
  get isTotal(): boolean {
    const states = [...this.#zones.values()].flatMap(({ state }) => state ?? []);
    return states.length > 0 && states.every((state) => state === "FullDisruption");
  }

  /** Looks at all nodes together. Answers those whose time for a NoExecute taint has come; `nowMs` is monotonic. */
  look(nodes: readonly JudgedNode[], nowMs: number): readonly string[] {
    const counts = new Map<string, { ready: number; notReady: number }>();
    for (const node of nodes) {
      const count = counts.get(node.zone) ?? { ready: 0, notReady: 0 };
      counts.set(node.zone, count);
      if (!node.excluded) count[node.ready ? "ready" : "notReady"] += 1;
      this.#place(node, nowMs);
    }
    for (const [name, zone] of this.#zones) {
      const { ready, notReady } = counts.get(name) ?? { ready: 0, notReady: 0 };
      if (counts.has(name)) Object.assign(zone, { state: ready + notReady === 0 ? undefined : zoneStateOf(ready, notReady), size: ready + notReady });
      else this.#zones.delete(name);
    }
    const stopped = this.isTotal;
    const due: string[] = [];
    for (const { state = "Normal", size, line } of this.#zones.values()) {
      line.setRate(stopped ? 0 : evictionRateOf(state, size), nowMs);
      for (let name = line.next(nowMs); name !== undefined; name = line.next(nowMs)) due.push(name);
    }
    return due;
  }

  /** The node is gone, or Ready. */
  forget(name: string): void {
    this.#zones.get(this.#places.get(name) ?? "")?.line.remove(name);
    this.#places.delete(name);
  }

  #place({ name, zone, ready, tainted }: JudgedNode, nowMs: number): void {
    if (ready || tainted || this.#places.get(name) !== zone) this.forget(name);
    const known = this.#zones.get(zone) ?? { state: undefined, size: 0, line: new EvictionLine(evictionRateOf("Normal", 0), nowMs) };
    this.#zones.set(zone, known);
    this.#places.set(name, zone);
    if (!ready && !tainted) known.line.add(name);
  }
}
