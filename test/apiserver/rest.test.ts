import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { configMapKind } from "../../src/apiserver/kinds/config-map.js";
import { deploymentKind } from "../../src/apiserver/kinds/deployment.js";
import { eventKind, eventsGroupKind } from "../../src/apiserver/kinds/event.js";
import { namespaceKind } from "../../src/apiserver/kinds/namespace.js";
import { podKind } from "../../src/apiserver/kinds/pod.js";
import { priorityClassKind } from "../../src/apiserver/kinds/priority-class.js";
import { replicaSetKind } from "../../src/apiserver/kinds/replica-set.js";
import { type ApiObject, cloneObject } from "../../src/apiserver/object.js";
import { createObject } from "../../src/apiserver/rest/create.js";
import { deleteObject } from "../../src/apiserver/rest/delete.js";
import { bindPod } from "../../src/apiserver/rest/pod-subresources.js";
import { listObjects, type ListQuery } from "../../src/apiserver/rest/list.js";
import { editScale, scaleOf } from "../../src/apiserver/rest/scale.js";
import { editObject, replaceObject } from "../../src/apiserver/rest/update.js";
import { Fixture, podBody, writing } from "./registry-fixture.js";

const binding = (node: string, metadata: object = {}): ApiObject => ({ apiVersion: "v1", kind: "Binding", metadata: { name: "", ...metadata }, target: { kind: "Node", name: node } });
const query = (more: Partial<ListQuery> = {}): ListQuery => ({ namespace: "", labelSelector: "", fieldSelector: "", limit: 0, continueToken: "", resourceVersion: "", resourceVersionMatch: "", ...more });

