import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { type ContainerStatus, Terminated } from "../../src/gen/spheresim/crx/v1/agent.js";
import { ConfigurePodState } from "../../src/gen/spheresim/spherelet/v1/pod.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Node } from "../../src/kubernetes/node.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { images, leases, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { startFakeAgents } from "../support/fake-agents.js";
import { eventually, settled } from "../support/eventually.js";
import { HOST, inTime, isReady, OTHER_HOST, runPod, withSpherelets, type SphereletWorld } from "./spherelet-world.js";

test("a node is registered with role, zone and capacity, and its lease is renewed every 10 s", () =>
  withSpherelets(async ({ cluster, monotonic, clock }) => {
    const node = await eventually("node has a status", () => {
      const found: Node | undefined = cluster.peek(nodes, { name: HOST });
      return found?.status?.conditions === undefined ? undefined : found;
    });
    assert.equal(node.metadata.labels?.["node-role.kubernetes.io/agent"], "");
    assert.equal(node.metadata.labels?.["kubernetes.io/hostname"], HOST);
    assert.equal(node.metadata.labels?.["topology.kubernetes.io/zone"], "a");
    assert.deepEqual(node.status?.allocatable, { cpu: "16", "ephemeral-storage": "1845493760Ki", memory: "67108864Ki", pods: "110" });
    assert.equal(findCondition(node.status?.conditions, "Ready")?.status, "True");
    assert.match(node.status?.nodeInfo?.kubeletVersion ?? "", /^v1\.32\.0-sph-/);
    const lease = await eventually("lease is there", () => cluster.peek(leases, { namespace: "kube-node-lease", name: HOST }));
    assert.equal(lease.spec?.holderIdentity, HOST);
    await clock.advance(10_000);
    await monotonic.advance(10_000);
    await eventually("lease is renewed", () => cluster.peek(leases, { namespace: "kube-node-lease", name: HOST })?.spec?.renewTime === "2026-01-01T00:00:10.000000Z");
  }));

test("a node that was deleted is registered again, one that was called NotReady is put right", () =>
  withSpherelets(async ({ cluster }) => {
    const first = await eventually("node", () => cluster.peek(nodes, { name: HOST }));
    await eventually("status", () => cluster.peek(nodes, { name: HOST })?.status?.conditions !== undefined);
    await cluster.delete(nodes, { name: HOST });
    await eventually("another node", () => {
      const again: Node | undefined = cluster.peek(nodes, { name: HOST });
      return again !== undefined && again.metadata.uid !== first.metadata.uid && findCondition(again.status?.conditions, "Ready")?.status === "True";
    });
    await cluster.patch(nodes, { name: HOST }, { type: "strategic", body: { status: { conditions: [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }] } } }, { subresource: "status" });
    await eventually("ready again", () => findCondition(cluster.peek(nodes, { name: HOST })?.status?.conditions, "Ready")?.reason === "KubeletReady");
  }));

