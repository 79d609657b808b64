import type { ResourceList } from "./container.js";
import type { KubernetesObject } from "./object-meta.js";

/** `core/v1 ScopedResourceSelectorRequirement`: which pods a quota counts. */
export interface ScopedResourceSelectorRequirement {
  readonly scopeName: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** `core/v1 ResourceQuotaSpec`. */
export interface ResourceQuotaSpec {
  /** `limits.cpu`, `pods`, `count/deployments.apps` ... */
  readonly hard?: ResourceList;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: { readonly matchExpressions?: readonly ScopedResourceSelectorRequirement[] };
}

/** `core/v1 ResourceQuota`: what all objects of a namespace together may use. */
export interface ResourceQuota extends KubernetesObject {
  readonly spec?: ResourceQuotaSpec;
  /** `hard` is what is enforced now, `used` what is charged. */
  readonly status?: { readonly hard?: ResourceList; readonly used?: ResourceList };
}

/** `core/v1 LimitRange`: bounds and defaults of each container and pod of a namespace. */
export interface LimitRange extends KubernetesObject {
  readonly spec?: { readonly limits?: readonly LimitRangeItem[] };
}

/** `core/v1 LimitRangeItem`. */
export interface LimitRangeItem {
  /** `Container`, `Pod`, `PersistentVolumeClaim` or a qualified name. */
  readonly type: string;
  readonly max?: ResourceList;
  readonly min?: ResourceList;
  /** Limits of a container that states none. */
  readonly default?: ResourceList;
  /** Requests of a container that states none. */
  readonly defaultRequest?: ResourceList;
  /** How many times its request a limit may be. */
  readonly maxLimitRequestRatio?: ResourceList;
}
