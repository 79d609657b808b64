import { Quantity } from "../../base/quantity.js";
import type { StatusCause } from "../errors.js";
import { validateFieldPath } from "./downward-field.js";
import { duplicateValue, forbiddenField, invalidValue, notFoundValue, oneOf, required } from "./field-path.js";
import type { Json } from "./json.js";
import { labelComplaints } from "./names.js";

/** The volumes of a pod by name: the kind of each. */
export type Volumes = ReadonlyMap<string, string>;

const HOST_PATH_TYPES = ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

function relativePath(path: string | undefined, field: string): StatusCause[] {
  if (path === undefined || path === "") return [];
  if (path.startsWith("/")) return [invalidValue(field, path, "must be a relative path")];
  return path.split("/").includes("..") ? [invalidValue(field, path, "must not contain '..'")] : [];
}

function validateMode(mode: number | undefined, field: string): StatusCause[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalidValue(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")] : [];
}

function validateItems(items: Json[] | undefined, field: string): StatusCause[] {
  return (items ?? []).flatMap((item: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (!item.key) causes.push(required(`${at}.key`));
    if (!item.path) causes.push(required(`${at}.path`));
    return [...causes, ...relativePath(item.path, `${at}.path`), ...validateMode(item.mode, `${at}.mode`)];
  });
}

function validateDownward(items: Json[] | undefined, field: string): StatusCause[] {
  return (items ?? []).flatMap((item: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (!item.path) causes.push(required(`${at}.path`));
    if (!item.fieldRef && !item.resourceFieldRef) causes.push(required(at, "one of fieldRef and resourceFieldRef is required"));
    if (item.fieldRef && item.resourceFieldRef) causes.push(invalidValue(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
    causes.push(...relativePath(item.path, `${at}.path`));
    if (item.fieldRef) causes.push(...validateFieldPath(item.fieldRef.fieldPath, `${at}.fieldRef.fieldPath`, "volume"));
    return causes;
  });
}

/** Rules of the volume sources that pods here can use; the others have none beyond their types. */
const SOURCE_RULES: Readonly<Record<string, (source: Json, field: string) => StatusCause[]>> = {
  hostPath: (source, field) => [
    ...(source.path ? [] : [required(`${field}.path`)]),
    ...(String(source.path ?? "").split("/").includes("..") ? [invalidValue(`${field}.path`, source.path, "must not contain '..'")] : []),
    ...oneOf(`${field}.type`, source.type, HOST_PATH_TYPES),
  ],
  emptyDir: (source, field) =>
    source.sizeLimit !== undefined && Quantity.parse(source.sizeLimit).nano < 0n ? [forbiddenField(`${field}.sizeLimit`, "SizeLimit field must be a valid resource quantity")] : [],
  secret: (source, field) => [...(source.secretName ? [] : [required(`${field}.secretName`)]), ...validateMode(source.defaultMode, `${field}.defaultMode`), ...validateItems(source.items, `${field}.items`)],
  configMap: (source, field) => [...(source.name ? [] : [required(`${field}.name`)]), ...validateMode(source.defaultMode, `${field}.defaultMode`), ...validateItems(source.items, `${field}.items`)],
  persistentVolumeClaim: (source, field) => (source.claimName ? [] : [required(`${field}.claimName`)]),
  downwardAPI: (source, field) => [...validateMode(source.defaultMode, `${field}.defaultMode`), ...validateDownward(source.items, `${field}.items`)],
  nfs: (source, field) => [...(source.server ? [] : [required(`${field}.server`)]), ...(source.path ? [] : [required(`${field}.path`)])],
  csi: (source, field) => (source.driver ? [] : [required(`${field}.driver`)]),
  vsphereVolume: (source, field) => (source.volumePath ? [] : [required(`${field}.volumePath`)]),
  projected: (source, field) => [
    ...validateMode(source.defaultMode, `${field}.defaultMode`),
    ...((source.sources ?? []) as Json[]).flatMap((projection, index) => validateProjection(projection, `${field}.sources[${index}]`)),
  ],
};

function validateProjection(projection: Json, field: string): StatusCause[] {
  const kinds = Object.keys(projection);
  if (kinds.length === 0) return [forbiddenField(field, "no projection specified")];
  if (kinds.length > 1) return [forbiddenField(`${field}.${kinds[1]}`, "may not specify more than 1 volume type")];
  const { secret, configMap, downwardAPI, serviceAccountToken } = projection;
  if (secret) return [...(secret.name ? [] : [required(`${field}.secret.name`)]), ...validateItems(secret.items, `${field}.secret.items`)];
  if (configMap) return [...(configMap.name ? [] : [required(`${field}.configMap.name`)]), ...validateItems(configMap.items, `${field}.configMap.items`)];
  if (downwardAPI) return validateDownward(downwardAPI.items, `${field}.downwardAPI.items`);
  if (serviceAccountToken) {
    return [
      ...(serviceAccountToken.path ? [] : [required(`${field}.serviceAccountToken.path`)]),
      ...(serviceAccountToken.expirationSeconds < 600 ? [invalidValue(`${field}.serviceAccountToken.expirationSeconds`, serviceAccountToken.expirationSeconds, "may not specify a duration less than 10 minutes")] : []),
    ];
  }
  return [];
}

/** The volumes of a pod: names, one source each. */
export function validateVolumes(volumes: Json[] | undefined, field: string): StatusCause[] {
  const names = new Set<string>();
  return (volumes ?? []).flatMap((volume: Json, index: number) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    const { name, ...sources } = volume;
    const kinds = Object.keys(sources);
    if (kinds.length === 0) causes.push(required(at, "must specify a volume type"));
    if (kinds.length > 1) causes.push(forbiddenField(`${at}.${kinds[1]}`, "may not specify more than 1 volume type"));
    if (kinds.length === 1) causes.push(...(SOURCE_RULES[kinds[0]!]?.(sources[kinds[0]!], `${at}.${kinds[0]}`) ?? []));
    if (!name) causes.push(required(`${at}.name`));
    else {
      causes.push(...labelComplaints(name).map((complaint) => invalidValue(`${at}.name`, name, complaint)));
      if (names.has(name)) causes.push(duplicateValue(`${at}.name`, name));
      names.add(name);
    }
    return causes;
  });
}

/** Mounts that are read-only down to what is mounted below them. */
function validateRecursion({ recursiveReadOnly, readOnly, mountPropagation }: Json, field: string): StatusCause[] {
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible") return oneOf(field, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]);
  const causes: StatusCause[] = [];
  if (!readOnly) causes.push(forbiddenField(field, "may only be specified when readOnly is true"));
  if (mountPropagation !== undefined && mountPropagation !== "None") causes.push(forbiddenField(field, "may only be specified when mountPropagation is None or not specified"));
  return causes;
}

/** Where a container sees its volumes. A real API server names no index for what it says of a mount's paths below the volume and of its modes. */
export function validateMounts(container: Json, volumes: Volumes, field: string): StatusCause[] {
  const paths = new Set<string>();
  return ((container.volumeMounts ?? []) as Json[]).flatMap((mount, index) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    if (!mount.name) causes.push(required(`${at}.name`));
    else if (!volumes.has(mount.name)) causes.push(notFoundValue(`${at}.name`, mount.name));
    if (!mount.mountPath) causes.push(required(`${at}.mountPath`));
    else if (paths.has(mount.mountPath)) causes.push(invalidValue(`${at}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    causes.push(...relativePath(mount.subPath, `${field}.subPath`));
    if (mount.subPath && mount.subPathExpr) causes.push(invalidValue(`${at}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive"));
    causes.push(...relativePath(mount.subPathExpr, `${field}.subPathExpr`));
    causes.push(...oneOf(`${field}.mountPropagation`, mount.mountPropagation, ["None", "HostToContainer", "Bidirectional"]));
    if (mount.mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true) {
      causes.push(forbiddenField(`${field}.mountPropagation`, "Bidirectional mount propagation is available only to privileged containers"));
    }
    causes.push(...validateRecursion(mount, `${field}.recursiveReadOnly`));
    return causes;
  });
}

/** The volumes that a container sees as raw devices: claims alone can be such. */
export function validateDevices(container: Json, volumes: Volumes, field: string): StatusCause[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  return ((container.volumeDevices ?? []) as Json[]).flatMap(({ name, devicePath }, index) => {
    const at = `${field}[${index}]`;
    const causes: StatusCause[] = [];
    const kind = volumes.get(name);
    if (!name) causes.push(required(`${at}.name`));
    if (names.has(name)) causes.push(invalidValue(`${at}.name`, name, "must be unique"));
    if (kind === undefined) causes.push(notFoundValue(`${at}.name`, name ?? ""));
    else if (kind !== "persistentVolumeClaim" && kind !== "ephemeral") causes.push(invalidValue(`${at}.name`, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"));
    if (!devicePath) causes.push(required(`${at}.devicePath`));
    else if (paths.has(devicePath)) causes.push(invalidValue(`${at}.devicePath`, devicePath, "must be unique"));
    names.add(name);
    paths.add(devicePath);
    return causes;
  });
}