describe("the generic registry", () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await Fixture.start();
  });
  afterEach(() => fixture.stop());

  const get = async (name: string): Promise<ApiObject | undefined> => (await fixture.registry.fresh(podKind, "default", name))?.object;

  test("changes of one object take turns, so that none loses the race for its revision", async () => {
    await fixture.pod("web");
    const before = fixture.backend.swaps;
    const label = (name: string) => editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...cloneObject(pod), metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [name]: "yes" } } }), writing(name));
    await Promise.all(["a", "b", "c"].map(label));
    assert.deepEqual((await get("web"))?.metadata.labels, { a: "yes", b: "yes", c: "yes" });
    assert.equal(fixture.backend.swaps - before, 3);
  });

  test("creates with defaults, in one Txn, under the real key", async () => {
    const before = fixture.backend.swaps;
    const stored = await fixture.pod("web", { containers: [{ name: "c", image: "nginx", resources: { limits: { cpu: "1" } } }] });
    assert.equal(fixture.backend.swaps - before, 1);
    assert.equal(stored.key, "/registry/pods/default/web");
    assert.equal(stored.object.metadata.resourceVersion, String(fixture.backend.revision));
    assert.equal(stored.object.metadata.creationTimestamp, "2026-01-01T00:00:00Z");
    const { spec, status } = stored.object;
    assert.deepEqual(status, { phase: "Pending", qosClass: "Burstable" });
    assert.equal(spec.containers[0].imagePullPolicy, "Always");
    assert.deepEqual(spec.containers[0].resources.requests, { cpu: "1" });
    assert.deepEqual([spec.restartPolicy, spec.dnsPolicy, spec.terminationGracePeriodSeconds, spec.schedulerName, spec.serviceAccountName, spec.priority], ["Always", "ClusterFirst", 30, "default-scheduler", "default", 0]);
    assert.deepEqual(spec.tolerations.map((toleration: { key: string; tolerationSeconds: number }) => [toleration.key, toleration.tolerationSeconds]), [["node.kubernetes.io/not-ready", 300], ["node.kubernetes.io/unreachable", 300]]);
    const row = (await fixture.backend.range({ key: stored.key })).rows[0]!;
    assert.equal(JSON.parse(row.value).metadata.resourceVersion, undefined);
  });

  test("a change of a fresh object costs exactly one Txn and no Range", async () => {
    await fixture.pod("web");
    const { ranges, swaps } = fixture.backend;
    await editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...pod, metadata: { ...pod.metadata, annotations: { a: "1" } } }), writing());
    assert.deepEqual([fixture.backend.ranges - ranges, fixture.backend.swaps - swaps], [0, 1]);
  });

  test("a change that changes nothing writes nothing", async () => {
    const stored = await fixture.pod("web");
    const { swaps } = fixture.backend;
    const changed = await editObject(fixture.registry, podKind, "default", "web", (pod) => pod, writing());
    assert.equal(fixture.backend.swaps, swaps);
    assert.equal(changed.stored.revision, stored.revision);
  });

  test("refuses a name that is taken, and draws generateName until one is free", async () => {
    await fixture.pod("web");
    await assert.rejects(fixture.pod("web"), { code: 409, reason: "AlreadyExists", message: 'pods "web" already exists' });
    const body = { ...podBody(""), metadata: { name: "", generateName: "web-" } };
    const names = await Promise.all(Array.from({ length: 5 }, async () => (await createObject(fixture.registry, podKind, "default", cloneObject(body), writing())).object.metadata.name));
    assert.equal(new Set(names).size, 5);
    for (const name of names) assert.match(name, /^web-[bcdfghjklmnpqrstvwxz2-9]{5}$/);
  });

  test("a namespace must exist and not be on its way out", async () => {
    await assert.rejects(createObject(fixture.registry, podKind, "nowhere", podBody("web"), writing()), { code: 404, message: 'namespaces "nowhere" not found' });
    await createObject(fixture.registry, namespaceKind, "", { apiVersion: "v1", kind: "Namespace", metadata: { name: "gone" } }, writing());
    await deleteObject(fixture.registry, namespaceKind, "", "gone", {}, writing());
    await assert.rejects(createObject(fixture.registry, podKind, "gone", podBody("web"), writing()), { code: 403, message: 'pods "web" is forbidden: unable to create new content in namespace gone because it is being terminated' });
    // Its content is gone: the controller takes the finalizer away, and with it the namespace.
    const namespace = (await fixture.registry.fresh(namespaceKind, "", "gone"))!.object;
    assert.equal(namespace["status"].phase, "Terminating");
    await replaceObject(fixture.registry, namespaceKind, "", "gone", { ...cloneObject(namespace), spec: { finalizers: [] } }, writing("controller", { subresource: "finalize" }));
    assert.equal(await fixture.registry.fresh(namespaceKind, "", "gone"), undefined);
  });

  test("the namespaces of the system cannot be deleted", async () => {
    await assert.rejects(deleteObject(fixture.registry, namespaceKind, "", "default", {}, writing()), { code: 403, message: 'namespaces "default" is forbidden: this namespace may not be deleted' });
  });

  test("the priority classes of the system cannot be deleted", async () => {
    await assert.rejects(deleteObject(fixture.registry, priorityClassKind, "", "system-node-critical", {}, writing()), {
      code: 403,
      message: 'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
    });
  });

  test("optimistic concurrency: a stale resourceVersion is 409, a lost race is tried again", async () => {
    const first = await fixture.pod("web");
    await editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { a: "1" } } }), writing());
    await assert.rejects(replaceObject(fixture.registry, podKind, "default", "web", cloneObject(first.object), writing()), {
      code: 409,
      message: 'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to the latest version and try again',
    });
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [`k${index}`]: "v" } } }), writing()),
      ),
    );
    assert.equal(Object.keys((await get("web"))!.metadata.annotations!).length, 8);
  });

  test("binds once: 409 for another uid, a second node, and a pod with gates", async () => {
    const stored = await fixture.pod("web");
    await assert.rejects(bindPod(fixture.registry, podKind, "default", "web", binding("esxi-01", { uid: "other" }), writing()), { code: 409, reason: "Conflict" });
    await bindPod(fixture.registry, podKind, "default", "web", binding("esxi-01", { uid: stored.object.metadata.uid }), writing("default-scheduler"));
    const pod = (await get("web"))!;
    assert.equal(pod["spec"].nodeName, "esxi-01");
    assert.deepEqual(pod["status"].conditions, [{ type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }]);
    const entry = pod.metadata.managedFields!.find((row) => row.manager === "default-scheduler")!;
    assert.deepEqual([entry.operation, entry.subresource], ["Update", "binding"]);
    await assert.rejects(bindPod(fixture.registry, podKind, "default", "web", binding("esxi-02"), writing()), {
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "esxi-01"',
    });
    await fixture.pod("gated", { schedulingGates: [{ name: "a.b/c" }] });
    await assert.rejects(bindPod(fixture.registry, podKind, "default", "gated", binding("esxi-01"), writing()), { code: 409 });
    assert.equal((await get("gated"))!["status"].conditions[0].reason, "SchedulingGated");
  });

  test("status and spec are written apart", async () => {
    await fixture.pod("web");
    await editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...pod, spec: { ...pod["spec"], nodeName: "x" }, status: { phase: "Running" } }), writing("spherelet", { subresource: "status" }));
    const pod = (await get("web"))!;
    assert.deepEqual([pod["status"], pod["spec"].nodeName], [{ phase: "Running", qosClass: "BestEffort" }, undefined]);
    await editObject(fixture.registry, podKind, "default", "web", (current) => ({ ...current, status: { phase: "Failed" } }), writing());
    assert.equal((await get("web"))!["status"].phase, "Running");
  });

  test("deletes an unbound pod at once and a bound one with grace, which only gets shorter", async () => {
    await fixture.pod("free");
    assert.equal((await deleteObject(fixture.registry, podKind, "default", "free", {}, writing())).removed, true);
    await fixture.pod("bound", { nodeName: "esxi-01" });
    const first = await deleteObject(fixture.registry, podKind, "default", "bound", {}, writing());
    assert.deepEqual([first.removed, first.isFirst, first.stored.object.metadata.deletionTimestamp, first.stored.object.metadata.deletionGracePeriodSeconds], [false, true, "2026-01-01T00:00:30Z", 30]);
    await fixture.emulated.advance(5_000);
    const shorter = await deleteObject(fixture.registry, podKind, "default", "bound", { gracePeriodSeconds: 10 }, writing());
    assert.deepEqual([shorter.isFirst, shorter.stored.object.metadata.deletionTimestamp], [false, "2026-01-01T00:00:10Z"]);
    const longer = await deleteObject(fixture.registry, podKind, "default", "bound", { gracePeriodSeconds: 60 }, writing());
    assert.equal(longer.revision, undefined);
    await assert.rejects(deleteObject(fixture.registry, podKind, "default", "bound", { gracePeriodSeconds: 0, preconditions: { uid: "other" } }, writing()), { code: 409 });
    const { uid } = first.stored.object.metadata;
    assert.equal((await deleteObject(fixture.registry, podKind, "default", "bound", { gracePeriodSeconds: 0, preconditions: { uid: uid! } }, writing())).removed, true);
    await assert.rejects(deleteObject(fixture.registry, podKind, "default", "bound", {}, writing()), { code: 404 });
  });

  test("a finalizer holds the object until it is taken away", async () => {
    await fixture.pod("web", { nodeName: "esxi-01" }, { finalizers: ["lifecycle-controller/system.vmware.com"] });
    const deletion = await deleteObject(fixture.registry, podKind, "default", "web", { gracePeriodSeconds: 0 }, writing());
    assert.equal(deletion.removed, false);
    const changed = await editObject(fixture.registry, podKind, "default", "web", (pod) => ({ ...pod, metadata: { ...pod.metadata, finalizers: [] } }), writing());
    assert.equal(changed.removed, true);
    assert.equal(await get("web"), undefined);
  });

  test("foreground deletion adds its finalizer, dry run stores nothing", async () => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1" } };
    await createObject(fixture.registry, configMapKind, "default", cloneObject(body), writing());
    const { revision } = fixture.backend;
    await deleteObject(fixture.registry, configMapKind, "default", "c", {}, writing("test", { dryRun: true }));
    await createObject(fixture.registry, configMapKind, "default", { ...cloneObject(body), metadata: { name: "d" } }, writing("test", { dryRun: true }));
    const dry = await editObject(fixture.registry, configMapKind, "default", "c", (map) => ({ ...map, data: {} }), writing("test", { dryRun: true }));
    assert.deepEqual([dry.stored.object["data"], dry.stored.object.metadata.resourceVersion], [{}, String(revision)], "what it would be, at the revision it is");
    assert.equal(fixture.backend.revision, revision);
    const deletion = await deleteObject(fixture.registry, configMapKind, "default", "c", { propagationPolicy: "Foreground" }, writing());
    assert.deepEqual([deletion.removed, deletion.stored.object.metadata.finalizers], [false, ["foregroundDeletion"]]);
  });

  test("a workload's status has no figures of zero", async () => {
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const body = { apiVersion: "apps/v1", metadata: { name: "web" }, spec: { selector: { matchLabels: { app: "web" } }, template } };
    for (const [kind, wanted] of [[deploymentKind, { updatedReplicas: 1 }], [replicaSetKind, { replicas: 0, updatedReplicas: 1 }]] as const) {
      await createObject(fixture.registry, kind, "default", cloneObject({ ...body, kind: kind.kind }), writing());
      const status = { replicas: 0, readyReplicas: 0, availableReplicas: 0, observedGeneration: 0, updatedReplicas: 1 };
      const { stored } = await editObject(fixture.registry, kind, "default", "web", (object) => ({ ...cloneObject(object), status }), writing("test", { subresource: "status" }));
      assert.deepEqual(stored.object["status"], wanted);
    }
  });

  test("priority comes from the class; an unknown class is 403", async () => {
    await assert.rejects(fixture.pod("web", { priorityClassName: "high" }), { code: 403, message: 'pods "web" is forbidden: no PriorityClass with name high was found' });
    const { object } = await fixture.pod("web", { priorityClassName: "system-node-critical" });
    assert.equal(object["spec"].priority, 2_000_001_000);
  });

  test("no runtime class exists, so a pod that names one is 403, and one that brings an overhead of its own too", async () => {
    await assert.rejects(fixture.pod("web", { runtimeClassName: "kata" }), { code: 403, message: 'pods "web" is forbidden: pod rejected: RuntimeClass "kata" not found' });
    await assert.rejects(fixture.pod("web", { overhead: { cpu: "250m" } }), { code: 403, message: 'pods "web" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead' });
  });

  test("generation counts changes of the spec alone; scale goes through the spec", async () => {
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const body = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { selector: { matchLabels: { app: "web" } }, template } };
    await createObject(fixture.registry, deploymentKind, "default", body, writing());
    const edit = (change: (object: ApiObject) => void, subresource?: string): Promise<unknown> =>
      editObject(fixture.registry, deploymentKind, "default", "web", (object) => (change(object), object), writing("test", subresource ? { subresource } : {}));
    const generation = async (): Promise<number | undefined> => (await fixture.registry.fresh(deploymentKind, "default", "web"))!.object.metadata.generation;
    assert.equal(await generation(), 1);
    await edit((object) => (object["status"] = { observedGeneration: 1, replicas: 1 }), "status");
    await edit((object) => (object.metadata.labels = { a: "b" }));
    assert.equal(await generation(), 1);
    const scaled = await editScale(fixture.registry, deploymentKind, "default", "web", (scale) => ({ ...scale, spec: { replicas: 5 } }), writing());
    assert.equal(await generation(), 2);
    assert.deepEqual([scaleOf(scaled.object)["spec"], scaleOf(scaled.object)["status"]], [{ replicas: 5 }, { replicas: 1, selector: "app=web" }]);
    await assert.rejects(editScale(fixture.registry, deploymentKind, "default", "web", (scale) => ({ ...scale, spec: { replicas: -1 } }), writing()), { code: 422 });
  });

  test("lists pages of one snapshot", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await fixture.pod(name, {}, { labels: { odd: String("ace".includes(name)) } });
    const first = await listObjects(fixture.registry, podKind, query({ limit: 2 }));
    assert.deepEqual([first.items.map((item) => item.object.metadata.name), first.remaining], [["a", "b"], 3]);
    await deleteObject(fixture.registry, podKind, "default", "c", {}, writing());
    const second = await listObjects(fixture.registry, podKind, query({ limit: 2, continueToken: first.continueToken! }));
    assert.deepEqual(second.items.map((item) => item.object.metadata.name), ["c", "d"]);
    assert.equal(second.revision, first.revision);
    const selected = await listObjects(fixture.registry, podKind, query({ limit: 1, labelSelector: "odd=true" }));
    assert.deepEqual([selected.items.map((item) => item.object.metadata.name), selected.remaining, selected.continueToken !== undefined], [["a"], undefined, true]);
    fixture.backend.compacted = fixture.backend.revision;
    await assert.rejects(listObjects(fixture.registry, podKind, query({ limit: 2, continueToken: first.continueToken! })), (error: { code: number; continueToken: string }) => error.code === 410 && error.continueToken !== "");
  });

  test("resource versions of a list: exact, at least, too new, nonsense", async () => {
    const { revision } = await fixture.pod("a");
    await fixture.pod("b");
    assert.equal((await listObjects(fixture.registry, podKind, query({ resourceVersion: String(revision), resourceVersionMatch: "Exact" }))).items.length, 1);
    assert.equal((await listObjects(fixture.registry, podKind, query({ resourceVersion: String(revision + 1) }))).items.length, 2);
    await assert.rejects(listObjects(fixture.registry, podKind, query({ resourceVersion: "999" })), { code: 504, message: /Too large resource version: 999/ });
    await assert.rejects(listObjects(fixture.registry, podKind, query({ resourceVersion: "x" })), { code: 400 });
    await assert.rejects(listObjects(fixture.registry, podKind, query({ continueToken: "zzz" })), { code: 400 });
    await assert.rejects(listObjects(fixture.registry, podKind, query({ fieldSelector: "spec.colour=red" })), { code: 400, message: "field label not supported: spec.colour" });
  });

  test("events are one store in two groups", async () => {
    const body = { apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "e" }, regarding: { kind: "Pod", namespace: "default", name: "web" }, note: "hello", reason: "R", type: "Normal", eventTime: "2026-01-01T00:00:00.000000Z" };
    await createObject(fixture.registry, eventsGroupKind, "default", body, writing());
    const stored = (await fixture.registry.fresh(eventKind, "default", "e"))!.object;
    assert.deepEqual([stored.apiVersion, stored["message"], stored["involvedObject"].name, stored["note"]], ["v1", "hello", "web", undefined]);
    assert.equal(eventsGroupKind.view!.fromStored(stored)["note"], "hello");
  });
});
