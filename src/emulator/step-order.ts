import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";

/** Pods whose steps may wait at once, and never turn out to be asked for. */
const maxPods = 20_000;

interface Waiting {
  /** The step that comes next. */
  due: number;
  readonly records: Map<number, StepRecord>;
}

/**
 * Puts the steps of each pod into the article's order. Each process sends its records on its own, so they arrive in another one.
 *
 * Worked example: 1, 2, 4, 5, 3 arrive; told are 1, 2, then nothing for 4 and 5, then 3, 4, 5.
 */
export class StepOrder {
  readonly #pods = new Map<string, Waiting>();

  add(record: StepRecord): void {
    let waiting = this.#pods.get(record.podUid);
    if (waiting === undefined) {
      waiting = { due: 1, records: new Map() };
      this.#pods.set(record.podUid, waiting);
      for (const uid of this.#pods.keys()) {
        if (this.#pods.size <= maxPods) break;
        this.#pods.delete(uid);
      }
    }
    waiting.records.set(record.step, record);
    // A step taken again, of another attempt or after a failure, does not wait for those it came after before.
    if (record.step < waiting.due) waiting.due = record.step;
  }

  /** The steps of a pod whose turn has come. */
  next(podUid: string): StepRecord[] {
    const told: StepRecord[] = [];
    const waiting = this.#pods.get(podUid);
    if (waiting === undefined) return told;
    for (let record = waiting.records.get(waiting.due); record !== undefined; record = waiting.records.get(waiting.due)) {
      told.push(record);
      waiting.records.delete(waiting.due);
      waiting.due++;
    }
    return told;
  }

  /** What is left of a pod, holes or not. */
  rest(podUid: string): StepRecord[] {
    const records = [...(this.#pods.get(podUid)?.records.values() ?? [])].sort((a, b) => a.step - b.step);
    this.#pods.delete(podUid);
    return records;
  }
}
