import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Node } from "../kubernetes/node.js";
import { isBeingDeleted, nameOf, objectKey } from "../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { nodes, pods } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { tolerates, type Taint, type Toleration } from "../kubernetes/taint.js";
import { formatTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import type { Controller, ControllerContext } from "./controller.js";
import { recorderFor } from "./controller.js";

const BY_NODE = "nodeName";

/**
 * How long a pod may stay on a node with these NoExecute taints: 0 where one is not tolerated, for ever (undefined) where
 * all are tolerated without a limit, else the shortest `tolerationSeconds` in play, counted in milliseconds.
 */
export function stayMs(taints: readonly Taint[], tolerations: readonly Toleration[] | undefined): number | undefined {
  let shortest: number | undefined;
  for (const taint of taints) {
    const covering = (tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (covering.length === 0) return 0;
    for (const { tolerationSeconds } of covering) if (tolerationSeconds !== undefined) shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, Math.max(0, tolerationSeconds) * 1000);
  }
  return shortest;
}

/** Evicts pods from nodes with NoExecute taints, at once or when their toleration has run out. */
export class TaintEvictionController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;
  /** By pod uid: since when (monotonic) the taints of its node stand against it, and which. */
  readonly #since = new Map<string, { readonly taints: string; readonly atMs: number }>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = recorderFor(context, "taint-eviction-controller");
    this.#queue = new WorkQueue({ clock: context.monotonic, log: context.log, name: "taint-eviction", workers: 8, work: (key) => this.#sync(key) });
    const podInformer = context.informers.of(pods);
    podInformer.store.addIndex(BY_NODE, (pod) => [pod.spec.nodeName ?? ""]);
    const podChanged = (pod: Pod): void => {
      if (noExecute(context.informers.of(nodes).store.get(pod.spec.nodeName ?? "")).length > 0) this.#queue.add(objectKey(pod));
    };
    podInformer.subscribe({ added: podChanged, updated: podChanged, deleted: (pod) => void this.#since.delete(pod.metadata.uid) });
    const nodeChanged = (node: Node, previous?: Node): void => {
      if (noExecute(node).length === 0 && noExecute(previous).length === 0) return;
      for (const pod of podInformer.store.byIndex(BY_NODE, node.metadata.name)) this.#queue.add(objectKey(pod));
    };
    context.informers.of(nodes).subscribe({ added: (node) => nodeChanged(node), updated: nodeChanged });
  }

  start(): void {
    this.#queue.start();
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#recorder.close();
  }

  async #sync(key: string): Promise<void> {
    const { client, clock, informers, monotonic } = this.#context;
    const pod = informers.of(pods).store.get(key);
    if (pod === undefined || isBeingDeleted(pod) || isTerminal(pod)) return;
    const taints = noExecute(informers.of(nodes).store.get(pod.spec.nodeName ?? ""));
    const { uid } = pod.metadata;
    if (taints.length === 0) {
      if (this.#since.delete(uid)) this.#recorder.record(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${objectKey(pod)}`, { apiVersion: "v1", kind: "Pod" });
      return;
    }
    const stay = stayMs(taints, pod.spec.tolerations);
    if (stay === undefined) {
      this.#since.delete(uid);
      return;
    }
    const text = taints.map((taint) => `${taint.key}=${taint.value ?? ""}`).join(",");
    let since = this.#since.get(uid);
    if (since?.taints !== text) {
      since = { taints: text, atMs: monotonic.nowMs() };
      if (stay > 0) this.#since.set(uid, since);
    }
    const leftMs = since.atMs + stay - monotonic.nowMs();
    if (leftMs > 0) {
      this.#queue.addAfter(key, leftMs);
      return;
    }
    this.#recorder.record(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${objectKey(pod)}`, { apiVersion: "v1", kind: "Pod" });
    const condition = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint", lastTransitionTime: formatTime(clock.nowMs()) };
    try {
      await client.patch(pods, nameOf(pod), { type: "strategic", body: { metadata: { uid }, status: { conditions: [condition] } } }, { subresource: "status" });
      await client.delete(pods, nameOf(pod), { preconditions: { uid } });
      this.#since.delete(uid);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function noExecute(node: Node | undefined): readonly Taint[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
}
