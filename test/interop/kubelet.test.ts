import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { withEmulator } from "../support/running-emulator.js";

const PODS = `
apiVersion: v1
kind: Pod
metadata: {name: busy, annotations: {spheresim.dev/cpu: 250m, spheresim.dev/memory: 64Mi}}
spec: {containers: [{name: app, image: nginx, resources: {limits: {cpu: "1", memory: 128Mi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: greedy, annotations: {spheresim.dev/memory: 1Gi}}
spec: {restartPolicy: Never, containers: [{name: app, image: nginx, resources: {limits: {memory: 128Mi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: scratch}
spec: {containers: [{name: app, image: nginx, resources: {requests: {ephemeral-storage: 1Gi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: idle}
spec: {containers: [{name: one, image: redis}, {name: two, image: pause}]}
`;

interface Memory {
  readonly workingSetBytes: number;
  readonly availableBytes?: number;
}

interface Summary {
  readonly node: { readonly nodeName: string; readonly cpu: { readonly usageCoreNanoSeconds: number }; readonly memory: Memory };
  readonly pods: readonly { readonly podRef: { readonly name: string }; readonly containers: readonly { readonly name: string; readonly cpu: { readonly usageNanoCores: number; readonly usageCoreNanoSeconds: number }; readonly memory: Memory }[] }[];
}

/** Reads a page of metrics with Prometheus' own parser and prints its families. */
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, [[s.name, s.labels, s.value, s.timestamp and float(s.timestamp)] for s in f.samples]] for f in text_string_to_metric_families(sys.stdin.read())]))
`;
type Families = readonly (readonly [name: string, type: string, samples: readonly (readonly [name: string, labels: Readonly<Record<string, string>>, value: number, seconds: number | null])[]])[];

const python = process.env["SPHERESIM_PYTHON"] ?? "python3";

test("kubectl reads what pods use from their kubelets through the API server", { skip: skipWithout("kubectl") }, async (t) => {
  await withEmulator([], async ({ ready }) => {
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const raw = (node: string, path: string): Promise<string> => kubectl.run(["get", "--raw", `/api/v1/nodes/${node}/proxy${path}`]);
    await kubectl.run("apply -f -", PODS);
    await kubectl.run("wait pod/busy pod/idle pod/scratch --for=condition=Ready --timeout=30s");
    const nodeOf = (pod: string): Promise<string> => kubectl.run(["get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"]);
    const [busy, idle] = [await nodeOf("busy"), await nodeOf("idle")];

    await t.test("a pod that says it takes more memory than its limit was killed for that", async () => {
      await eventually("greedy has failed", async () => (await kubectl.run("get pod greedy")).includes("OOMKilled"));
    });

    await t.test("/stats/summary", async () => {
      const read = async (node: string): Promise<Summary> => JSON.parse(await raw(node, "/stats/summary")) as Summary;
      const containersOf = (summary: Summary, pod: string) => summary.pods.find(({ podRef }) => podRef.name === pod)?.containers ?? [];
      const first = await read(busy);
      assert.equal(first.node.nodeName, busy);
      assert.ok(first.node.cpu.usageCoreNanoSeconds > 0 && first.node.memory.workingSetBytes > 0);
      const [app] = containersOf(first, "busy");
      assert.deepEqual([app?.name, app?.memory.workingSetBytes, app?.memory.availableBytes], ["app", 64 * 1024 ** 2, 64 * 1024 ** 2]);
      const later = await eventually("CPU time goes on", async () => {
        const [now] = containersOf(await read(busy), "busy");
        return now !== undefined && now.cpu.usageCoreNanoSeconds > (app?.cpu.usageCoreNanoSeconds ?? 0) ? now : undefined;
      });
      assert.ok(later.cpu.usageNanoCores >= 0);
      assert.deepEqual(containersOf(await read(idle), "idle").map(({ name, memory }) => [name, memory.workingSetBytes]), [["one", 8 * 1024 ** 2], ["two", 512 * 1024]]);
      assert.ok(!(JSON.stringify(first.pods).includes("greedy") && containersOf(first, "greedy").length > 0), "what has ended uses nothing");
    });

    await t.test("/healthz, /pods, and what is not there", async () => {
      assert.equal(await raw(busy, "/healthz"), "ok");
      assert.ok((JSON.parse(await raw(busy, "/pods")) as { readonly items: readonly { readonly metadata: { readonly name: string } }[] }).items.some(({ metadata }) => metadata.name === "busy"));
      assert.match(await kubectl.refused(["get", "--raw", `/api/v1/nodes/${busy}/proxy/nothing`]), /404|NotFound/);
    });

    const hasParser = spawnSync(python, ["-c", "import prometheus_client"], { stdio: "ignore" }).status === 0;
    await t.test("/metrics/resource, as Prometheus' own parser reads it", { skip: hasParser ? false : "Python's prometheus_client is not installed" }, async () => {
      const parsed = spawnSync(python, ["-c", PARSE], { input: await raw(busy, "/metrics/resource"), encoding: "utf8" });
      assert.equal(parsed.status, 0, parsed.stderr);
      const families = JSON.parse(parsed.stdout) as Families;
      const named = (name: string) => families.find(([family]) => family === name);
      assert.deepEqual([named("container_cpu_usage_seconds")?.[1], named("node_memory_working_set_bytes")?.[1]], ["counter", "gauge"]);
      const sample = named("container_memory_working_set_bytes")?.[2].find(([, labels]) => labels["pod"] === "busy");
      assert.deepEqual([sample?.[1], sample?.[2]], [{ container: "app", namespace: "default", pod: "busy" }, 64 * 1024 ** 2]);
      assert.ok(sample?.[3] !== null && sample !== undefined);
      assert.equal(named("resource_scrape_error")?.[2][0]?.[2], 0);
    });
  });
});
