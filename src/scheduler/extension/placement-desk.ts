import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RecentMap } from "../../base/recent-map.js";
import { RpcError } from "../../base/rpc-error.js";
import { Outcome } from "../../gen/spheresim/emulator/v1/journal.js";
import { PlacementResult, PlacementSpec, type SizePodResponse } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import type { Pod } from "../../kubernetes/pod.js";
import { type DrsDecision, readDecision } from "./drs-decision.js";
import { isAboutTheRequest } from "./errors.js";
import type { HostDirectory } from "./host-directory.js";
import type { PodSizer } from "./pod-sizer.js";
import type { Vcenter } from "./vcenter.js";

/** A pod with its curated list: the nodes Kubernetes left over in step 3. */
export interface CuratedPod {
  readonly pod: Pod;
  readonly nodes: readonly string[];
  /** Attempt at placing it, from 1; 0 when unknown. */
  readonly attempt?: number;
}

export interface PlacementDeskOptions {
  readonly vcenter: Pick<Vcenter, "placeVms">;
  readonly sizer: Pick<PodSizer, "size">;
  readonly directory: Pick<HostDirectory, "known">;
  readonly steps: Pick<PodSteps, "record">;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** Specs of one PlaceVms call, vCenter's limit. */
const MAX_BATCH = 256;
/** Hosts that the specs of one call name, all together: vCenter tells as many verdicts in one answer. */
const MAX_NAMED = 100_000;
/** Bytes of their names: vCenter takes requests of 4 MiB. */
const MAX_NAME_BYTES = 2 * 1024 * 1024;
/** What the wire adds to a name. */
const BYTES_AROUND_NAME = 8;
/** Pods waiting for the call under way; the scheduler has fewer in hand. */
const MAX_WAITING = 10_000;
/** Recommendations remembered until they are applied. */
const MAX_RECOMMENDATIONS = 10_000;
/** How long a host that did not answer is left out for that pod, if others are on the list. */
const AVOID_MS = 60_000;

interface Waiting {
  readonly curated: CuratedPod;
  readonly resolve: (decision: DrsDecision) => void;
  readonly reject: (error: unknown) => void;
}

/** What a pod was recommended. */
export interface Recommended {
  readonly key: string;
  readonly node: string;
}

/**
 * Steps 4 and 5: brings curated lists to DRS and its recommendations back. While one call is under way others gather, so a
 * burst of pods costs a few calls and every pod of a batch sees the reservations of those before it.
 */
export class PlacementDesk {
  readonly #options: PlacementDeskOptions;
  #waiting: Waiting[] = [];
  #calling = false;
  readonly #recommended = new RecentMap<string, Recommended>(MAX_RECOMMENDATIONS);
  readonly #avoided = new RecentMap<string, { readonly node: string; readonly untilMs: number }>(MAX_RECOMMENDATIONS);

  constructor(options: PlacementDeskOptions) {
    this.#options = options;
  }

