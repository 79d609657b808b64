import type { Pace } from "../../base/pace.js";
import type { Slices } from "../../base/slices.js";
import { type HostScore, type HostVerdict, VerdictDetail } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { Decision } from "../drs/place.js";
import type { Survey } from "../drs/survey.js";
import type { Refusal } from "./host-choice.js";

/** How much is told about hosts. */
export interface VerdictWish {
  readonly detail: VerdictDetail;
  /** At most so many. */
  readonly limit: number;
}

/** Shared by all verdicts that have none: an answer is written once and not changed. */
const NONE: string[] = [];
const NO_PARTS: HostScore["parts"] = [];

/** Whether a host was looked for; HA or the pool refused otherwise. */
export function isDecision(judged: Decision | Refusal): judged is Decision {
  return "how" in judged;
}

/** What was found of the hosts. */
export function surveyOf(judged: Decision | Refusal): Survey {
  return isDecision(judged) ? judged.survey : judged.survey();
}

/** A verdict on each host, as wished. The survey must be frozen where they are not made at once. */
export function verdictsOf(judged: Decision | Refusal, wish: VerdictWish, pace: Pace): Slices<HostVerdict[]> {
  return isDecision(judged) ? verdicts(judged, wish, pace) : refusedVerdicts(judged, wish, pace);
}

/** Each host's verdict, best first: the chosen one, those that would do, then those ruled out in order of name. */
function* verdicts({ survey, chosen }: Decision, wish: VerdictWish, pace: Pace): Slices<HostVerdict[]> {
  if (wish.detail === VerdictDetail.NONE) return [];
  const full = wish.detail === VerdictDetail.FULL;
  const made: HostVerdict[] = [];
  if (chosen !== undefined) made.push(verdict(survey, chosen, { $case: "chosen", value: score(survey, chosen, full) }, NONE));
  for (const index of survey.ranking(wish.limit)) {
    if (made.length >= wish.limit) return made;
    if (pace.isOver) {
      yield;
      pace.begin();
    }
    if (index !== chosen) made.push(verdict(survey, index, { $case: "feasible", value: score(survey, index, full) }, NONE));
  }
  for (const index of survey.ruledOut(wish.limit - made.length)) {
    if (pace.isOver) {
      yield;
      pace.begin();
    }
    made.push(verdict(survey, index, { $case: "fault", value: survey.fault(index) }, full ? survey.wouldFitIf(index) : NONE));
  }
  return made;
}

/** Verdicts where HA or the pool refused: its fault for every host; with FULL also what the host itself would have lacked. */
function* refusedVerdicts(refusal: Refusal, wish: VerdictWish, pace: Pace): Slices<HostVerdict[]> {
  if (wish.detail === VerdictDetail.NONE) return [];
  const full = wish.detail === VerdictDetail.FULL;
  const survey = refusal.survey();
  const fault = refusal.fault.methodFault;
  const made: HostVerdict[] = [];
  for (let index = 0; index < survey.rows.length && made.length < wish.limit; index += 1) {
    if (pace.isOver) {
      yield;
      pace.begin();
    }
    const hostFitsIf = full && !survey.isFeasible(index) ? survey.wouldFitIf(index) : NONE;
    made.push(verdict(survey, index, { $case: "fault", value: fault }, full ? [...refusal.wouldFitIf, ...hostFitsIf] : NONE));
  }
  return made;
}

function verdict({ hosts, rows }: Survey, index: number, said: HostVerdict["verdict"], wouldFitIf: string[]): HostVerdict {
  const row = rows[index] ?? 0;
  return { host: hosts.ref(row), hostName: hosts.name(row), verdict: said, wouldFitIf };
}

function score(survey: Survey, index: number, full: boolean): HostScore {
  return { total: survey.score(index), parts: full ? [...survey.parts(index)] : NO_PARTS };
}
