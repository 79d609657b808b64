import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock, monotonicClock, type Clock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { NodeVerdict, type RecordStepsRequest, StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { JournalServiceService } from "../../src/gen/spheresim/emulator/v1/journal_service.js";
import { openChannel } from "../../src/rpc/channel.js";
import { type RpcServer, serve, startRpcServer } from "../../src/rpc/server.js";
import { openStepRecorder, type StepRecorder } from "../../src/rpc/step-recorder.js";

const step = (number: number): StepRecord => StepRecord.create({ podUid: "uid", namespace: "default", name: "web", attempt: 1, step: number, room: "hostd" });

/** A journal that keeps what it gets; `onRequest` may fail. */
async function startJournal(t: TestContext, stored: number[], options: { listen?: string; onRequest?: (request: RecordStepsRequest) => void } = {}): Promise<RpcServer> {
  const service = serve(JournalServiceService, {
    recordSteps: async (requests) => {
      let count = 0;
      for await (const request of requests) {
        options.onRequest?.(request);
        stored.push(...request.records.map((record) => record.step));
        count += request.records.length;
      }
      return { stored: count };
    },
  });
  const server = await startRpcServer({ listen: options.listen ?? "127.0.0.1:0", room: "emulator", log: silentLogger, services: [service], closeLimitMs: 100 });
  t.after(() => server.close());
  return server;
}

function openRecorder(t: TestContext, address: string, options: { limit?: number; clock?: Clock } = {}): StepRecorder {
  const channel = openChannel({ address });
  t.after(() => channel.close());
  return openStepRecorder({ channel, clock: monotonicClock(), dice: new Dice(1), log: silentLogger, ...options });
}

test("steps arrive in order, many to a message, and close waits for them", async (t) => {
  const stored: number[] = [];
  let messages = 0;
  const server = await startJournal(t, stored, { onRequest: () => (messages += 1) });
  const recorder = openRecorder(t, server.address);
  for (let number = 1; number <= 1_000; number += 1) recorder.record(step(number));
  await recorder.close();
  assert.deepEqual(stored, Array.from({ length: 1_000 }, (_, index) => index + 1));
  assert.ok(messages <= 10, `${messages} messages`);
  assert.equal(recorder.dropped, 0);
});

test("a broken stream is sent again to the journal that comes back", async (t) => {
  const before: number[] = [];
  const first = await startJournal(t, before);
  const recorder = openRecorder(t, first.address);
  recorder.record(step(1));
  while (before.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await first.close();
  recorder.record(step(2));
  const after: number[] = [];
  await startJournal(t, after, { listen: first.address });
  while (!after.includes(2)) await new Promise((resolve) => setImmediate(resolve));
  await recorder.close();
  assert.deepEqual(after, [1, 2]);
});

test("without a journal the oldest records are dropped and counted, and nothing waits", async (t) => {
  const stored: number[] = [];
  const server = await startJournal(t, stored);
  await server.close();
  const clock = new ManualClock();
  const recorder = openRecorder(t, server.address, { limit: 10, clock });
  for (let number = 1; number <= 100; number += 1) recorder.record(step(number));
  assert.equal(recorder.dropped, 89);
  const closing = recorder.close();
  await clock.advance(1_000);
  await closing;
});

test("close does not wait for a journal that has gone", async (t) => {
  const stored: number[] = [];
  const server = await startJournal(t, stored);
  const recorder = openRecorder(t, server.address, { clock: new ManualClock() });
  recorder.record(step(1));
  while (stored.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.close();
  // The clock stands still: nothing here waits for a time to pass.
  await recorder.close();
  assert.deepEqual(stored, [1]);
});

test("records the journal refuses for good are given up", async (t) => {
  const stored: number[] = [];
  const server = await startJournal(t, stored, {
    onRequest: (request) => {
      if (request.records.some((record) => record.step === 13)) throw new RpcError(RpcCode.INVALID_ARGUMENT, "unlucky");
    },
  });
  const recorder = openRecorder(t, server.address);
  recorder.record(step(13));
  while (recorder.dropped === 0) await new Promise((resolve) => setImmediate(resolve));
  recorder.record(step(14));
  await recorder.close();
  assert.deepEqual(stored, [14]);
  assert.equal(recorder.dropped, 1);
});

test("a quiet moment has the stream confirmed", async (t) => {
  const stored: number[] = [];
  let streams = 0;
  const service = serve(JournalServiceService, {
    recordSteps: async (requests) => {
      for await (const request of requests) stored.push(request.records.length);
      streams += 1;
      return { stored: stored.length };
    },
  });
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "emulator", log: silentLogger, services: [service], closeLimitMs: 100 });
  t.after(() => server.close());
  const clock = new ManualClock();
  const recorder = openRecorder(t, server.address, { clock });
  recorder.record(step(1));
  while (stored.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(streams, 0);
  await clock.advance(1_000);
  while (streams === 0) await new Promise((resolve) => setImmediate(resolve));
  recorder.record(step(2));
  while (stored.length === 1) await new Promise((resolve) => setImmediate(resolve));
  await recorder.close();
  assert.equal(streams, 2);
});

test("the steps of a burst are sent when it is over, in few messages; those of a pod that comes alone at once", async (t) => {
  const stored: number[] = [];
  let messages = 0;
  const server = await startJournal(t, stored, { onRequest: () => (messages += 1) });
  const clock = new ManualClock();
  const recorder = openRecorder(t, server.address, { clock });
  const arrived = async (count: number): Promise<void> => {
    while (stored.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  recorder.record(step(1));
  await arrived(1);
  recorder.record(step(2));
  recorder.record(step(3));
  while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5);
  await arrived(3);

  for (let number = 4; number <= 500; number += 1) recorder.record(step(number));
  await clock.advance(249);
  assert.equal(stored.length, 3);
  messages = 0;
  await clock.advance(1);
  await arrived(500);
  assert.equal(messages, 2);

  // One that does not end: what waits for 3 s is sent.
  for (let number = 501; number <= 600; number += 1) recorder.record(step(number));
  for (let turn = 1; turn <= 29; turn += 1) {
    await clock.advance(100);
    recorder.record(step(600 + turn));
  }
  assert.equal(stored.length, 500);
  await clock.advance(100);
  await arrived(629);
  await recorder.close();
});

test("a message of more than one record has no more verdicts than a journal takes, and too many do not wait for the end of a burst", async (t) => {
  const stored: number[] = [];
  const sizes: number[] = [];
  const server = await startJournal(t, stored, { onRequest: ({ records }) => sizes.push(records.length) });
  const clock = new ManualClock();
  const recorder = openRecorder(t, server.address, { clock });
  const verdicts = (count: number): StepRecord["nodeVerdicts"] => Array.from({ length: count }, (_, index) => NodeVerdict.create({ node: `esxi-${index}`, feasible: true }));
  recorder.record(step(1));
  while (stored.length < 1) await new Promise((resolve) => setImmediate(resolve));
  const few = verdicts(400);
  for (let count = 0; count < 81; count += 1) recorder.record({ ...step(3), nodeVerdicts: few });
  const many = { ...step(3), nodeVerdicts: verdicts(2_000) };
  recorder.record(many);
  recorder.record(step(5));
  while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5);
  while (stored.length < 84) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sizes, [1, ...Array.from({ length: 40 }, () => 2), 1, 1, 1]);
  await recorder.close();
});
