import type { ConfigMap, Event, Image, ImageDisk, Lease, Namespace, Secret, Service, ServiceAccount } from "./cluster-objects.js";
import type { Node } from "./node.js";
import type { KubernetesObject, ObjectName } from "./object-meta.js";
import type { Pod } from "./pod.js";
import type { LimitRange, ResourceQuota } from "./resource-policy.js";
import type { Deployment, ReplicaSet } from "./workload.js";

/** Where a kind of object lives in the API; the type parameter is the object's shape. */
export interface ResourceType<T extends KubernetesObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower case plural, as in paths. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries the type only; never set. */
  readonly shape?: T;
}

function row<T extends KubernetesObject>(group: string, version: string, kind: string, plural: string, namespaced: boolean): ResourceType<T> {
  return { group, version, kind, plural, namespaced };
}

export const pods = row<Pod>("", "v1", "Pod", "pods", true);
export const nodes = row<Node>("", "v1", "Node", "nodes", false);
export const namespaces = row<Namespace>("", "v1", "Namespace", "namespaces", false);
export const events = row<Event>("", "v1", "Event", "events", true);
export const configMaps = row<ConfigMap>("", "v1", "ConfigMap", "configmaps", true);
export const secrets = row<Secret>("", "v1", "Secret", "secrets", true);
export const services = row<Service>("", "v1", "Service", "services", true);
export const serviceAccounts = row<ServiceAccount>("", "v1", "ServiceAccount", "serviceaccounts", true);
export const resourceQuotas = row<ResourceQuota>("", "v1", "ResourceQuota", "resourcequotas", true);
export const limitRanges = row<LimitRange>("", "v1", "LimitRange", "limitranges", true);
export const deployments = row<Deployment>("apps", "v1", "Deployment", "deployments", true);
export const replicaSets = row<ReplicaSet>("apps", "v1", "ReplicaSet", "replicasets", true);
export const leases = row<Lease>("coordination.k8s.io", "v1", "Lease", "leases", true);
export const images = row<Image>("imagecontroller.vmware.com", "v1", "Image", "images", true);
export const imageDisks = row<ImageDisk>("imagecontroller.vmware.com", "v1", "ImageDisk", "imagedisks", false);


/** `v1`, `apps/v1`. */
export function apiVersionOf(type: ResourceType<KubernetesObject>): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** The path of the collection (in one namespace, or of all) or of one object, with an optional subresource. */
export function pathOf(type: ResourceType<KubernetesObject>, where: Partial<ObjectName> = {}, subresource?: string): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && where.namespace !== undefined && where.namespace !== "" ? `/namespaces/${encodeURIComponent(where.namespace)}` : "";
  const name = where.name === undefined ? "" : `/${encodeURIComponent(where.name)}`;
  return `${root}${scope}/${type.plural}${name}${subresource === undefined ? "" : `/${subresource}`}`;
}
