import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { ContainerStatus, type PodContainers } from "../../src/gen/spheresim/crx/v1/agent.js";
import { ConfigurePodState } from "../../src/gen/spheresim/spherelet/v1/pod.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import { inTime, type SphereletWorld, withSpherelets } from "./spherelet-world.js";

const isReady = (world: SphereletWorld, name: string): boolean => findCondition(world.pod(name)?.status?.conditions, "Ready")?.status === "True";
const restarts = (world: SphereletWorld, name: string): number | undefined => world.pod(name)?.status?.containerStatuses?.[0]?.restartCount;
const isGone = (world: SphereletWorld, name: string): boolean => world.pod(name)?.metadata.deletionGracePeriodSeconds === 0;
const startedEvents = (world: SphereletWorld, name: string): number => world.events(name).filter(({ reason }) => reason === "Started").length;
const where = (name: string) => ({ namespace: "default", name });

/** A pod whose calls can be held up, and one beside it that must not notice. */
async function pair(world: SphereletWorld): Promise<{ readonly pod: Pod; readonly vmUuid: string }> {
  const pod = await world.createPod("web");
  await world.configure(await world.createPod("neighbour"));
  return { pod, vmUuid: vmUuidOf(pod) ?? "" };
}

async function neighbourIsWell(world: SphereletWorld): Promise<void> {
  await eventually("the neighbour runs", () => isReady(world, "neighbour"));
  assert.deepEqual([restarts(world, "neighbour"), world.statusPatches("neighbour")], [0, 1]);
}

/** What web is, once it runs as if nothing had been. */
async function runsOnce(world: SphereletWorld): Promise<void> {
  await inTime(world, "web runs", () => isReady(world, "web"), 240_000);
  await eventually("told", () => startedEvents(world, "web") === 1);
  assert.deepEqual([world.pod("web")?.status?.reason, restarts(world, "web"), world.agents.started.filter(({ name }) => name === "web").length], [undefined, 0, 1]);
  await neighbourIsWell(world);
}

for (const method of ["startPod", "getVm", "configurePersonality"] as const) {
  test(`${method} that is never answered: the status says so when two minutes have passed, and the pod runs once somebody answers`, () =>
    withSpherelets(async (world) => {
      const { pod, vmUuid } = await pair(world);
      const never = deferred<void>();
      const hold = (called: string, uuid: string): Promise<void> | undefined => (called === method && uuid === vmUuid ? never.promise : undefined);
      world.agents.intercept = hold;
      world.hostd.intercept = hold;
      if (method === "getVm") {
        // A VM that had its personality before is asked for first.
        await world.cluster.patch(pods, where("web"), { type: "merge", body: { status: { startTime: "2026-01-01T00:00:00Z" } } }, { subresource: "status" });
        await settled();
      }
      await world.configure(world.pod("web") ?? pod);
      await neighbourIsWell(world);
      const reason = method === "startPod" ? "AgentUnreachable" : "ProviderFailed";
      await inTime(world, `web is ${reason}`, () => world.pod("web")?.status?.reason === reason, 130_000);
      assert.match(world.pod("web")?.status?.message ?? "", /: no answer within (120|10) s$/);
      assert.equal(world.pod("web")?.status?.phase, "Pending");
      world.agents.intercept = undefined;
      world.hostd.intercept = undefined;
      await runsOnce(world);
      never.resolve();
      await settled();
      await runsOnce(world);
    }));
}

test("an answer to StartPod that comes too late: what it did is found, its events are told once, and the answer itself changes nothing", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    const late = deferred<void>();
    world.agents.answer = (uuid, state) => (uuid === vmUuid ? late.promise.then(() => state) : state);
    await world.configure(pod);
    await eventually("what the agent tells of meanwhile shows at once", () => startedEvents(world, "web") === 1);
    await runsOnce(world);
    late.resolve();
    await settled();
    await runsOnce(world);
  }));

test("an answer to ConfigurePersonality that comes too late: the VM is found with its agent", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    const late = deferred<void>();
    world.hostd.afterwards = (uuid) => (uuid === vmUuid ? late.promise : undefined);
    await world.configure(pod);
    await runsOnce(world);
    late.resolve();
    await settled();
    await runsOnce(world);
    assert.equal(world.hostd.calls.filter(({ method, uuid }) => method === "configurePersonality" && uuid === vmUuid).length, 1);
  }));

