import assert from "node:assert/strict";
import { test } from "node:test";
import { withCondition } from "../../src/kubernetes/condition.js";
import { matchesNodeSelectorAndAffinity } from "../../src/kubernetes/node-affinity.js";
import type { Node } from "../../src/kubernetes/node.js";
import { podRequests, podRequestsForScoring } from "../../src/kubernetes/pod-resources.js";
import { volumeSource, type PodSpec, type Volume } from "../../src/kubernetes/pod.js";
import { qosClassOf } from "../../src/kubernetes/qos-class.js";
import { findUntoleratedTaint, tolerates } from "../../src/kubernetes/taint.js";

const cpu = (request: string, more: object = {}): PodSpec["containers"][number] => ({ name: "c", resources: { requests: { cpu: request } }, ...more });

test("an init step counts together with the sidecars before it", () => {
  const spec: PodSpec = { containers: [cpu("500m")], initContainers: [cpu("100m", { restartPolicy: "Always" }), cpu("700m")] };
  assert.equal(podRequests(spec).get("cpu"), 800n);
  assert.equal(podRequests({ ...spec, initContainers: [cpu("700m"), cpu("100m", { restartPolicy: "Always" })] }).get("cpu"), 700n);
  assert.equal(podRequests({ ...spec, overhead: { cpu: "50m", memory: "1Mi" } }).get("memory"), 1048576n);
});

test("a limit without a request is the request", () => {
  const spec: PodSpec = { containers: [{ name: "c", resources: { limits: { cpu: "2", "example.com/gpu": "1" }, requests: { memory: "1Gi" } } }] };
  assert.deepEqual(Object.fromEntries(podRequests(spec)), { cpu: 2000n, "example.com/gpu": 1n, memory: 1073741824n });
});

test("scoring gives a container without requests 100m and 200 MiB", () => {
  const requests = podRequestsForScoring({ containers: [{ name: "a" }, cpu("1")] });
  assert.equal(requests.get("cpu"), 1100n);
  assert.equal(requests.get("memory"), 400n * 1024n * 1024n);
});

test("quality of service", () => {
  const both = { cpu: "1", memory: "1Gi" };
  assert.equal(qosClassOf({ containers: [{ name: "a" }] }), "BestEffort");
  assert.equal(qosClassOf({ containers: [{ name: "a", resources: { requests: { "example.com/gpu": "1" } } }] }), "BestEffort");
  assert.equal(qosClassOf({ containers: [{ name: "a", resources: { limits: both, requests: { cpu: "1000m", memory: "1024Mi" } } }] }), "Guaranteed");
  assert.equal(qosClassOf({ containers: [{ name: "a", resources: { limits: both } }] }), "Guaranteed");
  assert.equal(qosClassOf({ containers: [{ name: "a", resources: { limits: both } }, { name: "b" }] }), "Burstable");
  assert.equal(qosClassOf({ containers: [{ name: "a", resources: { limits: both } }], initContainers: [{ name: "i" }] }), "Burstable");
});

test("tolerations", () => {
  const taint = { key: "k", value: "v", effect: "NoSchedule" as const };
  assert.equal(tolerates({ operator: "Exists" }, taint), true);
  assert.equal(tolerates({ key: "k", operator: "Exists" }, taint), true);
  assert.equal(tolerates({ key: "k", value: "v" }, taint), true);
  assert.equal(tolerates({ key: "k", value: "w" }, taint), false);
  assert.equal(tolerates({ key: "k", operator: "Exists", effect: "NoExecute" }, taint), false);
  assert.equal(tolerates({ key: "k", operator: "Gt" as "Equal", value: "v" }, taint), false);
  assert.equal(findUntoleratedTaint([{ ...taint, effect: "PreferNoSchedule" }], [], ["NoSchedule", "NoExecute"]), undefined);
  assert.equal(findUntoleratedTaint([taint], undefined, ["NoSchedule"])?.key, "k");
});

test("node selector and required affinity must both hold", () => {
  const node = (labels: Record<string, string>): Node => ({ metadata: { name: "n1", uid: "u", resourceVersion: "1", creationTimestamp: "", labels } });
  const required = (...nodeSelectorTerms: object[]): PodSpec => ({ containers: [], affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } });
  assert.equal(matchesNodeSelectorAndAffinity({ nodeSelector: { a: "b" } }, node({ a: "b" })), true);
  assert.equal(matchesNodeSelectorAndAffinity({ nodeSelector: { a: "b" } }, node({})), false);
  const ssd = { matchExpressions: [{ key: "disktype", operator: "In", values: ["ssd"] }] };
  assert.equal(matchesNodeSelectorAndAffinity(required(ssd), node({ disktype: "ssd" })), true);
  assert.equal(matchesNodeSelectorAndAffinity({ ...required(ssd), nodeSelector: { a: "b" } }, node({ disktype: "ssd" })), false);
  assert.equal(matchesNodeSelectorAndAffinity(required({}), node({})), false, "an empty term matches nothing");
  assert.equal(matchesNodeSelectorAndAffinity(required({}, { matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }), node({})), true);
  assert.equal(matchesNodeSelectorAndAffinity(required({ matchExpressions: [{ key: "gen", operator: "Gt", values: ["3"] }] }), node({ gen: "4" })), true);
});

test("a condition keeps its transition time while its status stays", () => {
  const first = withCondition(undefined, { type: "Ready", status: "False", reason: "A", lastTransitionTime: "1" });
  const second = withCondition(first, { type: "Ready", status: "False", reason: "B", lastTransitionTime: "2" });
  assert.deepEqual(second, [{ type: "Ready", status: "False", reason: "B", lastTransitionTime: "1" }]);
  assert.equal(withCondition(second, { type: "Ready", status: "False", reason: "B", lastTransitionTime: "3" }), second);
  assert.equal(withCondition(second, { type: "Ready", status: "True", lastTransitionTime: "4" })[0]?.lastTransitionTime, "4");
});

test("a volume is named by its source", () => {
  assert.equal(volumeSource({ name: "v", emptyDir: {} }), "emptyDir");
  assert.equal(volumeSource({ name: "v" }), "emptyDir");
  assert.equal(volumeSource({ name: "v", nfs: { server: "s" } } as Volume), "nfs");
});
