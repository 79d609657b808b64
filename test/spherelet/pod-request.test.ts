import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap, Secret, Service } from "../../src/kubernetes/cluster-objects.js";
import type { Container } from "../../src/kubernetes/container.js";
import { annotationsFor } from "../../src/kubernetes/container-annotations.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import type { ConfigSource } from "../../src/spherelet/spec/config-source.js";
import { resolveEnvironment } from "../../src/spherelet/spec/environment.js";
import { expand } from "../../src/spherelet/spec/expansion.js";
import type { PodFacts } from "../../src/spherelet/spec/field-ref.js";
import { readHosts } from "../../src/spherelet/node/host.js";
import { personalityOf } from "../../src/spherelet/spec/personality.js";
import { AddressRange, annotatedAddress } from "../../src/spherelet/pods/pod-address.js";
import { serviceEnvironment } from "../../src/spherelet/spec/service-environment.js";
import { buildStartRequest } from "../../src/spherelet/spec/start-request.js";
import { resolveVolumes } from "../../src/spherelet/spec/volumes.js";

const meta = (name: string, namespace = "default") => ({ name, namespace, uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" });
const host = readHosts([{ name: "ESXI-01.spheresim.test", cores: 4, memoryMb: 8192 }], "127.0.0.1").get("esxi-01.spheresim.test")!;
const redis: Service = { metadata: meta("redis-master"), spec: { clusterIP: "10.96.0.9", ports: [{ name: "db", port: 6379 }] } };
const site: ConfigMap = { metadata: meta("site"), data: { level: "high", "index.html": "hello" }, binaryData: { logo: Buffer.from([1, 2]).toString("base64") } };
const keys: Secret = { metadata: meta("keys"), data: { token: Buffer.from("abc").toString("base64") } };

const source: ConfigSource = {
  configMap: (_namespace, name) => Promise.resolve(name === "site" ? site : undefined),
  secret: (_namespace, name) => Promise.resolve(name === "keys" ? keys : undefined),
  services: () => [redis],
};

function factsOf(spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}): PodFacts {
  const pod: Pod = { metadata: { ...meta("web"), labels: { app: "web", zone: "a" }, annotations }, spec: { containers: [{ name: "a", image: "nginx" }], enableServiceLinks: false, nodeName: host.name, ...spec } };
  return { pod, host, podIp: "10.244.0.7" };
}

async function environmentOf(container: Partial<Container>, spec: Partial<PodSpec> = {}): Promise<Record<string, string>> {
  const whole = { name: "a", image: "nginx", ...container };
  return Object.fromEntries(await resolveEnvironment(factsOf({ containers: [whole], ...spec }), whole, source));
}

test("$(NAME) is replaced, $$ is a dollar, what nobody knows stays", () => {
  const values: Record<string, string> = { A: "1" };
  assert.equal(expand("$(A) $$(A) $(B) $A $", (name) => values[name]), "1 $(A) $(B) $A $");
});

test("environment: services, then envFrom, then env in order", async () => {
  assert.deepEqual(
    await environmentOf({
      envFrom: [{ configMapRef: { name: "site" } }, { prefix: "S_", secretRef: { name: "keys" } }, { configMapRef: { name: "none", optional: true } }],
      env: [
        { name: "level", value: "own-$(level)" },
        { name: "AGAIN", value: "$(level)" },
        { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } },
        { name: "NOTHING", valueFrom: { secretKeyRef: { name: "keys", key: "none", optional: true } } },
        { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
        { name: "MEMORY", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
        { name: "DISK", valueFrom: { resourceFieldRef: { resource: "limits.ephemeral-storage", divisor: "1Gi" } } },
        { name: "ASKED", valueFrom: { resourceFieldRef: { resource: "requests.memory" } } },
      ],
      resources: { limits: { cpu: "250m", memory: "0" } },
    }),
    { level: "own-high", "index.html": "hello", S_token: "abc", AGAIN: "own-high", TOKEN: "abc", POD: "web", APP: "web", IP: "10.244.0.7", CPU: "250", MEMORY: "8192", DISK: "1760", ASKED: "0" },
  );
});

test("environment: what is missing is named as Kubernetes names it", async () => {
  await assert.rejects(environmentOf({ env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "none", key: "k" } } }] }), { message: 'configmap "none" not found' });
  await assert.rejects(environmentOf({ env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "site", key: "k" } } }] }), { message: "couldn't find key k in ConfigMap default/site" });
  await assert.rejects(environmentOf({ envFrom: [{ secretRef: { name: "none" } }] }), { message: 'secret "none" not found' });
  await assert.rejects(environmentOf({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.wrong" } } }] }), { message: "field label not supported: spec.wrong" });
});

test("service links: the worked example", () => {
  assert.deepEqual(Object.fromEntries(serviceEnvironment([redis], "default", true)), {
    REDIS_MASTER_SERVICE_HOST: "10.96.0.9",
    REDIS_MASTER_SERVICE_PORT: "6379",
    REDIS_MASTER_SERVICE_PORT_DB: "6379",
    REDIS_MASTER_PORT: "tcp://10.96.0.9:6379",
    REDIS_MASTER_PORT_6379_TCP: "tcp://10.96.0.9:6379",
    REDIS_MASTER_PORT_6379_TCP_PROTO: "tcp",
    REDIS_MASTER_PORT_6379_TCP_PORT: "6379",
    REDIS_MASTER_PORT_6379_TCP_ADDR: "10.96.0.9",
  });
  assert.equal(serviceEnvironment([redis], "other", true).size, 0);
  assert.equal(serviceEnvironment([{ ...redis, spec: { clusterIP: "None", ports: [] } }], "default", true).size, 0);
});

test("volumes: emptyDir, configMap, secret, projected, downwardAPI", async () => {
  const volumes = await resolveVolumes(
    factsOf({
      volumes: [
        { name: "scratch", emptyDir: { sizeLimit: "1Mi" } },
        { name: "bare" },
        { name: "site", configMap: { name: "site" } },
        { name: "some", configMap: { name: "site", items: [{ key: "level", path: "conf/level" }] } },
        { name: "keys", secret: { secretName: "keys" } },
        { name: "about", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }, { path: "cpu", resourceFieldRef: { containerName: "a", resource: "limits.cpu" } }] } },
        { name: "all", projected: { sources: [{ configMap: { name: "site", items: [{ key: "level", path: "level" }] } }, { secret: { name: "keys" } }] } },
      ],
    }),
    source,
  );
  const shown = volumes.map(({ name, source: made }) => [name, made?.$case === "files" ? Object.fromEntries(Object.entries(made.value.data).map(([path, data]) => [path, data.toString("utf8")])) : made?.value]);
  assert.deepEqual(shown, [
    ["scratch", { sizeLimitBytes: 1_048_576n, inMemory: false }],
    ["bare", { sizeLimitBytes: 0n, inMemory: false }],
    ["site", { level: "high", "index.html": "hello", logo: "\u0001\u0002" }],
    ["some", { "conf/level": "high" }],
    ["keys", { token: "abc" }],
    ["about", { labels: 'app="web"\nzone="a"', cpu: "4" }],
    ["all", { level: "high", token: "abc" }],
  ]);
});

