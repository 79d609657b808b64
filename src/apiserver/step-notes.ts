import type { Clock } from "../base/clock.js";
import { type PodStep, PodSteps, type StepSink } from "../kubernetes/pod-steps.js";
import type { Caller, Kind } from "./kinds/kind.js";
import type { ApiObject } from "./object.js";
import type { Stored } from "./storage/stored.js";

/** The journal's number of D1: deletionTimestamp is set. */
const D1 = 101;

function isPod(kind: Kind): boolean {
  return kind.group === "" && kind.resource === "pods";
}

/** Notes what happens to pods here: step 1 (a manifest arrived), 2 (it is stored) and D1. A write never waits for it. */
export class StepNotes {
  readonly #steps: PodSteps | undefined;

  constructor(sink: StepSink | undefined, clock: Clock) {
    this.#steps = sink === undefined ? undefined : new PodSteps(sink, "apiserver", clock);
  }

  /** Steps 1 and 2. */
  creation(kind: Kind, stored: Stored, arrivedMs: number, storingMs: number, caller: Caller): void {
    if (!isPod(kind)) return;
    const { object: pod, revision } = stored;
    const path = `POST /api/v1/namespaces/${pod.metadata.namespace}/pods`;
    this.#note(pod, { step: 1, peer: "", wire: path, etcdRevision: BigInt(revision), message: `from ${caller.name}`, startMs: arrivedMs, endMs: storingMs });
    this.#note(pod, { step: 2, peer: "etcd", wire: "etcdserverpb.KV/Txn", etcdRevision: BigInt(revision), message: `stored as ${stored.key}`, startMs: storingMs });
  }

  /** Step D1. */
  deletion(kind: Kind, pod: ApiObject, revision: number | undefined, startMs: number, caller: Caller): void {
    if (!isPod(kind)) return;
    const path = `DELETE /api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    this.#note(pod, { step: D1, peer: "etcd", wire: path, etcdRevision: BigInt(revision ?? 0), message: `asked for by ${caller.name}`, startMs });
  }

  #note(pod: ApiObject, step: Pick<PodStep, "step" | "peer" | "wire" | "message" | "startMs" | "endMs" | "etcdRevision">): void {
    const { uid = "", namespace = "", name } = pod.metadata;
    this.#steps?.record({ pod: { metadata: { uid, namespace, name } }, attempt: 1, subject: `${namespace}/${name}`, ...step });
  }
}
