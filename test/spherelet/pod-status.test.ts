import assert from "node:assert/strict";
import { test } from "node:test";
import { toTimestamp } from "../../src/base/timestamp.js";
import { ContainerStatus, PodContainers, Terminated } from "../../src/gen/spheresim/crx/v1/agent.js";
import type { Condition } from "../../src/kubernetes/condition.js";
import type { Pod, PodSpec, PodStatus } from "../../src/kubernetes/pod.js";
import { formerLifeOf } from "../../src/spherelet/pods/former-life.js";
import { graceSecondsOf } from "../../src/spherelet/pods/pod-grace.js";
import { isCurrent, podStatusOf, type OwnedStatus, type PodSituation } from "../../src/spherelet/status/pod-status.js";

const NOW_MS = Date.UTC(2026, 0, 1, 0, 0, 10);
const NOW = "2026-01-01T00:00:10Z";

function podOf(spec: Partial<PodSpec> = {}, status: PodStatus = {}): Pod {
  return {
    metadata: { name: "web", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { containers: [{ name: "a", image: "nginx" }], ...spec },
    status,
  };
}

const running = (name: string, change: Partial<ContainerStatus> = {}): ContainerStatus =>
  ContainerStatus.create({ name, image: "nginx", containerId: `id-${name}`, ready: true, started: true, state: { $case: "running", value: { startedAt: toTimestamp(NOW_MS) } }, ...change });

const ended = (name: string, exitCode: number): ContainerStatus =>
  ContainerStatus.create({
    name,
    image: "nginx",
    containerId: `id-${name}`,
    state: { $case: "terminated", value: Terminated.create({ exitCode, reason: exitCode === 0 ? "Completed" : "Error", finishedAt: toTimestamp(NOW_MS), containerId: `id-${name}` }) },
  });

const backingOff = (name: string): ContainerStatus =>
  ContainerStatus.create({
    name,
    image: "nginx",
    restartCount: 3,
    state: { $case: "waiting", value: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container=a" } },
    lastTermination: Terminated.create({ exitCode: 1, reason: "Error" }),
  });

const waiting = (name: string, reason: string): ContainerStatus => ContainerStatus.create({ name, image: "nginx", state: { $case: "waiting", value: { reason, message: "" } } });

function statusOf(pod: Pod, agent: { readonly init?: readonly ContainerStatus[]; readonly app?: readonly ContainerStatus[] } | undefined, change: Partial<PodSituation> = {}): OwnedStatus {
  const containers = agent === undefined ? undefined : PodContainers.create({ podUid: "u", initContainers: [...(agent.init ?? [])], containers: [...(agent.app ?? [])], networkReady: true, revision: 1n });
  return podStatusOf({ pod, hostIp: "127.0.0.1", podIp: "10.244.0.7", containers, waiting: new Map(), trouble: undefined, stopped: false, nowMs: NOW_MS, ...change });
}

/** `Initialized=True ContainersReady=False(ContainersNotReady) ...`. */
const conditionText = (conditions: readonly Condition[]): string => conditions.map(({ type, status, reason }) => `${type}=${status}${reason === undefined ? "" : `(${reason})`}`).join(" ");

const two = podOf({ containers: [{ name: "a" }, { name: "b" }] });
const withInit = podOf({ initContainers: [{ name: "i" }] });

/** Pod and word of the agent in, phase and conditions out; each row names the rule of kubernetes.md 5.2 it shows. */
const golden: readonly { readonly rule: string; readonly status: OwnedStatus; readonly phase: string; readonly conditions: string }[] = [
  {
    rule: "before the agent speaks the containers wait",
    status: statusOf(podOf(), undefined),
    phase: "Pending",
    conditions: "PodReadyToStartContainers=False Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "sandbox up, init container at work: Pending, not initialized",
    status: statusOf(withInit, { init: [running("i")], app: [waiting("a", "PodInitializing")] }),
    phase: "Pending",
    conditions: "PodReadyToStartContainers=True Initialized=False(ContainersNotInitialized) ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "init done, containers run: all true, in order",
    status: statusOf(withInit, { init: [ended("i", 0)], app: [running("a")] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=True Ready=True",
  },
  {
    rule: "one of two not ready",
    status: statusOf(two, { app: [running("a"), running("b", { ready: false })] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "one created, one not yet: Pending",
    status: statusOf(two, { app: [running("a"), waiting("b", "ContainerCreating")] }),
    phase: "Pending",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "crash loop of the only container: Running, it comes again",
    status: statusOf(podOf(), { app: [backingOff("a")] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "all ended well, OnFailure: Succeeded",
    status: statusOf(podOf({ restartPolicy: "OnFailure" }), { app: [ended("a", 0)] }),
    phase: "Succeeded",
    conditions: "PodReadyToStartContainers=False Initialized=True(PodCompleted) ContainersReady=False(PodCompleted) Ready=False(PodCompleted)",
  },
  {
    rule: "ended badly, Never: Failed",
    status: statusOf(podOf({ restartPolicy: "Never" }), { app: [ended("a", 1)] }),
    phase: "Failed",
    conditions: "PodReadyToStartContainers=False Initialized=True ContainersReady=False(PodFailed) Ready=False(PodFailed)",
  },
  {
    rule: "one of two ended badly, Never, the other runs: Running",
    status: statusOf(podOf({ restartPolicy: "Never", containers: [{ name: "a" }, { name: "b" }] }), { app: [ended("a", 1), running("b")] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "ended, Always: Running, it comes again",
    status: statusOf(podOf(), { app: [ended("a", 0)] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "init container failed, Never: Failed",
    status: statusOf(podOf({ restartPolicy: "Never", initContainers: [{ name: "i" }] }), { init: [ended("i", 2)], app: [waiting("a", "PodInitializing")] }),
    phase: "Failed",
    conditions: "PodReadyToStartContainers=False Initialized=False(ContainersNotInitialized) ContainersReady=False(PodFailed) Ready=False(PodFailed)",
  },
  {
    rule: "init container failed, Always: Pending, it comes again",
    status: statusOf(withInit, { init: [backingOff("i")], app: [waiting("a", "PodInitializing")] }),
    phase: "Pending",
    conditions: "PodReadyToStartContainers=True Initialized=False(ContainersNotInitialized) ContainersReady=False(ContainersNotReady) Ready=False(ContainersNotReady)",
  },
  {
    rule: "stopped for good, TERM obeyed: Succeeded although the policy is Always",
    status: statusOf(podOf(), { app: [ended("a", 0)] }, { stopped: true }),
    phase: "Succeeded",
    conditions: "PodReadyToStartContainers=False Initialized=True(PodCompleted) ContainersReady=False(PodCompleted) Ready=False(PodCompleted)",
  },
  {
    rule: "stopped for good, killed: Failed",
    status: statusOf(podOf(), { app: [ended("a", 137)] }, { stopped: true }),
    phase: "Failed",
    conditions: "PodReadyToStartContainers=False Initialized=True ContainersReady=False(PodFailed) Ready=False(PodFailed)",
  },
  {
    rule: "a readiness gate nobody has opened",
    status: statusOf(podOf({ readinessGates: [{ conditionType: "lb" }] }), { app: [running("a")] }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=True Ready=False(ReadinessGatesNotReady)",
  },
  {
    rule: "the agent does not answer: nothing is ready",
    status: statusOf(podOf(), { app: [running("a")] }, { trouble: { reason: "AgentUnreachable", message: "no answer", final: false } }),
    phase: "Running",
    conditions: "PodReadyToStartContainers=True Initialized=True ContainersReady=False(AgentUnreachable) Ready=False(AgentUnreachable)",
  },
  {
    rule: "given up: Failed",
    status: statusOf(podOf(), undefined, { trouble: { reason: "ProviderFailed", message: "not the owner", final: true } }),
    phase: "Failed",
    conditions: "PodReadyToStartContainers=False Initialized=True ContainersReady=False(PodFailed) Ready=False(PodFailed)",
  },
];

for (const { rule, status, phase, conditions } of golden) {
  test(`status: ${rule}`, () => {
    assert.equal(status.phase, phase);
    assert.equal(conditionText(status.conditions), conditions);
  });
}

test("of a container that a signal ended the exit code tells, and no signal: a kubelet is not told of one", () => {
  const terminated = Terminated.create({ exitCode: 137, signal: 9, reason: "OOMKilled", containerId: "id-a" });
  const killed = ContainerStatus.create({ name: "a", containerId: "id-a", state: { $case: "terminated", value: terminated } });
  const again = ContainerStatus.create({ name: "a", containerId: "id-b", state: { $case: "running", value: {} }, lastTermination: terminated });
  const told = { exitCode: 137, reason: "OOMKilled", containerID: "id-a" };
  assert.deepEqual(statusOf(podOf(), { app: [killed] }).containerStatuses[0]?.state, { terminated: told });
  assert.deepEqual(statusOf(podOf(), { app: [again] }).containerStatuses[0]?.lastState, { terminated: told });
});

test("messages name the containers as Kubernetes prints them", () => {
  const messages = statusOf(two, { app: [running("a", { ready: false }), waiting("b", "ContainerCreating")] }).conditions.map(({ message }) => message);
  assert.deepEqual(messages, [undefined, undefined, "containers with unready status: [a b]", "containers with unready status: [a b]"]);
  assert.equal(statusOf(withInit, undefined).conditions[1]?.message, "containers with incomplete status: [i]");
  assert.equal(statusOf(withInit, undefined).containerStatuses[0]?.state?.waiting?.reason, "PodInitializing");
});

test("of a status an API server may leave out what is null or empty, at any depth, and nothing else", () => {
  const owned = statusOf(podOf(), { app: [running("a")] });
  const withState = (state: object): OwnedStatus => ({ ...owned, containerStatuses: owned.containerStatuses.map((status) => ({ ...status, lastState: {}, volumeMounts: [], state }) as never) });
  const bare: PodStatus = { ...(owned as object), conditions: owned.conditions, containerStatuses: owned.containerStatuses.map(({ lastState: _, state: __, ...rest }) => rest as never) };
  assert.equal(isCurrent(bare, withState({})), true);
  assert.equal(isCurrent(bare, withState({ running: { startedAt: null } })), true);
  assert.equal(isCurrent(bare, withState({ running: { startedAt: NOW } })), false);
  assert.equal(isCurrent({ ...bare, containerStatuses: [] }, withState({})), false);
  assert.equal(isCurrent({ ...bare, podIPs: [{ ip: "" }] }, { ...withState({}), podIPs: [] }), false);
});

test("transition times are kept until a condition changes; what stands is current", () => {
  const before = "2026-01-01T00:00:05Z";
  const first = statusOf(podOf(), { app: [running("a")] }, { nowMs: NOW_MS - 5_000 });
  const { reason: _, message: __, ...kept } = first;
  // As an API server gives it back: no nulls, and the scheduler's condition among the others.
  const stored: PodStatus = { ...kept, qosClass: "BestEffort", conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: before }, ...first.conditions] };
  const same = statusOf(podOf({}, stored), { app: [running("a")] });
  assert.equal(isCurrent(stored, same), true);
  const worse = statusOf(podOf({}, stored), { app: [running("a", { ready: false })] });
  assert.equal(isCurrent(stored, worse), false);
  assert.deepEqual(worse.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]), [
    ["PodReadyToStartContainers", before],
    ["Initialized", before],
    ["ContainersReady", NOW],
    ["Ready", NOW],
  ]);
  assert.equal(worse.startTime, before);
});

test("a former life is read from the status alone", () => {
  const status: PodStatus = {
    containerStatuses: [
      { name: "a", image: "nginx", imageID: "", containerID: "1", ready: true, restartCount: 2, state: { running: { startedAt: NOW } } },
      { name: "b", image: "nginx", imageID: "", containerID: "2", ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } },
      { name: "c", image: "nginx", imageID: "", ready: false, restartCount: 0, state: { waiting: { reason: "ContainerCreating" } } },
    ],
  };
  const containers = [{ name: "a" }, { name: "b" }, { name: "c" }];
  const always = formerLifeOf(podOf({ containers }, status), NOW_MS);
  assert.deepEqual([...always.restartCounts], [["a", 3], ["b", 1]]);
  assert.equal(always.finished.size, 0);
  assert.equal(always.ended, undefined);
  assert.deepEqual([...formerLifeOf(podOf({ containers, restartPolicy: "OnFailure" }, status), NOW_MS).finished], ["b"]);
  const never = formerLifeOf(podOf({ containers, restartPolicy: "Never" }, status), NOW_MS).ended;
  assert.deepEqual(never?.containers.map(({ state }) => (state?.$case === "terminated" ? [state.value.exitCode, state.value.reason] : [])), [[137, "ContainerStatusUnknown"], [0, "ContainerStatusUnknown"], [137, "ContainerStatusUnknown"]]);
  assert.equal(formerLifeOf(podOf(), NOW_MS).existed, false);
});

test("a pod of which only sidecars were left has no other life: it ended as its containers had", () => {
  const running = { name: "proxy", image: "envoy", imageID: "", containerID: "1", ready: true, started: true, restartCount: 0, state: { running: { startedAt: NOW } } };
  const spec = { initContainers: [{ name: "proxy", restartPolicy: "Always" }, { name: "init" }], containers: [{ name: "a" }] };
  const lives = (restartPolicy: "Never" | "OnFailure", init: number, app: number | undefined): string | undefined => {
    const ended = (name: string, exitCode: number) => ({ name, image: "x", imageID: "", containerID: name, ready: false, restartCount: 0, state: { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" } } });
    const pod = podOf({ ...spec, restartPolicy }, { initContainerStatuses: [running, ended("init", init)], containerStatuses: app === undefined ? [{ name: "a", image: "x", imageID: "", ready: false, restartCount: 0, state: { waiting: { reason: "PodInitializing" } } }] : [ended("a", app)] });
    const life = formerLifeOf(pod, NOW_MS).ended;
    if (life === undefined) return undefined;
    const { phase, containerStatuses } = podStatusOf({ pod, hostIp: "127.0.0.1", podIp: undefined, containers: life, waiting: new Map(), trouble: undefined, stopped: false, nowMs: NOW_MS });
    return `${phase} ${containerStatuses[0]?.state?.terminated?.exitCode ?? containerStatuses[0]?.state?.waiting?.reason}`;
  };
  assert.equal(lives("OnFailure", 0, 0), "Succeeded 0");
  assert.equal(lives("OnFailure", 0, 1), undefined);
  assert.equal(lives("OnFailure", 1, undefined), undefined);
  assert.equal(lives("Never", 1, undefined), "Failed PodInitializing");
  assert.equal(lives("Never", 0, undefined), undefined);
});

test("a negative grace period is one of a second", () => {
  assert.equal(graceSecondsOf(podOf({ terminationGracePeriodSeconds: -5 })), 1);
  assert.equal(graceSecondsOf(podOf({ terminationGracePeriodSeconds: 0 })), 0);
  assert.equal(graceSecondsOf(podOf()), 30);
});