test("volumes: every other kind is refused by its name, as is a missing object, each by itself", async () => {
  for (const [field, value] of [["nfs", { server: "s", path: "/" }], ["persistentVolumeClaim", { claimName: "c" }]] as const) {
    await assert.rejects(resolveVolumes(factsOf({ volumes: [{ name: "v", [field]: value }] }), source), { name: "UnmountedVolumes", message: new RegExp(`^volume v: .*${field}`) });
  }
  const token = { name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
  await assert.rejects(resolveVolumes(factsOf({ volumes: [token] }), source), { message: /serviceAccountToken/ });
  await assert.rejects(resolveVolumes(factsOf({ volumes: [{ name: "v", secret: { secretName: "none" } }, { name: "good", emptyDir: {} }, { name: "w", emptyDir: { medium: "Tape" } }] }), source), { message: 'volume v: secret "none" not found; volume w: unknown storage medium "Tape"' });
  await assert.rejects(resolveVolumes(factsOf({ volumes: [{ name: "v", configMap: { name: "site", items: [{ key: "x", path: "x" }] } }] }), source), { message: "volume v: configmap references non-existent config key: x" });
});

test("a path of the host: its pods' logs, to read, and no other; whoever names the node himself is told so by the host", async () => {
  const mounted = (path: string, readOnly: boolean) => factsOf({ volumes: [{ name: "v", hostPath: { path } }], containers: [{ name: "c", volumeMounts: [{ name: "v", mountPath: "/logs", readOnly }] }] });
  assert.deepEqual(await resolveVolumes(mounted("/var/log/pods/", true), source), [{ name: "v", source: { $case: "files", value: { data: {}, modes: {} } } }]);
  for (const facts of [mounted("/var/log/pods", false), mounted("/etc", true), mounted("/var/log", true), mounted("/var/log/pods/..", true)]) {
    await assert.rejects(resolveVolumes(facts, source), { name: "UnmountedVolumes", message: "volume v: a vSphere Pod may mount /var/log/pods read-only and no other path" });
  }
});

test("the start request carries what the agent needs, and leaves out what has ended well", async () => {
  const facts = factsOf(
    {
      restartPolicy: "OnFailure",
      initContainers: [{ name: "i", image: "busybox", command: ["sh", "-c", "echo $(LEVEL)"], env: [{ name: "LEVEL", value: "low" }] }],
      containers: [
        { name: "a", image: "nginx", volumeMounts: [{ name: "v", mountPath: "/x", subPathExpr: "$(NAME)", readOnly: true }], env: [{ name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }], resources: { limits: { cpu: "1500m", memory: "1Gi" } } },
        { name: "b", image: "busybox" },
      ],
      volumes: [{ name: "v", emptyDir: {} }],
    },
    { "vmware-system-image-references": '{"i":"busybox-0b-v1","a":"nginx-0a-v1","b":"busybox-0b-v1"}' },
  );
  const request = await buildStartRequest(facts, source, new Map([["a", 2]]), new Set(["b"]));
  assert.deepEqual(request.initContainers[0]?.command, ["sh", "-c", "echo low"]);
  assert.deepEqual(request.containers.map(({ name }) => name), ["a"]);
  const [a] = request.containers;
  assert.deepEqual([a?.imageId, a?.limitCpuMilli, a?.limitMemoryBytes], ["nginx-0a-v1", 1500, 1_073_741_824n]);
  assert.deepEqual(a?.mounts, [{ name: "v", mountPath: "/x", readOnly: true, subPath: "web" }]);
  assert.deepEqual([request.restartPolicy, request.restartCounts], [2, { a: 2 }]);
});

test("a sidecar is told from other init containers; probes and hooks are handed on with their ports resolved", async () => {
  const sidecar = { name: "proxy", image: "envoy", restartPolicy: "Always", ports: [{ name: "admin", containerPort: 9901 }], startupProbe: { httpGet: { host: "", path: "ready", port: "admin" }, periodSeconds: 2 } };
  const app = {
    name: "a",
    image: "nginx",
    livenessProbe: { grpc: { port: 50051, service: "x" }, terminationGracePeriodSeconds: 5 },
    readinessProbe: { tcpSocket: { port: "nobody", host: "10.0.0.1" }, initialDelaySeconds: 15, timeoutSeconds: 2, successThreshold: 2, failureThreshold: 4 },
    lifecycle: { postStart: { exec: { command: ["true"] } }, preStop: { sleep: { seconds: 7 } } },
  };
  const facts = factsOf({ initContainers: [sidecar, { name: "init", image: "busybox" }], containers: [app], terminationGracePeriodSeconds: 12 }, { "spheresim.dev/exit-code": "1", "proxy.spheresim.dev/exit-code": "2", "a.spheresim.dev/ready-after": "3s", other: "x" });
  const request = await buildStartRequest(facts, source, new Map(), new Set());
  const [proxy, init] = request.initContainers;
  assert.deepEqual([proxy?.sidecar, init?.sidecar, request.terminationGracePeriod?.seconds], [true, false, 12n]);
  assert.deepEqual([proxy?.startupProbe?.action, proxy?.startupProbe?.periodSeconds], [{ $case: "httpGet", value: { host: facts.podIp, port: "9901", path: "/ready", scheme: "HTTP" } }, 2]);
  const [container] = request.containers;
  assert.deepEqual([container?.livenessProbe?.action, container?.livenessProbe?.terminationGracePeriodSeconds], [{ $case: "grpc", value: { host: facts.podIp, port: 50051, service: "x" } }, 5n]);
  assert.deepEqual(container?.readinessProbe?.action, { $case: "tcpSocket", value: { host: "10.0.0.1", port: "nobody" } });
  assert.deepEqual([container?.readinessProbe?.initialDelaySeconds, container?.readinessProbe?.timeoutSeconds, container?.readinessProbe?.successThreshold, container?.readinessProbe?.failureThreshold], [15, 2, 2, 4]);
  assert.deepEqual([container?.postStart?.action, container?.preStop?.action], [{ $case: "exec", value: { command: ["true"] } }, { $case: "sleepSeconds", value: 7n }]);
  assert.deepEqual([proxy?.annotations, container?.annotations], [{ "exit-code": "2" }, { "exit-code": "1", "ready-after": "3s" }]);
});

test("a container that must not run as root: its spec counts before the pod's, a user before the image", async () => {
  const pod = { runAsNonRoot: true };
  const cases: [NonNullable<Container["securityContext"]> | undefined, boolean, string][] = [
    [undefined, true, ""],
    [{ runAsNonRoot: false }, false, ""],
    [{ runAsUser: 7 }, false, ""],
    [{ runAsUser: 0 }, false, `container's runAsUser breaks non-root policy (pod: "web_default(u)", container: a)`],
  ];
  for (const [securityContext, runAsNonRoot, held] of cases) {
    const container = { name: "a", image: "nginx", ...(securityContext === undefined ? {} : { securityContext }) };
    const request = await buildStartRequest(factsOf({ securityContext: pod, containers: [container] }), source, new Map(), new Set());
    assert.deepEqual([request.containers[0]?.runAsNonRoot, request.containers[0]?.held?.message ?? ""], [runAsNonRoot, held], JSON.stringify(securityContext));
  }
});

test("addresses: from the annotation, or round the node's range", () => {
  assert.deepEqual(annotatedAddress(factsOf({}, { "spheresim.dev/pod-ip": "10.244.3.9" }).pod), { ip: "10.244.3.9", prefixLength: 16, gateway: "10.244.0.1" });
  assert.deepEqual(annotatedAddress(factsOf({}, { "spheresim.dev/pod-ip": "10.1.2.9/24" }).pod), { ip: "10.1.2.9", prefixLength: 24, gateway: "10.1.2.1" });
  assert.equal(annotatedAddress(factsOf({}, { "spheresim.dev/pod-ip": "nonsense" }).pod), undefined);
  const range = new AddressRange("10.245.0.0/29");
  const ips = ["a", "b", "c", "d", "e"].map((uid) => range.take(uid)?.ip);
  assert.deepEqual(ips, ["10.245.0.2", "10.245.0.3", "10.245.0.4", "10.245.0.5", "10.245.0.6"]);
  assert.equal(range.take("f"), undefined);
  assert.equal(range.take("a")?.ip, "10.245.0.2", "a pod keeps its own");
  range.release("c");
  assert.equal(range.take("g", "10.245.0.2")?.ip, "10.245.0.4", "one that is taken is not given twice");
  range.release("e");
  assert.equal(range.take("h", "10.245.0.6")?.ip, "10.245.0.6", "a pod from before gets its own again");
  assert.throws(() => new AddressRange("10.245.0.0"), /is no range of pod addresses/);
});

test("the personality of a pod is always the same", () => {
  const { pod } = factsOf({ hostname: "h" }, { mac: "04:50:56:00:00:01", "vmware-system-image-references": '{"a":"nginx-0a-v1"}', "vmware-system-ephemeral-disk-uuid": "6000C29f-15c9-c1c1-ea28-c90890ee7804" });
  const address = { ip: "10.244.0.7", prefixLength: 16, gateway: "10.244.0.1" };
  const disk = `${"ab".repeat(32)}-v0`;
  const image = { metadata: meta("nginx-0a-v1"), spec: { reference: "nginx" }, status: { phase: "Ready" as const, imageDisk: disk } };
  const personality = personalityOf(pod, address, [image]);
  assert.deepEqual(personality, personalityOf(pod, address, [image]));
  assert.equal(personality.hostname, "h");
  assert.equal(personality.disks[1]?.role, disk);
  assert.match(personality.disks[1]?.uuid ?? "", /^6000C29[0-9a-f](-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test("a misspelt annotation reaches the agent, which refuses it; those of pod, image, network and guest do not", async () => {
  const others = { "spheresim.dev/pod-ip": "10.244.0.7", "spheresim.dev/image-profiles": "{}", "spheresim.dev/network-errors": "2", "spheresim.dev/image-error": "not-found", "a.spheresim.dev/image-error-times": "1", "example.com/exit-code": "1" };
  const facts = factsOf({}, { ...others, "spheresim.dev/exit-cod": "1", "a.spheresim.dev/redy-after": "5s", "b.spheresim.dev/exit-code": "3" });
  assert.deepEqual(annotationsFor(facts.pod, "a"), { "exit-cod": "1", "redy-after": "5s" });
  assert.deepEqual(annotationsFor({ ...facts.pod, metadata: { ...facts.pod.metadata, annotations: { "spheresim.dev/guest-hangs-after": "5s" } } }, "a"), {});
});
