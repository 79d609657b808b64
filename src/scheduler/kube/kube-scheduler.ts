import type { Burst } from "../../base/burst.js";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { silentLogger } from "../../base/log.js";
import type { Dice } from "../../base/seeded-random.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import { EventRecorder } from "../../kubernetes/event-recorder.js";
import type { Informers } from "../../kubernetes/informers.js";
import type { Node } from "../../kubernetes/node.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { nodes, pods } from "../../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../../kubernetes/status.js";
import type { CuratedNode, FilterAnswer, FilterRequest, Placement, SchedulerExtender } from "../extender.js";
import { BindingCycle } from "./binding-cycle.js";
import type { Evaluation } from "./evaluation.js";
import { evaluate, filterPlugins, refusalOf } from "./evaluation.js";
import { ExtenderCalls } from "./extender-calls.js";
import type { ClusterEvent } from "./plugin.js";
import { isGated, schedulingGated } from "./plugins/scheduling-gates.js";
import { PodConditionWriter, SCHEDULER_NAME } from "./pod-condition-writer.js";
import { preemptionText } from "./preemption.js";
import { SchedulerCache } from "./scheduler-cache.js";
import type { SchedulerObserver } from "./scheduler-observer.js";
import type { QueuedPod } from "./scheduling-queue.js";
import { SchedulingQueue } from "./scheduling-queue.js";
import type { NodeVerdict, SchedulingAttempt } from "./verdict.js";
import { failureMessage } from "./verdict.js";

export interface KubeSchedulerOptions {
  readonly client: ApiClient;
  /** Shared with the rest of the process; pods and nodes are asked for here and started by the caller or by `start`. */
  readonly informers: Informers;
  /** Absent: Kubernetes alone. */
  readonly extender?: SchedulerExtender;
  /** Monotonic: back-off, deadlines. */
  readonly clock: Clock;
  /** Emulated: times in objects and records. */
  readonly worldClock: Clock;
  /** Breaks ties of the score. */
  readonly dice: Dice;
  readonly log?: Logger;
  readonly observer?: SchedulerObserver;
  /** Pods asked for at the extender at once; 64 when absent. */
  readonly maxBatch?: number;
  /** Pods whose bindings run at once; 256 when absent. */
  readonly maxBindings?: number;
  /** The bursts of pods in this process, for the events; its own when absent. */
  readonly burst?: Burst | undefined;
  /** Longest an extender may take to filter or to score; 5,000 when absent, as for HTTP extenders. */
  readonly extenderTimeoutMs?: number;
}

/** Longest stretch of scheduling before input and output get their turn. */
const MAX_STRETCH_MS = 5;

/**
 * kube-scheduler: takes pods without a node from its queue, filters the nodes (step 3), lets the extender choose among
 * those left (steps 4 and 5) or chooses by score, assumes the pod there, and binds (step 6) while the next pod is looked at.
 */
export class KubeScheduler {
  readonly queue: SchedulingQueue;
  readonly cache = new SchedulerCache();
  readonly #options: KubeSchedulerOptions;
  readonly #log: Logger;
  readonly #recorder: EventRecorder;
  readonly #conditions: PodConditionWriter;
  readonly #bindingCycle: BindingCycle;
  readonly #calls: ExtenderCalls | undefined;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #abort = new AbortController();
  readonly #bindings = new Set<Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(options: KubeSchedulerOptions) {
    const { client, extender, extenderTimeoutMs = 5_000, clock, worldClock, dice, observer } = options;
    const log = options.log ?? silentLogger;
    this.#options = options;
    this.#log = log;
    this.#recorder = new EventRecorder({ client, component: SCHEDULER_NAME, clock: worldClock, monotonic: clock, dice: dice.fork("events"), log, burst: options.burst });
    this.#conditions = new PodConditionWriter({ client, recorder: this.#recorder, worldClock, log });
    this.#bindingCycle = new BindingCycle({ client, recorder: this.#recorder, worldClock, log, extender, bound: observer?.bound?.bind(observer) });
    this.#calls = extender && new ExtenderCalls({ extender, clock, timeoutMs: extenderTimeoutMs, closing: this.#abort.signal });
    this.queue = new SchedulingQueue({ clock, helps: (event, queued) => this.#helps(event, queued) });
  }

  /** Resolves when nodes and pods are known and scheduling runs. */
  async start(): Promise<void> {
    const { informers, extender } = this.#options;
    // Nodes before pods, so that the first pod does not find an empty cluster.
    this.#unsubscribe.push(
      informers.of(nodes).subscribe({
        added: (node) => this.#nodeChanged("NodeAdded", node),
        updated: (node) => this.#nodeChanged("NodeUpdated", node),
        deleted: (node) => this.cache.removeNode(node.metadata.name),
      }),
      informers.of(pods).subscribe({
        added: (pod) => this.#podChanged(pod),
        updated: (pod) => this.#podChanged(pod),
        deleted: (pod) => this.#podGone(pod),
      }),
    );
    if (extender?.subscribe !== undefined) this.#unsubscribe.push(extender.subscribe(() => this.queue.event({ kind: "ExtenderChanged" })));
    await informers.start();
    if (informers.closed) return;
    this.queue.start();
    this.#running = this.#run();
  }

