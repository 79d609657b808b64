import type { Logger } from "../../base/log.js";
import type { BindOutcome, FilterAnswer, FilterRequest, Placement, SchedulerExtender } from "../extender.js";
import type { Explanations } from "../explanations.js";
import type { CapacityBell } from "./capacity-bell.js";
import type { DrsDecision } from "./drs-decision.js";
import { whyOf } from "./errors.js";
import type { PlacementDesk } from "./placement-desk.js";
import type { PodVms } from "./pod-vms.js";
import type { Vcenter } from "./vcenter.js";

/** Who picks among the nodes on the curated list: DRS, or Kubernetes by its score. VMs are made in either case. */
export type Decider = "drs" | "kubernetes";

export interface DrsExtensionOptions {
  readonly desk: PlacementDesk;
  readonly vms: PodVms;
  readonly vcenter: Pick<Vcenter, "cancel">;
  readonly explanations: Explanations;
  readonly bell: CapacityBell;
  readonly log: Logger;
  /** `drs` when absent. */
  readonly decider?: Decider;
}

/** The Pacific scheduler extension as kube-scheduler sees it: leaves of the curated list the one node that DRS recommends. */
export class DrsExtension implements SchedulerExtender {
  readonly name = "scheduler-extender";
  readonly #options: DrsExtensionOptions;
  readonly filterBatch: (requests: readonly FilterRequest[]) => Promise<readonly FilterAnswer[]>;

  constructor(options: DrsExtensionOptions) {
    this.#options = options;
    this.filterBatch = (requests) => Promise.all(requests.map((request) => this.filter(request)));
  }

  /** Steps 4 and 5. */
  async filter({ pod, attempt, nodes }: FilterRequest): Promise<FilterAnswer> {
    const { desk, explanations, decider } = this.#options;
    if (decider === "kubernetes") return { nodes: nodes.map(({ node }) => node.metadata.name), failedNodes: {} };
    let decision: DrsDecision;
    try {
      decision = await desk.decide({ pod, attempt, nodes: nodes.map(({ node }) => node.metadata.name) });
    } catch (error) {
      return { nodes: [], failedNodes: {}, error: `vCenter could not be asked: ${whyOf(error)}` };
    }
    explanations.decided(pod, decision, attempt);
    return answerOf(decision, nodes.map(({ node }) => node.metadata.name));
  }

  /** Step 7 begins while step 6 is being stored. */
  binding({ pod, node }: Placement, outcome: Promise<BindOutcome>): void {
    const { vms } = this.#options;
    vms.bindingPosted(pod, node);
    void outcome.then((end) => {
      if (!end.bound) vms.bindingFailed(pod.metadata.uid);
    });
  }

  /** The hold goes back; a VM already begun too. */
  unreserve({ pod }: Placement): void {
    const { vms, vcenter, desk, log } = this.#options;
    const { uid } = pod.metadata;
    if (vms.has(uid)) {
      vms.bindingFailed(uid);
      return;
    }
    desk.discard(uid);
    vcenter.cancel(uid).catch((error: unknown) => log.debug({ err: error, pod: pod.metadata.name }, "a hold could not be given back; it runs out by itself"));
  }

  subscribe(capacityChanged: () => void): () => void {
    return this.#options.bell.subscribe(capacityChanged);
  }
}

/** DRS' decision as an extender tells it: one node, or none with a reason for each. */
export function answerOf(decision: DrsDecision, asked: readonly string[]): FilterAnswer {
  if (decision.node !== undefined) return { nodes: [decision.node], failedNodes: Object.fromEntries(decision.refusals) };
  // Where DRS speaks of the pool and not of hosts, the same reason stands against each.
  const failedNodes = Object.fromEntries(asked.map((node) => [node, decision.refusals.get(node) ?? `DRS: ${decision.message}`]));
  return { nodes: [], failedNodes };
}