test("steps 12 to 14: personality, containers, and one status patch", () =>
  withSpherelets(async (world) => {
    const { hostd, agents, steps } = world;
    const pod = await world.createPod("web", {}, { annotations: { "vmware-system-image-references": '{"web":"nginx-0a-v1"}', "vmware-system-ephemeral-disk-uuid": "6000C29f-15c9-c1c1-ea28-c90890ee7804" } });
    assert.equal(await world.configure(pod), ConfigurePodState.ACCEPTED);
    const ready = await eventually("ready", () => (isReady(world.pod("web")) ? world.pod("web") : undefined));

    assert.deepEqual(hostd.calls.map(({ method, authority }) => [method, authority]), [["configurePersonality", HOST]]);
    const personality = hostd.calls[0]?.personality;
    assert.equal(personality?.podUid, pod.metadata.uid);
    assert.deepEqual({ ...personality?.networkInterfaces[0] }, { mac: "04:50:56:00:00:01", ip: "10.244.0.7", prefixLength: 16, gateway: "10.244.0.1", attachmentId: "port-1" });
    assert.deepEqual(personality?.disks.map((disk) => [disk.role, disk.image]), [["ephemeral", ""], ["nginx-0a-v1", "nginx-0a-v1"]]);
    assert.equal(agents.started.length, 1);

    assert.equal(ready.status?.phase, "Running");
    assert.equal(ready.status?.podIP, "10.244.0.7");
    assert.equal(ready.status?.hostIP, "127.0.0.1");
    assert.equal(ready.status?.startTime, "2026-01-01T00:00:00Z");
    assert.deepEqual(ready.status?.conditions?.map((condition) => [condition.type, condition.status]).sort(), [
      ["ContainersReady", "True"],
      ["Initialized", "True"],
      ["PodReadyToStartContainers", "True"],
      ["PodScheduled", "True"],
      ["Ready", "True"],
    ]);
    const [container] = ready.status?.containerStatuses ?? [];
    assert.match(container?.containerID ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(container?.imageID, "nginx-0a-v1");
    await settled();
    assert.equal(world.statusPatches("web"), 1);
    assert.deepEqual(steps.map(({ step, room, podUid }) => [step, room, podUid]), [[12, "spherelet", pod.metadata.uid], [14, "spherelet", pod.metadata.uid]]);
    assert.equal(steps[1]?.etcdRevision, BigInt(ready.metadata.resourceVersion));

    const told = await eventually("events", () => (world.events("web").length >= 4 ? world.events("web") : undefined));
    assert.deepEqual(told.map(({ reason, message }) => [reason, message]), [
      ["Pulling", "Waiting for Image default/nginx-0a-v1"],
      ["Pulled", "Image default/nginx-0a-v1 is ready"],
      ["Created", "Created container web"],
      ["Started", "Started container web"],
    ]);
    assert.deepEqual(told[0]?.source, { component: "kubelet", host: HOST });

    assert.equal(await world.configure(pod), ConfigurePodState.ALREADY_CONFIGURED);
    await settled();
    assert.equal(agents.started.length, 1);
    assert.equal(world.statusPatches("web"), 1);
  }));

test("a foreign uid, a foreign VM, a foreign host and wrong fields are refused by name", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web");
    const foreign = "11111111-1111-4111-8111-111111111111";
    const refusal = async (over: Parameters<SphereletWorld["configure"]>[1], asked: Pod = pod): Promise<RpcError> => {
      const error: unknown = await world.configure(asked, over).then(() => undefined, (reason: unknown) => reason);
      assert.ok(error instanceof RpcError);
      return error;
    };
    const uid = await refusal({ podUid: foreign });
    assert.deepEqual([uid.code, uid.reason?.reason], [RpcCode.FAILED_PRECONDITION, "OwnerMismatch"]);
    assert.ok(uid.detail("spheresim.vim.v1.MethodFault"));
    assert.equal((await refusal({ vmUuid: foreign })).reason?.reason, "OwnerMismatch");
    const bare = await world.createPod("bare", {}, { vm: false });
    assert.equal((await refusal({ vmUuid: foreign }, bare)).reason?.reason, "OwnerMismatch");
    const host = await refusal({ host: OTHER_HOST });
    assert.deepEqual([host.code, host.violations[0]?.field], [RpcCode.INVALID_ARGUMENT, "name"]);
    assert.equal((await refusal({ podUid: "" })).violations[0]?.field, "pod_uid");
    assert.equal((await refusal({ vmUuid: "vm-1" })).violations[0]?.field, "vm_uuid");
    assert.equal((await refusal({ podJson: Buffer.from("{") })).violations[0]?.field, "pod_json");
    assert.equal((await refusal({ podJson: Buffer.from("[]") })).violations[0]?.field, "pod_json");
    const unknown = await refusal({ host: "esxi-99.spheresim.test" });
    assert.match(unknown.message, /esxi-01\.spheresim\.test, esxi-02\.spheresim\.test/);
    await world.cluster.delete(pods, { namespace: "default", name: "bare" }, { gracePeriodSeconds: 0 });
    const gone = await refusal({ podJson: Buffer.alloc(0), vmUuid: foreign }, bare);
    assert.deepEqual([gone.code, gone.reason?.reason], [RpcCode.NOT_FOUND, "ManagedObjectNotFound"]);
    await settled();
    assert.equal(world.hostd.calls.length, 0);
    assert.equal(world.pod("web")?.status?.phase, "Pending");
  }));

test("deletion: containers stop, the final status is written, the object waits for its finalizer alone", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web");
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 7 });
    const last = await eventually("grace is 0", () => (world.pod("web")?.metadata.deletionGracePeriodSeconds === 0 ? world.pod("web") : undefined));
    assert.equal(world.agents.stopped[0]?.gracePeriod?.seconds, 7n);
    assert.equal(last.status?.phase, "Succeeded");
    assert.equal(last.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    assert.equal(findCondition(last.status?.conditions, "Ready")?.reason, "PodCompleted");
    await settled();
    assert.deepEqual(world.steps.filter(({ podUid }) => podUid === pod.metadata.uid).map(({ step }) => step), [12, 14, 102, 103]);
    assert.equal(world.agents.stopped.length, 1);
    assert.equal(world.cluster.calls.filter((call) => call.verb === "delete" && call.path.endsWith("/web")).length, 2, "the user's and the Spherelet's");
  }));

