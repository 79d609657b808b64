import type { Caller, Kind } from "./kinds/kind.js";
import type { ApiObject } from "./object.js";
import type { Stored } from "./storage/stored.js";

/** A step of a pod's way that was taken here. */
export interface StepNote {
  /** 1: a manifest arrived; 2: it is stored; "D1": its deletion is asked for. */
  readonly step: 1 | 2 | "D1";
  readonly pod: ApiObject;
  readonly caller: Caller;
  readonly wire: string;
  /** Revision of the Txn, where there was one. */
  readonly revision?: number;
  /** Emulated time, milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

function isPod(kind: Kind): boolean {
  return kind.group === "" && kind.resource === "pods";
}

/** Notes the steps of pods; a write never waits for it. */
export class StepNotes {
  readonly #note: ((note: StepNote) => void) | undefined;
  readonly #nowMs: () => number;

  constructor(note: ((note: StepNote) => void) | undefined, nowMs: () => number) {
    this.#note = note;
    this.#nowMs = nowMs;
  }

  /** Steps 1 and 2. */
  creation(kind: Kind, stored: Stored, arrivedMs: number, storingMs: number, caller: Caller): void {
    if (!this.#note || !isPod(kind)) return;
    const pod = stored.object;
    const path = `POST /api/v1/namespaces/${pod.metadata.namespace}/pods`;
    this.#note({ step: 1, pod, caller, wire: path, startMs: arrivedMs, endMs: storingMs });
    this.#note({ step: 2, pod, caller, wire: "etcdserverpb.KV/Txn", revision: stored.revision, startMs: storingMs, endMs: this.#nowMs() });
  }

  /** Step D1. */
  deletion(kind: Kind, pod: ApiObject, revision: number | undefined, startMs: number, caller: Caller): void {
    if (!this.#note || !isPod(kind)) return;
    const path = `DELETE /api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    this.#note({ step: "D1", pod, caller, wire: path, ...(revision === undefined ? {} : { revision }), startMs, endMs: this.#nowMs() });
  }
}
