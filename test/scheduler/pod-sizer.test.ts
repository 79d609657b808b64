import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerResources } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import type { Container } from "../../src/kubernetes/container.js";
import { podRequests } from "../../src/kubernetes/pod-resources.js";
import type { PodSpec } from "../../src/kubernetes/pod.js";
import { sizePodRequest } from "../../src/scheduler/extension/pod-sizer.js";
import { fc } from "../support/properties.js";

const requestOf = (spec: PodSpec) => sizePodRequest({ metadata: { name: "p", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" }, spec });
const shown = ({ name, requestCpuMilli, limitCpuMilli, requestMemoryBytes, limitMemoryBytes }: ContainerResources): unknown[] => [name, requestCpuMilli, limitCpuMilli, requestMemoryBytes, limitMemoryBytes];

test("the worked example: sidecar 100m, then init container 700m, app 500m", () => {
  const cpu = (name: string, requests: string, change: Partial<Container> = {}): Container => ({ name, resources: { requests: { cpu: requests } }, ...change });
  const { containers, initContainers } = requestOf({ initContainers: [cpu("side", "100m", { restartPolicy: "Always" }), cpu("init", "700m")], containers: [cpu("app", "500m")] });
  assert.deepEqual(containers.map(shown), [["app", 500, undefined, undefined, undefined], ["side", 100, undefined, undefined, undefined]]);
  assert.deepEqual(initContainers.map(shown), [["init", 800, undefined, undefined, undefined]]);
});

test("beside a sidecar without a limit an init container has none; one before the sidecar does not count it", () => {
  const limited = { limits: { cpu: "1", memory: "1Ki" }, requests: { cpu: "1", memory: "1Ki" } };
  const { initContainers } = requestOf({
    initContainers: [{ name: "early", resources: limited }, { name: "side", restartPolicy: "Always", resources: { limits: { cpu: "2" }, requests: { memory: "1" } } }, { name: "late", resources: limited }],
    containers: [{ name: "app" }],
  });
  assert.deepEqual(initContainers.map(shown), [["early", 1000, 1000, 1024n, 1024n], ["late", 1000, 3000, 1025n, undefined]]);
});

test("property: what vCenter is asked to size is what the scheduler counts, whatever the order of sidecars and init containers", () => {
  const container = fc.record({ name: fc.constant("c"), sidecar: fc.boolean(), cpu: fc.integer({ min: 0, max: 4000 }), memory: fc.integer({ min: 0, max: 10_000 }) });
  const made = ({ name, sidecar, cpu, memory }: { readonly name: string; readonly sidecar: boolean; readonly cpu: number; readonly memory: number }): Container => ({ name, ...(sidecar ? { restartPolicy: "Always" } : {}), resources: { requests: { cpu: `${cpu}m`, memory: String(memory) } } });
  fc.assert(
    fc.property(fc.array(container, { maxLength: 5 }), fc.array(container, { minLength: 1, maxLength: 3 }), (init, apps) => {
      const spec: PodSpec = { initContainers: init.map(made), containers: apps.map((app) => made({ ...app, sidecar: false })) };
      const { containers, initContainers } = requestOf(spec);
      const greatest = (of: (resources: ContainerResources) => bigint): bigint => [containers.reduce((sum, each) => sum + of(each), 0n), ...initContainers.map(of)].reduce((a, b) => (a > b ? a : b));
      const counted = podRequests(spec);
      assert.equal(greatest(({ requestCpuMilli }) => BigInt(requestCpuMilli ?? 0)), counted.get("cpu"));
      assert.equal(greatest(({ requestMemoryBytes }) => requestMemoryBytes ?? 0n), counted.get("memory"));
    }),
  );
});
