import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../../src/kubernetes/node.js";
import type { Draft } from "../../src/kubernetes/object-meta.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { evaluate } from "../../src/scheduler/kube/evaluation.js";
import { usageOf } from "../../src/scheduler/kube/node-info.js";
import { preemptionText } from "../../src/scheduler/kube/preemption.js";
import { SchedulerCache } from "../../src/scheduler/kube/scheduler-cache.js";
import { failureMessage } from "../../src/scheduler/kube/verdict.js";
import { aNode, aPod, manifest } from "../support/kube-objects.js";

let uids = 0;
const stored = (draft: Draft<Pod>): Pod => ({ ...draft, metadata: { uid: `uid-${(uids += 1)}`, resourceVersion: "1", creationTimestamp: "", name: "p", ...draft.metadata } });
const storedNode = (draft: Draft<Node>): Node => ({ ...draft, metadata: { uid: "u", resourceVersion: "1", creationTimestamp: "", name: "n", ...draft.metadata } });

function cacheOf(nodes: readonly Draft<Node>[], running: readonly Pod[] = []): SchedulerCache {
  const cache = new SchedulerCache();
  for (const node of nodes) cache.setNode(storedNode(node));
  for (const pod of running) cache.setPod(pod);
  return cache;
}

function messageFor(pod: Draft<Pod>, cache: SchedulerCache): string {
  const { verdicts, preFilterReasons, feasible } = evaluate(usageOf(stored(pod)), cache.nodes());
  return feasible.length > 0 ? `fits ${feasible.join(",")}` : failureMessage(verdicts, preFilterReasons);
}

const four = ["n1", "n2", "n3", "n4"].map((name) => aNode(name));

test("each filter refuses in kube-scheduler's words", () => {
  const tainted = aNode("t", { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] });
  const cordoned = aNode("c", { unschedulable: true });
  const cases: [string, Partial<PodSpec>, readonly Draft<Node>[], string][] = [
    ["nodes", {}, [], "no nodes available to schedule pods"],
    ["taint", {}, [tainted], "0/1 nodes are available: 1 node(s) had untolerated taint {k: v}."],
    ["tolerated", { tolerations: [{ key: "k", operator: "Exists" }] }, [tainted], "fits t"],
    ["cordon", {}, [cordoned], "0/1 nodes are available: 1 node(s) were unschedulable."],
    ["cordon tolerated", { tolerations: [{ operator: "Exists" }] }, [cordoned], "fits c"],
    ["selector", { nodeSelector: { a: "b" } }, four, "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector."],
    ["name", { nodeName: "n3" }, four, "fits n3"],
    ["wrong name", { nodeName: "x" }, four, "0/4 nodes are available: 4 node(s) didn't match the requested node name."],
  ];
  for (const [what, spec, nodes, wanted] of cases) assert.equal(messageFor(aPod("p", {}, spec), cacheOf(nodes)), wanted, what);
});

test("resources by Kubernetes' arithmetic: to the last millicore, with pod count and extended resources", () => {
  const running = ["n1", "n2"].map((node) => stored(aPod("r", { cpu: "15500m" }, { nodeName: node })));
  const cache = cacheOf(four.slice(0, 2), running);
  assert.equal(messageFor(aPod("p", { cpu: "500m" }), cache), "fits n1,n2");
  assert.equal(messageFor(aPod("p", { cpu: "501m", memory: "65Gi" }), cache), "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory.");
  assert.equal(messageFor(aPod("p", { "example.com/gpu": "1" }), cache), "0/2 nodes are available: 2 Insufficient example.com/gpu.");
  const full = cacheOf([aNode("n", { allocatable: { pods: "1" } })], [stored(aPod("r", {}, { nodeName: "n" }))]);
  assert.equal(messageFor(aPod("p"), full), "0/1 nodes are available: 1 Too many pods.");
});

/** What would have to change for the pod to pass the node. */
function changesFor(pod: Draft<Pod>, node: Draft<Node>, running: readonly Pod[] = []): readonly string[] {
  const cache = cacheOf([node], running);
  const [verdict] = evaluate(usageOf(stored(pod)), cache.nodes()).verdicts;
  assert.equal(verdict?.feasible, verdict?.wouldPassIf.length === 0);
  return verdict?.wouldPassIf ?? [];
}

