import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import { fromTimestamp } from "../../src/base/timestamp.js";
import { CrashBackoff } from "../../src/base/crash-backoff.js";
import { ContainerSpec, Files, Probe, RestartPolicy, TcpSocketAction, VolumeSpec } from "../../src/gen/spheresim/crx/v1/agent.js";
import { toldWait } from "../../src/crx/pods/told-wait.js";
import { allWords, container, isFault, MachineFixture, podRequest, podUid, words } from "./machine-fixture.js";

test("init containers run one after the other, then the containers are started one after the other", async () => {
  const fixture = new MachineFixture({ initMs: 0, agentMs: 0, containerStartMs: 50 });
  const agent = await fixture.agent();
  const startMs = fixture.clock.nowMs();
  const initContainers = [container("one", "busybox", "sleep", "2"), container("two", "busybox", "true")];
  const call = agent.startPod(podRequest({ initContainers, containers: [container("web", "nginx"), container("log", "redis")] }));
  await fixture.clock.advance(0);
  assert.deepEqual(allWords(agent.pod()), ["one waiting PodInitializing", "two waiting PodInitializing", "web waiting PodInitializing", "log waiting PodInitializing"]);
  await fixture.clock.advance(50);
  assert.deepEqual(allWords(await call), ["one running", "two waiting PodInitializing", "web waiting PodInitializing", "log waiting PodInitializing"]);
  await fixture.clock.advance(2_000);
  assert.deepEqual(allWords(agent.pod()).slice(0, 2), ["one terminated Completed 0", "two waiting PodInitializing"]);
  await fixture.clock.advance(100);
  assert.deepEqual(allWords(agent.pod()).slice(2), ["web running", "log waiting PodInitializing"]);
  await fixture.clock.advance(50);
  const pod = agent.pod();
  assert.deepEqual(allWords(pod), ["one terminated Completed 0", "two terminated Completed 0", "web running", "log running"]);
  assert.deepEqual(pod.initContainers.map((each) => each.ready), [true, true]);
  assert.deepEqual(pod.containers.map((each) => each.ready), [true, true]);
  assert.equal(pod.containers[0]?.imageId, "nginx-object");
  const state = pod.containers[0]?.state;
  assert.equal(state?.$case === "running" && state.value.startedAt && fromTimestamp(state.value.startedAt) - startMs, 2_150);
  assert.deepEqual(fixture.facts.map((fact) => [fact.endMs - fact.startMs, fact.failure]), [[2_200, ""]]);
});

test("a wait in back-off is told at once and each 10 to 15 s, as often as a kubelet looks at the pod; not when it is over or nobody waits", async () => {
  for (const seed of ["a", "b", "c"]) {
    const clock = new ManualClock();
    const told: number[] = [];
    const stop = new AbortController();
    const wait = (waitMs: number): Promise<void> => toldWait({ clock, dice: new Dice(seed), waitMs, signal: stop.signal, tell: () => told.push(clock.nowMs()) });
    const over = wait(300_000).then(() => told.push(clock.nowMs()));
    await clock.advance(300_000);
    await over;
    const gaps = told.slice(1, -1).map((atMs, index) => atMs - told[index]!);
    assert.deepEqual([told[0], told.at(-1), gaps.filter((gapMs) => gapMs < 10_000 || gapMs >= 15_000)], [0, 300_000, []], told.join());
    assert.ok(told.length > 20 && new Set(gaps).size > 10, told.join());
    told.length = 0;
    const broken = wait(300_000);
    stop.abort();
    await broken;
    await wait(300_000);
    assert.deepEqual([told.length, clock.waiting], [1, 0]);
  }
});

test("a second StartPod answers the present state; another pod is OwnerMismatch", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const [one, two] = await Promise.all([agent.startPod(podRequest({})), agent.startPod(podRequest({}))]);
  assert.deepEqual(one, two);
  assert.deepEqual(allWords(one), ["web running"]);
  await assert.rejects(agent.startPod(podRequest({ podUid: "other" })), isFault("ownerMismatch"));
  await assert.rejects(agent.stopPod("other", 0), isFault("ownerMismatch"));
});

