import assert from "node:assert/strict";
import { test } from "node:test";
import { Quantity } from "../../src/base/quantity.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { isInScope } from "../../src/kubernetes/quota-scope.js";
import { countedNames, isCharged, isCounted, podTotal, unstated, usageOf } from "../../src/kubernetes/quota-usage.js";
import { addQuantities, areSameQuantities, maskQuantities, type Quantities, readQuantities, writeQuantities } from "../../src/kubernetes/resource-list.js";
import { fc } from "../support/properties.js";

const PODS = { group: "", resource: "pods" };

function pod(spec: object, more: object = {}): Pod {
  return { metadata: { name: "p", namespace: "n" }, spec, ...more } as unknown as Pod;
}

const asking = (name: string, cpu: string | undefined, more: object = {}): object => ({ name, resources: cpu === undefined ? {} : { requests: { cpu }, limits: { cpu } }, ...more });

test("the worked example: app 500m, sidecar 100m first, then a step of 700m; overhead on requests, and on limits that exist", () => {
  const spec = pod({ containers: [asking("app", "500m")], initContainers: [asking("side", "100m", { restartPolicy: "Always" }), asking("step", "700m")], overhead: { cpu: "50m", memory: "8Mi" } }).spec;
  assert.deepEqual(writeQuantities(podTotal(spec, "requests")), { cpu: "850m", memory: "8Mi" });
  assert.deepEqual(writeQuantities(podTotal(spec, "limits")), { cpu: "850m" });
});

test("a pod under every name a quota has for what it uses; extended resources by their requests alone", () => {
  const resources = { requests: { cpu: "1", "ephemeral-storage": "1Gi", "example.com/gpu": "2", "hugepages-2Mi": "4Mi" }, limits: { memory: "1Gi", "example.com/gpu": "2" } };
  assert.deepEqual(writeQuantities(usageOf(PODS, pod({ containers: [{ name: "c", resources }] }), 0)), {
    "count/pods": "1",
    cpu: "1",
    "ephemeral-storage": "1Gi",
    "hugepages-2Mi": "4Mi",
    "limits.memory": "1Gi",
    pods: "1",
    "requests.cpu": "1",
    "requests.ephemeral-storage": "1Gi",
    "requests.example.com/gpu": "2",
    "requests.hugepages-2Mi": "4Mi",
  });
  assert.deepEqual(countedNames(PODS, ["pods", "requests.example.com/gpu", "example.com/gpu", "services", "count/pods", "limits.cpu", "requests.storage"]), ["pods", "requests.example.com/gpu", "count/pods", "limits.cpu"]);
  assert.deepEqual(countedNames({ group: "apps", resource: "deployments" }, ["count/deployments.apps", "count/deployments"]), ["count/deployments.apps"]);
  assert.deepEqual([isCounted({ group: "", resource: "events" }), isCounted({ group: "events.k8s.io", resource: "events" }), isCounted(PODS)], [false, false, true]);
});

test("what ended, or outlived the grace of its deletion, uses nothing but its name", () => {
  const spec = { containers: [asking("c", "1")] };
  for (const phase of ["Failed", "Succeeded"]) assert.deepEqual(writeQuantities(usageOf(PODS, pod(spec, { status: { phase } }), 0)), { "count/pods": "1" });
  const marked = pod(spec, { metadata: { name: "p", deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 } });
  assert.deepEqual([isCharged(marked, Date.UTC(2026, 0, 1, 0, 1, 0)), isCharged(marked, Date.UTC(2026, 0, 1, 0, 1, 1))], [true, false]);
});

test("what must be stated, by resource and then by container", () => {
  const spec = { containers: [asking("b", undefined), asking("a", "1")], initContainers: [asking("i", undefined)] };
  assert.equal(unstated(pod(spec), ["pods", "requests.ephemeral-storage", "requests.cpu", "limits.memory"]), "limits.memory for: a,b,i; requests.cpu for: b,i");
  assert.equal(unstated(pod({ containers: [asking("a", "1")] }), ["cpu", "limits.cpu"]), undefined);
});

test("scopes: each alone, and all together", () => {
  const spec = (more: object): Pod["spec"] => pod({ containers: [asking("c", undefined)], ...more }).spec;
  const elsewhere = { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { namespaces: ["other"] } }] } } };
  const rows: readonly (readonly [string, object, boolean])[] = [
    ["Terminating", { activeDeadlineSeconds: 0 }, true],
    ["Terminating", {}, false],
    ["NotTerminating", {}, true],
    ["BestEffort", {}, true],
    ["NotBestEffort", {}, false],
    ["PriorityClass", { priorityClassName: "high" }, true],
    ["PriorityClass", {}, false],
    ["CrossNamespacePodAffinity", elsewhere, true],
    ["CrossNamespacePodAffinity", {}, false],
    ["Unheard", {}, false],
  ];
  for (const [scope, more, expected] of rows) assert.equal(isInScope({ scopes: [scope] }, spec(more)), expected, `${scope} ${JSON.stringify(more)}`);
  assert.equal(isInScope({ scopes: ["BestEffort", "Terminating"] }, spec({})), false);
  assert.equal(isInScope({ scopes: ["BestEffort"] }, undefined), false, "other kinds fall under no scope");
  assert.equal(isInScope(undefined, undefined), true);
  const classes = (operator: "In" | "NotIn" | "DoesNotExist"): object => ({ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator, ...(operator === "DoesNotExist" ? {} : { values: ["high"] }) }] } });
  assert.deepEqual((["In", "NotIn", "DoesNotExist"] as const).map((operator) => [isInScope(classes(operator), spec({ priorityClassName: "high" })), isInScope(classes(operator), spec({}))]), [[true, false], [false, true], [false, true]]);
});

test("property: amounts add up in any order, and what is masked away is not there", () => {
  const amounts = fc.dictionary(fc.constantFrom("cpu", "memory", "pods"), fc.integer({ min: 0, max: 1_000_000 }).map((milli) => Quantity.ofMilli(milli).toString()));
  const sum = (lists: readonly Quantities[]): Quantities => lists.reduce<Quantities>((total, list) => addQuantities(total, list), new Map());
  fc.assert(
    fc.property(fc.array(amounts, { maxLength: 6 }), (rows) => {
      const lists = rows.map((row) => readQuantities(row));
      assert.ok(areSameQuantities(sum(lists), sum(lists.toReversed())));
      const masked = maskQuantities(sum(lists), ["cpu", "absent"]);
      assert.ok([...masked.keys()].every((name) => name === "cpu"));
      assert.deepEqual(readQuantities(writeQuantities(masked)).get("cpu")?.nano, masked.get("cpu")?.nano);
    }),
  );
});
