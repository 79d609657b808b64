// Bodies are decoded JSON: their shape is checked by the schema, not by the compiler.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;

const PROBE_DEFAULTS: Readonly<Record<string, number>> = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

function setProbeDefaults(probe: Json): void {
  if (!probe) return;
  for (const [field, value] of Object.entries(PROBE_DEFAULTS)) probe[field] = probe[field] || value;
  setHandlerDefaults(probe);
  if (probe.grpc) probe.grpc.service ??= "";
}

function setHandlerDefaults(handler: Json): void {
  if (!handler?.httpGet) return;
  handler.httpGet.path = handler.httpGet.path || "/";
  handler.httpGet.scheme = handler.httpGet.scheme || "HTTP";
}

/** `latest` or no tag at all is always pulled; a fixed tag or digest only when absent. */
function pullPolicyOf(image: string): string {
  if (image.includes("@")) return "IfNotPresent";
  const last = image.slice(image.lastIndexOf("/") + 1);
  const tag = last.includes(":") ? last.slice(last.indexOf(":") + 1) : "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/** A limit without a request is the request too. */
function setRequestDefaults(resources: Json): void {
  if (!resources?.limits) return;
  for (const [name, limit] of Object.entries(resources.limits as Record<string, string>)) {
    resources.requests ??= {};
    resources.requests[name] ??= limit;
  }
}

function setContainerDefaults(container: Json): void {
  container.terminationMessagePath = container.terminationMessagePath || "/dev/termination-log";
  container.terminationMessagePolicy = container.terminationMessagePolicy || "File";
  container.imagePullPolicy = container.imagePullPolicy || pullPolicyOf(container.image ?? "");
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol = port.protocol || "TCP";
  for (const variable of container.env ?? []) {
    const reference = variable.valueFrom?.fieldRef;
    if (reference) reference.apiVersion = reference.apiVersion || "v1";
    const resource = variable.valueFrom?.resourceFieldRef;
    if (resource) resource.divisor ??= "0";
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) setProbeDefaults(probe);
  setHandlerDefaults(container.lifecycle?.postStart);
  setHandlerDefaults(container.lifecycle?.preStop);
}

function setItemDefaults(items: Json[] | undefined): void {
  for (const item of items ?? []) {
    if (item.fieldRef) item.fieldRef.apiVersion = item.fieldRef.apiVersion || "v1";
    if (item.resourceFieldRef) item.resourceFieldRef.divisor ??= "0";
  }
}

function setVolumeDefaults(volume: Json): void {
  const sources = Object.keys(volume).filter((key) => key !== "name");
  if (sources.length === 0) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) if (source) source.defaultMode ??= 420;
  setItemDefaults(volume.downwardAPI?.items);
  for (const projection of volume.projected?.sources ?? []) {
    setItemDefaults(projection.downwardAPI?.items);
    if (projection.serviceAccountToken) projection.serviceAccountToken.expirationSeconds ??= 3600;
  }
  if (volume.hostPath) volume.hostPath.type ??= "";
  if (volume.iscsi) volume.iscsi.iscsiInterface ??= "default";
  if (volume.image) volume.image.pullPolicy = volume.image.pullPolicy || pullPolicyOf(volume.image.reference ?? "");
}

/** Defaults of a PodSpec, in pods and in pod templates (k8s.io/kubernetes core/v1 defaults of 1.32). */
export function setPodSpecDefaults(spec: Json): void {
  // Pod-level resources are an alpha gate of 1.32 that is off: the field is dropped as if it were not there.
  delete spec.resources;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]) setContainerDefaults(container);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  spec.restartPolicy = spec.restartPolicy || "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy = spec.dnsPolicy || "ClusterFirst";
  spec.securityContext ??= {};
  spec.schedulerName = spec.schedulerName || "default-scheduler";
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
}

/** What a pod gets beyond its spec's defaults (a template does not). */
export function setPodDefaults(pod: Json): void {
  const spec = (pod.spec ??= {});
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    setRequestDefaults(container.resources);
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort = port.hostPort || port.containerPort;
  }
}
