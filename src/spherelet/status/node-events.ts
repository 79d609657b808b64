import { isConditionTrue } from "../../kubernetes/condition.js";
import type { EventType } from "../../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import type { Node } from "../../kubernetes/node.js";

/**
 * The events of a host's Node, in a kubelet's words; their source is `kubelet`. As with a kubelet the name stands in the place of the Node's UID:
 * `kubectl describe node` looks for both.
 *
 * | the Node's status was written and | event |
 * |---|---|
 * | this life of the Spherelet had written none yet | Starting |
 * | the Node told of another boot of the host before | Rebooted |
 * | it was not Ready before | NodeReady |
 */
export class NodeEvents {
  readonly #recorder: Pick<EventRecorder, "record">;
  #hasStarted = false;

  constructor(recorder: Pick<EventRecorder, "record">) {
    this.#recorder = recorder;
  }

  /** A healthy status of that boot was written over that of `before`. */
  written(before: Node, bootId: string): void {
    const { name } = before.metadata;
    if (!this.#hasStarted) this.#say(before, "Normal", "Starting", "Starting kubelet.");
    this.#hasStarted = true;
    const bootBefore = before.status?.nodeInfo?.bootID ?? "";
    if (bootBefore !== "" && bootBefore !== bootId) this.#say(before, "Warning", "Rebooted", `Node ${name} has been rebooted, boot id: ${bootId}`);
    if (!isConditionTrue(before.status?.conditions, "Ready")) this.#say(before, "Normal", "NodeReady", `Node ${name} status is now: NodeReady`);
  }

  #say(node: Node, type: EventType, reason: string, message: string): void {
    this.#recorder.record(node, type, reason, message, { apiVersion: "v1", kind: "Node", uid: node.metadata.name });
  }
}
