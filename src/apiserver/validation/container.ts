import type { StatusCause } from "../errors.js";
import { validateFieldPath } from "./downward-field.js";
import { duplicateValue, forbiddenField, invalidValue, nonNegative, oneOf, oneOfListed, required } from "./field-path.js";
import type { Json } from "./json.js";
import { configKeyComplaints, environmentNameComplaints, labelComplaints, ofPrefix, portNameComplaints, subdomainComplaints } from "./names.js";
import { validateSecurity } from "./pod-security.js";
import { validateResources } from "./resources.js";
import { validateDevices, validateMounts, type Volumes } from "./volumes.js";

const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const RESOURCE_FIELDS = ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

/** A port number. */
export function validatePortNumber(port: unknown, field: string): StatusCause[] {
  return typeof port === "number" && port >= 1 && port <= 65_535 ? [] : [invalidValue(field, port, "must be between 1 and 65535, inclusive")];
}

function validatePorts(ports: Json[] | undefined, field: string): StatusCause[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (port.name) {
      const complaints = portNameComplaints(port.name);
      causes.push(...complaints.map((complaint) => invalidValue(`${at}.name`, port.name, complaint)));
      if (complaints.length === 0 && names.has(port.name)) causes.push(duplicateValue(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) causes.push(required(`${at}.containerPort`));
    else causes.push(...validatePortNumber(port.containerPort, `${at}.containerPort`));
    if (port.hostPort) causes.push(...validatePortNumber(port.hostPort, `${at}.hostPort`));
    if (!port.protocol) causes.push(required(`${at}.protocol`));
    else causes.push(...oneOf(`${at}.protocol`, port.protocol, PROTOCOLS));
    return causes;
  });
}

/** A port of the host can be had once; init containers run one after the other and count alone. */
function validateHostPorts(container: Json, taken: Set<string>, field: string): StatusCause[] {
  return ((container.ports ?? []) as Json[]).flatMap(({ protocol, hostIP = "", hostPort }, index) => {
    if (!hostPort) return [];
    const port = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(port)) return [duplicateValue(`${field}.ports[${index}].hostPort`, port)];
    taken.add(port);
    return [];
  });
}

