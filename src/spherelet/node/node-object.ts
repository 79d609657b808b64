import { createHash } from "node:crypto";
import type { Condition } from "../../kubernetes/condition.js";
import { findCondition } from "../../kubernetes/condition.js";
import type { Node, NodeStatus } from "../../kubernetes/node.js";
import type { Draft } from "../../kubernetes/object-meta.js";
import { formatTime } from "../../kubernetes/timestamp.js";
import type { Host } from "./host.js";

/** Pods a node says it can take: what the Supervisor's nodes are seen to say (vsphere.md 1.2), and the kubelet's own default. */
export const MAX_PODS_PER_NODE = 110;

/** The thin disk every pod VM has of its own, however much its pod asks for. A node never has less room for them than for pods. */
const EPHEMERAL_DISK_KIB = 16 * 1024 ** 2;

/**
 * Version of the node agent, in the style of those of ESXi hosts (`v1.18.x-sph-<hash>`); the Kubernetes version is the API server's.
 */
export const KUBELET_VERSION = "v1.32.0-sph-spheresim";

/** What a Node says that only a running Spherelet knows. */
export interface NodeFacts {
  readonly host: Host;
  /** Port of its kubelet API; undefined without one. */
  readonly kubeletPort: number | undefined;
  /** Changes with every boot of the host. */
  readonly bootId: string;
  /** Emulated time. */
  readonly nowMs: number;
}

/**
 * Labels every node agent puts on its Node. The operating system is `linux`: that is what containers find inside a CRX instance, and
 * what manifests ask for; the ESXi below shows in `nodeInfo.osImage`.
 */
export function nodeLabels(host: Host): Readonly<Record<string, string>> {
  return {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": host.name,
    "kubernetes.io/os": "linux",
    "node-role.kubernetes.io/agent": "",
    ...host.labels,
  };
}

/** The Node of a host as it is registered. ESXi nodes of a Supervisor carry no taint. */
export function nodeDraft(facts: NodeFacts): Draft<Node> {
  return { metadata: { name: facts.host.name, labels: nodeLabels(facts.host) }, spec: {}, status: nodeStatus(facts, undefined) };
}

/** What pods can have of a host, which is all of it: what ESXi needs for itself is DRS' and HostD's admission to count, in MHz and MB. */
export function allocatableOf({ cores, memoryMb }: Pick<Host, "cores" | "memoryMb">): Readonly<Record<string, string>> {
  return {
    cpu: String(cores),
    "ephemeral-storage": `${MAX_PODS_PER_NODE * EPHEMERAL_DISK_KIB}Ki`,
    memory: `${memoryMb * 1024}Ki`,
    pods: String(MAX_PODS_PER_NODE),
  };
}

/** The status of a healthy Node; transition times of what does not change are kept from `present`. */
export function nodeStatus({ host, kubeletPort, bootId, nowMs }: NodeFacts, present: Node | undefined): NodeStatus {
  const resources = allocatableOf(host);
  const id = createHash("sha256").update(host.name).digest("hex");
  return {
    capacity: resources,
    allocatable: resources,
    conditions: conditionsOf(present?.status?.conditions, formatTime(nowMs)),
    addresses: [
      { type: "InternalIP", address: host.address },
      { type: "Hostname", address: host.name },
    ],
    ...(kubeletPort === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } } }),
    nodeInfo: {
      machineID: id.slice(0, 32),
      systemUUID: `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20, 32)}`,
      bootID: bootId,
      kernelVersion: "photon-crx",
      osImage: "VMware ESXi (emulated by spheresim)",
      containerRuntimeVersion: "crx://spheresim",
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: KUBELET_VERSION,
      operatingSystem: "linux",
      architecture: "amd64",
    },
  };
}

const healthy: readonly (readonly [string, "True" | "False", string, string])[] = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

function conditionsOf(present: readonly Condition[] | undefined, now: string): readonly Condition[] {
  return healthy.map(([type, status, reason, message]) => {
    const old = findCondition(present, type);
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now };
  });
}

/** Whether somebody else has said of the Node what is not so: the node controller, when heartbeats did not come. */
export function isHealthy(node: Node): boolean {
  return healthy.every(([type, status]) => findCondition(node.status?.conditions, type)?.status === status);
}

/** Labels that are missing or differ from what they should be. */
export function wrongLabels(host: Host, node: Node): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(nodeLabels(host)).filter(([key, value]) => node.metadata.labels?.[key] !== value));
}
