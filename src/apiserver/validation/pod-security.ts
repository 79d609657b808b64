import type { StatusCause } from "../errors.js";
import { duplicateValue, invalidValue, oneOf, oneOfListed, required } from "./field-path.js";
import type { Json } from "./json.js";

const ID_MAX = 2_147_483_647;
const SYSCTL_MAX = 253;
const SYSCTL_PATTERN = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SYSCTL = new RegExp(`^${SYSCTL_PATTERN}$`);

function validateId(id: number | undefined, field: string): StatusCause[] {
  return id !== undefined && (id < 0 || id > ID_MAX) ? [invalidValue(field, id, `must be between 0 and ${ID_MAX}, inclusive`)] : [];
}

function validateSeccomp(profile: Json, field: string): StatusCause[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const causes = type ? oneOfListed(`${field}.type`, type, ["Localhost", "RuntimeDefault", "Unconfined"]) : [required(`${field}.type`, "type is required when seccompProfile is set")];
  if (type === "Localhost") {
    if (localhostProfile === undefined) causes.push(required(`${field}.localhostProfile`, "must be set when seccomp type is Localhost"));
  } else if (localhostProfile !== undefined) causes.push(invalidValue(`${field}.localhostProfile`, profile, "can only be set when seccomp type is Localhost"));
  return causes;
}

function validateSysctls(sysctls: Json[] | undefined, field: string): StatusCause[] {
  const seen = new Set<string>();
  return (sysctls ?? []).flatMap(({ name }: Json, index: number) => {
    const at = `${field}[${index}].name`;
    if (!name) return [required(at)];
    if (name.length > SYSCTL_MAX || !SYSCTL.test(name)) return [invalidValue(at, name, `must have at most ${SYSCTL_MAX} characters and match regex ^${SYSCTL_PATTERN}$`)];
    if (seen.has(name)) return [duplicateValue(at, name)];
    seen.add(name);
    return [];
  });
}

/** `v1 PodSecurityContext`. */
export function validatePodSecurity(spec: Json, field: string): StatusCause[] {
  const context = spec.securityContext;
  const causes: StatusCause[] = [];
  for (const name of ["fsGroup", "runAsUser", "runAsGroup"]) causes.push(...validateId(context?.[name], `${field}.${name}`));
  ((context?.supplementalGroups ?? []) as number[]).forEach((group, index) => causes.push(...validateId(group, `${field}.supplementalGroups[${index}]`)));
  if (spec.shareProcessNamespace && spec.hostPID) causes.push(invalidValue(`${field}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  causes.push(...validateSysctls(context?.sysctls, `${field}.sysctls`));
  causes.push(...oneOf(`${field}.fsGroupChangePolicy`, context?.fsGroupChangePolicy, ["Always", "OnRootMismatch"]));
  causes.push(...validateSeccomp(context?.seccompProfile, `${field}.seccompProfile`));
  return causes;
}

/** `v1 SecurityContext` of a container. */
export function validateSecurity(context: Json, field: string): StatusCause[] {
  if (context === undefined) return [];
  const causes: StatusCause[] = [];
  for (const name of ["runAsUser", "runAsGroup"]) causes.push(...validateId(context[name], `${field}.${name}`));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) causes.push(invalidValue(field, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    if ((context.capabilities?.add ?? []).includes("CAP_SYS_ADMIN")) causes.push(invalidValue(field, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
  }
  causes.push(...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`));
  return causes;
}
