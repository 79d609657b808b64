import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import { type ClusterRecommendation, type HostScore, type HostVerdict, type PlacementResult, VerdictDetail } from "../gen/spheresim/vcenter/v1/placement.js";
import { type Decision, type FeasibleHost, isEqual } from "./drs/place.js";
import type { Score } from "./drs/host-score.js";
import type { Recommended } from "./holds.js";
import type { Inventory } from "./inventory.js";
import { moref } from "./moref.js";
import type { ResolvedSpec } from "./placement-spec.js";
import type { HostRecord, VmRecord } from "./records.js";
import { VimFault } from "./vim-fault.js";

/** vim25's RecommendationReasonCode of every placement: a VM is to be powered on. */
const REASON = "powerOnVm";

/** Each host's verdict, best first: the chosen one, those that would do, those ruled out. */
export function verdicts(decision: Decision, detail: VerdictDetail, limit = Infinity): HostVerdict[] {
  if (detail === VerdictDetail.NONE) return [];
  const full = detail === VerdictDetail.FULL;
  const { chosen } = decision;
  const made: HostVerdict[] = [];
  if (chosen !== undefined) made.push({ ...named(chosen), verdict: { $case: "chosen", value: score(chosen.score, full) }, wouldFitIf: [] });
  for (const feasible of decision.feasible) {
    if (made.length >= limit) return made;
    if (feasible !== chosen) made.push({ ...named(feasible), verdict: { $case: "feasible", value: score(feasible.score, full) }, wouldFitIf: [] });
  }
  for (const out of decision.ruledOut) {
    if (made.length >= limit) return made;
    made.push({ ...named(out), verdict: { $case: "fault", value: out.fault.methodFault }, wouldFitIf: [] });
  }
  return made;
}

function named({ host }: { readonly host: FeasibleHost["host"] }): Pick<HostVerdict, "host" | "hostName"> {
  return { host: moref("HostSystem", host.moid), hostName: host.name };
}

function score(of: Score, full: boolean): HostScore {
  return { total: of.total, parts: full ? of.parts.map((part) => ({ ...part })) : [] };
}

/** The figures around a recommendation. */
export interface RecommendationContext {
  readonly time: Timestamp;
  readonly holdUntil: Timestamp;
  readonly decision: Decision;
}

/** The recommendation to use the chosen host. */
export function recommendation(recommended: Recommended, chosen: FeasibleHost, context: RecommendationContext): ClusterRecommendation {
  const { total } = chosen.score;
  return {
    key: recommended.key,
    type: "V1",
    time: context.time,
    rating: Math.min(5, Math.max(1, Math.ceil(total / 20))),
    reason: REASON,
    reasonText: `Power on ${recommended.config.name} on ${chosen.host.name}: score ${total.toFixed(1)}, ${howChosen(chosen, context.decision)}; ${context.decision.ruledOut.length} ruled out.`,
    actions: [{ targetHost: moref("HostSystem", chosen.host.moid), targetHostName: chosen.host.name, vm: undefined }],
    holdUntil: context.holdUntil,
  };
}

function howChosen(chosen: FeasibleHost, { feasible }: Decision): string {
  const equals = feasible.filter((each) => isEqual(each.score, chosen.score)).length;
  if (feasible[0] !== undefined && !isEqual(feasible[0].score, chosen.score)) return "where it was held before";
  return equals > 1 ? `drawn among ${equals} of that score` : `the best of ${feasible.length} that would do`;
}

/** The answer for an owner that has a VM already. */
export function existingVmResult(vm: VmRecord, host: HostRecord, key: string, time: Timestamp): PlacementResult {
  return {
    recommendations: [
      {
        key,
        type: "V1",
        time,
        rating: 5,
        reason: REASON,
        reasonText: `${vm.config.name} has ${vm.moid} on ${host.spec.name} already.`,
        actions: [{ targetHost: moref("HostSystem", host.moid), targetHostName: host.spec.name, vm: moref("VirtualMachine", vm.moid) }],
        holdUntil: undefined,
      },
    ],
    drsFault: undefined,
    verdicts: [],
    sized: vm.config,
  };
}

/** The answer when no host will do. `poolFault` says that the pool refused before any host was looked at. */
export function noHostResult(poolFault: VimFault | undefined, spec: ResolvedSpec, inventory: Inventory, detail: VerdictDetail, decision?: Decision): PlacementResult {
  if (poolFault !== undefined) {
    const { methodFault } = poolFault;
    const hosts = detail === VerdictDetail.NONE ? [] : spec.hosts.map((moid) => inventory.host(moid));
    return {
      recommendations: [],
      drsFault: { reason: REASON, fault: methodFault, wouldFitIf: [] },
      verdicts: hosts.map((host) => ({ host: moref("HostSystem", host.moid), hostName: host.spec.name, verdict: { $case: "fault", value: methodFault }, wouldFitIf: [] })),
      sized: spec.config,
    };
  }
  const out = decision?.ruledOut ?? [];
  const fault = new VimFault(`No host is compatible with the virtual machine: ${out.length} looked at${out.length === 0 ? "" : `, the first because: ${out[0]?.fault.message}`}`, {
    $case: "noCompatibleHost",
    value: { host: out.map(({ host }) => moref("HostSystem", host.moid)), error: out.map((each) => each.fault.methodFault) },
  });
  return { recommendations: [], drsFault: { reason: REASON, fault: fault.methodFault, wouldFitIf: [] }, verdicts: decision === undefined ? [] : verdicts(decision, detail), sized: spec.config };
}
