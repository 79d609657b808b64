import type { ApiObject } from "../object.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import { validateNode, validateNodeUpdate } from "../validation/node.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN, wideColumn } from "./object-columns.js";

const ROLE_PREFIX = "node-role.kubernetes.io/";
const ROLE_LABEL = "kubernetes.io/role";

function statusText(node: ApiObject): string {
  const ready = ((node["status"]?.conditions ?? []) as { type: string; status: string }[]).find((condition) => condition.type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (node["spec"]?.unschedulable) words.push("SchedulingDisabled");
  return words.join(",");
}

function rolesText(node: ApiObject): string {
  const labels = node.metadata.labels ?? {};
  const roles = Object.keys(labels).filter((key) => key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length).map((key) => key.slice(ROLE_PREFIX.length));
  const named = labels[ROLE_LABEL];
  if (named) roles.push(named);
  return roles.length === 0 ? "<none>" : [...new Set(roles)].sort().join(",");
}

function addressOf(node: ApiObject, type: string): string {
  return ((node["status"]?.addresses ?? []) as { type: string; address: string }[]).find((row) => row.type === type)?.address ?? "<none>";
}

/** `v1 Node`. Stored under etcd's old word for it, minion. */
export const nodeKind: Kind = {
  group: "",
  version: "v1",
  resource: "nodes",
  singular: "node",
  kind: "Node",
  namespaced: false,
  shortNames: ["no"],
  categories: [],
  prefix: "/registry/minions/",
  struct: "core.Node",
  hasStatus: true,
  subresources: [{ name: "proxy", group: "", version: "v1", kind: "NodeProxyOptions", verbs: ["get"] }],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: { "spec.unschedulable": (node) => String(node["spec"]?.unschedulable ?? false) },
  columns: [
    NAME_COLUMN,
    column("Status", "string", "The status of the node"),
    column("Roles", "string", "The roles of the node"),
    AGE_COLUMN,
    column("Version", "string", "Kubelet Version reported by the node."),
    wideColumn("Internal-IP", "string", "The first address of type InternalIP."),
    wideColumn("External-IP", "string", "The first address of type ExternalIP."),
    wideColumn("OS-Image", "string", "OS Image reported by the node."),
    wideColumn("Kernel-Version", "string", "Kernel Version reported by the node."),
    wideColumn("Container-Runtime", "string", "ContainerRuntime Version reported by the node."),
  ],
  cells: (node, nowMs) => [
    node.metadata.name,
    statusText(node),
    rolesText(node),
    age(node.metadata.creationTimestamp, nowMs),
    node["status"]?.nodeInfo?.kubeletVersion ?? "",
    addressOf(node, "InternalIP"),
    addressOf(node, "ExternalIP"),
    node["status"]?.nodeInfo?.osImage || "<unknown>",
    node["status"]?.nodeInfo?.kernelVersion || "<unknown>",
    node["status"]?.nodeInfo?.containerRuntimeVersion || "<unknown>",
  ],
  setDefaults(node) {
    node["spec"] ??= {};
    const status = node["status"];
    // An agent that reports only capacity has all of it to give.
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
};
