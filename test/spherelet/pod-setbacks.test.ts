import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { configMaps, images, nodes, pods, secrets } from "../../src/kubernetes/resource-type.js";
import { formatTime } from "../../src/kubernetes/timestamp.js";
import { vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import { HOST, inTime, isReady, runPod, START_MS, withSpherelets } from "./spherelet-world.js";

test("an image that cannot be fetched is told as ErrImagePull, then as ImagePullBackOff, and anew with each try", () =>
  withSpherelets(async (world) => {
    const named = { namespace: "default", name: "shop-0a-v1" };
    const failed = (failures: number, message: string) => ({ phase: "Failed", failures, message }) as const;
    await world.cluster.create(images, { metadata: named, spec: { reference: "shop:v9" }, status: failed(1, "manifest unknown") });
    await settled();
    const pod = await world.createPod("web", {}, { annotations: { "vmware-system-image-references": '{"web":"shop-0a-v1"}' } });
    await world.configure(pod);
    const waits = (reason: string, message: string): Promise<unknown> =>
      eventually(reason, () => {
        const waiting = world.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting;
        return waiting?.reason === reason && waiting.message === message;
      });
    const tell = (status: object): Promise<unknown> => world.cluster.patch(images, named, { type: "merge", body: { status } }, { subresource: "status" });
    const told = (why: string): string => `failed to get images: Image default/shop-0a-v1 has failed. Error: ${why}`;
    const backOff = `Back-off pulling image "shop:v9": ErrImagePull: ${told("manifest unknown")}`;
    await waits("ErrImagePull", told("manifest unknown"));
    await world.clock.advance(5_000);
    await waits("ImagePullBackOff", backOff);
    await world.clock.advance(15_000);
    await eventually("the wait is told again", () => world.events("web").filter(({ message, count }) => (message === "Error: ImagePullBackOff" || message === 'Back-off pulling image "shop:v9"') && count === 2).length === 2);
    await tell({ phase: "Resolving" });
    await settled();
    await waits("ImagePullBackOff", backOff);
    await tell(failed(2, "manifest unknown"));
    await waits("ErrImagePull", told("manifest unknown"));
    await tell(failed(3, "no route to host"));
    await waits("ErrImagePull", told("no route to host"));
    await eventually("told", () => world.events("web").length >= 6 && world.events("web")[1]?.count === 2);
    assert.deepEqual(world.events("web").map(({ type, reason, message, count, source }) => [type, reason, message, count, source?.component]), [
      ["Normal", "Pulling", "Waiting for Image default/shop-0a-v1", 1, "kubelet"],
      ["Warning", "Failed", told("manifest unknown"), 2, "kubelet"],
      ["Warning", "Failed", "Error: ErrImagePull", 3, "kubelet"],
      ["Normal", "BackOff", 'Back-off pulling image "shop:v9"', 2, "kubelet"],
      ["Warning", "Failed", "Error: ImagePullBackOff", 2, "kubelet"],
      ["Warning", "Failed", told("no route to host"), 1, "kubelet"],
    ]);
    assert.equal(world.pod("web")?.status?.phase, "Pending");
    await world.cluster.patch(images, named, { type: "merge", body: { status: { phase: "Ready", message: null, failures: null } } }, { subresource: "status" });
    await eventually("ready", () => isReady(world.pod("web")));
  }));

test("a VM that is off is waited for; the status says so after a while", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web");
    const vmUuid = vmUuidOf(pod)!;
    const on = world.hostd.vms.get(vmUuid)!;
    world.hostd.vms.set(vmUuid, { ...on, powerState: VirtualMachinePowerState.POWERED_OFF });
    await world.configure(pod);
    await inTime(world, "told", () => world.pod("web")?.status?.reason === "ProviderFailed");
    assert.equal(world.pod("web")?.status?.phase, "Pending");
    world.hostd.vms.set(vmUuid, on);
    await inTime(world, "ready", () => isReady(world.pod("web")));
    assert.equal(world.pod("web")?.status?.reason, undefined);
  }));