test("the worked example of what would have to change: all filters speak, and who does all of it passes", () => {
  const running = [stored(aPod("r", { cpu: "15500m" }, { nodeName: "n1" }))];
  const pod = aPod("p", { cpu: "2" }, { nodeSelector: { disk: "ssd" } });
  assert.deepEqual(changesFor(pod, aNode("n1", { unschedulable: true }), running), ["n1 uncordoned", "label disk=ssd on n1", "1500m more free cpu on n1, or a pod that requests at most 500m"]);
  const labelled = aNode("n1", { labels: { disk: "ssd" } });
  assert.deepEqual(changesFor(pod, labelled, running), ["1500m more free cpu on n1, or a pod that requests at most 500m"]);
  assert.deepEqual(changesFor(aPod("p", { cpu: "500m" }, { nodeSelector: { disk: "ssd" } }), labelled, running), []);
  assert.deepEqual(changesFor(pod, labelled, [stored(aPod("r", { cpu: "14" }, { nodeName: "n1" }))]), []);
});

test("what would have to change about taints, terms of an affinity, memory, pods and names", () => {
  const taints = [{ key: "k", value: "v", effect: "NoSchedule" }, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }, { key: "soft", effect: "PreferNoSchedule" }] as const;
  assert.deepEqual(changesFor(aPod("p"), aNode("t", { taints, unschedulable: true })), ["t uncordoned", "t without its taint {k: v} (NoSchedule), or a pod that tolerates it"]);
  assert.deepEqual(changesFor(aPod("p", {}, { tolerations: [{ key: "k", operator: "Exists" }] }), aNode("t", { taints })), ["t without its taint {node.kubernetes.io/unschedulable: } (NoSchedule), or a pod that tolerates it"]);
  const affinity = (nodeSelectorTerms: readonly object[]): Partial<PodSpec> => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } });
  const terms = [
    { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd", "nvme"] }, { key: "spot", operator: "DoesNotExist" }] },
    { matchExpressions: [{ key: "gen", operator: "Gt", values: ["3"] }] },
    { matchFields: [{ key: "metadata.name", operator: "In", values: ["other"] }] },
  ];
  assert.deepEqual(changesFor(aPod("p", {}, affinity(terms)), aNode("n")), ["labels on n so that disk in (ssd,nvme) and !spot, or gen > 3"]);
  assert.deepEqual(changesFor(aPod("p", {}, affinity(terms)), aNode("n", { labels: { gen: "4" } })), []);
  assert.deepEqual(changesFor(aPod("p", {}, affinity(terms.slice(2))), aNode("n")), ["a pod whose node affinity allows n"]);
  assert.deepEqual(changesFor(aPod("p", { memory: "65Gi" }), aNode("n")), ["1Gi more free memory on n, or a pod that requests at most 64Gi"]);
  assert.deepEqual(changesFor(aPod("p", { "example.com/gpu": "2" }), aNode("n")), ["2 more free example.com/gpu on n"]);
  assert.deepEqual(changesFor(aPod("p"), aNode("n", { allocatable: { pods: "1" } }), [stored(aPod("r", {}, { nodeName: "n" }))]), ["1 pod fewer on n"]);
  assert.deepEqual(changesFor(aPod("p", {}, { nodeName: "x" }), aNode("n")), ["a pod whose spec.nodeName is n, or empty"]);
});

test("of many nodes that were ruled out the first hundred are told what would have to change", () => {
  const cache = cacheOf(Array.from({ length: 120 }, (_, at) => aNode(`n${at}`)));
  const { verdicts } = evaluate(usageOf(stored(aPod("p", {}, { nodeSelector: { a: "b" } }))), cache.nodes());
  assert.equal(verdicts.filter(({ wouldPassIf }) => wouldPassIf.length > 0).length, 100);
});

test("mixed reasons are counted and sorted", () => {
  const nodes = [aNode("a"), aNode("b", { allocatable: { cpu: "1" } }), aNode("c", { allocatable: { cpu: "1", memory: "1Gi" } })];
  assert.equal(messageFor(aPod("p", { cpu: "20", memory: "2Gi" }), cacheOf(nodes)), "0/3 nodes are available: 1 Insufficient memory, 3 Insufficient cpu.");
});

