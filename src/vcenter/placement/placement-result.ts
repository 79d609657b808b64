import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import type { ClusterRecommendation, HostVerdict, PlacementResult } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import type { Decision } from "../drs/place.js";
import type { Survey } from "../drs/survey.js";
import type { Recommended } from "./holds.js";
import { moref } from "../inventory/moref.js";
import type { ResolvedSpec } from "./placement-spec.js";
import type { HostRecord, VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";

/** vim25's RecommendationReasonCode of a VM that is to be created and powered on. */
const POWER_ON = "powerOnVm";
/** vim25's RecommendationReasonCode of an existing VM that PlaceVm would move. */
const MOVE = "xvmotionPlacement";
/** vim25's RecommendationReasonCode of a VM whose host is in maintenance mode. */
const LEAVE_MAINTENANCE = "hostMaint";
/** NoCompatibleHost names so many hosts: with thousands of them the answer would not fit into a message. */
const MAX_HOST_FAULTS = 256;

/** The figures around a recommendation. */
export interface RecommendationContext {
  readonly time: Timestamp;
  readonly holdUntil: Timestamp;
  readonly decision: Decision;
}

/** The recommendation to use the chosen host. */
export function recommendation(recommended: Recommended, chosen: number, context: RecommendationContext): ClusterRecommendation {
  const { time, holdUntil, decision } = context;
  const { survey } = decision;
  const row = survey.rows[chosen] ?? 0;
  const total = survey.score(chosen);
  const targetHostName = survey.hosts.name(row);
  const home = survey.vm.homeRow;
  const { name } = recommended.config;
  const move = home === undefined ? undefined : moveFrom(home, total, survey);
  return {
    key: recommended.key,
    type: "V1",
    time,
    rating: survey.onLastResort ? 1 : Math.min(5, Math.max(1, Math.ceil(move?.strength ?? total / 20))),
    reason: move?.reason ?? POWER_ON,
    reasonText: `${move === undefined ? `Power on ${name} on` : `Move ${name} to`} ${targetHostName}: score ${total.toFixed(1)}${move?.text ?? ""}, ${howChosen(decision)}; ${survey.ruledOutCount} ruled out.`,
    actions: [{ targetHost: survey.hosts.ref(row), targetHostName, vm: recommended.vm === undefined ? undefined : moref("VirtualMachine", recommended.vm) }],
    holdUntil,
  };
}

/** How strongly a VM should leave its host: a step for each 10 the score gains; fully where its host may not run it. */
function moveFrom(home: number, total: number, survey: Survey): { readonly strength: number; readonly reason: string; readonly text: string } {
  const there = survey.rows.indexOf(home);
  const reason = survey.hosts.inMaintenanceMode(home) ? LEAVE_MAINTENANCE : MOVE;
  if (there >= 0 && !survey.isFeasible(there)) return { strength: 5, reason, text: ` where its own host will not do (${survey.fault(there).localizedMessage})` };
  const gain = total - survey.scoreOn(home);
  return { strength: gain / 10, reason, text: `, ${Math.abs(gain).toFixed(1)} ${gain < 0 ? "less" : "more"} than on ${survey.hosts.name(home)}` };
}

function howChosen({ how, survey }: Decision): string {
  if (survey.onLastResort) return "in quarantine mode, used because no other host will do";
  if (how.kind === "drawn") return `drawn among ${how.equals} of that score`;
  return how.kind === "kept" ? "where it was held before" : `the best of ${survey.feasibleCount} that would do`;
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
        reason: POWER_ON,
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

/** The answer when no host will do. */
export function noHostResult(spec: ResolvedSpec, fault: MethodFault, wouldFitIf: readonly string[], made: HostVerdict[]): PlacementResult {
  return { recommendations: [], drsFault: { reason: spec.vm === undefined ? POWER_ON : MOVE, fault, wouldFitIf: [...wouldFitIf] }, verdicts: made, sized: spec.config };
}

/**
 * Why none of the hosts will do: NoCompatibleHost, which names the first of them with their faults and counts the others by cause, or
 * NoCompatibleHardAffinityHost where mandatory VM-Host rules leave none that could.
 */
export function noCompatibleHost(name: string, survey: Survey): VimFault {
  const causes = survey.causes().map(({ count, first }) => ({ count, fault: survey.fault(first) }));
  const counted = causes.map(({ count, fault }, index) => `${index === 0 ? "" : "; "}${count === 1 ? "" : `${count} as: `}${fault.localizedMessage}`).join("");
  const lookedAt = `${survey.rows.length} looked at${causes.length === 0 ? "" : `: ${counted}`}`;
  if (causes.some(({ fault }) => fault.fault?.$case === "vmHostAffinityRuleViolation")) {
    return new VimFault(`No host that mandatory VM-Host rules allow can run ${name}: ${lookedAt}`, { $case: "noCompatibleHardAffinityHost", value: { vmName: name } });
  }
  const out = survey.ruledOut(MAX_HOST_FAULTS);
  const value = { host: out.map((index) => survey.hosts.ref(survey.rows[index] ?? 0)), error: out.map((index) => survey.fault(index)) };
  return new VimFault(`No host is compatible with the virtual machine: ${lookedAt}`, { $case: "noCompatibleHost", value });
}