test("an image that is not ready holds the start up, and its status shows after a second", () =>
  withSpherelets(async (world) => {
    const image = await world.cluster.create(images, { metadata: { name: "nginx-0a-v1", namespace: "default" }, spec: { reference: "nginx" }, status: { phase: "Fetching" } });
    await settled();
    const pod = await world.createPod("web", {}, { annotations: { "vmware-system-image-references": '{"web":"nginx-0a-v1"}' } });
    await world.configure(pod);
    await inTime(world, "waiting shows", () => world.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "ContainerCreating", 5_000);
    assert.equal(world.hostd.calls.length, 0);
    assert.equal(world.pod("web")?.status?.startTime, "2026-01-01T00:00:00Z");
    await world.cluster.patch(images, { namespace: "default", name: image.metadata.name }, { type: "merge", body: { status: { phase: "Ready" } } }, { subresource: "status" });
    await eventually("ready", () => isReady(world.pod("web")));
    assert.deepEqual(world.events("web").slice(0, 1).map(({ reason }) => reason), ["Pulling"]);
  }));

test("a missing ConfigMap shows as FailedMount or CreateContainerConfigError and is waited for", () =>
  withSpherelets(async (world) => {
    const mounted = await world.createPod("mounted", { volumes: [{ name: "config", configMap: { name: "site" } }] });
    const environed = await world.createPod("environed", {
      containers: [{ name: "web", image: "nginx", command: ["sh", "-c", "echo $(LEVEL) $(NOBODY)"], env: [{ name: "LEVEL", valueFrom: { configMapKeyRef: { name: "site", key: "level" } } }, { name: "WHERE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }], envFrom: [{ prefix: "S_", secretRef: { name: "keys", optional: true } }] }],
    });
    await world.configure(mounted);
    await world.configure(environed);
    await eventually("FailedMount", () => world.events("mounted").some(({ reason, message }) => reason === "FailedMount" && message === 'MountVolume.SetUp failed for volume "config" : configmap "site" not found'));
    await eventually("config error", () => world.pod("environed")?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerConfigError");
    assert.equal(world.pod("environed")?.status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "site" not found');
    assert.equal(world.pod("mounted")?.status?.phase, "Pending");
    await world.cluster.create(configMaps, { metadata: { name: "site", namespace: "default" }, data: { level: "high", "index.html": "hello" } });
    await world.cluster.create(secrets, { metadata: { name: "keys", namespace: "default" }, data: { token: Buffer.from("abc").toString("base64") } });
    await inTime(world, "both ready", () => isReady(world.pod("mounted")) && isReady(world.pod("environed")));
    const start = world.agents.started.find(({ name }) => name === "environed");
    assert.deepEqual(start?.containers[0]?.env, { S_token: "abc", LEVEL: "high", WHERE: HOST });
    assert.deepEqual(start?.containers[0]?.command, ["sh", "-c", "echo high $(NOBODY)"]);
    const source = world.agents.started.find(({ name }) => name === "mounted")?.volumes[0]?.source;
    assert.ok(source?.$case === "files");
    assert.equal(source.value.data["index.html"]?.toString(), "hello");
    await eventually("mount told", () => world.events("mounted").some(({ reason, message }) => reason === "SuccessfulMountVolume" && message === "Successfully mounted volume config"));
  }));

test("a container that waits for a Secret holds nobody up, and a Spherelet that comes back goes on looking for it", () =>
  withSpherelets(async (world) => {
    const env = [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } }];
    await world.configure(await world.createPod("web", { containers: [{ name: "db", image: "redis", env }, { name: "web", image: "nginx" }] }));
    const states = (): readonly unknown[] => (world.pod("web")?.status?.containerStatuses ?? []).map(({ state }) => state?.waiting?.reason ?? Object.keys(state ?? {})[0]);
    await eventually("one runs, one waits", () => isDeepStrictEqual(states(), ["CreateContainerConfigError", "running"]));
    assert.equal(world.pod("web")?.status?.phase, "Pending");
    await eventually("told", () => world.events("web").some(({ reason, message, involvedObject }) => reason === "Failed" && message === 'Error: secret "keys" not found' && involvedObject.fieldPath === "spec.containers{db}"));
    await world.restart();
    await world.cluster.create(secrets, { metadata: { name: "keys", namespace: "default" }, data: { token: Buffer.from("abc").toString("base64") } });
    await inTime(world, "ready", () => isReady(world.pod("web")), 30_000);
    assert.deepEqual(states(), ["running", "running"]);
    assert.deepEqual(world.agents.started.map(({ containers }) => containers.map(({ name, held, env: { TOKEN } }) => [name, held?.reason, TOKEN])), [
      [["db", "CreateContainerConfigError", undefined], ["web", undefined, undefined]],
      [["db", undefined, "abc"], ["web", undefined, undefined]],
    ]);
  }));

test("a volume kind that is not supported is refused by name, again and again, and nothing starts", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web", { volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "data" } }] });
    await world.configure(pod);
    await eventually("FailedMount", () => world.events("web").some(({ message }) => message?.includes("persistentVolumeClaim is not supported")));
    await world.monotonic.advance(60_000);
    await settled();
    assert.equal(world.events("web").find(({ reason }) => reason === "FailedMount")?.count, 1);
    await world.clock.advance(500);
    await eventually("told again", () => world.events("web").find(({ reason }) => reason === "FailedMount")?.count === 2);
    assert.equal(world.agents.started.length, 0);
  }));

test("volumes that cannot be made are told of each, with every try of a kubelet's back-off: 0.5 s, doubling to 122 s", () =>
  withSpherelets(async (world) => {
    const idle = world.clock.waiting;
    await world.configure(await world.createPod("web", { volumes: [{ name: "tape", emptyDir: { medium: "Tape" } }, { name: "site", configMap: { name: "none" } }, { name: "tmp", emptyDir: {} }] }));
    const told = (): readonly unknown[] => world.events("web").flatMap(({ reason, message, count, lastTimestamp }) => (reason === "FailedMount" ? [[message?.slice("MountVolume.SetUp failed for volume ".length), count, lastTimestamp]] : []));
    const both = (count: number, time: string): readonly unknown[] => [[`"tape" : unknown storage medium "Tape"`, count, time], [`"site" : configmap "none" not found`, count, time]];
    await eventually("told", () => isDeepStrictEqual(told(), both(1, "2026-01-01T00:00:00Z")));
    const waitsMs = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 122_000, 122_000];
    let passedMs = 0;
    for (const [index, waitMs] of waitsMs.entries()) {
      await eventually("the next try is waited for", () => world.clock.waiting === idle + 1);
      passedMs += waitMs;
      await world.clock.advance(waitMs);
      const time = formatTime(START_MS + passedMs);
      await eventually(`told after ${passedMs} ms`, () => isDeepStrictEqual(told(), both(index + 2, time)));
    }
    assert.equal(world.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting?.reason, "ContainerCreating");
  }));

test("a pod bound without a VM says PodVMAnnotationsMissing after a minute and recovers", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web", {}, { vm: false });
    await settled();
    await world.clock.advance(61_000);
    await inTime(world, "missing", () => world.pod("web")?.status?.reason === "PodVMAnnotationsMissing", 20_000);
    assert.deepEqual([world.pod("web")?.status?.phase, world.pod("web")?.status?.containerStatuses ?? []], ["Pending", []], "kubectl shows the reason, for no container has one of its own");
    const vmUuid = "22222222-2222-4222-8222-222222222222";
    world.hostd.addVm(vmUuid, pod.metadata.uid);
    const annotated = await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { metadata: { annotations: { "vmware-system-vm-uuid": vmUuid } } } });
    await world.configure(annotated);
    await eventually("ready", () => isReady(world.pod("web")));
    assert.equal(world.pod("web")?.status?.reason, undefined);
  }));