  /** Takes no more pods; resolves when bindings on the wire have ended. */
  async close(): Promise<void> {
    for (const stop of this.#unsubscribe) stop();
    this.queue.close();
    this.#abort.abort();
    await this.#running;
    await Promise.all(this.#bindings);
    await this.#recorder.close();
  }

  #nodeChanged(kind: "NodeAdded" | "NodeUpdated", node: Node): void {
    this.cache.setNode(node);
    const info = this.cache.node(node.metadata.name);
    if (info !== undefined) this.queue.event({ kind, node: info });
  }

  #podChanged(pod: Pod): void {
    const { uid } = pod.metadata;
    if (isTerminal(pod)) {
      this.#podGone(pod);
      return;
    }
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== "") {
      this.queue.delete(uid);
      this.cache.setPod(pod);
      return;
    }
    if ((pod.spec.schedulerName ?? SCHEDULER_NAME) !== SCHEDULER_NAME) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.queue.delete(uid);
      return;
    }
    this.queue.set(pod);
    if (isGated(pod)) void this.#conditions.unscheduled(pod, schedulingGated.reason, schedulingGated.message);
  }

  #podGone(pod: Pod): void {
    this.queue.delete(pod.metadata.uid);
    if (this.cache.removePod(pod.metadata.uid)) this.queue.event({ kind: "AssignedPodDeleted", pod });
  }

  /** Whether the event may help a pod, by the plugins that refused it; one the extender refused is helped by any. */
  #helps(event: ClusterEvent, queued: QueuedPod): boolean {
    if (queued.refusedBy.size === 0) return true;
    for (const name of queued.refusedBy) {
      const plugin = filterPlugins.find((candidate) => candidate.name === name);
      if (plugin === undefined || plugin.helps(event, queued.usage)) return true;
    }
    return false;
  }

  async #run(): Promise<void> {
    const { clock, extender, maxBatch = 64, maxBindings = 256 } = this.#options;
    let stretchStartMs = clock.nowMs();
    while (!this.#abort.signal.aborted) {
      const batch = await this.queue.take(extender === undefined ? 1 : Math.min(maxBatch, Math.max(1, maxBindings - this.#bindings.size)));
      if (batch.length === 0) return;
      try {
        await this.#scheduleBatch(batch);
      } catch (error) {
        this.#log.error({ err: error }, "a scheduling cycle failed");
        for (const queued of batch) if (this.queue.place(queued.usage.pod.metadata.uid) === "inFlight") this.queue.failed(queued);
      }
      while (this.#bindings.size >= maxBindings) await Promise.race(this.#bindings);
      if (clock.nowMs() - stretchStartMs < MAX_STRETCH_MS) continue;
      await clock.sleep(0, this.#abort.signal).catch(() => undefined);
      stretchStartMs = clock.nowMs();
    }
  }

  async #scheduleBatch(batch: readonly QueuedPod[]): Promise<void> {
    const attempts = batch.map((queued) => this.#begin(queued)).filter((attempt) => attempt !== undefined);
    const calls = this.#calls;
    if (calls === undefined) {
      for (const attempt of attempts) if (attempt.evaluation.feasible.length > 0) this.#choose(attempt, attempt.evaluation.feasible, new Map());
      return;
    }
    const asking = attempts.filter(({ evaluation }) => evaluation.feasible.length > 0);
    if (asking.length === 0) return;
    const requests = asking.map((attempt) => this.#requestOf(attempt));
    let answers: readonly FilterAnswer[];
    try {
      answers = await calls.filter(requests);
    } catch (error) {
      for (const attempt of asking) this.#error(attempt, `${calls.extender.name}: ${messageOf(error)}`);
      return;
    }
    for (const [at, attempt] of asking.entries()) await this.#followAnswer(attempt, requests[at]!, answers[at]!, calls);
  }

  /** Step 3. Undefined when there is nothing to do for the pod any more; one without a node is dealt with here. */
  #begin(queued: QueuedPod): Attempt | undefined {
    const { pod } = queued.usage;
    if (this.cache.isAssumed(pod.metadata.uid)) this.queue.binding(queued);
    if (pod.metadata.deletionTimestamp !== undefined) this.queue.delete(pod.metadata.uid);
    if (this.queue.place(pod.metadata.uid) !== "inFlight") return undefined;
    const { worldClock } = this.#options;
    const startMs = worldClock.nowMs();
    const evaluation = evaluate(queued.usage, this.cache.nodes());
    const attempt: Attempt = { queued, pod, evaluation, startMs, filteredMs: worldClock.nowMs() };
    this.#options.observer?.filtered?.({ pod, attempt: queued.attempts, startMs, endMs: attempt.filteredMs, verdicts: evaluation.verdicts, preFilterReasons: evaluation.preFilterReasons });
    if (evaluation.feasible.length === 0) this.#unschedulable(attempt, evaluation.verdicts, evaluation.refusedBy);
    return attempt;
  }

  #requestOf({ pod, queued, evaluation }: Attempt): FilterRequest {
    const feasible = evaluation.verdicts.filter((verdict) => verdict.feasible);
    return { pod, attempt: queued.attempts, nodes: feasible.map((verdict): CuratedNode => ({ node: this.cache.node(verdict.node)!.node!, score: verdict.score })) };
  }

  /** Step 5. */
  async #followAnswer(attempt: Attempt, request: FilterRequest, answer: FilterAnswer, calls: ExtenderCalls): Promise<void> {
    const { extender } = calls;
    const release = (cause: unknown): void => {
      for (const node of answer.nodes.slice(0, 1)) extender.unreserve?.({ pod: attempt.pod, node, attempt: attempt.queued.attempts }, cause);
    };
    if (answer.error !== undefined) {
      this.#error(attempt, `${extender.name}: ${answer.error}`);
      return;
    }
    const foreign = answer.nodes.find((node) => !attempt.evaluation.feasible.includes(node));
    if (foreign !== undefined) {
      this.#error(attempt, `${extender.name} answered node ${foreign}, which was not in the request`);
      return;
    }
    if (answer.nodes.length === 0) {
      const verdicts = attempt.evaluation.verdicts.map(
        (verdict): NodeVerdict => (verdict.feasible ? { ...verdict, extenderReason: answer.failedNodes[verdict.node] ?? `node(s) were refused by ${extender.name}` } : verdict),
      );
      this.#unschedulable(attempt, verdicts, new Set([...attempt.evaluation.refusedBy, extender.name]));
      return;
    }
    if (this.queue.place(attempt.pod.metadata.uid) !== "inFlight") {
      release(new Error("the pod is gone"));
      return;
    }
    // Pods of the same batch, and bindings that came meanwhile, may have taken the room.
    const left = answer.nodes.filter((name) => {
      const info = this.cache.node(name);
      return info !== undefined && refusalOf(attempt.queued.usage, info) === undefined;
    });
    if (left.length === 0) {
      release(new Error("Kubernetes' room on the node was taken meanwhile"));
      this.queue.again(attempt.queued);
      return;
    }
    let extra: ReadonlyMap<string, number> = new Map();
    if (left.length > 1) {
      extra = await calls.prioritize({ ...request, nodes: request.nodes.filter(({ node }) => left.includes(node.metadata.name)) }).catch((error: unknown) => {
        this.#log.warn({ err: error }, "the extender's scores are left out");
        return new Map<string, number>();
      });
    }
    this.#choose(attempt, left, extra, answer);
  }

  /** The best score wins; ties go by dice. The pod is assumed there and its binding begins. */
  #choose(attempt: Attempt, candidates: readonly string[], extra: ReadonlyMap<string, number>, answer?: FilterAnswer): void {
    const { extender, dice } = this.#options;
    const score = new Map(attempt.evaluation.verdicts.map((verdict) => [verdict.node, verdict.score + 10 * (extender?.weight ?? 1) * (extra.get(verdict.node) ?? 0)]));
    const best = Math.max(...candidates.map((node) => score.get(node)!));
    // Sorted, so that a draw does not depend on the order in which Nodes were told of.
    const winners = candidates.filter((node) => score.get(node) === best).sort();
    const node = winners.length === 1 ? winners[0]! : dice.pick(winners);
    const verdicts = attempt.evaluation.verdicts.map((verdict): NodeVerdict => {
      const reason = answer?.failedNodes[verdict.node];
      return verdict.feasible && reason !== undefined ? { ...verdict, extenderReason: reason } : verdict;
    });
    const who = answer !== undefined && candidates.length === 1 ? `recommended by ${extender!.name}` : winners.length > 1 ? `best score, drawn among ${winners.length}` : "best score";
    this.#tell(attempt, verdicts, "assigned", `${node}: ${who}`, node);

    this.cache.assume(attempt.queued.usage, node);
    this.queue.binding(attempt.queued);
    const binding = this.#bind(attempt.queued, { pod: attempt.pod, node, attempt: attempt.queued.attempts });
    this.#bindings.add(binding);
    void binding.finally(() => this.#bindings.delete(binding));
  }

  async #bind(queued: QueuedPod, placement: Placement): Promise<void> {
    const failure = await this.#bindingCycle.run(placement);
    if (failure === undefined) return;
    this.cache.forget(placement.pod.metadata.uid);
    this.queue.event({ kind: "AssignedPodDeleted", pod: placement.pod });
    // Gone, or bound by someone else: the watch says which.
    if (isNotFound(failure.error)) this.queue.delete(placement.pod.metadata.uid);
    else {
      this.queue.failed(queued);
      if (!isConflict(failure.error)) await this.#conditions.unscheduled(placement.pod, "SchedulerError", `binding rejected: ${messageOf(failure.error)}`);
    }
  }

  #unschedulable(attempt: Attempt, verdicts: readonly NodeVerdict[], refusedBy: ReadonlySet<string>): void {
    const message = failureMessage(verdicts, attempt.evaluation.preFilterReasons) + preemptionText(attempt.queued.usage, verdicts, (name) => this.cache.node(name));
    // With no nodes at all nothing has refused the pod; a new node helps, and that is what NodeName waits for.
    this.queue.refused(attempt.queued, refusedBy.size === 0 ? new Set(["NodeName"]) : refusedBy);
    this.#tell(attempt, verdicts, "unschedulable", message);
    void this.#conditions.unscheduled(attempt.pod, "Unschedulable", message);
  }

  #error(attempt: Attempt, message: string): void {
    this.#log.warn({ pod: attempt.pod.metadata.name, namespace: attempt.pod.metadata.namespace, message }, "the extender failed");
    this.queue.failed(attempt.queued);
    this.#tell(attempt, attempt.evaluation.verdicts, "error", message);
    void this.#conditions.unscheduled(attempt.pod, "SchedulerError", message);
  }

  #tell({ pod, queued, evaluation, startMs, filteredMs }: Attempt, verdicts: readonly NodeVerdict[], outcome: SchedulingAttempt["outcome"], message: string, node?: string): void {
    const { uid, namespace = "", name } = pod.metadata;
    this.#options.observer?.attempted?.({
      podUid: uid,
      namespace,
      name,
      attempt: queued.attempts,
      startMs,
      filteredMs,
      verdicts,
      preFilterReasons: evaluation.preFilterReasons,
      outcome,
      message,
      ...(node === undefined ? {} : { node }),
    });
  }
}

interface Attempt {
  readonly queued: QueuedPod;
  /** As it was when the attempt began. */
  readonly pod: Pod;
  readonly evaluation: Evaluation;
  readonly startMs: number;
  readonly filteredMs: number;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