test("an answer of another pod, or of none, is no answer: the agent is asked again", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    const wrong = ["", "11111111-1111-4111-8111-111111111111"];
    world.agents.rewrite = () => [];
    world.agents.answer = (uuid, state) => {
      const podUid = uuid === vmUuid ? wrong.shift() : undefined;
      return podUid === undefined ? state : { ...state, podUid };
    };
    await world.configure(pod);
    await runsOnce(world);
  }));

test("a VM without an agent's address is asked for again", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    world.hostd.afterwards = (uuid) => {
      if (uuid === vmUuid) world.hostd.vms.set(uuid, { ...world.hostd.vms.get(uuid)!, agentAddress: "" });
    };
    const without = world.hostd.vms.get(vmUuid)!;
    world.hostd.intercept = (method, uuid) => {
      if (method === "getVm" && uuid === vmUuid) world.hostd.vms.set(uuid, { ...without, ...world.hostd.vms.get(uuid), agentAddress: world.agents.address });
    };
    await world.configure(pod);
    await runsOnce(world);
  }));

for (const method of ["startPod", "configurePersonality"] as const) {
  test(`a pod that is deleted while ${method} is not answered does not wait for it`, () =>
    withSpherelets(async (world) => {
      const { pod, vmUuid } = await pair(world);
      const never = deferred<void>();
      let held = false;
      const hold = (called: string, uuid: string): Promise<void> | undefined => {
        if (called !== method || uuid !== vmUuid) return undefined;
        held = true;
        return never.promise;
      };
      world.agents.intercept = hold;
      world.hostd.intercept = hold;
      await world.configure(pod);
      await eventually("asked", () => held);
      await world.cluster.delete(pods, where("web"), { gracePeriodSeconds: 5 });
      await eventually("gone", () => isGone(world, "web"));
      await neighbourIsWell(world);
      never.resolve();
      await settled();
      assert.equal(world.pod("web")?.status?.phase === "Running", false);
    }));
}

test("StopPod that is never answered is asked again when the grace and a minute have passed; a VM that is gone by then needs no agent", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    await world.configure(pod);
    await runsOnce(world);
    const never = deferred<void>();
    world.agents.intercept = (method, uuid) => (method === "stopPod" && uuid === vmUuid ? never.promise : undefined);
    const asked = (): number => world.agents.stopped.filter(({ podUid }) => podUid === pod.metadata.uid).length;
    await world.cluster.delete(pods, where("web"), { gracePeriodSeconds: 30 });
    await eventually("asked", () => asked() === 1);
    await world.clock.advance(89_999);
    await settled();
    assert.equal(asked(), 1);
    await world.clock.advance(1);
    await inTime(world, "asked again", () => asked() === 2);
    assert.equal(isGone(world, "web"), false, "what may still run is not let go");
    world.hostd.vms.delete(vmUuid);
    world.agents.kill(vmUuid);
    await world.clock.advance(90_000);
    await inTime(world, "gone", () => isGone(world, "web"));
    never.resolve();
    await neighbourIsWell(world);
  }));

test("a stream that breaks, again and again, hides nothing and repeats nothing", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    await world.configure(pod);
    await runsOnce(world);
    for (const ready of [false, true, false, true]) {
      world.agents.breakStreams();
      world.hostd.breakStreams();
      world.agents.change(vmUuid, (status) => ({ ...status, ready }));
      await inTime(world, `ready is ${ready}`, () => isReady(world, "web") === ready, 5_000);
    }
    await runsOnce(world);
    await eventually("one stream of each", () => world.agents.streams === 1);
  }));