test("a held container waits for a StartPod that lets it start, and nobody beside it waits; of others a second StartPod changes nothing", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const held = (message: string): ContainerSpec => ContainerSpec.create({ name: "db", image: "Redis", held: { reason: "CreateContainerConfigError", message } });
  const first = await agent.startPod(podRequest({ containers: [held("no map"), container("web", "nginx")] }));
  assert.deepEqual([words(first.containers[0]), first.containers.map((each) => each.held)], ["db waiting CreateContainerConfigError", [true, false]]);
  await fixture.clock.advance(0);
  assert.deepEqual(allWords(agent.pod()), ["db waiting CreateContainerConfigError", "web running"]);
  assert.deepEqual(fixture.facts, [], "step 13 goes on");

  const { containerId } = agent.pod().containers[1] ?? {};
  await agent.startPod(podRequest({ containers: [held("no key"), container("web", "busybox", "false")] }));
  const { state } = agent.pod().containers[0] ?? {};
  assert.ok(state?.$case === "waiting");
  assert.equal(state.value.message, "no key");
  await agent.startPod(podRequest({ containers: [container("db", "redis"), container("new", "nginx")] }));
  await fixture.clock.advance(0);
  const { containers } = agent.pod();
  assert.deepEqual(containers.map(words), ["db running", "web running"]);
  assert.deepEqual([containers[0]?.held, containers[0]?.image, containers[0]?.imageId, containers[1]?.containerId], [false, "redis", "redis-object", containerId]);
  assert.deepEqual(fixture.facts.map(({ failure }) => failure), [""]);
});

test("held containers end their wait with the pod, and with the guest", async () => {
  for (const end of ["stop", "kill"] as const) {
    const fixture = new MachineFixture();
    const agent = await fixture.agent();
    const held = { reason: "InvalidImageName", message: "" };
    const initContainers = [ContainerSpec.create({ name: "proxy", image: "Envoy", sidecar: true, held })];
    const request = { initContainers, containers: [ContainerSpec.create({ name: "web", image: "Nginx", held })] };
    assert.deepEqual(allWords(await agent.startPod(podRequest(request))), ["proxy waiting InvalidImageName", "web waiting PodInitializing"]);
    if (end === "kill") fixture.kill();
    else await agent.stopPod(podUid, 30_000);
    await fixture.clock.advance(60_000);
    if (end === "stop") {
      await agent.startPod(podRequest({ initContainers: [ContainerSpec.create({ name: "proxy", image: "envoy", sidecar: true })] }));
      assert.deepEqual(allWords(agent.pod()), ["proxy waiting InvalidImageName", "web waiting PodInitializing"], "nothing starts any more");
    }
    assert.equal(fixture.clock.waiting, 0);
  }
});

test("a container that ends at once is restarted at once, then after 10 s, doubling", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  await agent.startPod(podRequest({ containers: [container("job", "busybox", "false")] }));
  await fixture.clock.advance(0);
  const now = (): string => words(agent.pod().containers[0]);
  assert.equal(now(), "job waiting CrashLoopBackOff restarts 1");
  const { state, lastTermination, containerId } = agent.pod().containers[0] ?? {};
  assert.equal(state?.$case === "waiting" && state.value.message, `back-off 10s restarting failed container=job pod=web_default(${podUid})`);
  assert.deepEqual([lastTermination?.exitCode, lastTermination?.reason, lastTermination?.containerId], [1, "Error", containerId]);
  await fixture.clock.advance(9_999);
  assert.equal(now(), "job waiting CrashLoopBackOff restarts 1");
  await fixture.clock.advance(1);
  assert.equal(now(), "job waiting CrashLoopBackOff restarts 2");
  const told = (): number => agent.pod().events.filter(({ reason, message }) => reason === "BackOff" && message === `Back-off restarting failed container job in pod web_default(${podUid})`).length;
  assert.equal(told(), 2, "once for each wait");
  await fixture.clock.advance(15_000);
  assert.equal(told(), 3, "again while it waits");
  await fixture.clock.advance(5_000);
  assert.equal(now(), "job waiting CrashLoopBackOff restarts 3");
  assert.notEqual(agent.pod().containers[0]?.containerId, containerId);
});

test("back-off: 0, 10, 20, ... 300 s, forgiven after ten minutes of running", () => {
  const backoff = new CrashBackoff();
  let nowMs = 0;
  const waits = Array.from({ length: 8 }, () => {
    const waitMs = backoff.waitMs(nowMs);
    nowMs += waitMs;
    backoff.restarted(nowMs);
    return waitMs / 1000;
  });
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.equal(backoff.waitMs(nowMs + 600_000), 300_000);
  assert.equal(backoff.waitMs(nowMs + 600_001), 0);
});

