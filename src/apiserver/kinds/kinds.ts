import { configMapKind } from "./config-map.js";
import { deploymentKind } from "./deployment.js";
import { eventKind, eventsGroupKind } from "./event.js";
import { imageDiskKind } from "./image-disk.js";
import { imageKind } from "./image.js";
import type { Kind } from "./kind.js";
import { leaseKind } from "./lease.js";
import { limitRangeKind } from "./limit-range.js";
import { namespaceKind } from "./namespace.js";
import { nodeKind } from "./node.js";
import { podKind } from "./pod.js";
import { priorityClassKind } from "./priority-class.js";
import { replicaSetKind } from "./replica-set.js";
import { resourceQuotaKind } from "./resource-quota.js";
import { secretKind } from "./secret.js";
import { serviceAccountKind } from "./service-account.js";
import { serviceKind } from "./service.js";

/** Every kind that is served, in the order discovery lists them. */
export const KINDS: readonly Kind[] = [
  configMapKind,
  eventKind,
  limitRangeKind,
  namespaceKind,
  nodeKind,
  podKind,
  resourceQuotaKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  deploymentKind,
  replicaSetKind,
  leaseKind,
  eventsGroupKind,
  priorityClassKind,
  imageKind,
  imageDiskKind,
];

/** Under this prefix lies everything the API server stores. */
export const ROOT_PREFIX = "/registry/";