test("a pod of the same name created anew is another pod", () =>
  withSpherelets(async (world) => {
    const first = await runPod(world, "web");
    await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { metadata: { finalizers: null } } });
    await world.cluster.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
    await eventually("what ran was stopped", () => world.agents.stopped.some(({ podUid }) => podUid === first.metadata.uid));
    const second = await runPod(world, "web");
    assert.notEqual(second.metadata.uid, first.metadata.uid);
    assert.equal(second.status?.containerStatuses?.[0]?.restartCount, 0);
  }));

test("a pod longer on its node than activeDeadlineSeconds allows fails as DeadlineExceeded, whatever its restart policy", () =>
  withSpherelets(async (world) => {
    await runPod(world, "web", { activeDeadlineSeconds: 5 });
    await world.clock.advance(4_999);
    await settled();
    assert.equal(world.pod("web")?.status?.phase, "Running");
    await world.clock.advance(1);
    const ended = await eventually("failed", () => (world.pod("web")?.status?.phase === "Failed" ? world.pod("web") : undefined));
    assert.deepEqual([ended.status?.reason, ended.status?.message], ["DeadlineExceeded", "Pod was active on the node longer than the specified deadline"]);
    assert.ok(ended.status?.containerStatuses?.[0]?.state?.terminated, "its container has ended");
    assert.equal(world.agents.stopped.length, 1);
    await eventually("told", () => world.events("web").some(({ type, reason }) => type === "Normal" && reason === "DeadlineExceeded"));
    assert.equal(world.steps.some(({ step }) => step === 102), false, "nobody deletes the pod");
  }));