test("restart policies", async () => {
  const cases: [RestartPolicy, string, string][] = [
    [RestartPolicy.NEVER, "false", "c terminated Error 1"],
    [RestartPolicy.NEVER, "true", "c terminated Completed 0"],
    [RestartPolicy.ON_FAILURE, "true", "c terminated Completed 0"],
    [RestartPolicy.ON_FAILURE, "false", "c waiting CrashLoopBackOff restarts 1"],
    [RestartPolicy.ALWAYS, "true", "c waiting CrashLoopBackOff restarts 1"],
    [RestartPolicy.UNSPECIFIED, "true", "c waiting CrashLoopBackOff restarts 1"],
  ];
  for (const [restartPolicy, command, expected] of cases) {
    const fixture = new MachineFixture();
    const agent = await fixture.agent();
    await agent.startPod(podRequest({ restartPolicy, containers: [container("c", "busybox", command)] }));
    await fixture.clock.advance(0);
    assert.deepEqual(allWords(agent.pod()), [expected]);
  }
});

test("an init container that fails ends a pod that never restarts, and is tried again otherwise", async () => {
  const initContainers = [container("init", "busybox", "false")];
  const never = new MachineFixture();
  const agent = await never.agent();
  await agent.startPod(podRequest({ initContainers, restartPolicy: RestartPolicy.NEVER }));
  await never.clock.advance(0);
  assert.deepEqual(allWords(agent.pod()), ["init terminated Error 1", "web waiting PodInitializing"]);
  assert.deepEqual(never.facts.map((fact) => fact.failure), ["init container init failed"]);
  const always = new MachineFixture();
  const other = await always.agent();
  await other.startPod(podRequest({ initContainers }));
  await always.clock.advance(10_000);
  assert.deepEqual(allWords(other.pod()), ["init waiting CrashLoopBackOff restarts 2", "web waiting PodInitializing"]);
});

test("restarts of former lives are counted on", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const pod = await agent.startPod(podRequest({ restartCounts: { web: 3 } }));
  assert.deepEqual(allWords(pod), ["web running restarts 3"]);
});

test("StopPod: TERM, grace, KILL", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const containers = [container("web", "nginx"), container("own", "vendor/own"), container("deaf", "busybox", "sleep", "3600"), container("crash", "busybox", "false")];
  await agent.startPod(podRequest({ containers }));
  await fixture.clock.advance(0);
  const startMs = fixture.clock.nowMs();
  const stop = agent.stopPod(podUid, 30_000);
  await fixture.clock.advance(0);
  assert.deepEqual(allWords(agent.pod()), ["web terminated Completed 0", "own terminated Error 143", "deaf running", "crash terminated Error 1 restarts 1"]);
  await fixture.clock.advance(30_000);
  const pod = await stop;
  assert.deepEqual(allWords(pod)[2], "deaf terminated Error 137");
  const deaf = pod.containers[2]?.state;
  assert.ok(deaf?.$case === "terminated" && deaf.value.finishedAt !== undefined);
  assert.deepEqual([deaf.value.signal, fromTimestamp(deaf.value.finishedAt) - startMs], [9, 30_000]);
  assert.equal(fixture.clock.waiting, 0);
  await agent.stopPod(podUid, 0);
});

test("a shorter second stop shortens the first; a stop before the start leaves the rest waiting", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  await agent.startPod(podRequest({ initContainers: [container("deaf", "busybox", "sleep", "3600")] }));
  const long = agent.stopPod(podUid, 30_000);
  const short = agent.stopPod(podUid, 0);
  await Promise.all([long, short]);
  assert.deepEqual(allWords(agent.pod()), ["deaf terminated Error 137", "web waiting PodInitializing"]);
  assert.equal(fixture.clock.waiting, 0);
});

test("a port that another container of the pod names answers as that one does: a pod has one network", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const probe = (port: string): Probe => Probe.create({ action: { $case: "tcpSocket", value: TcpSocketAction.create({ host: "10.0.0.1", port }) }, periodSeconds: 1 });
  const web = (name: string, port: string): ContainerSpec => ContainerSpec.create({ name, image: "nginx", readinessProbe: probe(port) });
  const exporter = ContainerSpec.create({ ...container("exporter", "metrics"), ports: [9113], annotations: { "exits-after": "5s" } });
  await agent.startPod(podRequest({ restartPolicy: RestartPolicy.NEVER, containers: [web("a", "9113"), web("b", "9114"), exporter] }));
  const ready = (): boolean[] => agent.pod().containers.slice(0, 2).map((each) => each.ready);
  await fixture.clock.advance(2_000);
  assert.deepEqual(ready(), [true, false], "nobody names 9114");
  await fixture.clock.advance(10_000);
  assert.deepEqual([words(agent.pod().containers[2]), ready()], ["exporter terminated Completed 0", [false, false]]);
});

