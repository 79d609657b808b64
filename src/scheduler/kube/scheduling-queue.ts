import type { Clock, Timer } from "../../base/clock.js";
import { podPriority, type Pod } from "../../kubernetes/pod.js";
import type { PodUsage } from "./node-info.js";
import { usageOf } from "./node-info.js";
import type { ClusterEvent } from "./plugin.js";
import { isGated } from "./plugins/scheduling-gates.js";

/** A pod that waits for a node, from its first sight until it is bound or gone. */
export interface QueuedPod {
  usage: PodUsage;
  /** Times it was taken out to be scheduled. */
  attempts: number;
  /** When it entered activeQ last; ties of priority are broken by it. Monotonic. */
  activeSinceMs: number;
  /** When its last attempt ended. */
  failedMs: number;
  /** The plugins (or extender) that refused it; none after an error. */
  refusedBy: ReadonlySet<string>;
}

export interface SchedulingQueueOptions {
  /** Monotonic. */
  readonly clock: Clock;
  /** Whether the event is worth another try for a pod these plugins refused. */
  readonly helps: (event: ClusterEvent, pod: QueuedPod) => boolean;
}

export const INITIAL_BACKOFF_MS = 1_000;
export const MAX_BACKOFF_MS = 10_000;
/** A pod that nothing has moved for so long is tried again all the same. */
export const UNSCHEDULABLE_FLUSH_MS = 5 * 60_000;
const FLUSH_EVERY_MS = 30_000;
/** Events remembered while pods are being scheduled; beyond it every event counts as helpful. */
const MAX_REMEMBERED_EVENTS = 1_000;

const places = ["active", "backoff", "unschedulable", "gated", "inFlight", "binding"] as const;
type Place = (typeof places)[number];

interface Entry {
  readonly queued: QueuedPod;
  place: Place;
  /** Number of events before it was taken out. */
  eventsSeen: number;
  /** Its spec was changed while it was in flight. */
  changed: boolean;
}

