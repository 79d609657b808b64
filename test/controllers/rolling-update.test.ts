import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, DeploymentSpec, ReplicaSet } from "../../src/kubernetes/workload.js";
import { deploymentStatus } from "../../src/controllers/deployment-status.js";
import { isSameTemplate, podTemplateHash } from "../../src/controllers/pod-template-hash.js";
import { annotationsFor } from "../../src/controllers/revision.js";
import { newReplicaSetSize, oldReplicaSetScalings, proportionalScalings, rollingBounds } from "../../src/controllers/rolling-update.js";

const meta = (name: string) => ({ name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: `2026-01-01T00:00:0${name.length}Z` });
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx" }] } };
const deployment = (spec: Partial<DeploymentSpec>): Deployment => ({ metadata: meta("d"), spec: { selector: { matchLabels: { app: "web" } }, template, ...spec } });
const replicaSet = (name: string, replicas: number, available = replicas): ReplicaSet => ({ metadata: meta(name), spec: { replicas, selector: {}, template }, status: { replicas, readyReplicas: available, availableReplicas: available } });
const sizes = (list: readonly { replicaSet: ReplicaSet; replicas: number }[]) => Object.fromEntries(list.map((scaling) => [scaling.replicaSet.metadata.name, scaling.replicas]));

test("bounds: surge rounds up, unavailable down, never both zero", () => {
  const bounds = (replicas: number, maxSurge?: number | string, maxUnavailable?: number | string) =>
    rollingBounds(deployment({ replicas, strategy: { rollingUpdate: { ...(maxSurge === undefined ? {} : { maxSurge }), ...(maxUnavailable === undefined ? {} : { maxUnavailable }) } } }).spec);
  assert.deepEqual(bounds(10), { maxSurge: 3, maxUnavailable: 2 });
  assert.deepEqual(bounds(2), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(bounds(4, 0, 0), { maxSurge: 0, maxUnavailable: 1 });
  assert.deepEqual(bounds(4, "50%", 9), { maxSurge: 2, maxUnavailable: 4 });
  assert.deepEqual(rollingBounds(deployment({ replicas: 4, strategy: { type: "Recreate" } }).spec), { maxSurge: 0, maxUnavailable: 0 });
});

test("the new ReplicaSet grows as far as the surge lets it: the example", () => {
  const wanted = deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  const [old, fresh] = [replicaSet("old", 4), replicaSet("new", 0)];
  assert.equal(newReplicaSetSize(wanted, [old, fresh], fresh), 1);
  assert.equal(newReplicaSetSize(wanted, [replicaSet("old", 0), fresh], fresh), 4);
  assert.equal(newReplicaSetSize(wanted, [replicaSet("new", 6)], replicaSet("new", 6)), 4);
});

test("old ReplicaSets give up what is not available first, and never go below the minimum", () => {
  const wanted = deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } });
  assert.deepEqual(sizes(oldReplicaSetScalings(wanted, [replicaSet("old", 4)], replicaSet("new", 1, 0))), { old: 3 });
  assert.deepEqual(sizes(oldReplicaSetScalings(wanted, [replicaSet("old", 4, 2)], replicaSet("new", 1, 1))), { old: 2 });
  const strict = deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  assert.deepEqual(sizes(oldReplicaSetScalings(strict, [replicaSet("old", 4)], replicaSet("new", 1, 0))), {});
  assert.deepEqual(sizes(oldReplicaSetScalings(strict, [replicaSet("old", 4)], replicaSet("new", 1, 1))), { old: 3 });
});

test("a resize in the middle of a rollout keeps the proportion: the example", () => {
  const wanted = deployment({ replicas: 20, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } });
  assert.deepEqual(sizes(proportionalScalings(wanted, [replicaSet("old", 8), replicaSet("new", 2)])), { old: 16, new: 4 });
});

test("the hash: the shape of a real one, stable under key order, another after a collision", () => {
  const hash = podTemplateHash(template, 0);
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
  assert.equal(podTemplateHash({ spec: template.spec, metadata: template.metadata }, 0), hash);
  assert.notEqual(podTemplateHash(template, 1), hash);
  assert.equal(isSameTemplate(template, { ...template, metadata: { labels: { app: "web", "pod-template-hash": hash } } }), true);
  assert.equal(isSameTemplate(template, { ...template, spec: { containers: [] } }), false);
});

test("a ReplicaSet that becomes current again gets the newest revision and remembers the old one", () => {
  const annotated = { ...deployment({ replicas: 2 }), metadata: { ...meta("d"), annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" } } };
  const current = { ...replicaSet("a", 0), metadata: { ...meta("a"), annotations: { "deployment.kubernetes.io/revision": "1" } } };
  assert.deepEqual(annotationsFor(annotated, current, 3), {
    note: "x",
    "deployment.kubernetes.io/revision": "3",
    "deployment.kubernetes.io/revision-history": "1",
    "deployment.kubernetes.io/desired-replicas": "2",
    "deployment.kubernetes.io/max-replicas": "3",
  });
});

test("a rollout that makes no progress for its deadline times out, and a finished one never does", () => {
  const conditions = [{ type: "Progressing", status: "True" as const, reason: "ReplicaSetUpdated", message: "", lastUpdateTime: "1970-01-01T00:00:00Z" }];
  const stuck: Deployment = { ...deployment({ replicas: 2, progressDeadlineSeconds: 60 }), status: { conditions } };
  const reason = (nowMs: number) => deploymentStatus(stuck, [replicaSet("new", 2, 0)], replicaSet("new", 2, 0), nowMs).status.conditions?.find(({ type }) => type === "Progressing")?.reason;
  const seen = { ...stuck, status: { ...deploymentStatus(stuck, [replicaSet("new", 2, 0)], replicaSet("new", 2, 0), 0).status, conditions } };
  assert.equal(reason(0), "ReplicaSetUpdated");
  const later = (nowMs: number) => deploymentStatus(seen, [replicaSet("new", 2, 0)], replicaSet("new", 2, 0), nowMs);
  assert.equal(later(59_000).deadlineInMs, 2_000);
  assert.equal(later(61_000).status.conditions?.find(({ type }) => type === "Progressing")?.reason, "ProgressDeadlineExceeded");
  const done: Deployment = { ...seen, status: { ...seen.status, conditions: [{ ...conditions[0]!, reason: "NewReplicaSetAvailable" }] } };
  assert.equal(deploymentStatus(done, [replicaSet("new", 2, 0)], replicaSet("new", 2, 0), 900_000).status.conditions?.find(({ type }) => type === "Progressing")?.reason, "NewReplicaSetAvailable");
});