test("what is not supported yet is refused by name, whatever the nodes", () => {
  const term = { topologyKey: "zone", labelSelector: {} };
  const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" as const };
  const cases: [Partial<PodSpec>, RegExp][] = [
    [{ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, /spec\.affinity\.podAffinity\.required/],
    [{ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, /spec\.affinity\.podAntiAffinity\.required/],
    [{ topologySpreadConstraints: [{ ...spread, whenUnsatisfiable: "ScheduleAnyway" }, spread] }, /spec\.topologySpreadConstraints\[1\] with whenUnsatisfiable DoNotSchedule/],
    [{ volumes: [{ name: "v", hostPath: { path: "/etc" } }] }, /spec\.volumes\[0\]\.hostPath: a vSphere Pod may mount \/var\/log\/pods read-only/],
    [{ volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }, /spec\.volumes\[0\]\.persistentVolumeClaim is not supported/],
    [{ volumes: [{ name: "v", nfs: {} } as never] }, /spec\.volumes\[0\]\.nfs is not supported/],
    [{ resourceClaims: [{ name: "r" }] }, /spec\.resourceClaims/],
    [{ runtimeClassName: "kata" }, /spec\.runtimeClassName/],
    [{ containers: [{ name: "c", resources: { claims: [{ name: "r" }] } }] }, /spec\.containers\[0\]\.resources\.claims/],
    [{ hostPID: true, hostUsers: false, os: { name: "windows" } }, /: spec\.hostUsers false is [^,]*, spec\.os\.name windows is not supported/],
    [{ os: { name: "windows" } }, /spec\.os\.name windows is not supported/],
    [{ containers: [{ name: "c", volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }] }, /spec\.containers\[0\]\.volumeDevices is not supported/],
    [{ volumes: [{ name: "v", projected: { sources: [{}, { serviceAccountToken: { path: "t" } }] } }] }, /spec\.volumes\[0\]\.projected\.sources\[1\]\.serviceAccountToken is not supported/],
    [{ volumes: [{ name: "v", emptyDir: { medium: "HugePages-2Mi" } }] }, /spec\.volumes\[0\]\.emptyDir\.medium HugePages-2Mi is not supported/],
  ];
  for (const [spec, wanted] of cases) {
    const message = messageFor(aPod("p", {}, spec), cacheOf(four));
    assert.match(message, wanted);
    assert.match(message, /^0\/4 nodes are available: /);
  }
});

test("what a search for victims finds is told in kube-scheduler's words; a pod they would make room for is told that nobody is evicted", () => {
  const running = (node: string, cpu: string, priority: number): Pod => stored(aPod("r", { cpu }, { nodeName: node, priority }));
  const full = cacheOf([aNode("full"), aNode("tainted", { taints: [{ key: "k", effect: "NoSchedule" }] })], [running("full", "12", 10)]);
  const textFor = (pod: Draft<Pod>, cache: SchedulerCache): string => {
    const usage = usageOf(stored(pod));
    const { verdicts, preFilterReasons } = evaluate(usage, cache.nodes());
    return failureMessage(verdicts, preFilterReasons) + preemptionText(usage, verdicts, (name) => cache.node(name));
  };
  const head = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: }. preemption: ";
  assert.equal(textFor(aPod("p", { cpu: "8" }, { priority: 10 }), full), `${head}0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.`);
  assert.equal(textFor(aPod("p", { cpu: "8" }, { priority: 100 }), full), `${head}evicting pods of lower priority is not supported by this scheduler yet.`);
  assert.equal(textFor(aPod("p", { cpu: "8" }, { priority: 100, preemptionPolicy: "Never" }), full), `${head}not eligible due to preemptionPolicy=Never.`);
  const held = cacheOf([aNode("n")], [running("n", "12", 100), running("n", "2", 0)]);
  assert.equal(textFor(aPod("p", { cpu: "8" }, { priority: 50 }), held), "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Insufficient cpu.", "too little is below it");
  assert.equal(textFor(aPod("p", {}, { nodeSelector: { a: "b" } }), held), "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
  assert.match(textFor(aPod("p", {}, { hostUsers: false }), full), /hostUsers false is not supported by this scheduler yet\. preemption: 0\/2 nodes are available: 2 Preemption is not helpful for scheduling\.$/);
  assert.equal(textFor(aPod("p"), cacheOf([])), "no nodes available to schedule pods");
});

test("wishes, plain volumes and what a vSphere Pod ignores do not stop a pod", () => {
  const preferred = [{ weight: 1, podAffinityTerm: { topologyKey: "zone" } }];
  const fits: Partial<PodSpec>[] = [
    { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } },
    { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway" }] },
    { volumes: [{ name: "a", emptyDir: {} }, { name: "b", configMap: { name: "c" } }, { name: "c" }, { name: "d", projected: {} }] },
    { os: { name: "linux" }, hostUsers: true, hostNetwork: false, volumes: [{ name: "m", emptyDir: { medium: "Memory" } }] },
    { hostNetwork: true, hostPID: true, hostIPC: true, containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] },
    { volumes: [{ name: "l", hostPath: { path: "/var/log/pods/" } }], containers: [{ name: "c", volumeMounts: [{ name: "l", mountPath: "/l", readOnly: true }] }] },
  ];
  for (const spec of fits) assert.equal(messageFor(aPod("p", {}, spec), cacheOf(four)), "fits n1,n2,n3,n4");
});

test("scores: the emptier, the preferred, the untainted node", () => {
  const score = (pod: Draft<Pod>, cache: SchedulerCache): Record<string, number> => Object.fromEntries(evaluate(usageOf(stored(pod)), cache.nodes()).verdicts.map((verdict) => [verdict.node, verdict.score]));
  const busy = score(aPod("p", { cpu: "1" }), cacheOf(four.slice(0, 2), [stored(aPod("r", { cpu: "8" }, { nodeName: "n1" }))]));
  assert.ok(busy["n2"]! > busy["n1"]!);
  const ssd = { matchExpressions: [{ key: "disktype", operator: "In" as const, values: ["ssd"] }] };
  const preferring = aPod("p", {}, { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: ssd }] } } });
  const preferred = score(preferring, cacheOf([aNode("a"), aNode("b", { labels: { disktype: "ssd" } })]));
  assert.ok(preferred["b"]! > preferred["a"]!);
  const tainted = score(aPod("p"), cacheOf([aNode("a"), aNode("b", { taints: [{ key: "k", effect: "PreferNoSchedule" }] })]));
  assert.ok(tainted["a"]! > tainted["b"]!);
});