test("a deadline given to a pod that runs counts from its start", () =>
  withSpherelets(async (world) => {
    await runPod(world, "web");
    await world.clock.advance(10_000);
    await world.cluster.patch(pods, { namespace: "default", name: "web" }, { type: "merge", body: { spec: { activeDeadlineSeconds: 8 } } });
    await eventually("failed", () => world.pod("web")?.status?.reason === "DeadlineExceeded");
  }));

test("what a host cannot give is refused by name to a pod that named its node itself, as often as by a kubelet, and nothing starts", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web", { hostNetwork: true, hostUsers: false, runtimeClassName: "kata", containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80, hostPort: 80 }] }] });
    await world.configure(pod);
    const wanted = "Failed to create pod sandbox: spec.hostUsers false, spec.runtimeClassName not supported by vSphere Pods here";
    await eventually("told", () => world.events("web").some(({ reason, message }) => reason === "FailedCreatePodSandBox" && message === wanted));
    const count = (): number => world.events("web").find(({ reason }) => reason === "FailedCreatePodSandBox")?.count ?? 0;
    await world.monotonic.advance(60_000);
    await settled();
    assert.equal(count(), 1);
    await world.clock.advance(15_000);
    await eventually("told again", () => count() === 2);
    await world.clock.advance(60_000);
    await eventually("and again", () => count() >= 6);
    assert.ok(count() <= 8, `${count()} times`);
    const { calls } = world.hostd;
    assert.equal(calls.filter(({ method }) => method === "configurePersonality").length, 1, "nothing is tried that cannot help");
    assert.equal(world.agents.started.length, 0);
    assert.equal(world.pod("web")?.status?.phase, "Pending");
  }));

test("a container whose image is no reference waits as InvalidImageName, and nothing starts", () =>
  withSpherelets(async (world) => {
    const pod = await world.createPod("web", { containers: [{ name: "web", image: "<your-private-image>" }] }, { annotations: { "vmware-system-image-references": "{}" } });
    await world.configure(pod);
    const message = 'Failed to apply default image tag "<your-private-image>": couldn\'t parse image name "<your-private-image>": invalid reference format';
    await eventually("waits", () => {
      assert.deepEqual({ ...world.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting }, { reason: "InvalidImageName", message });
      return true;
    });
    await eventually("told", () => world.events("web").some((event) => event.reason === "InspectFailed" && event.message === message));
    assert.deepEqual([world.pod("web")?.status?.phase, world.agents.started.length], ["Pending", 0]);
  }));

test("a pod that named a node its own selector leaves out is rejected as NodeAffinity; a label that came a moment ago counts", () =>
  withSpherelets(async (world) => {
    const { cluster } = world;
    await eventually("node", () => cluster.peek(nodes, { name: HOST })?.status?.conditions !== undefined);
    const picky = await world.createPod("picky", { nodeSelector: { disktype: "ssd" } });
    await world.configure(picky);
    const failed = await eventually("failed", () => (world.pod("picky")?.status?.phase === "Failed" ? world.pod("picky") : undefined));
    const why = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
    assert.deepEqual([failed.status?.reason, failed.status?.message], ["NodeAffinity", `Pod was rejected: ${why}`]);
    await eventually("told", () => world.events("picky").some(({ reason, message }) => reason === "NodeAffinity" && message === why));
    assert.deepEqual([world.hostd.calls.length, world.agents.started.length], [0, 0]);
    await cluster.patch(nodes, { name: HOST }, { type: "merge", body: { metadata: { labels: { disktype: "ssd" } } } });
    await runPod(world, "content", { nodeSelector: { disktype: "ssd" } });
  }));
