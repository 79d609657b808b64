import { Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import type { Caller, Kind } from "./kinds/kind.js";
import type { ApiObject } from "./object.js";
import type { Stored } from "./storage/stored.js";

/** Where steps go; returns at once. */
export interface StepSink {
  record(step: StepRecord): void;
}

/** The journal's number of D1: deletionTimestamp is set. */
const D1 = 101;

function isPod(kind: Kind): boolean {
  return kind.group === "" && kind.resource === "pods";
}

function timestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** Notes what happens to pods here: step 1 (a manifest arrived), 2 (it is stored) and D1. A write never waits for it. */
export class StepNotes {
  readonly #sink: StepSink | undefined;
  readonly #nowMs: () => number;

  constructor(sink: StepSink | undefined, nowMs: () => number) {
    this.#sink = sink;
    this.#nowMs = nowMs;
  }

  /** Steps 1 and 2. */
  creation(kind: Kind, stored: Stored, arrivedMs: number, storingMs: number, caller: Caller): void {
    if (!this.#sink || !isPod(kind)) return;
    const { object: pod, revision } = stored;
    const path = `POST /api/v1/namespaces/${pod.metadata.namespace}/pods`;
    this.#note(pod, { step: 1, wire: path, etcdRevision: BigInt(revision), message: `from ${caller.name}` }, arrivedMs, storingMs);
    this.#note(pod, { step: 2, peer: "etcd", wire: "etcdserverpb.KV/Txn", etcdRevision: BigInt(revision), message: `stored as ${stored.key}` }, storingMs, this.#nowMs());
  }

  /** Step D1. */
  deletion(kind: Kind, pod: ApiObject, revision: number | undefined, startMs: number, caller: Caller): void {
    if (!this.#sink || !isPod(kind)) return;
    const path = `DELETE /api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    this.#note(pod, { step: D1, peer: "etcd", wire: path, etcdRevision: BigInt(revision ?? 0), message: `asked for by ${caller.name}` }, startMs, this.#nowMs());
  }

  #note(pod: ApiObject, step: Partial<StepRecord>, startMs: number, endMs: number): void {
    const { uid = "", namespace = "", name } = pod.metadata;
    this.#sink?.record(
      StepRecord.fromPartial({ podUid: uid, namespace, name, attempt: 1, room: "apiserver", outcome: Outcome.OK, subject: `${namespace}/${name}`, startTime: timestamp(startMs), endTime: timestamp(endMs), ...step }),
    );
  }
}
