import assert from "node:assert/strict";
import { test } from "node:test";
import { isConditionTrue } from "../../src/kubernetes/condition.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { eventually } from "../support/eventually.js";
import { apiserverMetrics, watchesAt } from "../support/metrics.js";
import { withEmulator } from "../support/running-emulator.js";

const pod = { metadata: { name: "web", namespace: "default" }, spec: { containers: [{ name: "web", image: "nginx" }] } };

/** How many watch pods and Nodes once a pod is Ready, so that every room has begun to. */
async function watchers(flags: readonly string[]): Promise<{ readonly pods: number | undefined; readonly nodes: number | undefined }> {
  return withEmulator(["--profile", "instant", "--hosts", "1", ...flags], async ({ ready }) => {
    const client = administrator(ready);
    try {
      await client.create(pods, pod);
      await eventually("the pod is Ready", async () => isConditionTrue((await client.get(pods, pod.metadata)).status?.conditions, "Ready"));
      const counts = watchesAt(await apiserverMetrics(client));
      return { pods: counts["pods"], nodes: counts["nodes"] };
    } finally {
      await client.close();
    }
  });
}

test("the rooms of a process watch each kind once, together", async () => {
  // Kubernetes' process and the Spherelets'.
  assert.deepEqual(await watchers([]), { pods: 2, nodes: 2 });
});

test("rooms in processes of their own watch for themselves", async () => {
  // Scheduler, controllers, lifecycle and Spherelets.
  assert.deepEqual(await watchers(["--processes", "rooms"]), { pods: 4, nodes: 4 });
});