test("a container that has ended shows while another one of a pod on its way out still runs; the last one shows with the end alone", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web", { containers: [{ name: "fast", image: "nginx" }, { name: "slow", image: "nginx" }] });
    const answer = deferred<void>();
    world.agents.intercept = (method) => (method === "stopPod" ? answer.promise : undefined);
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 20 });
    await eventually("the stop is under way", () => world.agents.stopped.length === 1);
    const before = world.statusPatches("web");
    const ended = (status: ContainerStatus): ContainerStatus => ({ ...status, ready: false, state: { $case: "terminated", value: Terminated.create({ exitCode: 0, reason: "Completed" }) } });
    world.agents.change(vmUuidOf(pod) ?? "", ended);
    const shown = await eventually("the first one's end shows", () => (world.pod("web")?.status?.containerStatuses?.[0]?.state?.terminated === undefined ? undefined : world.pod("web")?.status));
    assert.deepEqual([shown.phase, shown.containerStatuses?.[1]?.state?.running !== undefined, isReady(world.pod("web"))], ["Running", true, false]);
    answer.resolve();
    await eventually("deleted but for its finalizer", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    assert.deepEqual([world.pod("web")?.status?.phase, world.statusPatches("web") - before], ["Succeeded", 2]);
  }));

test("a shorter grace of a second deletion reaches the containers", () =>
  withSpherelets(async (world) => {
    await runPod(world, "web");
    let release = (): void => undefined;
    world.agents.intercept = (method) => (method === "stopPod" && world.agents.stopped.length === 1 ? new Promise<void>((resolve) => (release = resolve)) : undefined);
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 600 });
    await eventually("stop asked", () => world.agents.stopped.length === 1);
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 1 });
    await eventually("stop asked again", () => world.agents.stopped.length === 2);
    assert.equal(world.agents.stopped[1]?.gracePeriod?.seconds, 1n);
    await eventually("deleted", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    release();
  }));

test("a pod that was never given a VM is deleted at once", () =>
  withSpherelets(async (world) => {
    await world.createPod("bare", {}, { vm: false });
    await world.cluster.delete(pods, { namespace: "default", name: "bare" });
    await eventually("gone", () => world.pod("bare") === undefined);
    assert.equal(world.hostd.calls.length, 0);
  }));

test("a pod whose VM is gone is deleted without its agent", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web");
    world.agents.kill(vmUuidOf(pod)!);
    world.hostd.vms.delete(vmUuidOf(pod)!);
    await settled();
    await world.cluster.delete(pods, { namespace: "default", name: "web" });
    await inTime(world, "deleted", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    assert.equal(world.agents.stopped.length, 0);
    assert.deepEqual([world.pod("web")?.status?.phase, world.pod("web")?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode], ["Failed", 255]);
  }));

test("a pod that somebody else called Failed is not let go before its containers were stopped", () =>
  withSpherelets(async (world) => {
    await runPod(world, "web");
    let isDeaf = true;
    world.agents.intercept = (method) => {
      if (method === "stopPod" && isDeaf) throw new RpcError(RpcCode.UNAVAILABLE, "not now");
    };
    await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { status: { phase: "Failed" } } }, { subresource: "status" });
    await eventually("a stop has failed", () => world.agents.stopped.length === 1);
    await settled();
    isDeaf = false;
    await world.cluster.delete(pods, { namespace: "default", name: "web" });
    await inTime(world, "deleted but for its finalizer", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    assert.deepEqual([world.agents.stopped.length, world.pod("web")?.status?.phase], [2, "Failed"]);
  }));

