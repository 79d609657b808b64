import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deploymentKind } from "../../src/apiserver/kinds/deployment.js";
import { serviceKind } from "../../src/apiserver/kinds/service.js";
import { setPodDefaults } from "../../src/apiserver/defaults/pod-spec.js";
import type { ApiObject } from "../../src/apiserver/object.js";
import { validatePod, validatePodUpdate } from "../../src/apiserver/validation/pod.js";
import { labelComplaints, qualifiedNameComplaints, subdomainComplaints } from "../../src/apiserver/validation/names.js";
import { podBody } from "./registry-fixture.js";

function podOf(spec: object): ApiObject {
  const pod = podBody("web", spec);
  setPodDefaults(pod);
  return pod;
}

/** `field: message` of every cause. */
function complaints(spec: object): string[] {
  return validatePod(podOf(spec)).map((cause) => `${cause.field}: ${cause.message}`);
}

const container = (more: object): object => ({ containers: [{ name: "c", image: "i", ...more }] });

describe("a pod is refused for", () => {
  const table: readonly (readonly [string, object, string])[] = [
    ["no containers", { containers: [] }, "spec.containers: Required value"],
    ["no image", { containers: [{ name: "c" }] }, "spec.containers[0].image: Required value"],
    ["no name", { containers: [{ image: "i" }] }, "spec.containers[0].name: Required value"],
    ["two containers of a name", { containers: [{ name: "c", image: "i" }, { name: "c", image: "i" }] }, 'spec.containers[1].name: Duplicate value: "c"'],
    ["a name of an init container again", { containers: [{ name: "c", image: "i" }], initContainers: [{ name: "c", image: "i" }] }, 'spec.initContainers[0].name: Duplicate value: "c"'],
    ["a spaced image", { containers: [{ name: "c", image: " i" }] }, 'spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
    ["its restart policy", { restartPolicy: "Sometimes" }, 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ["its DNS policy", { dnsPolicy: "Mine" }, 'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
    ["its pull policy", container({ imagePullPolicy: "Rarely" }), 'spec.containers[0].imagePullPolicy: Unsupported value: "Rarely": supported values: "Always", "IfNotPresent", "Never"'],
    ["a negative quantity", container({ resources: { requests: { cpu: "-1" } } }), 'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ["a request above its limit", container({ resources: { requests: { cpu: "700m" }, limits: { cpu: "500m" } } }), 'spec.containers[0].resources.requests: Invalid value: "700m": must be less than or equal to cpu limit of 500m'],
    ["an unknown resource", container({ resources: { limits: { love: "1" } } }), 'spec.containers[0].resources.limits[love]: Invalid value: "love": must be a standard resource type or fully qualified'],
    ["half a device", container({ resources: { limits: { "nvidia.com/gpu": "500m" } } }), 'spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: "500m": must be an integer'],
    ["a port out of range", container({ ports: [{ containerPort: 70_000 }] }), "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    ["a port without number", container({ ports: [{ name: "web" }] }), "spec.containers[0].ports[0].containerPort: Required value"],
    ["a mount of no volume", container({ volumeMounts: [{ name: "v", mountPath: "/v" }] }), 'spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ["two sources of a volume", { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }] }, "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ["two volumes of a name", { volumes: [{ name: "v", emptyDir: {} }, { name: "v", emptyDir: {} }] }, 'spec.volumes[1].name: Duplicate value: "v"'],
    ["a numeric toleration", { tolerations: [{ key: "a", operator: "Gt", value: "5" }] }, 'spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists"'],
    ["a toleration of nothing", { tolerations: [{ operator: "Equal", value: "x" }] }, 'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"'],
    ["an affinity's operator", { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Is" }] }] } } } }, 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator'],
    ["an affinity without topology", { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } } }, "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty"],
    ["its skew", { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "z", whenUnsatisfiable: "DoNotSchedule" }] }, "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
    ["a probe of two kinds", container({ livenessProbe: { exec: { command: ["x"] }, tcpSocket: { port: 1 } } }), "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ["a probe of an init container", { initContainers: [{ name: "i", image: "i", livenessProbe: { exec: { command: ["x"] } } }] }, "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"],
    ["a variable with an equals sign", container({ env: [{ name: "A=B", value: "x" }] }), `spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`],
    ["a field no variable can have", container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.phase" } } }] }), 'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'],
    ["a field no file can have", { volumes: [{ name: "v", downwardAPI: { items: [{ path: "a", fieldRef: { fieldPath: "status.podIP" } }] } }] }, 'spec.volumes[0].downwardAPI.items[0].fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"'],
    ["variables from an impossible name", container({ envFrom: [{ configMapRef: { name: "A_" } }] }), "spec.containers[0].envFrom[0].configMapRef.name: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
    ["a sleep longer than its grace", container({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }), "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be greater than 0 and less than terminationGracePeriodSeconds (30). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep."],
    ["a port of the host twice", { containers: [{ name: "a", image: "i", ports: [{ containerPort: 80, hostPort: 80 }] }, { name: "b", image: "i", ports: [{ containerPort: 81, hostPort: 80 }] }] }, 'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ["huge pages alone", container({ resources: { limits: { "hugepages-2Mi": "2Mi" } } }), "spec.containers[0].resources: Forbidden: HugePages require cpu or memory"],
    ["its readiness gate", { readinessGates: [{ conditionType: "a b" }] }, "spec.readinessGates[0].conditionType: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName', or 'my.name', or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
    ["a group of its files", { securityContext: { fsGroup: -1 } }, "spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
    ["when its files change groups", { securityContext: { fsGroupChangePolicy: "Rarely" } }, 'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Rarely": supported values: "Always", "OnRootMismatch"'],
    ["a sysctl's name", { securityContext: { sysctls: [{ name: "A B", value: "1" }] } }, 'spec.securityContext.sysctls[0].name: Invalid value: "A B": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'],
    ["processes shared twice", { hostPID: true, shareProcessNamespace: true }, "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"],
    ["a seccomp profile without file", container({ securityContext: { seccompProfile: { type: "Localhost" } } }), "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"],
    ["a mount that is half read-only", { volumes: [{ name: "v", emptyDir: {} }], ...container({ volumeMounts: [{ name: "v", mountPath: "/v", recursiveReadOnly: "Enabled" }] }) }, "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true"],
    ["a mount into the host", { volumes: [{ name: "v", emptyDir: {} }], ...container({ volumeMounts: [{ name: "v", mountPath: "/v", mountPropagation: "Bidirectional" }] }) }, "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"],
    ["a directory as a device", { volumes: [{ name: "v", emptyDir: {} }], ...container({ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }) }, 'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'],
    ["an environment without name", container({ env: [{ value: "x" }] }), "spec.containers[0].env[0].name: Required value"],
    ["a value of two sources", container({ env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }), 'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ["a deadline of 0", { activeDeadlineSeconds: 0 }, "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ["a gate and a node", { schedulingGates: [{ name: "a" }], nodeName: "n" }, "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ["a secret without name", { volumes: [{ name: "v", secret: {} }] }, "spec.volumes[0].secret.secretName: Required value"],
  ];
  for (const [what, spec, complaint] of table) test(what, () => assert.ok(complaints(spec).includes(complaint), complaints(spec).join("\n")));

  test("nothing, when it is well", () => {
    assert.deepEqual(
      complaints({
        containers: [{ name: "c", image: "i", ports: [{ containerPort: 80 }], env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } }], volumeMounts: [{ name: "v", mountPath: "/v" }] }],
        initContainers: [{ name: "s", image: "i", restartPolicy: "Always", startupProbe: { httpGet: { port: 80 } } }],
        volumes: [{ name: "v" }],
        tolerations: [{ operator: "Exists" }],
      }),
      [],
    );
  });
});

describe("an update of a pod", () => {
  const before = podOf({ ...container({}), schedulingGates: [{ name: "a" }, { name: "b" }], tolerations: [{ key: "t", operator: "Exists" }] });
  const changed = (change: (spec: ApiObject[string]) => void): string[] => {
    const after = structuredClone(before);
    change(after["spec"]);
    return validatePodUpdate(after, before).map((cause) => `${cause.field}: ${cause.message}`);
  };

  test("may change images, shorten nothing else, remove gates, add tolerations", () => {
    assert.deepEqual(changed((spec) => (spec.containers[0].image = "j")), []);
    assert.deepEqual(changed((spec) => spec.schedulingGates.pop()), []);
    assert.deepEqual(changed((spec) => spec.tolerations.push({ key: "u", operator: "Exists" })), []);
  });

  test("may narrow the selector while gates are left", () => assert.deepEqual(changed((spec) => (spec.nodeSelector = { disk: "ssd" })), []));

  test("may not add gates, take tolerations, add containers", () => {
    assert.deepEqual(changed((spec) => spec.schedulingGates.push({ name: "c" })), ["spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'c'"]);
    assert.deepEqual(changed((spec) => (spec.tolerations = [])), ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"]);
    assert.deepEqual(changed((spec) => spec.containers.push({ name: "d", image: "i" })), ["spec.containers: Forbidden: pod updates may not add or remove containers"]);
  });

  test("may not change anything else, and says what", () => {
    const [text] = changed((spec) => (spec.containers[0].command = ["x"]));
    assert.match(text!, /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`,`spec.initContainers\[\*\].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`/);
    assert.match(text!, /\+ spec\.containers\[0\]\.command: \["x"\]/);
  });
});

test("a negative grace is not refused: it counts as one second", () => assert.deepEqual(complaints({ terminationGracePeriodSeconds: -5, ...container({}) }), []));

describe("workloads and services", () => {
  const deployment = (spec: object): ApiObject => {
    const object: ApiObject = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: { selector: { matchLabels: { app: "a" } }, template: { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }] } }, ...spec } };
    deploymentKind.setDefaults!(object);
    return object;
  };
  const found = (object: ApiObject): string[] => deploymentKind.validate!(object).map((cause) => `${cause.field}: ${cause.message}`);

  test("a deployment's selector must match its template and never change", () => {
    assert.deepEqual(found(deployment({})), []);
    assert.deepEqual(found(deployment({ selector: { matchLabels: { app: "b" } } })), ['spec.template.metadata.labels: Invalid value: map[string]string{"app":"a"}: `selector` does not match template `labels`']);
    assert.deepEqual(found(deployment({ selector: undefined })), ["spec.selector: Required value", 'spec.template.metadata.labels: Invalid value: map[string]string{"app":"a"}: `selector` does not match template `labels`']);
    assert.deepEqual(found(deployment({ selector: {} })), ["spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment"]);
    const other = deployment({ selector: { matchLabels: { app: "a" }, matchExpressions: [{ key: "app", operator: "In", values: ["a", "b"] }] } });
    assert.equal(
      deploymentKind.validateUpdate!(other, deployment({}))[0]!.message,
      'Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"a"}, MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{Key:"app", Operator:"In", Values:[]string{"a", "b"}}}}: field is immutable',
    );
  });

  test("a limit is the request of a pod, not of a template, and so is the host's port", () => {
    const spec = { hostNetwork: true, containers: [{ name: "c", image: "i", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1" } } }] };
    const [inPod] = podOf(structuredClone(spec))["spec"].containers;
    assert.deepEqual([inPod.resources.requests, inPod.ports[0].hostPort], [{ cpu: "1" }, 80]);
    const [inTemplate] = deployment({ template: { metadata: { labels: { app: "a" } }, spec } })["spec"].template.spec.containers;
    assert.deepEqual([inTemplate.resources, inTemplate.ports[0].hostPort], [{ limits: { cpu: "1" } }, undefined]);
  });

  test("a deployment's strategy and numbers", () => {
    assert.deepEqual(found(deployment({ replicas: -1 })), ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]);
    assert.deepEqual(found(deployment({ strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "0%" } } })), ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"]);
    assert.deepEqual(found(deployment({ template: { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }], restartPolicy: "Never" } } })), ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']);
    assert.deepEqual(found(deployment({ progressDeadlineSeconds: 5, minReadySeconds: 9 })), ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"]);
  });

  test("a service needs ports with names when there are several", () => {
    const service: ApiObject = { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { ports: [{ port: 80 }, { port: 81, name: "b" }] } };
    serviceKind.setDefaults!(service);
    assert.deepEqual(serviceKind.validate!(service).map((cause) => cause.field), ["spec.ports[0].name"]);
  });
});

describe("names", () => {
  test("labels, subdomains and qualified names", () => {
    assert.deepEqual(labelComplaints("web-1"), []);
    assert.deepEqual(labelComplaints("a.b"), ["must not contain dots"]);
    assert.equal(labelComplaints("x".repeat(64))[0], "must be no more than 63 characters");
    assert.match(subdomainComplaints("Web_1")[0]!, /^a lowercase RFC 1123 subdomain must consist of/);
    assert.deepEqual(qualifiedNameComplaints("example.com/my.Name_1"), []);
    assert.equal(qualifiedNameComplaints("a/b/c").length, 1);
    assert.equal(qualifiedNameComplaints("/x")[0], "prefix part must be non-empty");
  });
});
