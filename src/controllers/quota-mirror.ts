import type { Namespace } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { isBeingDeleted, nameOf } from "../kubernetes/object-meta.js";
import type { ResourceQuota } from "../kubernetes/resource-policy.js";
import { namespaces, resourceQuotas } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { type Controller, type ControllerContext, recorderFor } from "./controller.js";
import { type QuotaLimits, quotaLimits } from "./quota-limits.js";
import { type NamespacePool, poolAnnotations, type PoolDirectory, poolKeys } from "./resource-pool-controller.js";

/** What the mirror asks of vCenter. Calls reject with the wire's errors. */
export interface PoolLimiter extends Pick<PoolDirectory, "list" | "cluster"> {
  /** Sets both limits of a pool, undefined is unlimited, and leaves the rest of its settings. Answers why vCenter refuses, if it does. */
  setLimits(moid: string, limits: Pick<NamespacePool, "cpuLimitMhz" | "memoryLimitMb">): Promise<string | undefined>;
}

/** Names the limits that were set here, so that only these are lifted, also after a restart: `cpu,memory`. Ours; a real one owns its pools alone. */
const MIRRORED = "spheresim.io/resource-pool-limits-of-quota";
const SWEEP = "";
/** Pools are compared with the quotas so often: somebody may have changed one, or a slower host come. */
const SWEEP_EVERY_MS = 60_000;
/** A limit that vCenter refuses is tried again after this; pods may have ended. */
const REFUSED_RETRY_MS = 5_000;
const CLUSTER_WAIT_MS = 1_000;

/**
 * The Workload Control Plane's quota mirror: what a namespace's ResourceQuotas allow is the limit of its resource pool, and is lifted when
 * they go. Each pass compares what should be with what is, so it does not matter how often, or after what, it runs.
 */
export class QuotaMirror implements Controller {
  readonly #context: ControllerContext;
  readonly #pools: PoolLimiter;
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;
  /** Namespaces whose limit vCenter refused last time. */
  readonly #refused = new Set<string>();

  constructor(context: ControllerContext, pools: PoolLimiter) {
    this.#context = context;
    this.#pools = pools;
    this.#recorder = recorderFor(context, "wcpsvc");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "quota-mirror", workers: 2, work: (name) => (name === SWEEP ? this.#sweep() : this.#sync(name)) });
    const enqueue = (quota: ResourceQuota): void => this.#queue.add(quota.metadata.namespace ?? "");
    context.informers.of(resourceQuotas).subscribe({
      added: enqueue,
      updated: (quota, previous) => {
        if (JSON.stringify(quota.spec) !== JSON.stringify(previous.spec)) enqueue(quota);
      },
      deleted: enqueue,
    });
    context.informers.of(namespaces).subscribe({
      updated: (namespace, previous) => {
        if (poolOf(namespace) !== poolOf(previous)) this.#queue.add(namespace.metadata.name);
      },
      deleted: (namespace) => void this.#refused.delete(namespace.metadata.name),
    });
  }

  start(): void {
    this.#queue.add(SWEEP);
    this.#queue.start();
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#recorder.close();
  }

