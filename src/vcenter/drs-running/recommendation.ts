import { toTimestamp } from "../../base/timestamp.js";
import type { DrsRecommendation } from "../../gen/spheresim/vcenter/v1/drs.js";
import { moref } from "../inventory/moref.js";
import type { Move, PassResult } from "../drs/pass/pass-input.js";
import { reasonText } from "./reason-text.js";
import type { PassRows } from "./snapshot.js";

/** A migration that a pass proposed, and what became of it. */
export interface Recommendation {
  readonly key: string;
  readonly cluster: string;
  readonly rating: number;
  readonly reason: Move["reason"];
  readonly reasonText: string;
  readonly vm: string;
  readonly vmName: string;
  readonly source: string;
  readonly sourceName: string;
  readonly target: string;
  readonly targetName: string;
  readonly timeMs: number;
  /** `taken`: somebody carries it out; `dropped`: somebody tried to and could not. Neither can be applied again. */
  state: "open" | "taken" | "dropped";
  /** The task that carries it out, once that began. */
  task: string | undefined;
}

/** What recommendations are made with. */
export interface RecommendationOptions {
  /** Of the keys of moves that are new. */
  readonly prefix: string;
  readonly timeMs: number;
  /** Those of the pass before: a move that is proposed again, and that nobody has begun, keeps its key, so that who read it can still apply it. */
  readonly before: readonly Recommendation[];
}

/** What a pass proposes: what must be done first, then by rating, each in the order in which it was found. */
export function recommendations(rows: PassRows, { moves, vms }: PassResult, { prefix, timeMs, before }: RecommendationOptions): Recommendation[] {
  const keys = new Map(before.filter(({ state }) => state === "open").map((each) => [moveOf(each.vm, each.source, each.target), each.key]));
  const made = moves.map((move, index): Recommendation => {
    const [source, target] = [rows.hosts[move.from], rows.hosts[move.to]];
    const vm = rows.vms[move.vm];
    return {
      key: keys.get(moveOf(vm?.moid, source?.moid, target?.moid)) ?? `${prefix}.${index + 1}`,
      cluster: rows.cluster,
      rating: move.rating,
      reason: move.reason,
      reasonText: reasonText(rows, { move, entitledMhz: vms.weighedMhz[move.vm] ?? 0, entitledMb: vms.weighedMb[move.vm] ?? 0 }),
      vm: vm?.moid ?? "",
      vmName: vm?.config.name ?? "",
      source: source?.moid ?? "",
      sourceName: source?.spec.name ?? "",
      target: target?.moid ?? "",
      targetName: target?.spec.name ?? "",
      timeMs,
      state: "open",
      task: undefined,
    };
  });
  return made.sort((left, right) => right.rating - left.rating);
}

function moveOf(...moids: readonly (string | undefined)[]): string {
  return moids.join();
}

/** As the contract shows it. */
export function recommendationMessage(recommendation: Recommendation): DrsRecommendation {
  const { key, rating, reason, vmName, task } = recommendation;
  return {
    key,
    rating,
    reason,
    reasonText: recommendation.reasonText,
    vm: moref("VirtualMachine", recommendation.vm),
    vmName,
    sourceHost: moref("HostSystem", recommendation.source),
    sourceHostName: recommendation.sourceName,
    targetHost: moref("HostSystem", recommendation.target),
    targetHostName: recommendation.targetName,
    time: toTimestamp(recommendation.timeMs),
    task: task === undefined ? undefined : moref("Task", task),
  };
}
