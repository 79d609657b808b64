import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rolloutLimits, rolloutStep, sameTemplate, templateHash } from "../../src/controllers/rollout.js";
import type { PodTemplate } from "../../src/kubernetes/pod.js";
import type { Deployment, ReplicaSet } from "../../src/kubernetes/workload.js";

const template = (image: string, labels: Record<string, string> = {}): PodTemplate => ({ metadata: { labels }, spec: { containers: [{ name: "a", image }] } });

function deployment(replicas: number, strategy?: Deployment["spec"]["strategy"]): Deployment {
  const metadata = { name: "web", namespace: "default", uid: "d", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { metadata, spec: { replicas, selector: {}, template: template("a"), ...(strategy === undefined ? {} : { strategy }) } };
}

function replicaSet(uid: string, replicas: number, available = replicas, pods = replicas): ReplicaSet {
  const metadata = { name: uid, namespace: "default", uid, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { metadata, spec: { replicas, selector: {}, template: template("a") }, status: { replicas: pods, availableReplicas: available } };
}

test("the worked example: 4 replicas at 25 % and 25 %", () => {
  assert.deepEqual(rolloutLimits(deployment(4)), { maxSurge: 1, maxUnavailable: 1 });
});

test("surge rounds up, unavailability down, and both are never 0", () => {
  assert.deepEqual(rolloutLimits(deployment(3, { rollingUpdate: { maxSurge: "10%", maxUnavailable: "50%" } })), { maxSurge: 1, maxUnavailable: 1 });
  assert.deepEqual(rolloutLimits(deployment(3, { rollingUpdate: { maxSurge: 0, maxUnavailable: "10%" } })), { maxSurge: 0, maxUnavailable: 1 });
});

test("the worked example: the first step of a rolling update", () => {
  const step = rolloutStep(deployment(4), replicaSet("new", 0), [replicaSet("old", 4)]);
  assert.equal(step.newReplicas, 1);
  assert.deepEqual([...step.oldReplicas], [["old", 3]]);
});

test("pods that never became available go first and do not wait for the new ones", () => {
  const step = rolloutStep(deployment(4), replicaSet("new", 1, 0), [replicaSet("broken", 4, 0)]);
  assert.equal(step.oldReplicas.get("broken"), 3);
});

test("Recreate waits until the old pods are gone", () => {
  const recreate = deployment(2, { type: "Recreate" });
  assert.deepEqual(rolloutStep(recreate, replicaSet("new", 0), [replicaSet("old", 2)]), { newReplicas: 0, oldReplicas: new Map([["old", 0]]) });
  assert.equal(rolloutStep(recreate, replicaSet("new", 0), [replicaSet("old", 0, 0, 1)]).newReplicas, 0);
  assert.equal(rolloutStep(recreate, replicaSet("new", 0), [replicaSet("old", 0, 0, 0)]).newReplicas, 2);
});

test("scaling down reaches the new ReplicaSet", () => {
  assert.equal(rolloutStep(deployment(2), replicaSet("new", 5), []).newReplicas, 2);
});

test("a rollout stays within its limits at every step and comes to its end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }), (replicas, maxSurge, maxUnavailable) => {
      const wish = deployment(replicas, { rollingUpdate: { maxSurge, maxUnavailable } });
      const limits = rolloutLimits(wish);
      let next = 0;
      let old = replicas;
      for (let round = 0; round < 200 && (next !== replicas || old !== 0); round++) {
        const step = rolloutStep(wish, replicaSet("new", next), [replicaSet("old", old)]);
        const before = next;
        next = step.newReplicas;
        old = step.oldReplicas.get("old") ?? old;
        assert.ok(next + old <= replicas + limits.maxSurge, `${next} new and ${old} old pods of ${replicas}`);
        // Pods that are new in this step are not available yet; those of the step before are.
        assert.ok(old + before >= replicas - limits.maxUnavailable, `${old} old and ${before} new pods available of ${replicas}`);
      }
      assert.deepEqual([next, old], [replicas, 0]);
    }),
  );
});

test("the hash follows the template, not its hash label or the order of fields", () => {
  assert.equal(templateHash(template("a"), 0), templateHash(template("a", { "pod-template-hash": "x" }), 0));
  assert.notEqual(templateHash(template("a"), 0), templateHash(template("b"), 0));
  assert.notEqual(templateHash(template("a"), 0), templateHash(template("a"), 1));
  assert.equal(sameTemplate({ spec: { containers: [{ name: "a", image: "b" }] } }, { spec: { containers: [{ image: "b", name: "a" }] } }), true);
});
