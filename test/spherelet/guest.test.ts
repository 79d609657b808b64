import assert from "node:assert/strict";
import { test } from "node:test";
import { VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import { inTime, withSpherelets, type SphereletWorld } from "./spherelet-world.js";

const { RED, YELLOW, GREEN, GRAY } = ManagedEntityStatus;
const isReady = (pod: Pod | undefined): boolean => findCondition(pod?.status?.conditions, "Ready")?.status === "True";

async function runPod(world: SphereletWorld, spec?: Parameters<SphereletWorld["createPod"]>[1], annotations: Record<string, string> = {}): Promise<string> {
  const pod = await world.createPod("web", spec, { annotations });
  await world.configure(pod);
  await eventually("ready", () => isReady(world.pod("web")));
  return vmUuidOf(pod) ?? "";
}

/** The guest's kernel panics: its agent is gone with it, and HostD has powered its VM off; without a fault where somebody wished it. */
function panics(world: SphereletWorld, vmUuid: string, fault = "The guest died: kernel panic"): void {
  world.agents.kill(vmUuid);
  const lastFault = fault === "" ? undefined : MethodFault.create({ localizedMessage: fault, fault: { $case: "invalidState", value: {} } });
  world.hostd.happen(vmUuid, { powerState: VirtualMachinePowerState.POWERED_OFF, phase: VmPhase.OFF, personality: undefined, agentAddress: "", lastFault, guestHeartbeatStatus: GRAY });
}

/** Reason and message of the pod, and of each condition that is not True. */
function complaints(pod: Pod | undefined): readonly string[] {
  const { reason = "", message = "", conditions = [] } = pod?.status ?? {};
  return [`${reason}: ${message}`, ...conditions.filter(({ status }) => status !== "True").map((each) => `${each.type} ${each.reason ?? ""}`.trim())];
}

const warnings = (world: SphereletWorld): readonly string[] => world.events("web").filter(({ type }) => type === "Warning").map(({ reason, message }) => `${reason} ${message}`);

test("a guest that dies takes its pod's containers with it; with the VM's next power-on they come back, counted and remembered", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world, { containers: [{ name: "web", image: "nginx" }, { name: "side", image: "redis" }] });
    const former = world.pod("web")?.status?.containerStatuses?.[0];
    panics(world, vmUuid);
    const dead = await eventually("told", () => (world.pod("web")?.status?.reason === "ProviderFailed" ? world.pod("web") : undefined));
    assert.deepEqual(complaints(dead), ["ProviderFailed: HostD: The guest died: kernel panic", "PodReadyToStartContainers", "ContainersReady ProviderFailed", "Ready ProviderFailed"]);
    assert.equal(dead.status?.phase, "Running", "restartPolicy Always: they come again");
    assert.deepEqual(
      dead.status?.containerStatuses?.map(({ ready, restartCount, state }) => [ready, restartCount, state?.terminated?.exitCode, state?.terminated?.reason]),
      [[false, 0, 255, "Unknown"], [false, 0, 255, "Unknown"]],
    );
    await eventually("event", () => warnings(world).length === 1);
    assert.deepEqual(warnings(world), ["ProviderFailed HostD: The guest died: kernel panic"]);
    // As long as it is off nothing is asked of HostD.
    await settled();
    const calls = world.hostd.calls.length;
    await world.monotonic.advance(60_000);
    assert.equal(world.hostd.calls.length, calls);
    world.hostd.reboot(vmUuid);
    await inTime(world, "ready again", () => isReady(world.pod("web")));
    const status = world.pod("web")?.status?.containerStatuses?.[0];
    assert.deepEqual([status?.restartCount, status?.lastState?.terminated?.exitCode, status?.lastState?.terminated?.containerID], [1, 255, former?.containerID]);
    assert.equal(world.pod("web")?.status?.reason, undefined);
    assert.deepEqual(warnings(world).length, 1);
  }));

test("with restartPolicy Never the death of the guest is the end of the pod, at once", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world, { restartPolicy: "Never" });
    panics(world, vmUuid);
    await eventually("failed", () => world.pod("web")?.status?.phase === "Failed");
    assert.deepEqual(world.pod("web")?.status?.containerStatuses?.map(({ state }) => state?.terminated?.exitCode), [255]);
    world.hostd.reboot(vmUuid);
    await settled();
    assert.equal(world.agents.started.length, 1, "nothing runs twice");
  }));

test("a VM that somebody powered off is told in the status, without an event", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    panics(world, vmUuid, "");
    await eventually("told", () => world.pod("web")?.status?.reason === "ProviderFailed");
    assert.equal(world.pod("web")?.status?.message, "HostD: The virtual machine is powered off.");
    await settled();
    assert.deepEqual(warnings(world), []);
  }));

test("HostD's word before the agents' and after it: the same status and one event", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    world.agents.kill(vmUuid);
    await settled();
    panics(world, vmUuid);
    await eventually("told", () => world.pod("web")?.status?.message === "HostD: The guest died: kernel panic");
    assert.equal(world.pod("web")?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 255);
    await eventually("event", () => warnings(world).length === 1);
  }));