test("states that repeat themselves, go back in time, are of a former life or name containers nobody asked for", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    await world.configure(pod);
    await runsOnce(world);
    const patches = world.statusPatches("web");
    world.agents.repeat(vmUuid);
    world.agents.repeat(vmUuid);
    await settled();
    assert.equal(world.statusPatches("web"), patches, "a state that repeats itself is no news");

    const ghost = ContainerStatus.create({ name: "ghost", containerId: "x", imageProfile: "nginx", state: { $case: "running", value: {} } });
    const told = (state: PodContainers): PodContainers => ({ ...state, containers: [ghost, ...state.containers], events: [...state.events, { number: 99n, container: "ghost", warning: true, reason: "Unhealthy", message: "boo" }] });
    world.agents.rewrite = (_uuid, state) => [told({ ...state, revision: state.revision + 100n })];
    world.agents.change(vmUuid, (status) => ({ ...status, ready: false }));
    await eventually("the rest of it counts", () => !isReady(world, "web"));
    assert.deepEqual(world.pod("web")?.status?.containerStatuses?.map(({ name }) => name), ["web"]);
    assert.equal(world.pod("web")?.metadata.annotations?.["spheresim.dev/image-profiles"], undefined);

    // Of a former life, and older than what is known: both with a container that has ended.
    const ended: ContainerStatus["state"] = { $case: "terminated", value: { exitCode: 1, signal: 0, reason: "Error", message: "", startedAt: undefined, finishedAt: undefined, containerId: "old" } };
    const old = (state: PodContainers): PodContainers => ({ ...state, containers: state.containers.map((status) => ({ ...status, state: ended })) });
    world.agents.rewrite = (_uuid, state) => [{ ...old(state), revision: 1n }, { ...old(state), revision: 10_000n, podUid: "11111111-1111-4111-8111-111111111111" }];
    const before = world.statusPatches("web");
    world.agents.repeat(vmUuid);
    await settled();
    assert.equal(world.statusPatches("web"), before);
    assert.equal(world.pod("web")?.status?.phase, "Running");

    world.agents.rewrite = (_uuid, state) => [{ ...state, revision: state.revision + 200n }];
    world.agents.change(vmUuid, (status) => ({ ...status, ready: true }));
    await eventually("ready again", () => isReady(world, "web"));
    await settled();
    assert.equal(world.events("web").some(({ message }) => message === "boo"), false, "of whom nobody asked for nothing is told");
    await neighbourIsWell(world);
  }));

test("ConfigurePod a hundred times at once, with states of the pod in any order: one start, and the newest state counts", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    const states: Pod[] = [pod];
    for (let turn = 0; turn < 9; turn += 1) states.push(await world.cluster.patch(pods, where("web"), { type: "merge", body: { metadata: { labels: { turn: String(turn) } } } }));
    const shuffled = Array.from({ length: 100 }, (_, index) => states[(index * 7) % states.length] ?? pod);
    const answers = await Promise.all(shuffled.map((state) => world.configure(state)));
    assert.equal(answers.filter((state) => state === ConfigurePodState.ACCEPTED).length, 1);
    await runsOnce(world);
    assert.equal(world.hostd.calls.filter(({ method, uuid }) => method === "configurePersonality" && uuid === vmUuid).length, 1);

    // An old state of a pod that is being deleted does not bring it back.
    await world.cluster.delete(pods, where("web"), { gracePeriodSeconds: 3 });
    assert.equal(await world.configure(pod), ConfigurePodState.ALREADY_CONFIGURED);
    await eventually("gone", () => isGone(world, "web"));
    assert.equal(await world.configure(pod), ConfigurePodState.ALREADY_CONFIGURED);
    await settled();
    assert.deepEqual([world.agents.started.filter(({ name }) => name === "web").length, isGone(world, "web")], [1, true]);
    await neighbourIsWell(world);
  }));

test("a life of the VM that ends while StartPod is not answered: the next one is started, and the answer of the last is not heard", () =>
  withSpherelets(async (world) => {
    const { pod, vmUuid } = await pair(world);
    const late = deferred<void>();
    let held = false;
    world.agents.answer = (uuid, state) => {
      if (uuid !== vmUuid || held) return state;
      held = true;
      return late.promise.then(() => state);
    };
    await world.configure(pod);
    await eventually("asked", () => held);
    world.hostd.reboot(vmUuid);
    world.agents.kill(vmUuid);
    await inTime(world, "web runs", () => isReady(world, "web"), 240_000);
    const containerId = world.pod("web")?.status?.containerStatuses?.[0]?.containerID;
    late.resolve();
    await settled();
    assert.equal(world.pod("web")?.status?.containerStatuses?.[0]?.containerID, containerId);
    assert.equal(world.agents.started.filter(({ name }) => name === "web").length, 2);
    await neighbourIsWell(world);
  }));