test("LeastAllocated as in the plugin's example", () => {
  const cache = cacheOf([aNode("n")], [stored(aPod("r", { cpu: "3", memory: "12Gi" }, { nodeName: "n" }))]);
  const { verdicts } = evaluate(usageOf(stored(aPod("p", { cpu: "1", memory: "4Gi" }))), cache.nodes());
  assert.equal(verdicts[0]?.scores["NodeResourcesFit"], 75);
  assert.equal(verdicts[0]?.scores["NodeResourcesBalancedAllocation"], 100);
});

test("the cache: assumed pods count, a confirmation keeps them, forgetting frees them, a node's return finds its pods", () => {
  const cache = cacheOf([aNode("n")]);
  const pod = stored(aPod("p", { cpu: "10" }));
  cache.assume(usageOf(pod), "n");
  assert.equal(messageFor(aPod("q", { cpu: "10" }), cache), "0/1 nodes are available: 1 Insufficient cpu.");
  cache.forget(pod.metadata.uid);
  assert.equal(messageFor(aPod("q", { cpu: "10" }), cache), "fits n");
  cache.assume(usageOf(pod), "n");
  cache.setPod({ ...pod, spec: { ...pod.spec, nodeName: "n" } });
  cache.forget(pod.metadata.uid);
  assert.equal(cache.node("n")?.podCount, 1, "a confirmed pod is not forgotten");
  cache.removeNode("n");
  assert.equal(messageFor(aPod("q"), cache), "no nodes available to schedule pods");
  cache.setNode(storedNode(aNode("n")));
  assert.equal(cache.node("n")?.requested.get("cpu"), 10_000n);
  cache.removePod(pod.metadata.uid);
  assert.equal(cache.node("n")?.podCount, 0);
});

const zones = ["a", "a", "b", "b"];
const plain = ["n1", "n2", "n3", "n4"].map((name, at) => aNode(name, { labels: { "topology.kubernetes.io/zone": zones[at]! } }));
const taintAll = plain.map((node) => aNode(node.metadata.name!, { taints: [{ key: "kwok.x-k8s.io/node", value: "fake", effect: "NoSchedule" }] }));

for (const [path, nodes, wanted] of [
  ["affinity/pod.yaml", plain, "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector."],
  ["affinity/pod-nginx-preferred-affinity.yaml", plain, "fits n1,n2,n3,n4"],
  ["affinity/pod-nginx-required-affinity.yaml", plain, "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector."],
  ["affinity/pod-nginx-required-affinity.yaml", [...plain.slice(1), aNode("n9", { labels: { disktype: "ssd" } })], "fits n9"],
  ["affinity/pod-with-pod-affinity.yaml", plain, "0/4 nodes are available: spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution is not supported by this scheduler yet."],
  ["taints/no-toleration-pod.yaml", plain, "fits n1,n2,n3,n4"],
  ["taints/no-toleration-pod.yaml", taintAll, "0/4 nodes are available: 4 node(s) had untolerated taint {kwok.x-k8s.io/node: fake}."],
  ["resources/cpu-request-limit-2.yaml", plain, "0/4 nodes are available: 4 Insufficient cpu."],
  ["resources/qos-pod.yaml", plain, "fits n1,n2,n3,n4"],
  ["volumes/redis.yaml", plain, "fits n1,n2,n3,n4"],
  ["gates/pod-without-scheduling-gates.yaml", plain, "fits n1,n2,n3,n4"],
  ["priority/high-priority-pod.yaml", plain, "fits n1,n2,n3,n4"],
] as const) {
  const pod = manifest(path);
  test(`${path}: ${wanted}`, { skip: pod === undefined ? "the manifests do not stand beside this checkout" : false }, () => {
    assert.equal(messageFor(pod!, cacheOf(nodes)), wanted);
  });
}
