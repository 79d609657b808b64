import assert from "node:assert/strict";
import { test } from "node:test";
import { ContainerStatus, Terminated } from "../../src/gen/spheresim/crx/v1/agent.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { eventually } from "../support/eventually.js";
import { runPod, type SphereletWorld, withSpherelets } from "./spherelet-world.js";

/** `Ready False PodFailed`: each condition with all it says. */
const conditionsOf = (world: SphereletWorld): string[] =>
  (world.pod("web")?.status?.conditions ?? []).map(({ type, status, reason, message }) => [type, status, ...(reason === undefined ? [] : [reason]), ...(message === undefined ? [] : [message])].join(" "));

const notReady = "Ready False ContainersNotReady containers with unready status: [web]";

test("a condition that turns true takes back why it was not, in one write", () =>
  withSpherelets(async (world) => {
    const vmUuid = vmUuidOf(await runPod(world, "web")) ?? "";
    world.agents.change(vmUuid, (status) => ({ ...status, ready: false }));
    await eventually("not ready", () => conditionsOf(world).includes(notReady));
    const written = world.statusPatches("web");
    world.agents.change(vmUuid, (status) => ({ ...status, ready: true }));
    await eventually("ready", () => conditionsOf(world).some((line) => line.startsWith("Ready True")));
    assert.deepEqual(conditionsOf(world), ["PodScheduled True", "PodReadyToStartContainers True", "Initialized True", "ContainersReady True", "Ready True"]);
    await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { metadata: { labels: { seen: "again" } } } });
    world.agents.repeat(vmUuid);
    await eventually("told again", () => world.pod("web")?.metadata.labels?.["seen"] === "again");
    assert.equal(world.statusPatches("web"), written + 1);
  }));

test("a pod that has failed says PodFailed without the containers that were not ready before", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web", { restartPolicy: "Never" });
    const vmUuid = vmUuidOf(pod) ?? "";
    world.agents.change(vmUuid, (status) => ({ ...status, ready: false }));
    await eventually("not ready", () => conditionsOf(world).includes(notReady));
    const state = { $case: "terminated", value: Terminated.create({ exitCode: 1, reason: "Error" }) } as const;
    world.agents.change(vmUuid, (status) => ContainerStatus.create({ ...status, ready: false, started: false, state }));
    await eventually("failed", () => world.pod("web")?.status?.phase === "Failed");
    assert.deepEqual(conditionsOf(world), ["PodScheduled True", "PodReadyToStartContainers False", "Initialized True", "ContainersReady False PodFailed", "Ready False PodFailed"]);
  }));
