import { matchesNodeSelectorAndAffinity } from "../../kubernetes/node-affinity.js";
import type { Node } from "../../kubernetes/node.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { Trouble } from "../status/pod-status.js";

/** The Node of this host, as Spherelets see it. */
export interface OwnNode {
  /** From the watch; undefined before its first list. */
  known(): Node | undefined;
  /** Asks the API server. */
  read(): Promise<Node>;
}

/** The pod may not run on this node, whoever bound it here: it has failed (a kubelet's admission). */
export class NotAdmitted extends Error {
  override readonly name = "NotAdmitted";
  readonly trouble: Trouble;

  constructor(predicate: "NodeAffinity", why: string) {
    super(`Predicate ${predicate} failed: ${why}`);
    this.trouble = { reason: predicate, message: `Pod was rejected: ${this.message}`, final: true };
  }
}

/**
 * A host takes no pod whose node selector or required node affinity leaves it out, even if the pod named the node itself. A label
 * that a scheduler has seen may not have come by the watch yet, hence nobody is refused before the API server was asked.
 */
export async function admit(node: OwnNode, { spec }: Pod): Promise<void> {
  const known = node.known();
  if (known !== undefined && matchesNodeSelectorAndAffinity(spec, known)) return;
  if (!matchesNodeSelectorAndAffinity(spec, await node.read())) throw new NotAdmitted("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
}