  #wanted(namespace: string, coreMhz: number): QuotaLimits {
    const quotas = this.#context.informers.of(resourceQuotas).store.list().filter(({ metadata }) => metadata.namespace === namespace);
    return quotaLimits(quotas, coreMhz);
  }

  async #sync(name: string): Promise<void> {
    const namespace = this.#context.informers.of(namespaces).store.get(name);
    if (namespace === undefined || isBeingDeleted(namespace) || poolOf(namespace) === undefined) return;
    const cluster = await this.#pools.cluster();
    if (cluster === undefined || cluster.coreMhz === 0) {
      this.#queue.addAfter(name, CLUSTER_WAIT_MS);
      return;
    }
    const wanted = this.#wanted(name, cluster.coreMhz);
    if (!isConcerned(namespace, wanted)) return;
    const pool = (await this.#pools.list()).find(({ moid }) => moid === poolOf(namespace));
    // A pool that vCenter lost is made anew, which changes the namespace and brings it here again.
    if (pool !== undefined) await this.#mirror(namespace, pool, wanted, cluster.coreMhz);
  }

  async #mirror(namespace: Namespace, pool: NamespacePool, wanted: QuotaLimits, coreMhz: number): Promise<void> {
    const { name } = namespace.metadata;
    const limits = limitsAfter(namespace, pool, wanted);
    if (limits.cpuLimitMhz !== pool.cpuLimitMhz || limits.memoryLimitMb !== pool.memoryLimitMb) {
      // Ours before it is set, so that whoever comes after a crash knows to lift it.
      await this.#annotate(namespace, { [MIRRORED]: [...new Set([...mirroredOf(namespace), ...kindsOf(wanted)])].sort().join(",") });
      const refusal = await this.#pools.setLimits(pool.moid, limits);
      if (refusal !== undefined) {
        this.#refuse(name, wanted, refusal);
        return;
      }
    }
    if (this.#refused.delete(name)) this.#tell(wanted, "Normal", "ResourcePoolLimitSet", `${pool.moid} has the limits of the quota`);
    await this.#annotate(namespace, { ...poolAnnotations({ moid: pool.moid, namespace: name, ...limits }, coreMhz), [MIRRORED]: kindsOf(wanted).join(",") || null });
  }

  #refuse(name: string, wanted: QuotaLimits, refusal: string): void {
    this.#refused.add(name);
    this.#tell(wanted, "Warning", "ResourcePoolLimitRefused", `vCenter keeps the limits of the resource pool as they were: ${refusal}`);
    this.#queue.addAfter(name, REFUSED_RETRY_MS);
  }

  #tell({ cpuQuota, memoryQuota }: QuotaLimits, type: "Normal" | "Warning", reason: string, message: string): void {
    for (const quota of new Set([cpuQuota, memoryQuota])) {
      if (quota !== undefined) this.#recorder.record({ ...quota, apiVersion: "v1", kind: "ResourceQuota" }, type, reason, message);
    }
  }

  /** Writes annotations that differ; null takes one away. */
  async #annotate(namespace: Namespace, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    const { client, informers } = this.#context;
    const now = informers.of(namespaces).store.get(namespace.metadata.name)?.metadata.annotations ?? {};
    if (Object.entries(annotations).every(([key, value]) => (now[key] ?? null) === value)) return;
    try {
      await client.patch(namespaces, nameOf(namespace), { type: "merge", body: { metadata: { uid: namespace.metadata.uid, annotations } } }, { fieldManager: "wcpsvc" });
    } catch (error) {
      // Gone, or another one of this name, which comes here by itself.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #sweep(): Promise<void> {
    this.#queue.addAfter(SWEEP, SWEEP_EVERY_MS);
    for (const namespace of this.#context.informers.of(namespaces).store.list()) {
      if (isConcerned(namespace, this.#wanted(namespace.metadata.name, 1))) this.#queue.add(namespace.metadata.name);
    }
  }
}

function poolOf(namespace: Namespace): string | undefined {
  return namespace.metadata.annotations?.[poolKeys.pool];
}

type LimitKind = "cpu" | "memory";

function mirroredOf(namespace: Namespace): LimitKind[] {
  const text = namespace.metadata.annotations?.[MIRRORED] ?? "";
  return (["cpu", "memory"] as const).filter((kind) => text.split(",").includes(kind));
}

function kindsOf({ cpuLimitMhz, memoryLimitMb }: QuotaLimits): LimitKind[] {
  return [...(cpuLimitMhz === undefined ? [] : ["cpu" as const]), ...(memoryLimitMb === undefined ? [] : ["memory" as const])];
}

/** Whether quotas bound the pool, or did. */
function isConcerned(namespace: Namespace, wanted: QuotaLimits): boolean {
  return kindsOf(wanted).length > 0 || mirroredOf(namespace).length > 0;
}

/** The pool's limits as they should be: the quota's; none where a quota's was lifted; else what the pool has. */
function limitsAfter(namespace: Namespace, pool: NamespacePool, wanted: QuotaLimits): Pick<NamespacePool, "cpuLimitMhz" | "memoryLimitMb"> {
  const mirrored = mirroredOf(namespace);
  const cpuLimitMhz = wanted.cpuLimitMhz ?? (mirrored.includes("cpu") ? undefined : pool.cpuLimitMhz);
  const memoryLimitMb = wanted.memoryLimitMb ?? (mirrored.includes("memory") ? undefined : pool.memoryLimitMb);
  return { ...(cpuLimitMhz === undefined ? {} : { cpuLimitMhz }), ...(memoryLimitMb === undefined ? {} : { memoryLimitMb }) };
}