  /** DRS' decision for one pod. Rejects when vCenter cannot be asked. */
  decide(curated: CuratedPod): Promise<DrsDecision> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new Error(`${MAX_WAITING} pods wait for DRS already`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ curated, resolve, reject });
      if (this.#calling) return;
      this.#calling = true;
      // One turn of the microtask queue: pods decided in one go travel in one call.
      queueMicrotask(() => void this.#callAll());
    });
  }

  /** What the pod was last recommended, if it was that node. */
  recommended(podUid: string, node: string): Recommended | undefined {
    const found = this.#recommended.get(podUid);
    return found?.node === node ? found : undefined;
  }

  /** The pod's recommendation is used up, or nobody wants it any more. */
  discard(podUid: string): void {
    this.#recommended.delete(podUid);
  }

  /** The pod's story has ended. */
  forget(podUid: string): void {
    this.#recommended.delete(podUid);
    this.#avoided.delete(podUid);
  }

  /** This host did not answer when the pod's VM should be made there. */
  avoid(podUid: string, node: string): void {
    this.#avoided.set(podUid, { node, untilMs: this.#options.monotonic.nowMs() + AVOID_MS });
  }

  async #callAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, sizeOfBatch(this.#waiting));
      await this.#call(batch);
    }
    this.#calling = false;
  }

  async #call(batch: readonly Waiting[]): Promise<void> {
    const { vcenter, log } = this.#options;
    const prepared: { readonly waiting: Waiting; readonly spec: PlacementSpec; readonly sized: SizePodResponse; readonly outside: ReadonlyMap<string, string> }[] = [];
    const preparing = batch.map(async (waiting) => {
      const { curated } = waiting;
      const [sized, hosts] = await Promise.all([this.#options.sizer.size(curated.pod), this.#options.directory.known(curated.nodes)]);
      const outside = new Map(curated.nodes.filter((node) => !hosts.has(node)).map((node) => [node, "DRS: not an ESXi host of this vCenter"]));
      const names = this.#withoutAvoided(curated.pod.metadata.uid, [...hosts]);
      if (names.length === 0) waiting.resolve(readDecision(PlacementResult.create(), sized, outside));
      else return { waiting, sized, outside, spec: placementSpec(curated.pod, sized, names) };
      return undefined;
    });
    for (const [index, outcome] of (await Promise.allSettled(preparing)).entries()) {
      if (outcome.status === "rejected") batch[index]!.reject(outcome.reason);
      else if (outcome.value !== undefined) prepared.push(outcome.value);
    }
    if (prepared.length === 0) return;
    let results: readonly PlacementResult[];
    try {
      results = await vcenter.placeVms(prepared.map(({ spec }) => spec));
    } catch (error) {
      if (prepared.length === 1 || !RpcError.is(error) || !isAboutTheRequest(error)) {
        for (const { waiting } of prepared) waiting.reject(error);
        return;
      }
      // One bad spec must not keep the others from their hosts.
      log.warn({ err: error, pods: prepared.length }, "vCenter refused a batch of placements, asking one by one");
      for (const { waiting } of prepared) await this.#call([waiting]);
      return;
    }
    for (const [index, { waiting, sized, outside }] of prepared.entries()) {
      const result = results[index];
      if (result === undefined) waiting.reject(new Error("vCenter answered fewer placements than it was asked for"));
      else waiting.resolve(this.#received(waiting.curated, readDecision(result, sized, outside)));
    }
  }

  /** Step 5. */
  #received(curated: CuratedPod, decision: DrsDecision): DrsDecision {
    const { pod, attempt = 0 } = curated;
    if (decision.node !== undefined) this.#recommended.set(pod.metadata.uid, { key: decision.recommendationKey, node: decision.node });
    this.#options.steps.record({
      pod,
      step: 5,
      attempt,
      peer: "vcenter",
      wire: "spheresim.vcenter.v1.PlacementService/PlaceVms",
      startMs: this.#options.clock.nowMs(),
      subject: decision.node ?? "",
      message: decision.message,
      outcome: decision.node === undefined ? Outcome.UNSCHEDULABLE : Outcome.OK,
    });
    return decision;
  }

  #withoutAvoided(podUid: string, nodes: readonly string[]): readonly string[] {
    const avoided = this.#avoided.get(podUid);
    if (avoided === undefined || avoided.untilMs <= this.#options.monotonic.nowMs()) return nodes;
    const others = nodes.filter((node) => node !== avoided.node);
    return others.length === 0 ? nodes : others;
  }
}

/** How many of those who wait, the first at least, travel in one call. */
function sizeOfBatch(waiting: readonly Waiting[]): number {
  let named = 0;
  let bytes = 0;
  const tooMany = waiting.slice(0, MAX_BATCH).findIndex(({ curated: { nodes } }) => {
    named += nodes.length;
    bytes += nodes.reduce((sum, node) => sum + node.length + BYTES_AROUND_NAME, 0);
    return named > MAX_NAMED || bytes > MAX_NAME_BYTES;
  });
  return tooMany === -1 ? MAX_BATCH : Math.max(1, tooMany);
}

/** The pod as DRS is asked about it: its VM, its namespace's pool, the hosts that may be chosen. */
export function placementSpec(pod: Pod, sized: SizePodResponse, hosts: readonly string[]): PlacementSpec {
  return PlacementSpec.fromPartial({
    ...(sized.config === undefined ? {} : { config: sized.config }),
    hosts: { set: { $case: "hosts", value: { hosts: hosts.map((name) => ({ key: { $case: "name", value: name } as const })) } } },
    ownerUid: pod.metadata.uid,
    namespace: pod.metadata.namespace ?? "",
  });
}
