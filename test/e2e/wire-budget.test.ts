import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "../../src/kubernetes/resource-type.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { administrator } from "../support/administrator.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { durableTxns, wireCounts } from "../support/wire-counts.js";

/** Places one pod and waits until it runs. */
async function place(client: RestClient, name: string): Promise<void> {
  const { metadata } = await client.create(pods, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "app", image: "nginx", resources: { requests: { cpu: "50m", memory: "64Mi" } } }] } });
  for await (const event of client.watch(pods, { resourceVersion: metadata.resourceVersion, fieldSelector: `metadata.name=${name}` })) {
    if (event.type === "MODIFIED" && event.object.status?.phase === "Running") return;
  }
  throw new Error(`${name} never ran`);
}

async function costOf(running: RunningEmulator, client: RestClient, etcd: EtcdClient, names: readonly string[]) {
  const before = await wireCounts(running.ready, client);
  const { revision: from } = await etcd.range({ key: "/" });
  for (const name of names) await place(client, name);
  const { revision: to } = await etcd.range({ key: "/" });
  const after = await wireCounts(running.ready, client);
  return { calls: after.since(before), txns: await durableTxns(etcd, from, to) };
}

/** The critical path of one pod, call by call: the budget of the design is 12. */
const callsOfOnePod: Readonly<Record<string, number>> = {
  "POST pods": 1,
  "PlacementService/PlaceVms": 1,
  "POST pods/binding": 1,
  "PlacementService/ApplyRecommendation": 1,
  "HostService/CreateVm": 1,
  // Image references, network annotations, and the VM's id with its finalizer (step 10).
  "PATCH pods": 3,
  "SphereletService/ConfigurePod": 1,
  "HostService/ConfigurePersonality": 1,
  "AgentService/StartPod": 1,
  "PATCH pods/status": 1,
};

test("a pod costs 12 unary calls, 8 durable Txns and 2 host commits on its way through the fourteen steps", async () => {
  await withEmulator([], async (running) => {
    const client = administrator(running.ready);
    const etcd = new EtcdClient({ endpoints: [running.ready.endpoints["etcd"] ?? ""] });
    try {
      // The first pod of an image also fetches it, and everybody meets everybody.
      await place(client, "first");
      const names = ["a", "b", "c"];
      const { calls, txns } = await costOf(running, client, etcd, names);

      assert.deepEqual(calls.criticalPath, Object.fromEntries(Object.entries(callsOfOnePod).map(([call, count]) => [call, count * names.length])));
      assert.equal(Object.values(callsOfOnePod).reduce((sum, count) => sum + count, 0), 12);
      assert.deepEqual(txns.criticalPath, { "/registry/pods/": 6 * names.length, "/spheresim/vcenter/": 2 * names.length });
      assert.equal(calls.hostCommits, 2 * names.length);
    } finally {
      etcd.close();
      await client.close();
    }
  });
});