/**
 * kube-scheduler's queues. A pod that waits is in exactly one place:
 *
 *   active         ready, by priority and then by time
 *   backoff        ready when its back-off ends: 1 s, 2 s, 4 s, 8 s, 10 s after the attempt
 *   unschedulable  until an event helps, or five minutes
 *   gated          until its scheduling gates are gone
 *   inFlight       taken out; events that come meanwhile are remembered, so that none is missed
 *   binding        has a node; leaves when the watch shows it bound
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions;
  readonly #pods = new Map<string, Entry>();
  readonly #at = Object.fromEntries(places.map((place) => [place, new Set<Entry>()])) as Record<Place, Set<Entry>>;
  readonly #active: QueuedPod[] = [];
  #backoffTimer: { readonly dueMs: number; readonly timer: Timer } | undefined;
  #flushTimer: Timer | undefined;
  #waiter: (() => void) | undefined;
  /** Events since the oldest pod in flight was taken out. */
  #events: ClusterEvent[] = [];
  #eventsDropped = 0;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
  }

  /** Pods by place, for status and tests. */
  count(place: Place): number {
    return this.#at[place].size;
  }

  place(uid: string): Place | undefined {
    return this.#pods.get(uid)?.place;
  }

  /** A pod seen for the first time, or changed. A change of its spec brings it back at once, if its back-off has ended. */
  set(pod: Pod): void {
    const { uid } = pod.metadata;
    const entry = this.#pods.get(uid);
    if (entry === undefined) {
      const queued: QueuedPod = { usage: usageOf(pod), attempts: 0, activeSinceMs: 0, failedMs: 0, refusedBy: new Set() };
      const fresh: Entry = { queued, place: "gated", eventsSeen: 0, changed: false };
      this.#pods.set(uid, fresh);
      this.#at.gated.add(fresh);
      if (!isGated(pod)) this.#activate(queued);
      return;
    }
    const specChanged = JSON.stringify(entry.queued.usage.pod.spec) !== JSON.stringify(pod.spec);
    entry.queued.usage = specChanged ? usageOf(pod) : { ...entry.queued.usage, pod };
    if (!specChanged || entry.place === "binding") return;
    if (entry.place === "inFlight") {
      entry.changed = true;
      return;
    }
    if (entry.place === "gated") {
      if (!isGated(pod)) this.#activate(entry.queued);
    } else if (isGated(pod)) this.#move(uid, "gated");
    else if (entry.place === "unschedulable") this.#retry(entry.queued);
    else if (entry.place === "active") this.#activate(entry.queued);
  }

  /** The pod was bound or is gone. */
  delete(uid: string): void {
    const entry = this.#pods.get(uid);
    if (entry === undefined) return;
    if (entry.place === "active") this.#active.splice(this.#active.indexOf(entry.queued), 1);
    this.#pods.delete(uid);
    this.#at[entry.place].delete(entry);
    this.#trimEvents();
  }

  /** Up to `max` pods, best first; waits until there is one. Empty when the queue was closed. */
  async take(max: number): Promise<QueuedPod[]> {
    while (this.#active.length === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#waiter = resolve));
    if (this.#closed) return [];
    const taken = this.#active.splice(0, max);
    for (const queued of taken) {
      const entry = this.#pods.get(queued.usage.pod.metadata.uid)!;
      this.#at.active.delete(entry);
      this.#at.inFlight.add(entry);
      entry.place = "inFlight";
      entry.changed = false;
      entry.eventsSeen = this.#eventsDropped + this.#events.length;
      queued.attempts += 1;
    }
    return taken;
  }

  /** A node was chosen: its binding begins. */
  binding(queued: QueuedPod): void {
    this.#move(queued.usage.pod.metadata.uid, "binding");
    this.#trimEvents();
  }

  /** No node: waits for an event, unless one that helps came while it was being scheduled. */
  refused(queued: QueuedPod, refusedBy: ReadonlySet<string>): void {
    const entry = this.#fail(queued, refusedBy);
    if (entry === undefined) return;
    const missed = entry.eventsSeen < this.#eventsDropped ? undefined : this.#events.slice(entry.eventsSeen - this.#eventsDropped);
    const helped = entry.changed || missed === undefined || missed.some((event) => this.#options.helps(event, queued));
    if (isGated(queued.usage.pod)) this.#move(queued.usage.pod.metadata.uid, "gated");
    else if (helped) this.#retry(queued);
    else this.#move(queued.usage.pod.metadata.uid, "unschedulable");
    this.#trimEvents();
  }

  /** The attempt failed for no fault of the pod: again after its back-off. */
  failed(queued: QueuedPod): void {
    if (this.#fail(queued, new Set()) === undefined) return;
    this.#retry(queued);
    this.#trimEvents();
  }

  /** The attempt lost a race inside one batch: again at once, and it does not count. */
  again(queued: QueuedPod): void {
    if (!this.#pods.has(queued.usage.pod.metadata.uid)) return;
    queued.attempts -= 1;
    this.#activate(queued, queued.activeSinceMs);
    this.#trimEvents();
  }

  /** Something happened: wakes the waiting pods it may help. */
  event(event: ClusterEvent): void {
    if (this.#at.inFlight.size > 0) {
      this.#events.push(event);
      if (this.#events.length > MAX_REMEMBERED_EVENTS) {
        this.#events.shift();
        this.#eventsDropped += 1;
      }
    }
    for (const { queued } of Array.from(this.#at.unschedulable)) if (this.#options.helps(event, queued)) this.#retry(queued);
  }

  start(): void {
    this.#flushTimer = this.#options.clock.timer(FLUSH_EVERY_MS, () => {
      const nowMs = this.#options.clock.nowMs();
      for (const { queued } of Array.from(this.#at.unschedulable)) if (nowMs - queued.failedMs >= UNSCHEDULABLE_FLUSH_MS) this.#retry(queued);
      this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#flushTimer?.cancel();
    this.#backoffTimer?.timer.cancel();
    this.#waiter?.();
  }

  #fail(queued: QueuedPod, refusedBy: ReadonlySet<string>): Entry | undefined {
    const entry = this.#pods.get(queued.usage.pod.metadata.uid);
    if (entry === undefined || entry.queued !== queued) return undefined;
    queued.failedMs = this.#options.clock.nowMs();
    queued.refusedBy = refusedBy;
    return entry;
  }

  /** To active, or to backoff while the back-off of the last attempt runs. */
  #retry(queued: QueuedPod): void {
    if (isGated(queued.usage.pod)) this.#move(queued.usage.pod.metadata.uid, "gated");
    else if (readyMs(queued) <= this.#options.clock.nowMs()) this.#activate(queued);
    else {
      this.#move(queued.usage.pod.metadata.uid, "backoff");
      this.#armBackoff(readyMs(queued));
    }
  }

  #armBackoff(dueMs: number): void {
    if (this.#closed || (this.#backoffTimer !== undefined && this.#backoffTimer.dueMs <= dueMs)) return;
    this.#backoffTimer?.timer.cancel();
    const timer = this.#options.clock.timer(dueMs - this.#options.clock.nowMs(), () => {
      this.#backoffTimer = undefined;
      const nowMs = this.#options.clock.nowMs();
      let nextMs = Number.POSITIVE_INFINITY;
      for (const { queued } of Array.from(this.#at.backoff)) {
        // A timer may fire a fraction early.
        if (readyMs(queued) <= nowMs + 1) this.#activate(queued);
        else nextMs = Math.min(nextMs, readyMs(queued));
      }
      if (nextMs !== Number.POSITIVE_INFINITY) this.#armBackoff(nextMs);
    });
    this.#backoffTimer = { dueMs, timer };
  }

  #activate(queued: QueuedPod, sinceMs = this.#options.clock.nowMs()): void {
    this.#move(queued.usage.pod.metadata.uid, "active");
    queued.activeSinceMs = sinceMs;
    // Binary search: the list stays sorted by priority, then time.
    let low = 0;
    let high = this.#active.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(queued, this.#active[middle]!)) high = middle;
      else low = middle + 1;
    }
    this.#active.splice(low, 0, queued);
    const wake = this.#waiter;
    this.#waiter = undefined;
    wake?.();
  }

  #move(uid: string, place: Place): void {
    const entry = this.#pods.get(uid);
    if (entry === undefined) return;
    if (entry.place === "active") this.#active.splice(this.#active.indexOf(entry.queued), 1);
    this.#at[entry.place].delete(entry);
    this.#at[place].add(entry);
    entry.place = place;
  }

  #trimEvents(): void {
    let needed = this.#eventsDropped + this.#events.length;
    for (const entry of this.#at.inFlight) needed = Math.min(needed, entry.eventsSeen);
    const spare = needed - this.#eventsDropped;
    if (spare <= 0) return;
    this.#events.splice(0, spare);
    this.#eventsDropped += spare;
  }
}

/** When the back-off after the last attempt ends. */
function readyMs({ attempts, failedMs }: QueuedPod): number {
  return attempts === 0 ? 0 : failedMs + Math.min(MAX_BACKOFF_MS, INITIAL_BACKOFF_MS * 2 ** (attempts - 1));
}

function before(a: QueuedPod, b: QueuedPod): boolean {
  const difference = podPriority(a.usage.pod) - podPriority(b.usage.pod);
  return difference !== 0 ? difference > 0 : a.activeSinceMs < b.activeSinceMs;
}
