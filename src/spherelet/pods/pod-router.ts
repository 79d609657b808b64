import type { Clock, Timer } from "../../base/clock.js";
import type { Informer } from "../../kubernetes/informer.js";
import type { Pod } from "../../kubernetes/pod.js";
import { revisionOf } from "../status/resource-version.js";
import type { VmNews } from "../vsphere.js";
import type { PodWorkers } from "./pod-workers.js";

export interface PodRouterOptions {
  /** Bound pods, indexed by `node`. */
  readonly pods: Pick<Informer<Pod>, "subscribe" | "hasSynced" | "store" | "resourceVersion">;
  readonly monotonic: Clock;
}

/** Pods one process takes on. */
export const MAX_PODS = 20_000;
const SWEEP_PERIOD_MS = 10_000;

interface Route {
  readonly workers: PodWorkers;
  /** Whether the host hears of its pods. */
  connected: boolean;
}

/** Tells each host of a process of its own pods and VMs: one watch and one timer for all. */
export class PodRouter {
  readonly #options: PodRouterOptions;
  /** By node name. */
  readonly #routes = new Map<string, Route>();
  #unsubscribe: (() => void) | undefined;
  #sweep: Timer | undefined;

  constructor(options: PodRouterOptions) {
    this.#options = options;
  }

  /** Pods of all hosts. */
  get size(): number {
    let size = 0;
    for (const { workers } of this.#routes.values()) size += workers.size;
    return size;
  }

  start(): void {
    // What is there before the first list is in was there before this process.
    const see = (pod: Pod): void => this.#connected(pod)?.see(pod, !this.#options.pods.hasSynced);
    this.#unsubscribe = this.#options.pods.subscribe({ added: see, updated: see, deleted: (pod) => this.#connected(pod)?.gone(pod) });
    this.#sweepLater();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#sweep?.cancel();
  }

  /** A Spherelet begins; it hears of VMs from now on, of pods from `connect` on. */
  add(node: string, workers: PodWorkers): void {
    this.#routes.set(node, { workers, connected: false });
  }

  /** It ends, and hears of nothing any more. */
  remove(node: string): void {
    this.#routes.delete(node);
  }

  /** It hears of its pods from now on, first of all there are. `begins`: it is the first that this Spherelet hears. */
  connect(node: string, begins: boolean): void {
    const route = this.#routes.get(node);
    if (route === undefined || route.connected) return;
    route.connected = true;
    const { pods } = this.#options;
    // Of a pod that is newer than the watch, the watch will tell.
    const isMissing = (pod: Pod): boolean => pods.hasSynced && (revisionOf(pod) ?? 0n) <= BigInt(/^\d+$/.exec(pods.resourceVersion ?? "")?.[0] ?? -1);
    route.workers.seeAll(pods.store.byIndex("node", node), begins, isMissing);
  }

  /** It hears no more of its pods. */
  disconnect(node: string): void {
    const route = this.#routes.get(node);
    if (route !== undefined) route.connected = false;
  }

  /** HostD tells of a VM. */
  hear(news: VmNews): void {
    this.#routes.get(news.host)?.workers.hear(news);
  }

  #connected(pod: Pod): PodWorkers | undefined {
    const route = this.#routes.get(pod.spec.nodeName ?? "");
    return route?.connected === true ? route.workers : undefined;
  }

  #sweepLater(): void {
    this.#sweep = this.#options.monotonic.timer(SWEEP_PERIOD_MS, () => {
      for (const { workers } of this.#routes.values()) workers.lookForPodsWithoutVm();
      this.#sweepLater();
    });
  }
}
