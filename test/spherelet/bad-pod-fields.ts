import type { ConfigMap, Secret } from "../../src/kubernetes/cluster-objects.js";
import type { PodSpec } from "../../src/kubernetes/pod.js";

/** One field of a pod spec, wrong once. */
export interface BadField {
  /** Types and names of k8s.io/api: `Container.image`; several where one mistake is of them all. */
  readonly field: string;
  readonly what: string;
  /** What differs from a pod that is well. */
  readonly spec: object;
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Who says it, and how. `api`: the cause of a 422, `field: message`, or the message of a 403. `waits`: the waiting reason of container `web`, `reason: message`. `event`: `reason: message`.
   * `status`: `reason: message` of a pod that has failed. `agent`: a line of its history, as golden pods have it.
   */
  readonly api?: string;
  readonly waits?: string;
  readonly event?: string;
  readonly status?: string;
  readonly agent?: string;
  /** What makes it good again, after which the pod runs. */
  readonly mendedBy?: { readonly configMap?: Partial<ConfigMap>; readonly secret?: Partial<Secret>; readonly patch?: object };
}

const web = (more: object): object => ({ containers: [{ name: "web", image: "nginx", ...more }] });
const env = (valueFrom: object): object => web({ env: [{ name: "A", valueFrom }] });
const volume = (source: object): object => ({ volumes: [{ name: "v", ...source }] });
const mount = (more: object): object => ({ ...volume({ emptyDir: {} }), ...web({ volumeMounts: [{ name: "v", mountPath: "/v", ...more }] }) });
const probe = (more: object): object => web({ livenessProbe: { tcpSocket: { port: 80 }, ...more } });
const handler = (action: object): object => web({ livenessProbe: { ...action } });
const C = "spec.containers[0]";
const notMounted = (why: string): string => `FailedMount: MountVolume.SetUp failed for volume "v" : ${why}`;
const noSandbox = (fields: string): string => `FailedCreatePodSandBox: Failed to create pod sandbox: ${fields} not supported by vSphere Pods here`;
const notThisNode = "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
const needsDisk = { nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] }] };
/** Of objects that have some keys and not the wanted one. */
export const present = { configMap: { metadata: { name: "some", namespace: "default" }, data: { other: "x" } }, secret: { metadata: { name: "some", namespace: "default" }, data: { other: "eA==" } } };

