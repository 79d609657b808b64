import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { NotProvided, type RuntimeContainer } from "../../src/crx/runtime/container-runtime.js";
import { runHook } from "../../src/crx/pods/lifecycle-hook.js";
import { tryProbe } from "../../src/crx/pods/probe-check.js";
import { ImageProfiles, unknownImage } from "../../src/crx/runtime/image-profiles.js";
import { ProfileRuntime } from "../../src/crx/runtime/profile-runtime.js";
import { ContainerSpec, ExecAction, GrpcAction, Hook, HttpGetAction, type Probe, TcpSocketAction, VolumeMount } from "../../src/gen/spheresim/crx/v1/agent.js";

const never = new AbortController().signal;
const host = "10.244.0.7";
const actions = {
  exec: { $case: "exec", value: ExecAction.create({ command: ["sh", "-c", "exit 3"] }) },
  http: { $case: "httpGet", value: HttpGetAction.create({ host, port: "8080", path: "/healthz", scheme: "HTTP" }) },
  https: { $case: "httpGet", value: HttpGetAction.create({ host, port: "8080", path: "/healthz", scheme: "HTTPS" }) },
  tcp: { $case: "tcpSocket", value: TcpSocketAction.create({ host, port: "8080" }) },
  grpc: { $case: "grpc", value: GrpcAction.create({ host, port: 8080 }) },
  named: { $case: "httpGet", value: HttpGetAction.create({ host, port: "web", path: "/", scheme: "HTTP" }) },
} satisfies Record<string, Probe["action"]>;

async function running(image: string, change: Partial<ContainerSpec> = {}, clock = new ManualClock()): Promise<RuntimeContainer> {
  const container = await new ProfileRuntime(clock, 0).create(ContainerSpec.create({ name: "c", image, ports: [8080], ...change }), 0, "p_default(u)");
  await container.start();
  return container;
}

test("each kind of probe says in a kubelet's words what it met", async () => {
  const sick = { annotations: { "ready-after": "1h", "liveness-fails-after": "0" } };
  const cases: [string, Partial<ContainerSpec>, keyof typeof actions, "readiness" | "liveness", string, string][] = [
    ["nginx", {}, "http", "readiness", "success", ""],
    ["nginx", {}, "tcp", "readiness", "success", ""],
    ["nginx", {}, "exec", "readiness", "failure", ""],
    ["nginx", sick, "http", "readiness", "failure", "HTTP probe failed with statuscode: 503"],
    ["nginx", sick, "http", "liveness", "failure", "HTTP probe failed with statuscode: 500"],
    ["nginx", sick, "tcp", "readiness", "failure", "dial tcp 10.244.0.7:8080: connect: connection refused"],
    ["nginx", {}, "grpc", "readiness", "failure", "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): rpc error: code = Unimplemented desc = unknown service grpc.health.v1.Health"],
    ["fake", {}, "grpc", "liveness", "success", ""],
    ["fake", sick, "grpc", "liveness", "failure", 'service unhealthy (responded with "NOT_SERVING")'],
    ["redis", {}, "tcp", "liveness", "success", ""],
    ["redis", {}, "http", "liveness", "failure", 'Get "http://10.244.0.7:8080/healthz": EOF'],
    ["busybox", { command: ["sleep", "60"] }, "http", "liveness", "failure", 'Get "http://10.244.0.7:8080/healthz": dial tcp 10.244.0.7:8080: connect: connection refused'],
    ["busybox", { command: ["sleep", "60"] }, "grpc", "liveness", "failure", 'timeout: failed to connect service "10.244.0.7:8080" within 1s: context deadline exceeded'],
    ["nginx", { ports: [] }, "http", "liveness", "failure", 'Get "http://10.244.0.7:8080/healthz": dial tcp 10.244.0.7:8080: connect: connection refused'],
    ["redis", { ports: [6380] }, "tcp", "readiness", "failure", "dial tcp 10.244.0.7:8080: connect: connection refused"],
    ["redis", { ports: [], args: ["--port", "8080"] }, "tcp", "readiness", "success", ""],
    ["nginxinc/nginx-unprivileged", { ports: [] }, "http", "liveness", "success", ""],
    ["shop", { ports: [], annotations: { profile: "nginx" } }, "http", "liveness", "success", ""],
    ["nginx", { ports: [], mounts: [VolumeMount.create({ name: "conf", mountPath: "/etc/nginx/conf.d" })] }, "http", "liveness", "success", ""],
    ["registry", { ports: [], env: { REGISTRY_HTTP_ADDR: ":8080" } }, "http", "liveness", "success", ""],
    ["postgres", { ports: [], env: { PGPORT: "8080" } }, "tcp", "liveness", "success", ""],
    ["postgres", { ports: [], env: { REGISTRY_HTTP_ADDR: ":8080" } }, "tcp", "liveness", "failure", "dial tcp 10.244.0.7:8080: connect: connection refused"],
    ["docker.io/bitnami/nginx", { ports: [] }, "http", "liveness", "success", ""],
    ["mirror.example/library/nginx", { ports: [] }, "tcp", "liveness", "failure", "dial tcp 10.244.0.7:8080: connect: connection refused"],
    ["registry.k8s.io/nginx-slim:0.24", { ports: [] }, "tcp", "liveness", "failure", "dial tcp 10.244.0.7:8080: connect: connection refused"],
    ["nginx", {}, "https", "readiness", "failure", 'Get "https://10.244.0.7:8080/healthz": http: server gave HTTP response to HTTPS client'],
    ["httpd:2.4", {}, "https", "liveness", "failure", 'Get "https://10.244.0.7:8080/healthz": http: server gave HTTP response to HTTPS client'],
    ["nginx", { mounts: [VolumeMount.create({ name: "conf", mountPath: "/etc/nginx/conf.d" })] }, "https", "liveness", "success", ""],
    ["docker.io/bitnami/nginx", {}, "https", "liveness", "success", ""],
    ["fake", {}, "https", "liveness", "success", ""],
    ["redis", {}, "https", "liveness", "failure", 'Get "https://10.244.0.7:8080/healthz": EOF'],
    ["nginx", {}, "named", "liveness", "error", 'strconv.Atoi: parsing "web": invalid syntax'],
  ];
  for (const [image, change, action, asker, outcome, output] of cases) {
    assert.deepEqual(await tryProbe(await running(image, change), actions[action], asker, 1_000, never).answer, { outcome, output }, `${image} ${action} ${asker}`);
  }
});