function validateValueFrom(variable: Json, field: string): StatusCause[] {
  const source = variable.valueFrom;
  if (source === undefined) return [];
  const at = `${field}.valueFrom`;
  const kinds = Object.keys(source);
  if (kinds.length === 0) return [invalidValue(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")];
  const causes: StatusCause[] = [];
  if (variable.value) causes.push(invalidValue(at, "", "may not be specified when `value` is not empty"));
  else if (kinds.length > 1) causes.push(invalidValue(at, "", "may not have more than one field specified at a time"));
  if (source.fieldRef) causes.push(...validateFieldPath(source.fieldRef.fieldPath, `${at}.fieldRef.fieldPath`, "environment"));
  if (source.resourceFieldRef) {
    const { resource } = source.resourceFieldRef;
    if (!resource) causes.push(required(`${at}.resourceFieldRef.resource`));
    else if (!/^(limits|requests)\.hugepages-/.test(resource)) causes.push(...oneOf(`${at}.resourceFieldRef.resource`, resource, RESOURCE_FIELDS));
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    if (!source[kind]) continue;
    if (!source[kind].name) causes.push(required(`${at}.${kind}.name`));
    if (!source[kind].key) causes.push(required(`${at}.${kind}.key`));
    else causes.push(...configKeyComplaints(source[kind].key).map((complaint) => invalidValue(`${at}.${kind}.key`, source[kind].key, complaint)));
  }
  return causes;
}

const objectNameComplaints = ofPrefix(subdomainComplaints);

function validateEnvironment(container: Json, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const [index, variable] of ((container.env ?? []) as Json[]).entries()) {
    const at = `${field}.env[${index}]`;
    if (!variable.name) causes.push(required(`${at}.name`));
    else causes.push(...environmentNameComplaints(variable.name).map((complaint) => invalidValue(`${at}.name`, variable.name, complaint)));
    causes.push(...validateValueFrom(variable, at));
  }
  for (const [index, source] of ((container.envFrom ?? []) as Json[]).entries()) {
    const at = `${field}.envFrom[${index}]`;
    const kinds = ["configMapRef", "secretRef"].filter((kind) => source[kind]);
    if (kinds.length === 0) causes.push(invalidValue(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (kinds.length > 1) causes.push(invalidValue(at, "", "may not have more than one field specified at a time"));
    if (source.prefix) causes.push(...environmentNameComplaints(source.prefix).map((complaint) => invalidValue(`${at}.prefix`, source.prefix, complaint)));
    for (const kind of kinds) {
      const { name } = source[kind];
      if (!name) causes.push(required(`${at}.${kind}.name`));
      else causes.push(...objectNameComplaints(name, true).map((complaint) => invalidValue(`${at}.${kind}.name`, name, complaint)));
    }
  }
  return causes;
}

function validateTargetPort(port: unknown, field: string): StatusCause[] {
  if (typeof port === "string") return portNameComplaints(port).map((complaint) => invalidValue(field, port, complaint));
  return validatePortNumber(port, field);
}

const HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

function validateSleep(seconds: number, field: string, graceSeconds = Number.POSITIVE_INFINITY): StatusCause[] {
  if (seconds > 0 && seconds <= graceSeconds) return [];
  return [invalidValue(field, seconds, `must be greater than 0 and less than terminationGracePeriodSeconds (${graceSeconds}). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.`)];
}

/** What a probe or a hook does: exactly one thing. */
function validateHandler(handler: Json, field: string, graceSeconds?: number): StatusCause[] {
  const kinds = HANDLERS.filter((kind) => handler[kind] !== undefined);
  if (kinds.length === 0) return [required(field, "must specify a handler type")];
  if (kinds.length > 1) return [forbiddenField(`${field}.${kinds[1]}`, "may not specify more than 1 handler type")];
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec && (exec.command ?? []).length === 0) return [required(`${field}.exec.command`)];
  if (httpGet) {
    return [
      ...(httpGet.path ? [] : [required(`${field}.httpGet.path`)]),
      ...validateTargetPort(httpGet.port ?? 0, `${field}.httpGet.port`),
      ...oneOf(`${field}.httpGet.scheme`, httpGet.scheme, ["HTTP", "HTTPS"]),
    ];
  }
  if (tcpSocket) return validateTargetPort(tcpSocket.port ?? 0, `${field}.tcpSocket.port`);
  if (grpc) return validatePortNumber(grpc.port ?? 0, `${field}.grpc.port`);
  return sleep ? validateSleep(sleep.seconds ?? 0, `${field}.sleep`, graceSeconds) : [];
}

function validateProbe(probe: Json, field: string, isReadiness: boolean): StatusCause[] {
  if (probe === undefined) return [];
  const causes = validateHandler(probe, field);
  for (const name of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]) causes.push(...nonNegative(`${field}.${name}`, probe[name]));
  if (!isReadiness && probe.successThreshold !== undefined && probe.successThreshold !== 1) causes.push(invalidValue(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  if (probe.terminationGracePeriodSeconds !== undefined) {
    if (isReadiness) causes.push(invalidValue(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, "must not be set for readinessProbes"));
    else if (probe.terminationGracePeriodSeconds <= 0) causes.push(invalidValue(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, "must be greater than 0"));
  }
  return causes;
}

function validateBasics(container: Json, volumes: Volumes, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!container.image) causes.push(required(`${field}.image`));
  else if (container.image.trim() !== container.image) causes.push(invalidValue(`${field}.image`, container.image, "must not have leading or trailing whitespace"));
  causes.push(...oneOfListed(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, ["File", "FallbackToLogsOnError"]));
  causes.push(...validatePorts(container.ports, `${field}.ports`), ...validateEnvironment(container, field), ...validateMounts(container, volumes, `${field}.volumeMounts`), ...validateDevices(container, volumes, `${field}.volumeDevices`));
  causes.push(...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES), ...validateResources(container.resources, `${field}.resources`), ...validateSecurity(container.securityContext, `${field}.securityContext`));
  return causes;
}

function validateName(container: Json, seen: Set<string>, field: string): StatusCause[] {
  if (!container.name) return [required(`${field}.name`)];
  const causes = labelComplaints(container.name).map((complaint) => invalidValue(`${field}.name`, container.name, complaint));
  if (seen.has(container.name)) causes.push(duplicateValue(`${field}.name`, container.name));
  seen.add(container.name);
  return causes;
}

function validateLifecycle(container: Json, field: string, graceSeconds: number): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const hook of ["postStart", "preStop"]) if (container.lifecycle?.[hook]) causes.push(...validateHandler(container.lifecycle[hook], `${field}.lifecycle.${hook}`, graceSeconds));
  causes.push(...validateProbe(container.livenessProbe, `${field}.livenessProbe`, false));
  causes.push(...validateProbe(container.readinessProbe, `${field}.readinessProbe`, true));
  causes.push(...validateProbe(container.startupProbe, `${field}.startupProbe`, false));
  return causes;
}

/** The init containers of a pod; those with restartPolicy Always are sidecars and may have probes and hooks. */
function validateInitContainers(containers: Json[], volumes: Volumes, seen: Set<string>, field: string, graceSeconds: number): StatusCause[] {
  return containers.flatMap((container: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes = [...validateName(container, seen, at), ...validateBasics(container, volumes, at), ...validateHostPorts(container, new Set(), at), ...oneOf(`${at}.restartPolicy`, container.restartPolicy, ["Always"])];
    if (container.restartPolicy === "Always") return [...causes, ...validateLifecycle(container, at, graceSeconds)];
    for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]) {
      if (container[name]) causes.push(forbiddenField(`${at}.${name}`, "may not be set for init containers without restartPolicy=Always"));
    }
    return causes;
  });
}

/** All containers of a PodSpec. */
export function validateContainers(spec: Json, volumes: Volumes, field: string): StatusCause[] {
  const seen = new Set<string>();
  const hostPorts = new Set<string>();
  const graceSeconds = (spec.terminationGracePeriodSeconds ?? -1) < 0 ? Number.POSITIVE_INFINITY : (spec.terminationGracePeriodSeconds as number);
  const containers = (spec.containers ?? []) as Json[];
  const causes: StatusCause[] = [];
  if (containers.length === 0) causes.push(required(`${field}.containers`));
  for (const [index, container] of containers.entries()) {
    const at = `${field}.containers[${index}]`;
    causes.push(...validateName(container, seen, at), ...validateBasics(container, volumes, at), ...validateLifecycle(container, at, graceSeconds));
    causes.push(...validateHostPorts(container, hostPorts, at));
    if (container.restartPolicy !== undefined) causes.push(forbiddenField(`${at}.restartPolicy`, "may not be set for non-init containers"));
  }
  causes.push(...validateInitContainers((spec.initContainers ?? []) as Json[], volumes, seen, `${field}.initContainers`, graceSeconds));
  return causes;
}