export const badFields: readonly BadField[] = [
  // The pod.
  { field: "PodSpec.containers", what: "none", spec: { containers: [] }, api: "spec.containers: Required value" },
  { field: "PodSpec.initContainers", what: "of an app container's name", spec: { initContainers: [{ name: "web", image: "busybox" }] }, api: 'spec.initContainers[0].name: Duplicate value: "web"' },
  { field: "PodSpec.ephemeralContainers", what: "from the start", spec: { ephemeralContainers: [{ name: "debug", image: "busybox" }] }, api: "spec.ephemeralContainers: Forbidden: cannot be set on create" },
  { field: "PodSpec.volumes", what: "two of a name", spec: { volumes: [{ name: "v", emptyDir: {} }, { name: "v", emptyDir: {} }] }, api: 'spec.volumes[1].name: Duplicate value: "v"' },
  { field: "PodSpec.restartPolicy", what: "unknown", spec: { restartPolicy: "Sometimes" }, api: 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"' },
  { field: "PodSpec.activeDeadlineSeconds", what: "nothing", spec: { activeDeadlineSeconds: 0 }, api: "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive" },
  { field: "PodSpec.dnsPolicy", what: "unknown", spec: { dnsPolicy: "Mine" }, api: 'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"' },
  { field: "PodSpec.hostname", what: "no label", spec: { hostname: "a.b" }, api: 'spec.hostname: Invalid value: "a.b": must not contain dots' },
  { field: "PodSpec.subdomain", what: "no label", spec: { subdomain: "-a" }, api: "spec.subdomain: Invalid value: \"-a\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name', or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')" },
  { field: "PodSpec.serviceAccountName", what: "of nobody", spec: { serviceAccountName: "nobody" }, api: 'pods "wrong" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found' },
  { field: "PodSpec.hostAliases", what: "no address", spec: { hostAliases: [{ ip: "nowhere" }] }, api: 'spec.hostAliases[0].ip: Invalid value: "nowhere": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)' },
  { field: "PodSpec.tolerations", what: "an operator that is none", spec: { tolerations: [{ key: "a", operator: "Gt", value: "5" }] }, api: 'spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists"' },
  { field: "PodSpec.topologySpreadConstraints", what: "no skew", spec: { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "z", whenUnsatisfiable: "DoNotSchedule" }] }, api: "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero" },
  { field: "PodSpec.schedulingGates", what: "with a node", spec: { schedulingGates: [{ name: "a" }], nodeName: "n" }, api: "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared" },
  { field: "PodSpec.nodeSelector", what: "another node's", spec: { nodeSelector: { disk: "ssd" } }, status: notThisNode },
  { field: "PodSpec.affinity", what: "another node's", spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: needsDisk } } }, status: notThisNode },
  { field: "PodSpec.hostUsers", what: "refused", spec: { hostUsers: false }, event: noSandbox("spec.hostUsers false") },
  { field: "PodSpec.os", what: "another one", spec: { os: { name: "windows" } }, status: "PodOSNotSupported: Pod was rejected: Failed to admit pod as the OS field doesn't match node OS" },
  { field: "PodSpec.runtimeClassName", what: "a class that is not there", spec: { runtimeClassName: "kata" }, api: 'pods "wrong" is forbidden: pod rejected: RuntimeClass "kata" not found' },
  { field: "PodSpec.overhead", what: "of no runtime class", spec: { overhead: { cpu: "250m" } }, api: 'pods "wrong" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead' },
  { field: "PodSpec.resourceClaims", what: "asked for", spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] }, event: noSandbox("spec.resourceClaims") },
  { field: "PodSpec.terminationGracePeriodSeconds", what: "negative: one second counts", spec: { terminationGracePeriodSeconds: -30 }, annotations: { "spheresim.dev/on-term": "ignored" }, agent: "+4s Failed: web Error 137" },
  { field: "PodSpec.readinessGates", what: "whose condition nobody writes", spec: { readinessGates: [{ conditionType: "example.com/open" }] }, agent: "+0s Running: web running ready" },
  // A container.
  { field: "Container.name", what: "none", spec: { containers: [{ image: "nginx" }] }, api: `${C}.name: Required value` },
  { field: "Container.image", what: "none", spec: { containers: [{ name: "web" }] }, api: `${C}.image: Required value` },
  { field: "Container.image", what: "no reference", spec: web({ image: "<mine>" }), annotations: { "vmware-system-image-references": "{}" }, waits: 'InvalidImageName: Failed to apply default image tag "<mine>": couldn\'t parse image name "<mine>": invalid reference format', mendedBy: { patch: { metadata: { annotations: { "vmware-system-image-references": '{"web":"nginx-0a-v1"}' } } } } },
  { field: "Container.command", what: "a program that is not there", spec: web({ command: ["/no/such"] }), annotations: { "spheresim.dev/start-error": 'exec: "/no/such": stat /no/such: no such file or directory' }, agent: "+0s Running: web waiting RunContainerError" },
  { field: "Container.command Container.args", what: "names nobody knows stay as they are written, also unclosed ones", spec: web({ command: ["sh", "-c", "exit $$(A) $(NOBODY"], args: ["$(NOBODY)", "$$$(A)"] }), agent: "+0s Running, ready: web running ready" },
  { field: "Container.workingDir", what: "is the runtime's to find", spec: web({ workingDir: "/no/such" }), annotations: { "spheresim.dev/start-error": 'OCI runtime create failed: mkdir /no/such: read-only file system' }, agent: "+0s Warning Failed web: Error: OCI runtime create failed: mkdir /no/such: read-only file system" },
  { field: "Container.ports ContainerPort.containerPort", what: "out of range", spec: web({ ports: [{ containerPort: 70_000 }] }), api: `${C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive` },
  { field: "ContainerPort.name", what: "no letter", spec: web({ ports: [{ name: "80", containerPort: 80 }] }), api: `${C}.ports[0].name: Invalid value: "80": must contain at least one letter (a-z)` },
  { field: "ContainerPort.protocol", what: "unknown", spec: web({ ports: [{ containerPort: 80, protocol: "ICMP" }] }), api: `${C}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"` },
  { field: "Container.resources ResourceRequirements.limits", what: "less than asked for", spec: web({ resources: { requests: { cpu: "700m" }, limits: { cpu: "500m" } } }), api: `${C}.resources.requests: Invalid value: "700m": must be less than or equal to cpu limit of 500m` },
  { field: "ResourceRequirements.requests", what: "negative", spec: web({ resources: { requests: { memory: "-1" } } }), api: `${C}.resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0` },
  { field: "ResourceRequirements.claims", what: "asked for", spec: web({ resources: { claims: [{ name: "gpu" }] } }), event: noSandbox(`${C}.resources.claims`) },
  { field: "Container.restartPolicy", what: "of an app container", spec: web({ restartPolicy: "Always" }), api: `${C}.restartPolicy: Forbidden: may not be set for non-init containers` },
  { field: "Container.volumeDevices", what: "asked for", spec: web({ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }), event: "FailedCreatePodSandBox: Failed to create pod sandbox: spec.containers[0].volumeDevices not supported by vSphere Pods here" },
  { field: "Container.imagePullPolicy", what: "unknown", spec: web({ imagePullPolicy: "Rarely" }), api: `${C}.imagePullPolicy: Unsupported value: "Rarely": supported values: "Always", "IfNotPresent", "Never"` },
  { field: "Container.terminationMessagePolicy", what: "unknown", spec: web({ terminationMessagePolicy: "Loud" }), api: `${C}.terminationMessagePolicy: Unsupported value: "Loud": supported values: "File", "FallbackToLogsOnError"` },
  { field: "Container.securityContext", what: "a user that is none", spec: web({ securityContext: { runAsUser: -1 } }), api: `${C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive` },
  // Its environment.
  { field: "Container.env EnvVar.name", what: "none", spec: web({ env: [{ value: "x" }] }), api: `${C}.env[0].name: Required value` },
  { field: "EnvVar.value", what: "beside a source", spec: web({ env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }), api: `${C}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty` },
  { field: "EnvVar.valueFrom", what: "of nothing", spec: env({}), api: `${C}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\` or \`secretKeyRef\`` },
  { field: "EnvVarSource.fieldRef ObjectFieldSelector.fieldPath", what: "no path", spec: env({ fieldRef: { fieldPath: "spec.color" } }), api: `${C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.color": error converting fieldPath: field label not supported: spec.color` },
  { field: "EnvVarSource.fieldRef ObjectFieldSelector.fieldPath", what: "no path, from an API server that lets it pass", spec: env({ fieldRef: { fieldPath: "spec.color" } }), waits: "CreateContainerConfigError: field label not supported: spec.color" },
  { field: "EnvVarSource.resourceFieldRef ResourceFieldSelector.containerName", what: "of no container", spec: env({ resourceFieldRef: { containerName: "nobody", resource: "limits.cpu" } }), waits: "CreateContainerConfigError: container nobody not found" },
  { field: "ResourceFieldSelector.resource", what: "no resource", spec: env({ resourceFieldRef: { resource: "limits.love" } }), api: `${C}.env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.love": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"` },
  { field: "EnvVarSource.configMapKeyRef ConfigMapKeySelector.name", what: "missing", spec: env({ configMapKeyRef: { name: "env-map", key: "k" } }), waits: 'CreateContainerConfigError: configmap "env-map" not found', mendedBy: { configMap: { metadata: { name: "env-map" } as never, data: { k: "x" } } } },
  { field: "ConfigMapKeySelector.key", what: "missing", spec: env({ configMapKeyRef: { name: "some", key: "k" } }), waits: "CreateContainerConfigError: couldn't find key k in ConfigMap default/some" },
  { field: "ConfigMapKeySelector.optional", what: "missing, and let be", spec: env({ configMapKeyRef: { name: "never", key: "k", optional: true } }), agent: "+0s Running, ready: web running ready" },
  { field: "EnvVarSource.secretKeyRef SecretKeySelector.name", what: "missing", spec: env({ secretKeyRef: { name: "env-secret", key: "k" } }), waits: 'CreateContainerConfigError: secret "env-secret" not found', mendedBy: { secret: { metadata: { name: "env-secret" } as never, data: { k: "eA==" } } } },
  { field: "SecretKeySelector.key", what: "missing", spec: env({ secretKeyRef: { name: "some", key: "k" } }), waits: "CreateContainerConfigError: couldn't find key k in Secret default/some" },
  { field: "SecretKeySelector.optional", what: "missing, and let be", spec: env({ secretKeyRef: { name: "never", key: "k", optional: true } }), agent: "+0s Running, ready: web running ready" },
  { field: "Container.envFrom", what: "of nothing", spec: web({ envFrom: [{}] }), api: `${C}.envFrom[0]: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\`` },
  { field: "EnvFromSource.configMapRef ConfigMapEnvSource.name", what: "missing", spec: web({ envFrom: [{ prefix: "A_", configMapRef: { name: "all-map" } }] }), waits: 'CreateContainerConfigError: configmap "all-map" not found', mendedBy: { configMap: { metadata: { name: "all-map" } as never, data: {} } } },
  { field: "ConfigMapEnvSource.optional", what: "missing, and let be", spec: web({ envFrom: [{ configMapRef: { name: "never", optional: true } }] }), agent: "+0s Running, ready: web running ready" },
  { field: "EnvFromSource.secretRef SecretEnvSource.name", what: "missing", spec: web({ envFrom: [{ secretRef: { name: "all-secret" } }] }), waits: 'CreateContainerConfigError: secret "all-secret" not found', mendedBy: { secret: { metadata: { name: "all-secret" } as never, data: {} } } },
  { field: "SecretEnvSource.optional", what: "missing, and let be", spec: web({ envFrom: [{ secretRef: { name: "never", optional: true } }] }), agent: "+0s Running, ready: web running ready" },
  // Its mounts.
  { field: "Container.volumeMounts VolumeMount.name", what: "of no volume", spec: web({ volumeMounts: [{ name: "v", mountPath: "/v" }] }), api: `${C}.volumeMounts[0].name: Not found: "v"` },
  { field: "VolumeMount.name", what: "of no volume, from an API server that lets it pass", spec: web({ volumeMounts: [{ name: "v", mountPath: "/v" }] }), waits: 'CreateContainerConfigError: cannot find volume "v" to mount into container "web"' },
  { field: "VolumeMount.mountPath", what: "none", spec: mount({ mountPath: "" }), api: `${C}.volumeMounts[0].mountPath: Required value` },
  { field: "VolumeMount.mountPath", what: "relative: it begins at the root", spec: mount({ mountPath: "data" }), agent: "+0s Running, ready: web running ready" },
  { field: "VolumeMount.subPath", what: "out of the volume", spec: mount({ subPath: "../x" }), api: `${C}.volumeMounts.subPath: Invalid value: "../x": must not contain '..'` },
  { field: "VolumeMount.subPathExpr", what: "out of the volume once it is expanded", spec: { ...volume({ emptyDir: {} }), ...web({ env: [{ name: "UP", value: ".." }], volumeMounts: [{ name: "v", mountPath: "/v", subPathExpr: "$(UP)/x" }] }) }, waits: "CreateContainerConfigError: unable to provision SubPath `../x`: must not contain '..'" },
  { field: "VolumeMount.subPathExpr", what: "absolute once it is expanded", spec: { ...volume({ emptyDir: {} }), ...web({ env: [{ name: "ROOT", value: "/etc" }], volumeMounts: [{ name: "v", mountPath: "/v", subPathExpr: "$(ROOT)" }] }) }, waits: "CreateContainerConfigError: error SubPath `/etc` must not be an absolute path" },
  { field: "VolumeMount.subPathExpr", what: "of names without value", spec: mount({ subPathExpr: "$(B)/$(A)" }), waits: "CreateContainerConfigError: missing value for A, B" },
  { field: "VolumeMount.mountPropagation", what: "unknown", spec: mount({ mountPropagation: "All" }), api: `${C}.volumeMounts.mountPropagation: Unsupported value: "All": supported values: "Bidirectional", "HostToContainer", "None"` },
  // Its probes and hooks.
  { field: "Container.livenessProbe", what: "of nothing", spec: web({ livenessProbe: {} }), api: `${C}.livenessProbe: Required value: must specify a handler type` },
  { field: "Container.readinessProbe", what: "with a grace of its own", spec: web({ readinessProbe: { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 3 } }), api: `${C}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes` },
  { field: "Container.startupProbe", what: "of an init container that ends", spec: { initContainers: [{ name: "init", image: "busybox", startupProbe: { tcpSocket: { port: 80 } } }] }, api: "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always" },
  { field: "Probe.initialDelaySeconds", what: "negative", spec: probe({ initialDelaySeconds: -1 }), api: `${C}.livenessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0` },
  { field: "Probe.timeoutSeconds", what: "negative", spec: probe({ timeoutSeconds: -1 }), api: `${C}.livenessProbe.timeoutSeconds: Invalid value: -1: must be greater than or equal to 0` },
  { field: "Probe.periodSeconds", what: "negative", spec: probe({ periodSeconds: -1 }), api: `${C}.livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0` },
  { field: "Probe.successThreshold", what: "of liveness, more than one", spec: probe({ successThreshold: 2 }), api: `${C}.livenessProbe.successThreshold: Invalid value: 2: must be 1` },
  { field: "Probe.failureThreshold", what: "negative", spec: probe({ failureThreshold: -1 }), api: `${C}.livenessProbe.failureThreshold: Invalid value: -1: must be greater than or equal to 0` },
  { field: "Probe.terminationGracePeriodSeconds", what: "none at all", spec: probe({ terminationGracePeriodSeconds: 0 }), api: `${C}.livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0` },
  { field: "ProbeHandler.exec ExecAction.command", what: "none", spec: handler({ exec: { command: [] } }), api: `${C}.livenessProbe.exec.command: Required value` },
  { field: "ProbeHandler.httpGet HTTPGetAction.port", what: "a name that no port has", spec: handler({ httpGet: { path: "/", port: "nobody" } }), agent: '+0s Warning Unhealthy web: Liveness probe errored and resulted in unknown state: strconv.Atoi: parsing "nobody": invalid syntax' },
  { field: "HTTPGetAction.scheme", what: "unknown", spec: handler({ httpGet: { path: "/", port: 80, scheme: "FTP" } }), api: `${C}.livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"` },
  { field: "HTTPGetAction.path", what: "where nobody answers", spec: web({ image: "redis", livenessProbe: { httpGet: { path: "/x", port: 6379 } } }), agent: '+0s Warning Unhealthy web: Liveness probe failed: Get "http://10.244.0.7:6379/x": EOF' },
  { field: "ProbeHandler.tcpSocket TCPSocketAction.port", what: "out of range", spec: handler({ tcpSocket: { port: 70_000 } }), api: `${C}.livenessProbe.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive` },
  { field: "ProbeHandler.grpc GRPCAction.port", what: "none", spec: handler({ grpc: {} }), api: `${C}.livenessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive` },
  { field: "GRPCAction.service", what: "of a program that speaks no gRPC", spec: handler({ grpc: { port: 80, service: "x" } }), agent: "+0s Warning Unhealthy web: Liveness probe failed: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): rpc error: code = Unimplemented desc = unknown service grpc.health.v1.Health" },
  { field: "Container.lifecycle Lifecycle.postStart", what: "of nothing", spec: web({ lifecycle: { postStart: {} } }), api: `${C}.lifecycle.postStart: Required value: must specify a handler type` },
  { field: "Lifecycle.postStart LifecycleHandler.exec", what: "that fails", spec: web({ lifecycle: { postStart: { exec: { command: ["false"] } } } }), agent: "+0s Warning FailedPostStartHook web: PostStartHook failed" },
  { field: "Lifecycle.preStop LifecycleHandler.sleep SleepAction.seconds", what: "negative", spec: web({ lifecycle: { preStop: { sleep: { seconds: -1 } } } }), api: `${C}.lifecycle.preStop.sleep: Invalid value: -1: must be greater than 0 and less than terminationGracePeriodSeconds (30). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.` },
  { field: "LifecycleHandler.httpGet", what: "at a name that no port has", spec: web({ lifecycle: { preStop: { httpGet: { path: "/", port: "nobody" } } } }), agent: "+2s Warning FailedPreStopHook web: PreStopHook failed" },
  { field: "LifecycleHandler.tcpSocket", what: "which hooks do not have any more", spec: web({ lifecycle: { postStart: { tcpSocket: { port: 80 } } } }), agent: "+0s Warning FailedPostStartHook web: PostStartHook failed" },
  // Volumes.
  { field: "Volume.name", what: "none", spec: { volumes: [{ emptyDir: {} }] }, api: "spec.volumes[0].name: Required value" },
  { field: "VolumeSource.emptyDir EmptyDirVolumeSource.sizeLimit", what: "negative", spec: volume({ emptyDir: { sizeLimit: "-1" } }), api: "spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity" },
  { field: "VolumeSource.hostPath", what: "of another path than pods may read", spec: volume({ hostPath: { path: "/etc" } }), event: notMounted("a vSphere Pod may mount /var/log/pods read-only and no other path") },
  { field: "EmptyDirVolumeSource.medium", what: "unknown", spec: volume({ emptyDir: { medium: "Paper" } }), event: notMounted('unknown storage medium "Paper"') },
  { field: "VolumeSource.configMap ConfigMapVolumeSource.name", what: "missing", spec: volume({ configMap: { name: "vol-map" } }), event: notMounted('configmap "vol-map" not found'), mendedBy: { configMap: { metadata: { name: "vol-map" } as never, data: {} } } },
  { field: "ConfigMapVolumeSource.items KeyToPath.key", what: "missing", spec: volume({ configMap: { name: "some", items: [{ key: "k", path: "k" }] } }), event: notMounted("configmap references non-existent config key: k") },
  { field: "ConfigMapVolumeSource.optional", what: "missing, and let be", spec: volume({ configMap: { name: "never", optional: true } }), agent: "+0s Running, ready: web running ready" },
  { field: "ConfigMapVolumeSource.defaultMode", what: "more than there are bits", spec: volume({ configMap: { name: "some", defaultMode: 0o1000 } }), api: "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive" },
  { field: "KeyToPath.path", what: "out of the volume", spec: volume({ configMap: { name: "some", items: [{ key: "other", path: "../x" }] } }), api: "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'" },
  { field: "KeyToPath.mode", what: "negative", spec: volume({ configMap: { name: "some", items: [{ key: "other", path: "x", mode: -1 }] } }), api: "spec.volumes[0].configMap.items[0].mode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive" },
  { field: "VolumeSource.secret SecretVolumeSource.secretName", what: "missing", spec: volume({ secret: { secretName: "vol-secret" } }), event: notMounted('secret "vol-secret" not found'), mendedBy: { secret: { metadata: { name: "vol-secret" } as never, data: {} } } },
  { field: "SecretVolumeSource.items", what: "of no key", spec: volume({ secret: { secretName: "some", items: [{ key: "k", path: "k" }] } }), event: notMounted("references non-existent secret key: k") },
  { field: "SecretVolumeSource.optional", what: "missing, and let be", spec: volume({ secret: { secretName: "never", optional: true } }), agent: "+0s Running, ready: web running ready" },
  { field: "SecretVolumeSource.defaultMode", what: "negative", spec: volume({ secret: { secretName: "some", defaultMode: -1 } }), api: "spec.volumes[0].secret.defaultMode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive" },
  { field: "VolumeSource.downwardAPI DownwardAPIVolumeSource.items DownwardAPIVolumeFile.fieldRef", what: "that is no metadata", spec: volume({ downwardAPI: { items: [{ path: "x", fieldRef: { fieldPath: "spec.nodeName" } }] } }), event: notMounted("unsupported fieldPath: spec.nodeName") },
  { field: "DownwardAPIVolumeFile.resourceFieldRef", what: "of no container", spec: volume({ downwardAPI: { items: [{ path: "x", resourceFieldRef: { containerName: "nobody", resource: "limits.cpu" } }] } }), event: notMounted("container nobody not found") },
  { field: "DownwardAPIVolumeFile.path", what: "none", spec: volume({ downwardAPI: { items: [{ fieldRef: { fieldPath: "metadata.name" } }] } }), api: "spec.volumes[0].downwardAPI.items[0].path: Required value" },
  { field: "DownwardAPIVolumeSource.defaultMode", what: "negative", spec: volume({ downwardAPI: { defaultMode: -1, items: [] } }), api: "spec.volumes[0].downwardAPI.defaultMode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive" },
  { field: "VolumeSource.projected ProjectedVolumeSource.sources VolumeProjection.configMap VolumeProjection.secret", what: "both missing, told together", spec: volume({ projected: { sources: [{ configMap: { name: "p-map" } }, { secret: { name: "p-secret" } }] } }), event: notMounted('[configmap "p-map" not found, secret "p-secret" not found]'), mendedBy: { configMap: { metadata: { name: "p-map" } as never, data: {} }, secret: { metadata: { name: "p-secret" } as never, data: {} } } },
  { field: "VolumeProjection.downwardAPI", what: "of no container", spec: volume({ projected: { sources: [{ downwardAPI: { items: [{ path: "x", resourceFieldRef: { containerName: "nobody", resource: "limits.cpu" } }] } }] } }), event: notMounted("container nobody not found") },
  { field: "VolumeProjection.serviceAccountToken", what: "asked for", spec: volume({ projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }] } }), event: notMounted("projected source serviceAccountToken is not supported by vSphere Pods here") },
  { field: "VolumeProjection.clusterTrustBundle", what: "asked for", spec: volume({ projected: { sources: [{ clusterTrustBundle: { path: "ca", name: "x" } }] } }), event: notMounted("projected source clusterTrustBundle is not supported by vSphere Pods here") },
  { field: "ProjectedVolumeSource.defaultMode", what: "more than there are bits", spec: volume({ projected: { defaultMode: 0o7777, sources: [] } }), api: "spec.volumes[0].projected.defaultMode: Invalid value: 4095: must be a number between 0 and 0777 (octal), both inclusive" },
];

