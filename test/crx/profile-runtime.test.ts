import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { NotProvided, type RuntimeContainer } from "../../src/crx/runtime/container-runtime.js";
import { tryProbe } from "../../src/crx/pods/probe-check.js";
import { ProfileRuntime } from "../../src/crx/runtime/profile-runtime.js";
import { ContainerSpec, ExecAction, GrpcAction, HttpGetAction, type Probe, TcpSocketAction } from "../../src/gen/spheresim/crx/v1/agent.js";

const never = new AbortController().signal;
const host = "10.244.0.7";
const actions = {
  exec: { $case: "exec", value: ExecAction.create({ command: ["sh", "-c", "exit 3"] }) },
  http: { $case: "httpGet", value: HttpGetAction.create({ host, port: "8080", path: "/healthz", scheme: "HTTP" }) },
  tcp: { $case: "tcpSocket", value: TcpSocketAction.create({ host, port: "8080" }) },
  grpc: { $case: "grpc", value: GrpcAction.create({ host, port: 8080 }) },
  named: { $case: "httpGet", value: HttpGetAction.create({ host, port: "web", path: "/", scheme: "HTTP" }) },
} satisfies Record<string, Probe["action"]>;

async function running(image: string, change: Partial<ContainerSpec> = {}): Promise<RuntimeContainer> {
  const container = await new ProfileRuntime(new ManualClock(), 0).create(ContainerSpec.create({ name: "c", image, ...change }), 0);
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
    ["nginx", {}, "named", "liveness", "error", 'strconv.Atoi: parsing "web": invalid syntax'],
  ];
  for (const [image, change, action, asker, outcome, output] of cases) {
    assert.deepEqual(await tryProbe(await running(image, change), actions[action], asker, 1_000, never).answer, { outcome, output }, `${image} ${action} ${asker}`);
  }
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
  for (const what of ["attach", "logs", "stats"] as const) {
    assert.throws(() => container[what](), (error) => error instanceof NotProvided && error.message === `${what} of the container runtime "image profiles" is not implemented`);
  }
});
