import { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";

/** Prefix of all recorded steps. */
export const journalPrefix = "/spheresim/placements/";

/** Step numbers of the way back, D1 to D6. */
const firstDeletionStep = 101;
const lastDeletionStep = 106;
const lastStep = 14;

/** Whether it is one of the fourteen, or of D1 to D6. */
export function isStep(step: number): boolean {
  return (step >= 1 && step <= lastStep) || (step >= firstDeletionStep && step <= lastDeletionStep);
}

/**
 * Key of a record.
 *
 * Worked example: pod `6f1c`, attempt 1, step 8 is `/spheresim/placements/6f1c/0001/08`; its D2 (step 102) is
 * `/spheresim/placements/6f1c/0001/d2`, which sorts after the fourteen.
 */
export function journalKey(podUid: string, attempt: number, step: number): string {
  const last = step >= firstDeletionStep ? `d${step - firstDeletionStep + 1}` : String(step).padStart(2, "0");
  return `${journalPrefix}${podUid}/${String(attempt).padStart(4, "0")}/${last}`;
}

/** Prefix of all records of one pod. */
export function podPrefix(podUid: string): string {
  return `${journalPrefix}${podUid}/`;
}

/** Which step of which attempt at placing which pod. */
export interface StepPlace {
  readonly podUid: string;
  readonly attempt: number;
  readonly step: number;
}

/** The reverse of journalKey. */
export function stepPlaceOf(key: string): StepPlace {
  const [podUid = "", attempt = "", last = ""] = key.slice(journalPrefix.length).split("/");
  return { podUid, attempt: Number(attempt), step: last.startsWith("d") ? firstDeletionStep - 1 + Number(last.slice(1)) : Number(last) };
}

/** The stored form: proto3 JSON. */
export function encodeRecord(record: StepRecord): Buffer {
  return Buffer.from(JSON.stringify(StepRecord.toJSON(record)));
}

/** Reads the stored form. */
export function decodeRecord(value: Uint8Array): StepRecord {
  return StepRecord.fromJSON(JSON.parse(Buffer.from(value).toString("utf8")));
}
