import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Periodic } from "../base/periodic.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Pod } from "../kubernetes/pod.js";
import { podPrefix, type StepPlace } from "./journal-key.js";
import type { JournalReader } from "./journal-reader.js";
import { rebuiltSteps } from "./rebuilt-steps.js";

const LAST_STEP = 14;
const ALL_STEPS = (1 << (LAST_STEP + 1)) - 2;
/** Steps 1 and 2, which belong to all attempts. */
const STEPS_ONCE = (1 << 1) | (1 << 2);
const LOOK_EVERY_MS = 1_000;
/** Records of one step may be on their way to the journal for so long after those of the next: in a long burst of pods recorders wait for 3 s. */
const QUIET_MS = 5_000;
/** A pod that has not started yet is looked at again after this, if nothing is heard of it before. */
const AGAIN_MS = 30_000;
/** Pods looked at in one turn. */
const MAX_LOOKS = 32;
/** Pods with gaps that are remembered; beyond it the oldest keep theirs. */
const MAX_PODS = 10_000;

interface Placement {
  readonly attempt: number;
  /** Bit n: step n is recorded. */
  readonly steps: number;
  dueMs: number;
}

export interface JournalGapsOptions {
  readonly reader: Pick<JournalReader, "read">;
  /** The pod of that name as it is now; undefined when there is none. */
  readonly pod: (namespace: string, name: string) => Promise<Pod | undefined>;
  /** UIDs of the pods of which records wait in the journal: they may be what seems to be missing. */
  readonly onTheirWay: () => ReadonlySet<string>;
  /** Takes what was rebuilt. */
  readonly accept: (records: readonly StepRecord[]) => void;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/**
 * Watches for placements with steps missing from the journal: a room that is killed takes with it what it had not sent yet. Once the pod's
 * containers have started, its records have been quiet for 5 s and none waits in the journal, the gaps are filled from what the steps left on the pod.
 */
export class JournalGaps {
  readonly #options: JournalGapsOptions;
  readonly #turns: Periodic;
  /** By pod UID; insertion order is age. A placement without a gap is not remembered. */
  readonly #open = new Map<string, Placement>();

  constructor(options: JournalGapsOptions) {
    this.#options = options;
    const failed = (error: unknown): void => options.log.debug({ err: error }, "journal: gaps could not be looked at, trying again");
    this.#turns = new Periodic({ everyMs: LOOK_EVERY_MS, clock: options.monotonic, work: () => this.fill(), failed });
  }

  start(): void {
    this.#turns.start();
  }

  close(): Promise<void> {
    return this.#turns.close();
  }

  /** A step of a pod is recorded. */
  recorded({ podUid, attempt, step }: StepPlace): void {
    if (step > LAST_STEP) {
      // It is on its way back: nobody asks for the way there any more.
      this.#open.delete(podUid);
      return;
    }
    const before = this.#open.get(podUid);
    // Another attempt begins with step 3.
    const kept = before === undefined ? 0 : attempt > before.attempt ? before.steps & STEPS_ONCE : before.steps;
    const steps = kept | (1 << step);
    if (steps === ALL_STEPS) {
      this.#open.delete(podUid);
      return;
    }
    this.#open.set(podUid, { attempt: Math.max(attempt, before?.attempt ?? 1), steps, dueMs: this.#options.monotonic.nowMs() + QUIET_MS });
    for (const uid of this.#open.keys()) {
      if (this.#open.size <= MAX_PODS) break;
      this.#open.delete(uid);
    }
  }

  /** One turn: fills the gaps of pods whose time has come. */
  async fill(): Promise<void> {
    const nowMs = this.#options.monotonic.nowMs();
    const quiet = [...this.#open].filter(([, { dueMs }]) => dueMs <= nowMs);
    if (quiet.length === 0) return;
    const onTheirWay = this.#options.onTheirWay();
    for (const [uid, placement] of quiet.filter(([uid]) => !onTheirWay.has(uid)).slice(0, MAX_LOOKS)) {
      placement.dueMs = nowMs + AGAIN_MS;
      await this.#look(uid, placement);
    }
  }

  async #look(uid: string, placement: Placement): Promise<void> {
    const { reader, accept, onTheirWay } = this.#options;
    const { records } = await reader.read(podPrefix(uid));
    const attempt = Math.max(1, ...records.map(({ record }) => record.attempt));
    const known = new Map(records.filter(({ record }) => record.attempt === attempt || record.step <= 2).map(({ record }) => [record.step, record]));
    const named = records.find(({ record }) => record.name !== "")?.record;
    const pod = named === undefined ? undefined : await this.#options.pod(named.namespace, named.name);
    // What came while this was read is not to be replaced by what is rebuilt without it.
    if (this.#open.get(uid) !== placement || onTheirWay().has(uid)) return;
    if (pod?.metadata.uid !== uid) this.#open.delete(uid);
    else if (pod.status?.phase !== undefined && pod.status.phase !== "Pending") accept(rebuiltSteps(pod, known, attempt));
  }
}
