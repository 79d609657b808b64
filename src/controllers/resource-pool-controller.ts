import type { Namespace } from "../kubernetes/cluster-objects.js";
import { isBeingDeleted, nameOf } from "../kubernetes/object-meta.js";
import { namespaces } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";

/** A pool as vCenter tells of it. */
export interface NamespacePool {
  /** `resgroup-443`. */
  readonly moid: string;
  readonly namespace: string;
  /** MHz; undefined is unlimited. */
  readonly cpuLimitMhz?: number;
  /** MB; undefined is unlimited. */
  readonly memoryLimitMb?: number;
}

/** What this controller asks of vCenter. Calls reject with the wire's errors. */
export interface PoolDirectory {
  /** The pool of the namespace; made below `Namespaces` when missing. The same `uid` gives the same request id. */
  ensure(namespace: string, uid: string): Promise<NamespacePool>;
  /** All pools that stand for a namespace. */
  list(): Promise<readonly NamespacePool[]>;
  /** Destroys an empty pool; one that is gone is fine. */
  destroy(moid: string): Promise<void>;
  /** The cluster's moid (`domain-c9`) and MHz of its slowest core, by which limits become cores; undefined while vCenter has none. */
  cluster(): Promise<{ readonly moid: string; readonly coreMhz: number } | undefined>;
}

export const poolKeys = {
  pool: "vmware-system-resource-pool",
  cpuLimit: "vmware-system-resource-pool-cpu-limit",
  memoryLimit: "vmware-system-resource-pool-memory-limit",
  clusterLabel: "vSphereClusterID",
} as const;

const LEFTOVERS = "";
/** Vanished namespaces' pools are looked for at least so often, for those vCenter was out of reach for. */
const SWEEP_EVERY_MS = 60_000;
/** A new vCenter has no cluster until somebody adds one; that is no failure, and is looked for so often. */
const CLUSTER_WAIT_MS = 100;

/** The annotations of a namespace by its pool: a CPU limit is written in cores with four decimals, memory in Mi; none is written for unlimited. */
export function poolAnnotations(pool: NamespacePool, coreMhz: number): Readonly<Record<string, string | null>> {
  return {
    [poolKeys.pool]: pool.moid,
    [poolKeys.cpuLimit]: pool.cpuLimitMhz === undefined || coreMhz === 0 ? null : (pool.cpuLimitMhz / coreMhz).toFixed(4),
    [poolKeys.memoryLimit]: pool.memoryLimitMb === undefined ? null : `${pool.memoryLimitMb}Mi`,
  };
}

/** The Workload Control Plane's part: a namespace is a resource pool, and says which. Pools of vanished namespaces go. */
export class ResourcePoolController implements Controller {
  readonly #context: ControllerContext;
  readonly #pools: PoolDirectory;
  readonly #queue: WorkQueue;
  /** Pools that namespaces name and vCenter does not have (its inventory was reset). */
  readonly #lost = new Set<string>();

  constructor(context: ControllerContext, pools: PoolDirectory) {
    this.#context = context;
    this.#pools = pools;
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "resource-pool", workers: 4, work: (name) => (name === LEFTOVERS ? this.#sweep() : this.#sync(name)) });
    const enqueue = (namespace: Namespace): void => this.#queue.add(namespace.metadata.name);
    context.informers.of(namespaces).subscribe({ added: enqueue, updated: enqueue, deleted: () => this.#queue.add(LEFTOVERS) });
  }

  start(): void {
    this.#queue.add(LEFTOVERS);
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #sync(name: string): Promise<void> {
    const { client, informers } = this.#context;
    const namespace = informers.of(namespaces).store.get(name);
    // The pool of a namespace that is being deleted stays for the pods still in it.
    if (namespace === undefined || isBeingDeleted(namespace)) return;
    const named = namespace.metadata.annotations?.[poolKeys.pool];
    if (named !== undefined && !this.#lost.has(named)) return;
    const cluster = await this.#pools.cluster();
    if (cluster === undefined) {
      this.#queue.addAfter(name, CLUSTER_WAIT_MS);
      return;
    }
    const pool = await this.#pools.ensure(name, namespace.metadata.uid);
    const body = {
      metadata: {
        uid: namespace.metadata.uid,
        annotations: poolAnnotations(pool, cluster.coreMhz),
        labels: { [poolKeys.clusterLabel]: cluster.moid },
      },
    };
    try {
      await client.patch(namespaces, nameOf(namespace), { type: "merge", body }, { fieldManager: "wcpsvc" });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      this.#queue.add(LEFTOVERS);
    }
    if (named !== undefined) this.#lost.delete(named);
  }

  async #sweep(): Promise<void> {
    this.#queue.addAfter(LEFTOVERS, SWEEP_EVERY_MS);
    const { client, informers } = this.#context;
    const pools = await this.#pools.list();
    const moids = new Set(pools.map(({ moid }) => moid));
    for (const namespace of informers.of(namespaces).store.list()) {
      const named = namespace.metadata.annotations?.[poolKeys.pool];
      if (named === undefined || moids.has(named)) continue;
      this.#lost.add(named);
      this.#queue.add(namespace.metadata.name);
    }
    for (const pool of pools) {
      if (informers.of(namespaces).store.get(pool.namespace) !== undefined) continue;
      // The copy here may be behind: the API server has the last word before something is destroyed.
      const there = await client.get(namespaces, { name: pool.namespace }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (there === undefined) await this.#pools.destroy(pool.moid);
    }
  }
}