/** Volume sources that need what no host here has; each is refused by its name. */
export const refusedVolumes = [
  "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile",
  "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image",
] as const;

/** Fields without a line above, and why. */
export const heedless: Readonly<Record<string, string>> = {
  "PodSpec.serviceAccount": "another name of serviceAccountName",
  "PodSpec.automountServiceAccountToken PodSpec.shareProcessNamespace PodSpec.securityContext PodSpec.imagePullSecrets PodSpec.dnsConfig PodSpec.setHostnameAsFQDN": "ignored, the README says so",
  "PodSpec.nodeName": "a node that does not exist has no Spherelet",
  "PodSpec.schedulerName": "another scheduler's pod is nobody's to judge here",
  "PodSpec.priorityClassName PodSpec.priority PodSpec.preemptionPolicy": "admission refuses with 403, test/apiserver",
  "PodSpec.enableServiceLinks": "either value is good",
  "PodSpec.resources": "dropped by an API server of 1.32 without its feature",
  "Container.resizePolicy Container.terminationMessagePath Container.stdin Container.stdinOnce Container.tty": "ignored, the README says so",
  "VolumeMount.readOnly VolumeMount.recursiveReadOnly": "either value is good",
  "PodSpec.hostNetwork PodSpec.hostPID PodSpec.hostIPC ContainerPort.hostPort ContainerPort.hostIP": "ignored, as a vSphere Pod ignores them",
  "EnvFromSource.prefix": "any text will do since 1.32 (RelaxedEnvironmentVariableValidation)",
  "HTTPGetAction.host HTTPGetAction.httpHeaders TCPSocketAction.host": "no program is asked that could be elsewhere",
  "ObjectFieldSelector.apiVersion ResourceFieldSelector.divisor": "v1 alone; a divisor is read by the API server",
  "DownwardAPIVolumeFile.mode": "as KeyToPath.mode",
};

export const specOf = ({ spec }: BadField): Partial<PodSpec> => ({ ...web({}), ...spec });
