import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { toTimestamp } from "../../src/base/timestamp.js";
import { JournalGaps, type JournalGapsOptions } from "../../src/emulator/journal-gaps.js";
import { rebuiltSteps } from "../../src/emulator/rebuilt-steps.js";
import { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import type { Pod } from "../../src/kubernetes/pod.js";

const AT = Date.parse("2026-01-01T00:00:00Z");
const pod: Pod = {
  metadata: { name: "web", namespace: "default", uid: "u1", resourceVersion: "9", creationTimestamp: "2026-01-01T00:00:00Z", annotations: { "vmware-system-vm-uuid": "502d" } },
  spec: { nodeName: "esxi-01", containers: [{ name: "app", image: "nginx" }] },
  status: {
    phase: "Running",
    startTime: "2026-01-01T00:00:03Z",
    conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:01Z" }],
    containerStatuses: [{ name: "app", ready: true, restartCount: 0, image: "nginx", imageID: "", state: { running: { startedAt: "2026-01-01T00:00:05Z" } } }],
  },
};
const known = (steps: readonly number[], attempt = 1): Map<number, StepRecord> =>
  new Map(steps.map((step) => [step, StepRecord.fromPartial({ podUid: "u1", namespace: "default", name: "web", attempt, step, startTime: toTimestamp(AT + step * 100) })]));
const all = Array.from({ length: 14 }, (_, index) => index + 1);
const startMs = ({ startTime }: StepRecord): number => Number(startTime?.seconds) * 1000 + Number(startTime?.nanos) / 1e6 - AT;

test("the worked example: step 8 from the annotation, at the time of step 7", () => {
  const [record, ...others] = rebuiltSteps(pod, known(all.filter((step) => step !== 8)), 1);
  assert.deepEqual(others, []);
  assert.deepEqual([record?.step, record?.room, record?.subject, record?.reconstructed, record && startMs(record)], [8, "hostd", "502d", true, 700]);
});

test("all fourteen from the pod alone: the right rooms, times in order", () => {
  const records = rebuiltSteps(pod, new Map(), 1);
  assert.deepEqual(records.map(({ step }) => step), all);
  assert.deepEqual(records.map(({ room }) => room), ["apiserver", "apiserver", "scheduler", "vcenter", "scheduler", "scheduler", "vcenter", "hostd", "scheduler", "scheduler", "lifecycle", "spherelet", "crx", "spherelet"]);
  assert.deepEqual(records.map(startMs), [0, 0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 3000, 3000, 5000, 5000]);
});

test("what the pod does not show is not told", () => {
  const bare: Pod = { ...pod, metadata: { ...pod.metadata, annotations: {} }, spec: { containers: [] }, status: { phase: "Pending" } };
  assert.deepEqual(rebuiltSteps(bare, new Map(), 1).map(({ step }) => step), [1, 2]);
});

const readerOf = (records: readonly StepRecord[]): JournalGapsOptions["reader"] => ({ read: () => Promise.resolve({ revision: 1n, records: records.map((record) => ({ record, revision: 1n })) }) });

async function looked(records: readonly StepRecord[], now: Pod | undefined): Promise<number[]> {
  const monotonic = new ManualClock();
  const rebuilt: number[] = [];
  const reader = readerOf(records);
  const gaps = new JournalGaps({ reader, pod: () => Promise.resolve(now), onTheirWay: () => new Set(), accept: (found) => void rebuilt.push(...found.map(({ step }) => step)), monotonic, log: silentLogger });
  for (const record of records) gaps.recorded(record);
  await gaps.fill();
  assert.deepEqual(rebuilt, [], "not before the records have been quiet");
  await monotonic.advance(5_000);
  await gaps.fill();
  return rebuilt;
}

test("gaps are filled once the pod has started and its records are quiet", async () => {
  assert.deepEqual(await looked([...known([1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13]).values()], pod), [4, 8, 14]);
});

test("a whole placement, one whose pod has not started, is another or is gone: nothing to fill", async () => {
  const some = [...known([1, 2, 3]).values()];
  assert.deepEqual(await looked([...known(all).values()], pod), []);
  assert.deepEqual(await looked(some, { ...pod, status: { phase: "Pending" } }), []);
  assert.deepEqual(await looked(some, { ...pod, metadata: { ...pod.metadata, uid: "u2" } }), []);
  assert.deepEqual(await looked(some, undefined), []);
});

test("another attempt has its own steps from 3 on; 1 and 2 belong to all", async () => {
  const second = known(all.filter((step) => step > 2 && step !== 7), 2);
  assert.deepEqual(await looked([...known([1, 2, 3]).values(), ...second.values()], pod), [7]);
});

test("a record that waits in the journal, however long, is no gap; nor is one that comes while gaps are looked at", async () => {
  const monotonic = new ManualClock();
  const rebuilt: number[] = [];
  const records = [...known(all.filter((step) => step !== 8)).values()];
  const late = known([8]).get(8)!;
  let onTheirWay: ReadonlySet<string> = new Set(["u1"]);
  let meanwhile = (): void => undefined;
  const gaps = new JournalGaps({
    reader: readerOf(records),
    pod: () => {
      meanwhile();
      return Promise.resolve(pod);
    },
    onTheirWay: () => onTheirWay,
    accept: (found) => void rebuilt.push(...found.map(({ step }) => step)),
    monotonic,
    log: silentLogger,
  });
  for (const record of records) gaps.recorded(record);
  for (let turn = 0; turn < 20; turn += 1) {
    await monotonic.advance(1_000);
    await gaps.fill();
  }
  assert.deepEqual(rebuilt, [], "it waits");

  onTheirWay = new Set();
  meanwhile = () => void (onTheirWay = new Set(["u1"]));
  await gaps.fill();
  assert.deepEqual(rebuilt, [], "it came to wait meanwhile");

  onTheirWay = new Set();
  meanwhile = () => gaps.recorded(late);
  await monotonic.advance(30_000);
  await gaps.fill();
  assert.deepEqual(rebuilt, [], "it was stored meanwhile");

  meanwhile = () => undefined;
  for (const record of records) gaps.recorded(record);
  await monotonic.advance(5_000);
  await gaps.fill();
  assert.deepEqual(rebuilt, [8], "it is lost");
});
