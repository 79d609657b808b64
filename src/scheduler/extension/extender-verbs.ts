import type { Clock } from "../../base/clock.js";
import { Outcome } from "../../gen/spheresim/emulator/v1/journal.js";
import type { HostVerdict } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods as podType } from "../../kubernetes/resource-type.js";
import type { Explanations } from "../explanations.js";
import { answerOf } from "./drs-extension.js";
import { type ExtenderArgs, type ExtenderBindingArgs, type ExtenderBindingResult, type ExtenderFilterResult, type HostPriority, writeFilterResult } from "./extender-json.js";
import type { PlacementDesk } from "./placement-desk.js";
import type { PodVms } from "./pod-vms.js";

export interface ExtenderVerbsOptions {
  readonly client: ApiClient;
  readonly desk: PlacementDesk;
  readonly vms: PodVms;
  readonly explanations: Explanations;
  readonly steps: PodSteps;
  readonly podByUid: (uid: string) => Pod | undefined;
  /** Emulated. */
  readonly clock: Clock;
}

const HIGHEST_SCORE = 10;

/**
 * The verbs a real kube-scheduler calls. `filter` is the article's way: the curated list goes in, one node comes out.
 * `prioritize` is for those who want DRS to advise only; `bind` stores the binding and starts the VM beside it.
 */
export class ExtenderVerbs {
  readonly #options: ExtenderVerbsOptions;

  constructor(options: ExtenderVerbsOptions) {
    this.#options = options;
  }

  async filter(args: ExtenderArgs): Promise<ExtenderFilterResult> {
    if (args.nodeNames.length === 0) return writeFilterResult(args, [], {});
    try {
      const decision = await this.#options.desk.decide({ pod: args.pod, nodes: args.nodeNames });
      this.#options.explanations.decided(args.pod, decision, 0);
      const { nodes, failedNodes } = answerOf(decision, args.nodeNames);
      const chosen = nodes[0];
      const passedOver = chosen === undefined ? {} : Object.fromEntries(args.nodeNames.filter((name) => name !== chosen && !(name in failedNodes)).map((name) => [name, `DRS prefers ${chosen}`]));
      return writeFilterResult(args, nodes, { ...passedOver, ...failedNodes });
    } catch (error) {
      return writeFilterResult(args, [], {}, `vCenter could not be asked: ${textOf(error)}`);
    }
  }

  /** The recommended host has 10, the others what their score leaves below it, refused ones 0. */
  async prioritize(args: ExtenderArgs): Promise<readonly HostPriority[]> {
    if (args.nodeNames.length === 0) return [];
    const decision = await this.#options.desk.decide({ pod: args.pod, nodes: args.nodeNames });
    this.#options.explanations.decided(args.pod, decision, 0);
    const scores = new Map(decision.verdicts.map((verdict) => [verdict.hostName, scoreOf(verdict)]));
    return args.nodeNames.map((Host) => ({ Host, Score: Host === decision.node ? HIGHEST_SCORE : (scores.get(Host) ?? 0) }));
  }

  /** Steps 6 and 7 side by side. */
  async bind({ podName, podNamespace, podUid, node }: ExtenderBindingArgs): Promise<ExtenderBindingResult> {
    const { client, vms, podByUid, steps, clock } = this.#options;
    const startMs = clock.nowMs();
    try {
      const pod = podByUid(podUid) ?? (await client.get(podType, { namespace: podNamespace, name: podName }));
      if (pod.metadata.uid !== podUid) throw new Error(`pod ${podNamespace}/${podName} has uid ${pod.metadata.uid}, not ${podUid}`);
      const metadata = { name: podName, namespace: podNamespace, uid: podUid };
      const binding = client.bind({ apiVersion: "v1", kind: "Binding", metadata, target: { apiVersion: "v1", kind: "Node", name: node } }, { fieldManager: "scheduler-extender" });
      vms.bindingPosted(pod, node);
      try {
        await binding;
      } catch (error) {
        vms.bindingFailed(podUid);
        throw error;
      }
      steps.record({ pod, step: 6, peer: "apiserver", wire: `POST /api/v1/namespaces/${podNamespace}/pods/${podName}/binding`, startMs, subject: node, message: `bound to ${node}`, outcome: Outcome.OK });
      return { Error: "" };
    } catch (error) {
      return { Error: textOf(error) };
    }
  }
}

function scoreOf({ verdict }: HostVerdict): number {
  if (verdict?.$case !== "chosen" && verdict?.$case !== "feasible") return 0;
  return Math.max(0, Math.min(HIGHEST_SCORE - 1, Math.floor(verdict.value.total / HIGHEST_SCORE)));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
