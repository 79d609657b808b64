import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { PodContainers } from "../../src/gen/spheresim/crx/v1/agent.js";
import { HeldContainers } from "../../src/spherelet/pods/held-containers.js";

const held = (message: string): PodContainers =>
  PodContainers.fromPartial({ containers: [{ name: "db", held: true, state: { $case: "waiting", value: { reason: "CreateContainerConfigError", message } } }] });

test("what a container waits for is told once with each try, as that try has found it", async () => {
  const monotonic = new ManualClock();
  const told: unknown[] = [];
  let found = "";
  const containers: HeldContainers = new HeldContainers({
    monotonic,
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
