import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { type Deferred, deferred } from "../../src/base/deferred.js";
import { PodContainers } from "../../src/gen/spheresim/crx/v1/agent.js";
import { Gate } from "../../src/spherelet/node/gate.js";
import { HeldContainers } from "../../src/spherelet/pods/held-containers.js";

const held = (message: string): PodContainers =>
  PodContainers.fromPartial({ containers: [{ name: "db", held: true, state: { $case: "waiting", value: { reason: "CreateContainerConfigError", message } } }] });

test("what a container waits for is told once with each try, as that try has found it", async () => {
  const monotonic = new ManualClock();
  const told: unknown[] = [];
  let found = "";
  const containers: HeldContainers = new HeldContainers({
    monotonic,
    startGate: new Gate(1),
    tell: (_container, _reason, message) => void told.push([monotonic.nowMs(), message]),
    retry: () => {
      // Another container changes while the try goes on; then the agent has its answer.
      containers.look(held("configmap \"a\" not found"));
      containers.look(held(found));
      return Promise.resolve();
    },
  });
  containers.look(held("configmap \"a\" not found"));
  found = "configmap \"a\" not found";
  await monotonic.advance(10_000);
  found = "secret \"b\" not found";
  await monotonic.advance(10_000);
  containers.look(held(found));
  assert.deepEqual(told, [[0, "configmap \"a\" not found"], [10_000, "configmap \"a\" not found"], [20_000, "secret \"b\" not found"]]);
  containers.leave();
  await monotonic.advance(60_000);
  assert.deepEqual([told.length, monotonic.waiting], [3, 0]);
});

test("pods look again by turns, and one that waits no more gives its turn up", async () => {
  const monotonic = new ManualClock();
  const startGate = new Gate(2);
  const tries: Deferred<void>[] = [];
  const retry = (): Promise<void> => {
    const made = deferred<void>();
    tries.push(made);
    return made.promise;
  };
  const pods = Array.from({ length: 4 }, () => new HeldContainers({ monotonic, startGate, tell: () => undefined, retry }));
  for (const pod of pods) pod.look(held("no secret"));
  await monotonic.advance(10_000);
  assert.equal(tries.length, 2);
  pods[2]?.leave();
  tries[0]?.resolve();
  await monotonic.advance(0);
  assert.equal(tries.length, 3);
  tries[1]?.resolve();
  await monotonic.advance(0);
  assert.equal(tries.length, 3, "the one that left has no try");
  tries[2]?.resolve();
  await monotonic.advance(0);
  for (const pod of pods) pod.leave();
  assert.equal(monotonic.waiting, 0);
});