test("a profile says on which ports it speaks TLS: with it probes must ask, and without it elsewhere", async () => {
  const profiles = new ImageProfiles([{ ...unknownImage, name: "secure", repositories: ["secure"], tlsPorts: [8080] }]);
  for (const spec of [{ image: "secure" }, { image: "other", annotations: { profile: "secure" } }]) {
    const container = await new ProfileRuntime(new ManualClock(), 0, profiles).create(ContainerSpec.create({ name: "c", ...spec }), 0, "p_default(u)");
    await container.start();
    const on = (port: string, scheme: string): Promise<unknown> => tryProbe(container, { $case: "httpGet", value: HttpGetAction.create({ host, port, path: "/", scheme }) }, "readiness", 1_000, never).answer;
    assert.deepEqual(await on("8080", "HTTPS"), { outcome: "success", output: "" });
    assert.deepEqual(await on("8080", "HTTP"), { outcome: "failure", output: "HTTP probe failed with statuscode: 400" });
    assert.deepEqual(await on("8081", "HTTP"), { outcome: "success", output: "" });
    assert.deepEqual(await on("8081", "HTTPS"), { outcome: "failure", output: 'Get "https://10.244.0.7:8081/": http: server gave HTTP response to HTTPS client' });
  }
});

test("an image may be forbidden to run as root: whether it does is its USER's number to say", async () => {
  const where = '(pod: "web_default(u)", container: c)';
  const asRoot = `container has runAsNonRoot and image will run as root ${where}`;
  const asName = (user: string): string => `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`;
  const cases: [string, string][] = [
    ["nginx", asRoot], ["postgres", asRoot], ["busybox", asRoot], ["hello-world", asRoot], ["memcached:1.6", asName("memcache")], ["curlimages/curl:8.10.1", asName("curl_user")],
    ["nginxinc/nginx-unprivileged", ""], ["registry.k8s.io/pause:3.10", ""], ["bitnami/memcached", ""], ["nobody-knows", ""],
  ];
  for (const [image, message] of cases) {
    const told = await new ProfileRuntime(new ManualClock(), 0).create(ContainerSpec.create({ name: "c", image, runAsNonRoot: true }), 0, "web_default(u)").then(() => "", String);
    assert.equal(told, message === "" ? "" : `RuntimeError: ${message}`, image);
  }
});

test("a hook that asks for HTTPS where HTTP is spoken asks again without, and says so", async () => {
  const hook = Hook.create({ action: actions.https });
  const told: unknown[] = [];
  const run = async (image: string): Promise<boolean> => runHook(await running(image), hook, new ManualClock(), never, (...words) => told.push(words));
  assert.equal(await run("redis"), false);
  assert.equal(await run("fake"), true);
  assert.deepEqual(told, []);
  assert.equal(await run("nginx"), true);
  assert.deepEqual(told, [["LifecycleHTTPFallback", "request to HTTPS lifecycle hook 10.244.0.7:8080 got HTTP response, retry with HTTP succeeded", true]]);
});

