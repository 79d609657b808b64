import { matchesNodeSelectorAndAffinity } from "../../kubernetes/node-affinity.js";
import type { Node } from "../../kubernetes/node.js";
import { type Pod, podPriority } from "../../kubernetes/pod.js";
import { findUntoleratedTaint } from "../../kubernetes/taint.js";
import type { RejectionReason, Trouble } from "../status/pod-status.js";
import type { Lack, NodeRoom } from "./node-room.js";

/** The Node of this host, as Spherelets see it. */
export interface OwnNode {
  /** From the watch; undefined before its first list. */
  known(): Node | undefined;
  /** Asks the API server. */
  read(): Promise<Node>;
  /** Asks the API server for all pods that are bound to it. */
  pods(): Promise<readonly Pod[]>;
}

/** The pod may not run on this node, whoever bound it here: it has failed (a kubelet's admission). */
export class NotAdmitted extends Error {
  override readonly name = "NotAdmitted";
  readonly trouble: Trouble;

  constructor({ reason, message }: Objection) {
    super(message);
    this.trouble = { reason, message: `Pod was rejected: ${message}`, final: true, rejected: true };
  }
}

interface Objection {
  readonly reason: RejectionReason;
  readonly message: string;
}

/** From this priority on a pod is critical (`system-cluster-critical`). */
const CRITICAL_PRIORITY = 2_000_000_000;

/**
 * Takes a pod on, or refuses it as a kubelet does whose node it does not fit, even if the pod named the node itself. This comes before its VM: what
 * Kubernetes' accounts refuse has failed as `OutOfcpu` and the like; what they allow and the host has no room for has no VM, and waits for
 * one or fails as `ProviderFailed`. A label that a scheduler has seen, or the end of another pod, may not have come by the watch yet, hence
 * nobody is refused before the API server was asked.
 */
export async function admit(node: OwnNode, room: NodeRoom, pod: Pod): Promise<void> {
  if (room.has(pod)) return;
  const known = node.known();
  if (known === undefined || objectionTo(pod, known, room) !== undefined) {
    const [now, pods] = await Promise.all([node.read(), node.pods()]);
    room.confine(pods);
    const objection = objectionTo(pod, now, room);
    if (objection !== undefined) throw new NotAdmitted(objection);
  }
  room.take(pod);
}

/** The first of a kubelet's objections (pkg/kubelet/lifecycle/predicate.go), in its order and words. */
function objectionTo(pod: Pod, node: Node, room: NodeRoom): Objection | undefined {
  const { metadata, spec } = pod;
  const os = metadata.labels?.["kubernetes.io/os"];
  if (os !== undefined && os !== "linux") return { reason: "PodOSSelectorNodeLabelDoesNotMatch", message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label" };
  if (spec.os !== undefined && spec.os.name !== "linux") return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  const lacks = room.lacks(spec, node);
  const others = predicatesAgainst(spec, node);
  const [lack] = lacks;
  if (podPriority(pod) >= CRITICAL_PRIORITY && lack !== undefined && others.length === 0) return preemptionFailed(lacks);
  if (lack === undefined) return others[0];
  return { reason: `OutOf${lack.resource}`, message: `Node didn't have enough resource: ${lack.resource}, requested: ${lack.requested}, used: ${lack.used}, capacity: ${lack.capacity}` };
}

function predicatesAgainst(spec: Pod["spec"], node: Node): readonly Objection[] {
  const objection = (predicate: "NodeAffinity" | "TaintToleration", why: string): Objection => ({ reason: predicate, message: `Predicate ${predicate} failed: ${why}` });
  return [
    ...(matchesNodeSelectorAndAffinity(spec, node) ? [] : [objection("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")]),
    // Other effects concern schedulers alone.
    ...(findUntoleratedTaint(node.spec?.taints, spec.tolerations, ["NoExecute"]) === undefined ? [] : [objection("TaintToleration", "node(s) had taints that the pod didn't tolerate")]),
  ];
}

/** A kubelet would have other pods make room for a critical one; here nobody is preempted. */
function preemptionFailed(lacks: readonly Lack[]): Objection {
  const missing = lacks.map(({ resource, requested, used, capacity }) => `(res: ${resource}, q: ${requested - (capacity - used)}), `).join("");
  return {
    reason: "UnexpectedAdmissionError",
    message: `Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${missing}]`,
  };
}