test("a pod the agent cannot set up is refused with the field at fault", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const volume = VolumeSpec.create({ name: "data", source: { $case: "emptyDir", value: { sizeLimitBytes: 0n } } });
  const mount = (name: string, mountPath: string) => ({ ...container("web", "nginx"), mounts: [{ name, mountPath, readOnly: false, subPath: "" }] });
  const action = { $case: "tcpSocket" as const, value: TcpSocketAction.create({ port: "80" }) };
  const wrong: [Parameters<typeof podRequest>[0], string][] = [
    [{ containers: [] }, "containers"],
    [{ containers: [container("", "nginx")] }, "containers[0].name"],
    [{ containers: [container("a", "")] }, "containers[0].image"],
    [{ containers: [container("a", "nginx"), container("a", "nginx")] }, "containers[1].name"],
    [{ volumes: [VolumeSpec.create({ name: "disk" })] }, "volumes[0].source"],
    [{ volumes: [volume, volume] }, "volumes[1].name"],
    [{ containers: [mount("nowhere", "/x")] }, "containers[0].mounts[0].name"],
    [{ volumes: [volume], containers: [mount("data", "x")] }, "containers[0].mounts[0].mount_path"],
    [{ restartCounts: { web: -1 } }, "restart_counts.web"],
    [{ containers: [{ ...container("a", "nginx"), sidecar: true }] }, "containers[0].sidecar"],
    [{ containers: [{ ...container("a", "nginx"), livenessProbe: Probe.create() }] }, "containers[0].liveness_probe.action"],
    [{ containers: [{ ...container("a", "nginx"), readinessProbe: Probe.create({ action, periodSeconds: -1 }) }] }, "containers[0].readiness_probe.period_seconds"],
    [{ containers: [{ ...container("a", "nginx"), startupProbe: Probe.create({ action, terminationGracePeriodSeconds: -1n }) }] }, "containers[0].startup_probe.termination_grace_period_seconds"],
    [{ terminationGracePeriod: { seconds: -1n, nanos: 0 } }, "termination_grace_period"],
  ];
  for (const [change, field] of wrong) await assert.rejects(agent.startPod(podRequest(change)), isFault("invalidArgument", field));
  assert.deepEqual(allWords(await agent.startPod(podRequest({ volumes: [volume], containers: [mount("data", "/data")] }))), ["web running"]);
});

test("an instance tells what its running containers use and what its volumes hold; a restarted container counts anew", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  const startMs = fixture.clock.nowMs();
  await assert.rejects(new MachineFixture().agentless().stats(), isFault("hostNotReachable"));
  assert.deepEqual([(await agent.stats()).podUid, (await agent.stats()).containers], ["", []]);
  const bytes = (text: string): Buffer => Buffer.from(text);
  const volumes = [
    VolumeSpec.create({ name: "config", source: { $case: "files", value: Files.create({ data: { a: bytes("abc"), "d/b": bytes("defg") } }) } }),
    VolumeSpec.create({ name: "scratch", source: { $case: "emptyDir", value: { sizeLimitBytes: 1_000n } } }),
  ];
  const web = { ...container("web", "nginx"), annotations: { cpu: "100m", memory: "10Mi", "exit-code": "1,stays", "exits-after": "30s" }, limitMemoryBytes: 20_971_520n };
  await agent.startPod(podRequest({ volumes, initContainers: [container("init", "busybox", "true")], containers: [web] }));
  await fixture.clock.advance(10_000);
  const first = await agent.stats();
  assert.equal(fromTimestamp(first.time!) - startMs, 10_000);
  assert.deepEqual(first.volumes.map(({ name, emptyDir, usedBytes, inodesUsed, capacityBytes }) => [name, emptyDir, usedBytes, inodesUsed, capacityBytes]), [
    ["config", false, 7n, 4n, 0n],
    ["scratch", true, 0n, 1n, 1_000n],
  ]);
  const [used] = first.containers;
  assert.deepEqual([first.containers.length, used?.name, used?.cpuNanos, used?.memoryWorkingSetBytes, used?.memoryLimitBytes], [1, "web", 1_020_000_000n, 10_485_760n, 20_971_520n]);
  assert.equal(used?.containerId, agent.pod().containers[0]?.containerId);
  // It ends after 30 s and is started again at once.
  await fixture.clock.advance(25_000);
  const [again] = (await agent.stats()).containers;
  assert.notEqual(again?.containerId, used?.containerId);
  assert.equal(again?.cpuNanos, 520_000_000n);
});
