import { toTimestamp, fromTimestamp } from "../base/timestamp.js";
import { Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { findCondition } from "../kubernetes/condition.js";
import type { Pod } from "../kubernetes/pod.js";
import { vmUuidOf } from "../kubernetes/vsphere-pod.js";

const LAST_STEP = 14;

/** What a pod shows of a step that was taken: when (milliseconds since 1970), and what it was about. */
interface Fact {
  readonly room: string;
  readonly atMs: number;
  readonly subject: string;
  readonly from: string;
}

/**
 * The steps of a pod that has started which nobody recorded, because the room that took them was killed first: told by what they left on
 * the pod, and marked `reconstructed`. A time the pod does not show is that of the step before.
 *
 * Example: steps 1 to 7 and 9 to 14 are known; step 8 is rebuilt from the annotation with the VM's uuid, at the time of step 7.
 */
export function rebuiltSteps(pod: Pod, known: ReadonlyMap<number, StepRecord>, attempt: number): StepRecord[] {
  const rebuilt: StepRecord[] = [];
  let beforeMs = 0;
  for (let step = 1; step <= LAST_STEP; step += 1) {
    const record = known.get(step);
    if (record !== undefined) {
      beforeMs = record.startTime === undefined ? beforeMs : fromTimestamp(record.startTime);
      continue;
    }
    const fact = factOf(step, pod);
    if (fact === undefined) continue;
    // Times on a pod are whole seconds; the order of the steps is certain.
    const atMs = Math.max(beforeMs, Math.min(fact.atMs || beforeMs, nextMs(step, known)));
    beforeMs = atMs;
    const { uid: podUid, namespace = "", name } = pod.metadata;
    const time = toTimestamp(atMs);
    const { room, subject } = fact;
    rebuilt.push(StepRecord.fromPartial({ podUid, namespace, name, attempt, step, room, subject, startTime: time, endTime: time, outcome: Outcome.OK, message: `rebuilt from ${fact.from}`, reconstructed: true }));
  }
  return rebuilt;
}

/** When the next known step began. */
function nextMs(step: number, known: ReadonlyMap<number, StepRecord>): number {
  for (let later = step + 1; later <= LAST_STEP; later += 1) {
    const start = known.get(later)?.startTime;
    if (start !== undefined) return fromTimestamp(start);
  }
  return Number.POSITIVE_INFINITY;
}

function factOf(step: number, pod: Pod): Fact | undefined {
  const { metadata, spec, status } = pod;
  const name = `${metadata.namespace}/${metadata.name}`;
  const vmUuid = vmUuidOf(pod);
  if (step <= 2) return { room: "apiserver", atMs: Date.parse(metadata.creationTimestamp), subject: name, from: "metadata.creationTimestamp" };
  if (step <= 6) {
    if (spec.nodeName === undefined) return undefined;
    const scheduled = findCondition(status?.conditions, "PodScheduled")?.lastTransitionTime ?? "";
    return { room: step === 4 ? "vcenter" : "scheduler", atMs: Date.parse(scheduled) || 0, subject: step === 3 ? "" : spec.nodeName, from: "spec.nodeName and the condition PodScheduled" };
  }
  if (step <= 10) {
    if (vmUuid === undefined) return undefined;
    const room = step === 7 ? "vcenter" : step === 8 ? "hostd" : "scheduler";
    return { room, atMs: 0, subject: step === 10 ? metadata.name : vmUuid, from: "the annotation vmware-system-vm-uuid" };
  }
  if (step <= 12) {
    if (status?.startTime === undefined) return undefined;
    return { room: step === 11 ? "lifecycle" : "spherelet", atMs: Date.parse(status.startTime), subject: spec.nodeName ?? "", from: "status.startTime" };
  }
  const starts = (status?.containerStatuses ?? []).flatMap(({ state }) => Date.parse(state?.running?.startedAt ?? state?.terminated?.startedAt ?? "") || []);
  if (starts.length === 0) return undefined;
  return { room: step === 13 ? "crx" : "spherelet", atMs: Math.min(...starts), subject: step === 13 ? (vmUuid ?? "") : metadata.name, from: "status.containerStatuses" };
}