test("a pod that is deleted while it waits for its image has failed, its container with an end that nobody knows", () =>
  withSpherelets(async (world) => {
    await world.cluster.create(images, { metadata: { name: "nginx-0a-v1", namespace: "default" }, spec: { reference: "nginx" }, status: { phase: "Fetching" } });
    await settled();
    await world.configure(await world.createPod("web", {}, { annotations: { "vmware-system-image-references": '{"web":"nginx-0a-v1"}' } }));
    await inTime(world, "it waits", () => world.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting !== undefined, 5_000);
    await world.cluster.delete(pods, { namespace: "default", name: "web" });
    await inTime(world, "deleted but for its finalizer", () => world.pod("web")?.metadata.deletionGracePeriodSeconds === 0);
    const { phase, containerStatuses } = world.pod("web")?.status ?? {};
    assert.equal(phase, "Failed");
    assert.deepEqual(containerStatuses?.[0]?.state, { terminated: { exitCode: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when the pod was terminated" } });
  }));

test("another Spherelet finds what runs and starts nothing twice", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web");
    await world.restart();
    await eventually("looked after", () => world.hostd.calls.some(({ method }) => method === "getVm"));
    world.agents.change(vmUuidOf(pod)!, (status) => ({ ...status, ready: false }));
    await eventually("not ready", () => !isReady(world.pod("web")));
    assert.equal(world.agents.started.length, 1);
    assert.equal(world.hostd.calls.filter(({ method }) => method === "configurePersonality").length, 1);
    assert.equal(world.events("web").filter(({ reason }) => reason === "Started").length, 1);
  }));

test("a Spherelet that died before its answer configures the pod when it comes back", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web");
    let calls = 0;
    world.hostd.intercept = (method) => {
      if (method === "configurePersonality" && (calls += 1) === 1) throw RpcError.unavailable("HostD is away");
    };
    await world.configure(pod);
    await eventually("asked", () => calls === 1);
    await world.restart();
    await inTime(world, "ready", () => isReady(world.pod("web")));
    assert.equal(world.agents.started.length, 1);
  }));

test("after a new boot of the VM containers come back with restartCount + 1", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web", { containers: [{ name: "web", image: "nginx" }, { name: "side", image: "busybox" }] });
    const vmUuid = vmUuidOf(pod)!;
    const former = pod.status?.containerStatuses?.[0];
    world.hostd.reboot(vmUuid);
    world.agents.kill(vmUuid);
    await inTime(world, "restarted", () => isReady(world.pod("web")) && world.pod("web")?.status?.containerStatuses?.[0]?.restartCount === 1);
    assert.deepEqual(world.agents.started[1]?.restartCounts, { web: 1, side: 1 });
    const status = world.pod("web")?.status?.containerStatuses?.[0];
    assert.notEqual(status?.containerID, former?.containerID);
    assert.equal(status?.lastState?.terminated?.containerID, former?.containerID);
    assert.deepEqual([status?.lastState?.terminated?.exitCode, status?.lastState?.terminated?.reason], [255, "Unknown"]);
    assert.equal(world.hostd.calls.filter(({ method }) => method === "configurePersonality").length, 2);
  }));

test("HostD's word alone is enough to learn of a new boot", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web");
    const vmUuid = vmUuidOf(pod)!;
    // The agent's stream says nothing: it read its instances only after the new boot.
    world.agents.boot(vmUuid);
    world.hostd.reboot(vmUuid);
    await inTime(world, "restarted", () => isReady(world.pod("web")) && world.pod("web")?.status?.containerStatuses?.[0]?.restartCount === 1);
  }));

test("restartPolicy Never forbids a second life: the pod has failed", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "job", { restartPolicy: "Never" });
    const vmUuid = vmUuidOf(pod)!;
    world.hostd.reboot(vmUuid);
    world.agents.kill(vmUuid);
    await inTime(world, "failed", () => world.pod("job")?.status?.phase === "Failed");
    assert.equal(world.agents.started.length, 1);
    assert.equal(world.pod("job")?.status?.containerStatuses?.[0]?.state?.terminated?.reason, "ContainerStatusUnknown");
  }));

test("an agent process that comes back without the pod leads to a new start; while it is away the pod is AgentUnreachable", () =>
  withSpherelets(async (world) => {
    const pod = await runPod(world, "web");
    const { address } = world.agents;
    await world.agents.close();
    await inTime(world, "unreachable", () => world.pod("web")?.status?.reason === "AgentUnreachable");
    assert.equal(isReady(world.pod("web")), false);
    assert.equal(world.pod("web")?.status?.phase, "Running");
    const vmUuid = vmUuidOf(pod)!;
    world.hostd.reboot(vmUuid);
    world.agents = await startFakeAgents(world.clock, address);
    await inTime(world, "ready again", () => isReady(world.pod("web")));
    assert.equal(world.pod("web")?.status?.reason, undefined);
    assert.equal(world.agents.started[0]?.restartCounts["web"], 1);
  }));

test("a VM that belongs to another pod fails the pod as ProviderFailed", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web");
    const vmUuid = vmUuidOf(pod)!;
    world.hostd.vms.get(vmUuid)!.config!.ownerUid = "somebody-else";
    await world.configure(pod);
    const failed = await eventually("failed", () => (world.pod("web")?.status?.phase === "Failed" ? world.pod("web") : undefined));
    assert.equal(failed.status?.reason, "ProviderFailed");
    assert.equal(world.agents.started.length, 0);
    assert.equal(world.steps[0]?.step, 12);
  }));
