import { isIP } from "node:net";
import type { StatusCause } from "../errors.js";
import { validateAffinity, validateSpread, validateTolerations } from "./affinity.js";
import { validateContainers } from "./container.js";
import { duplicateValue, forbiddenField, invalidValue, oneOf, oneOfListed, required } from "./field-path.js";
import type { Json } from "./json.js";
import { validateLabels } from "./metadata.js";
import { labelComplaints, qualifiedNameComplaints, subdomainComplaints } from "./names.js";
import { validatePodSecurity } from "./pod-security.js";
import { validateVolumes } from "./volumes.js";

const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const INT32_MAX = 2_147_483_647;

function complaints(field: string, value: string | undefined, rule: (text: string) => string[]): StatusCause[] {
  return value === undefined || value === "" ? [] : rule(value).map((complaint) => invalidValue(field, value, complaint));
}

function validateGates(spec: Json, field: string): StatusCause[] {
  const seen = new Set<string>();
  return ((spec.schedulingGates ?? []) as Json[]).flatMap((gate, index) => {
    const at = `${field}.schedulingGates[${index}]`;
    const causes = qualifiedNameComplaints(gate.name ?? "").map((complaint) => invalidValue(at, gate.name ?? "", complaint));
    if (seen.has(gate.name)) causes.push(duplicateValue(at, gate.name));
    seen.add(gate.name);
    return causes;
  });
}

function validateDns(spec: Json, field: string): StatusCause[] {
  const causes = oneOfListed(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  const servers = (spec.dnsConfig?.nameservers ?? []) as string[];
  if (spec.dnsPolicy === "None" && servers.length === 0) {
    if (spec.dnsConfig === undefined) causes.push(required(`${field}.dnsConfig`, "must provide `dnsConfig` when `dnsPolicy` is None"));
    else causes.push(required(`${field}.dnsConfig.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"));
  }
  if (servers.length > 3) causes.push(invalidValue(`${field}.dnsConfig.nameservers`, servers, "must not have more than 3 nameservers"));
  servers.forEach((server, index) => {
    if (isIP(server) === 0) causes.push(invalidValue(`${field}.dnsConfig.nameservers[${index}]`, server, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
  });
  return causes;
}

function validateHostNetwork(spec: Json, field: string): StatusCause[] {
  if (!spec.hostNetwork) return [];
  return ((spec.containers ?? []) as Json[]).flatMap((container, index) =>
    ((container.ports ?? []) as Json[]).flatMap((port, number) =>
      port.hostPort === port.containerPort ? [] : [invalidValue(`${field}.containers[${index}].ports[${number}].hostPort`, port.hostPort ?? 0, "must match `containerPort` when `hostNetwork` is true")],
    ),
  );
}

/** `v1 PodSpec`, in a pod or in a template, after defaulting. */
export function validatePodSpec(spec: Json, field: string): StatusCause[] {
  const causes = validateVolumes(spec.volumes, `${field}.volumes`);
  const volumes = new Map(((spec.volumes ?? []) as Json[]).map(({ name, ...sources }) => [name as string, Object.keys(sources)[0] ?? ""] as const));
  causes.push(...validateContainers(spec, volumes, field));
  causes.push(...oneOfListed(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]));
  causes.push(...validateDns(spec, field));
  causes.push(...validateLabels(spec.nodeSelector, `${field}.nodeSelector`));
  causes.push(...validateHostNetwork(spec, field));
  ((spec.readinessGates ?? []) as Json[]).forEach(({ conditionType = "" }, index) => causes.push(...qualifiedNameComplaints(conditionType).map((complaint) => invalidValue(`${field}.readinessGates[${index}].conditionType`, conditionType, complaint))));
  causes.push(...validatePodSecurity(spec, `${field}.securityContext`));
  ((spec.imagePullSecrets ?? []) as Json[]).forEach((secret, index) => {
    if (!secret.name) causes.push(required(`${field}.imagePullSecrets[${index}].name`));
  });
  causes.push(...validateAffinity(spec.affinity, `${field}.affinity`));
  causes.push(...complaints(`${field}.serviceAccountName`, spec.serviceAccountName, subdomainComplaints));
  causes.push(...complaints(`${field}.nodeName`, spec.nodeName, subdomainComplaints));
  if (spec.activeDeadlineSeconds !== undefined && (spec.activeDeadlineSeconds < 1 || spec.activeDeadlineSeconds > INT32_MAX)) {
    causes.push(invalidValue(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, `must be between 1 and ${INT32_MAX}, inclusive`));
  }
  causes.push(...complaints(`${field}.hostname`, spec.hostname, labelComplaints), ...complaints(`${field}.subdomain`, spec.subdomain, labelComplaints));
  causes.push(...validateTolerations(spec.tolerations, `${field}.tolerations`));
  ((spec.hostAliases ?? []) as Json[]).forEach((alias, index) => {
    if (isIP(alias.ip ?? "") === 0) causes.push(invalidValue(`${field}.hostAliases[${index}].ip`, alias.ip ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
  });
  causes.push(...complaints(`${field}.priorityClassName`, spec.priorityClassName, subdomainComplaints), ...complaints(`${field}.runtimeClassName`, spec.runtimeClassName, subdomainComplaints));
  causes.push(...oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ["Never", "PreemptLowerPriority"]));
  causes.push(...validateGates(spec, field));
  causes.push(...validateSpread(spec.topologySpreadConstraints, `${field}.topologySpreadConstraints`));
  if (spec.os !== undefined) causes.push(...(spec.os.name ? oneOf(`${field}.os.name`, spec.os.name, ["linux", "windows"]) : [required(`${field}.os.name`)]));
  const gated = (spec.schedulingGates ?? []).length > 0;
  if (gated && spec.nodeName) causes.push(forbiddenField(`${field}.nodeName`, "cannot be set until all schedulingGates have been cleared"));
  return causes;
}