test("what takes too long is told as each kind tells it", async () => {
  const container = await running("nginx");
  const texts = (["exec", "http", "tcp", "grpc"] as const).map((action) => tryProbe(container, actions[action], "liveness", 2_000, never).timedOut.output);
  assert.deepEqual(texts, [
    'command timed out: "sh -c exit 3" timed out after 2s',
    'Get "http://10.244.0.7:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    "dial tcp 10.244.0.7:8080: i/o timeout",
    'timeout: failed to connect service "10.244.0.7:8080" within 2s: context deadline exceeded',
  ]);
});

test("what a runtime without programs cannot do is refused by name", async () => {
  const container = await running("nginx");
  for (const what of ["attach", "logs"] as const) {
    assert.throws(() => container[what](), (error) => error instanceof NotProvided && error.message === `${what} of the container runtime "image profiles" is not implemented`);
  }
});

const MIB = 1024 ** 2;

/** CPU time in milliseconds of a core, and memory in MiB, after a minute. */
async function usedInAMinute(image: string, change: Partial<ContainerSpec> = {}): Promise<[number, number]> {
  const clock = new ManualClock();
  const container = await running(image, change, clock);
  await clock.advance(60_000);
  const { cpuNanos, memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes } = await container.stats();
  assert.deepEqual([memoryUsageBytes, memoryRssBytes], [memoryWorkingSetBytes, memoryWorkingSetBytes]);
  // Starting took 20 ms.
  return [Number(cpuNanos) / 1e6 - 20, Number(memoryWorkingSetBytes) / MIB];
}

test("a container uses what its profile says, what its command asks for, or what the pod says, and no more than its limits", async () => {
  const stated = { annotations: { cpu: "250m", memory: "64Mi" } };
  const cases: [string, Partial<ContainerSpec>, [number, number]][] = [
    ["nginx", {}, [60, 9]],
    ["redis", {}, [120, 8]],
    ["registry.k8s.io/pause:3.10", {}, [0, 0.5]],
    ["busybox", { command: ["sleep", "3600"] }, [0, 1]],
    ["nobody-knows", {}, [300, 32]],
    ["nginx", stated, [15_000, 64]],
    ["nginx", { ...stated, limitCpuMilli: 100, limitMemoryBytes: BigInt(128 * MIB) }, [6_000, 64]],
    ["mysql", { limitMemoryBytes: BigInt(128 * MIB) }, [360, 128]],
    ["vish/stress", { args: ["-cpus", "2"], limitCpuMilli: 1_000 }, [60_000, 1]],
    ["polinux/stress", { command: ["stress"], args: ["--cpu", "1", "--vm-bytes", "150M"] }, [60_000, 150]],
  ];
  for (const [image, change, used] of cases) assert.deepEqual(await usedInAMinute(image, change), used, `${image} ${JSON.stringify(change.args ?? change.annotations ?? "")}`);
});

test("CPU time stops with the container and never falls, also on a clock that is set back", async () => {
  const clock = new ManualClock(1_000_000);
  let backMs = 0;
  const moved = { nowMs: () => clock.nowMs() - backMs, sleep: clock.sleep.bind(clock), timer: clock.timer.bind(clock) };
  const container = await new ProfileRuntime(moved, 0).create(ContainerSpec.create({ name: "c", image: "nginx", annotations: { cpu: "1" } }), 0, "p_default(u)");
  await container.start();
  const used = async (): Promise<number> => Number((await container.stats()).cpuNanos - 20_000_000n) / 1e9;
  await clock.advance(10_000);
  assert.equal(await used(), 10);
  backMs = 60_000;
  assert.equal(await used(), 10);
  backMs = 0;
  container.signal(9);
  await clock.advance(5_000);
  assert.equal(await used(), 10);
});

test("a pod that says its container takes more memory than its limit sees it killed for that, at once or when it would exit", async () => {
  const limitMemoryBytes = BigInt(100 * MIB);
  const clock = new ManualClock();
  const ends = async (annotations: Record<string, string>): Promise<unknown> => (await running("nginx", { limitMemoryBytes, annotations }, clock)).ended;
  const killed = { exitCode: 137, signal: 9, oomKilled: true };
  assert.deepEqual(await ends({ memory: "200Mi" }), killed);
  const later = ends({ memory: "200Mi", "exits-after": "30s" });
  await clock.advance(29_000);
  assert.equal(await Promise.race([later, Promise.resolve("runs")]), "runs");
  await clock.advance(1_000);
  assert.deepEqual(await later, killed);
  assert.equal(await Promise.race([ends({ memory: "100Mi" }), clock.advance(60_000).then(() => "runs")]), "runs");
});

test("a use that is no quantity is refused by name", async () => {
  for (const [name, text, example] of [["cpu", "fast", "250m"], ["memory", "-1Mi", "64Mi"]] as const) {
    await assert.rejects(running("nginx", { annotations: { [name]: text } }), { name: "RuntimeError", message: `annotation ${name} "${text}": must be a quantity such as ${example}` });
  }
});