test("a host that tells of its VM no more is no word of death: the containers stay as they are", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    const exits: (number | undefined)[] = [];
    world.hostd.intercept = () => void exits.push(world.pod("web")?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode);
    world.hostd.leave(vmUuid);
    await eventually("asked", () => exits.length > 0);
    await inTime(world, "ready", () => isReady(world.pod("web")));
    assert.deepEqual([world.agents.started.length, world.pod("web")?.status?.containerStatuses?.[0]?.restartCount, exits], [1, 0, [undefined]]);
  }));

test("a guest that hangs makes its pod AgentUnreachable and not ready, its containers stay; its beat ends that", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    world.hostd.happen(vmUuid, { guestHeartbeatStatus: YELLOW });
    await settled();
    assert.equal(isReady(world.pod("web")), true, "an intermittent heartbeat is no reason");
    world.hostd.happen(vmUuid, { guestHeartbeatStatus: RED });
    await eventually("unreachable", () => world.pod("web")?.status?.reason === "AgentUnreachable");
    assert.deepEqual(complaints(world.pod("web")), ["AgentUnreachable: HostD: no heartbeat from the guest", "ContainersReady AgentUnreachable", "Ready AgentUnreachable"]);
    assert.equal(world.pod("web")?.status?.phase, "Running");
    assert.equal(world.pod("web")?.status?.containerStatuses?.[0]?.state?.running !== undefined, true);
    await eventually("event", () => warnings(world).length === 1);
    assert.deepEqual(warnings(world), ["AgentUnreachable HostD: no heartbeat from the guest"]);
    world.hostd.happen(vmUuid, { guestHeartbeatStatus: GREEN });
    await eventually("ready again", () => isReady(world.pod("web")));
    assert.deepEqual([world.pod("web")?.status?.reason, world.agents.started.length], [undefined, 1]);
  }));

test("a reset of its VM ends a hang: the containers come back in a new life", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    world.hostd.happen(vmUuid, { guestHeartbeatStatus: RED });
    await eventually("unreachable", () => world.pod("web")?.status?.reason === "AgentUnreachable");
    world.agents.kill(vmUuid);
    world.hostd.reboot(vmUuid);
    await inTime(world, "ready again", () => isReady(world.pod("web")));
    assert.deepEqual([world.pod("web")?.status?.reason, world.pod("web")?.status?.containerStatuses?.[0]?.restartCount], [undefined, 1]);
  }));

test("a pod whose guest hangs is deleted after its grace, whether it hung before or only while its containers were being stopped", async (t) => {
  for (const when of ["before", "meanwhile"]) {
    await t.test(when, () =>
      withSpherelets(async (world) => {
        const vmUuid = await runPod(world);
        let asked = 0;
        world.agents.intercept = (method) => (method === "stopPod" && (asked += 1) > 0 ? new Promise<void>(() => undefined) : undefined);
        const hangs = (): void => world.hostd.happen(vmUuid, { guestHeartbeatStatus: RED });
        if (when === "before") {
          hangs();
          await eventually("unreachable", () => world.pod("web")?.status?.reason === "AgentUnreachable");
        }
        await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 20 });
        await eventually("asked to stop", () => asked === 1);
        if (when === "meanwhile") {
          hangs();
          await eventually("asked again", () => asked === 2);
        }
        await world.clock.advance(20_000);
        await settled();
        assert.notEqual(world.pod("web")?.metadata.deletionGracePeriodSeconds, 0, "it may still answer");
        await world.clock.advance(2_000);
        await eventually("deleted", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
        assert.match(world.steps.find(({ step }) => step === 102)?.message ?? "", /^the guest hangs and did not answer within its grace of 20 s; its containers end with the VM$/);
      }),
    );
  }
});

test("a pod that was evicted and whose guest hangs does not hold up its deletion", () =>
  withSpherelets(async (world) => {
    const vmUuid = await runPod(world);
    let asked = 0;
    world.agents.intercept = (method) => (method === "stopPod" && (asked += 1) > 0 ? new Promise<void>(() => undefined) : undefined);
    await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { status: { phase: "Failed", reason: "Evicted" } } }, { subresource: "status" });
    await eventually("asked to stop", () => asked === 1);
    world.hostd.happen(vmUuid, { guestHeartbeatStatus: RED });
    await settled();
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 20 });
    await eventually("deleted", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    assert.equal(world.pod("web")?.status?.reason, "Evicted");
  }));

test("what the pod's annotations say of its guest reaches the agent; what makes no sense is refused by name, once, and nothing starts", () =>
  withSpherelets(async (world) => {
    await runPod(world, {}, { "spheresim.dev/guest-panics-after": "30s,stays", "spheresim.dev/exit-code": "0" });
    assert.deepEqual(world.agents.started[0]?.guestAnnotations, { "guest-panics-after": "30s,stays" });
    const wrong = await world.createPod("wrong", {}, { annotations: { "spheresim.dev/guest-hangs-after": "soon" } });
    await world.configure(wrong);
    await eventually("refused", () => world.events("wrong").some(({ reason }) => reason === "FailedCreatePodSandBox"));
    assert.equal(
      world.events("wrong").find(({ reason }) => reason === "FailedCreatePodSandBox")?.message,
      'Failed to create pod sandbox: annotation spheresim.dev/guest-hangs-after "soon": must be a duration such as 30s or 1m30s, stays, or a list of these',
    );
    await world.monotonic.advance(60_000);
    assert.equal(world.agents.started.length, 1);
  }));
