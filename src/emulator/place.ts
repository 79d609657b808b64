import { BoundedQueue } from "../base/bounded-queue.js";
import type { Clock } from "../base/clock.js";
import type { PlaceResponse } from "../gen/spheresim/emulator/v1/emulator.js";
import type { ApiClient, WatchEvent } from "../kubernetes/api-client.js";
import type { Pod } from "../kubernetes/pod.js";
import type { RestClient } from "../kubernetes/rest-client.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { applyObject, appliedMessage, type Applied } from "./apply.js";
import { FollowedPods } from "./followed-pods.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { JournalBatch, JournalReader } from "./journal-reader.js";
import { journalPrefix } from "./journal-key.js";
import { KindTable } from "./kind-table.js";
import type { ManifestObject, ReadObject } from "./manifest.js";
import { hasArrived, outcomeOf } from "./pod-outcome.js";
import { StepOrder } from "./step-order.js";

/** What Place works with. */
export interface PlaceSurroundings {
  readonly client: RestClient;
  readonly reader: JournalReader;
  readonly monotonic: Clock;
}

export interface PlaceOptions {
  readonly objects: readonly ReadObject[];
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

type Heard = { readonly kind: "pod"; readonly event: WatchEvent<Pod> } | { readonly kind: "step"; readonly record: StepRecord } | { readonly kind: "time" };

const lastStep = 14;
/** The journal is written behind the placement, up to 4 s in a burst of pods; so long it may lag. */
const journalLagMs = 5_000;
const maxHeard = 100_000;

/**
 * Applies objects and tells what happens to their pods until each has arrived or is stuck, or time is up. Steps of a pod that are
 * recorded before the pod is known to be ours are kept and told as soon as it is.
 */
export async function* place(around: PlaceSurroundings, options: PlaceOptions): AsyncGenerator<PlaceResponse, void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, options.signal]);
  const heard = new BoundedQueue<Heard>(maxHeard, "fail");
  const timers = [around.monotonic.timer(options.timeoutMs, () => heard.push({ kind: "time" }))];
  try {
    const [resourceVersion, revision] = await Promise.all([newestVersion(around.client), around.reader.revision()]);
    const applied: Applied[] = [];
    const kinds = new KindTable(around.client);
    // Every kind is looked up before anything is applied: a mistyped one leaves nothing half done.
    const typed: { readonly object: ManifestObject; readonly type: Applied["type"] }[] = [];
    for (const { object, field } of options.objects) typed.push({ object, type: await kinds.find(object, field) });
    for (const { object, type } of typed) {
      const each = await applyObject(around.client, type, object, options.namespace);
      applied.push(each);
      yield response("applied", appliedMessage(each));
    }
    const followed = new FollowedPods(around.client, applied);
    if (applied.some((each) => each.change !== "created")) await followed.begin((await around.client.list(podType)).items);
    if (!followed.settled) {
      const arrivedBefore = new Set(followed.pods.filter(hasArrived).map((pod) => pod.metadata.uid));
      void pump(heard, watchPods(around.client, resourceVersion, signal), (event) => ({ kind: "pod", event }));
      void pump(heard, recordsOf(around.reader.follow(journalPrefix, revision, signal)), (record) => ({ kind: "step", record }));
      yield* follow(heard, followed, arrivedBefore, () => void timers.push(around.monotonic.timer(journalLagMs, () => heard.push({ kind: "time" }))));
    }
    yield response("result", { pods: followed.pods.map(outcomeOf), allRunning: followed.allArrived, timedOut: !followed.settled });
  } finally {
    stop.abort();
    for (const timer of timers) timer.cancel();
    heard.close();
  }
}

/** Tells steps in the article's order until the pods are settled and the journal has caught up. */
async function* follow(heard: BoundedQueue<Heard>, followed: FollowedPods, arrivedBefore: ReadonlySet<string>, startLagTimer: () => void): AsyncGenerator<PlaceResponse, void> {
  const order = new StepOrder();
  const told = new Map<string, Set<number>>();
  const isRecorded = (uid: string): boolean => arrivedBefore.has(uid) || (told.get(uid)?.size ?? 0) >= lastStep;
  let lagging = false;
  for await (const each of heard) {
    if (each.kind === "time") break;
    if (each.kind === "step") {
      const { record } = each;
      order.add(record);
      if (record.step <= lastStep) told.set(record.podUid, (told.get(record.podUid) ?? new Set()).add(record.step));
      if (followed.has(record.podUid)) yield* order.next(record.podUid).map((step) => response("step", step));
    } else if (each.event.type === "DELETED") {
      followed.forget(each.event.object.metadata.uid);
    } else if (each.event.type !== "BOOKMARK" && (await followed.take(each.event.object))) {
      yield* order.next(each.event.object.metadata.uid).map((step) => response("step", step));
    }
    if (!followed.settled) continue;
    if (followed.pods.every((pod) => !hasArrived(pod) || isRecorded(pod.metadata.uid))) break;
    if (!lagging) startLagTimer();
    lagging = true;
  }
  for (const pod of followed.pods) yield* order.rest(pod.metadata.uid).map((step) => response("step", step));
}

async function pump<T>(heard: BoundedQueue<Heard>, source: AsyncIterable<T>, wrap: (item: T) => Heard): Promise<void> {
  try {
    for await (const item of source) if (!heard.push(wrap(item))) return;
  } catch (error) {
    heard.close(error as Error); // after the end of the placement the queue is closed already and this says nothing
  }
}

async function* recordsOf(batches: AsyncIterable<JournalBatch>): AsyncGenerator<StepRecord, void> {
  for await (const { changes } of batches) for (const change of changes) if (change.kind !== "leave") yield change.record;
}

/** Pod events from a version on, across the server's regular ends of a watch. */
export async function* watchPods(client: ApiClient, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent<Pod>, void> {
  let version = resourceVersion;
  while (!signal.aborted) {
    for await (const event of client.watch(podType, { resourceVersion: version, signal })) {
      version = event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.resourceVersion;
      yield event;
    }
  }
}

/** Where a watch may begin so that it misses nothing from now on. */
export async function newestVersion(client: RestClient): Promise<string> {
  const list = (await client.raw("GET", "/api/v1/pods?limit=1")) as { metadata: { resourceVersion: string } };
  return list.metadata.resourceVersion;
}

type Event = NonNullable<PlaceResponse["event"]>;

function response<C extends Event["$case"]>($case: C, value: Extract<Event, { $case: C }>["value"]): PlaceResponse {
  return { event: { $case, value } as Event };
}
