import type { Clock } from "../../base/clock.js";
import { Pace } from "../../base/pace.js";
import { atOnce, type Slices } from "../../base/slices.js";
import { toTimestamp } from "../../base/timestamp.js";
import type { Duration } from "../../gen/google/protobuf/duration.js";
import { type PlacementResult, type PlacementSpec, VerdictDetail } from "../../gen/spheresim/vcenter/v1/placement.js";
import { NOTHING } from "../drs/amount.js";
import type { Decision } from "../drs/place.js";
import type { Holds, Recommended } from "./holds.js";
import type { Inventory } from "../inventory/inventory.js";
import type { Journal } from "./journal.js";
import { MAX_VERDICTS } from "./journal.js";
import type { HostChoice, Surveys } from "./host-choice.js";
import type { PlacementRules } from "./placement-rules.js";
import { existingVmResult, noCompatibleHost, noHostResult, recommendation } from "./placement-result.js";
import { type ResolvedSpec, resolveSpec } from "./placement-spec.js";
import { isDecision, surveyOf, verdictsOf, type VerdictWish } from "./placement-verdicts.js";
import { MAX_BATCH, MAX_VERDICTS_OF_ANSWER } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";

const DEFAULT_HOLD_MS = 30_000;
const MAX_HOLD_MS = 300_000;

/** What placing needs. */
export interface PlacementsOptions {
  readonly inventory: Inventory;
  readonly holds: Holds;
  /** Emulated time. */
  readonly clock: Clock;
  /** Says when a long answer pauses. */
  readonly monotonic: Clock;
  readonly choice: Pick<HostChoice, "judge">;
  readonly journal: Journal;
  readonly epoch: bigint;
  /** None when absent. */
  readonly rules?: PlacementRules;
}

/** What a caller wants to know of a decision. */
export interface Answer {
  readonly holdFor?: Duration | undefined;
  readonly verdictDetail: VerdictDetail;
  /** All when absent. */
  readonly maxVerdicts?: number | undefined;
}

/** What a caller asks for besides the VMs themselves. */
interface Asked {
  /** The method that was called. */
  readonly method: "PlaceVms" | "PlaceVm";
  readonly holdMs: number;
  readonly wish: VerdictWish;
  /** Kept for the length of a batch. */
  readonly surveys: Surveys | undefined;
  readonly pace: Pace;
}

/** More verdicts than this are made a slice at a time. */
const VERDICTS_AT_ONCE = 200;

/**
 * PlaceVm (steps 4 and 5): finds a host and holds its capacity. Deciding and holding happen without a pause in between, so of two
 * placements the second always sees the first. What takes long is done in slices: between the VMs of a batch and while verdicts are written others
 * may place, too.
 */
export class Placements {
  readonly #options: PlacementsOptions;
  #recommendations = 0;

  constructor(options: PlacementsOptions) {
    this.#options = options;
  }

  /**
   * Places a batch in order; each spec sees the holds of those before it. All specs are checked before the first is placed. Where no more can be
   * held, nothing is held of the batch: who gets no answer has no use for it. It may pause between two of them: what a spec names is then found
   * again, as hosts and pools may have gone meanwhile. `told` makes of each result what is kept of it: of a large batch with all verdicts the results
   * themselves would fill memory.
   */
  *placeAll<T>(specs: readonly PlacementSpec[], answer: Answer, told: (result: PlacementResult, pace: Pace) => Slices<T>): Slices<T[]> {
    if (specs.length === 0) throw VimFault.invalidArgument("specs", "names no virtual machine");
    if (specs.length > MAX_BATCH) throw VimFault.invalidArgument("specs", `has ${specs.length} specs, at most ${MAX_BATCH} are taken`);
    const pace = new Pace(this.#options.monotonic);
    const asked: Asked = { method: "PlaceVms", holdMs: holdTime(answer.holdFor), wish: verdictWish(answer), surveys: new Map(), pace };
    const found: { readonly spec: ResolvedSpec; readonly stretch: number }[] = [];
    for (const [index, spec] of specs.entries()) {
      found.push({ spec: this.resolve(spec, `specs[${index}]`), stretch: pace.stretch });
      yield* pause(pace);
    }
    requireRoom(found.map(({ spec }) => spec.hosts.length), asked.wish);
    const kept: T[] = [];
    const held: string[] = [];
    try {
      for (const [index, { spec, stretch }] of found.entries()) {
        const result = yield* this.#place(stretch === pace.stretch ? spec : this.resolve(specs[index], `specs[${index}]`), asked);
        for (const { key } of result.recommendations) held.push(key);
        kept.push(yield* told(result, pace));
        yield* pause(pace);
      }
    } catch (error) {
      for (const key of held) this.#options.holds.drop(key);
      throw error;
    }
    return kept;
  }

  /** The batch's case of one. */
  placeOne(spec: PlacementSpec | undefined, answer: Answer): Slices<PlacementResult> {
    return this.#place(this.resolve(spec, "spec"), { method: "PlaceVm", holdMs: holdTime(answer.holdFor), wish: verdictWish(answer), surveys: undefined, pace: new Pace(this.#options.monotonic) });
  }

  /** Checks a spec and finds what it names, the rules it states included. */
  resolve(spec: PlacementSpec | undefined, field: string): ResolvedSpec {
    return resolveSpec(spec, field, this.#options.inventory, this.#options.rules);
  }

  /**
   * Admits a VM on one host once more, for a recommendation whose hold is gone: the decision tree on that host alone, by the
   * `rules` stated for it too. Throws the fault that rules it out.
   */
  admit(config: ResolvedSpec["config"], host: string, pool: string, rules: ResolvedSpec["rules"] = []): void {
    const { inventory } = this.#options;
    const hosts = Int32Array.of(inventory.ledger.hosts.row(host));
    const spec: ResolvedSpec = { config, ownerUid: config.ownerUid, cluster: inventory.host(host).cluster, pool: inventory.pool(pool), namespace: "", hosts, vm: undefined, rules };
    const judged = this.#options.choice.judge(spec, host);
    if (!isDecision(judged)) throw judged.fault;
    if (judged.chosen === undefined) throw VimFault.of(judged.survey.fault(0));
  }

  *#place(spec: ResolvedSpec, asked: Asked): Slices<PlacementResult> {
    const { inventory, journal, holds } = this.#options;
    const startMs = journal.nowMs();
    const owner = spec.ownerUid === "" ? undefined : inventory.owner(spec.ownerUid);
    if (owner !== undefined) return this.#existing(spec, owner.vm, asked, startMs);
    // Its own hold must not stand in its way; the host of an owner's is kept where it still will do.
    const held = spec.vm === undefined ? holds.ofOwner(spec.ownerUid) : holds.ofVm(spec.vm.moid);
    if (held !== undefined) holds.drop(held.key);
    const judged = this.#options.choice.judge(spec, spec.vm === undefined ? held?.host : undefined, asked.surveys);
    // Before the hold, which changes the figures that were judged. The journal has every part, whatever was asked for.
    const recorded = journal.active && spec.ownerUid !== "" ? atOnce(verdictsOf(judged, { detail: VerdictDetail.FULL, limit: MAX_VERDICTS }, asked.pace)) : [];
    const inSlices = asked.wish.detail !== VerdictDetail.NONE && Math.min(spec.hosts.length, asked.wish.limit) > VERDICTS_AT_ONCE && surveyOf(judged).freeze();
    const told = inSlices ? [] : atOnce(verdictsOf(judged, asked.wish, asked.pace));
    const result = isDecision(judged) ? this.#decided(spec, judged, asked, held?.key, told) : noHostResult(spec, judged.fault.methodFault, wantsAll(asked) ? judged.wouldFitIf : [], told);
    const message = result.recommendations[0]?.reasonText ?? result.drsFault?.fault?.localizedMessage ?? "no better host";
    this.#record(spec, asked, startMs, { ...result, verdicts: recorded }, message, isDecision(judged) ? [] : judged.wouldFitIf);
    if (!inSlices) return result;
    try {
      return { ...result, verdicts: yield* verdictsOf(judged, asked.wish, asked.pace) };
    } catch (error) {
      for (const { key } of result.recommendations) holds.drop(key);
      throw error;
    }
  }

  #decided(spec: ResolvedSpec, decision: Decision, { holdMs }: Asked, heldKey: string | undefined, told: PlacementResult["verdicts"]): PlacementResult {
    const { survey, chosen } = decision;
    if (chosen === undefined) return noHostResult(spec, noCompatibleHost(spec.config.name, survey).methodFault, [], told);
    const row = survey.rows[chosen] ?? 0;
    if (row === survey.vm.homeRow) return { recommendations: [], drsFault: undefined, verdicts: told, sized: spec.config };
    const { inventory, holds, clock, epoch } = this.#options;
    this.#recommendations += 1;
    const host = survey.hosts.moid(row);
    const recommended: Recommended = { key: heldKey ?? `${epoch}.${this.#recommendations}`, ownerUid: spec.ownerUid, config: spec.config, host, pool: spec.pool.moid, vm: spec.vm?.moid, rules: spec.rules };
    const nowMs = clock.nowMs();
    const made = recommendation(recommended, chosen, { time: toTimestamp(nowMs), holdUntil: toTimestamp(nowMs + holdMs), decision });
    const claim = inventory.claimOf({ config: spec.config, host, pool: spec.pool.moid, isOn: false });
    // A VM that moves has its reservation in its pool already; one that is off takes none.
    if (spec.vm === undefined) holds.hold(recommended, claim, holdMs);
    else holds.hold(recommended, { ...claim, ...(inventory.ledger.get(spec.vm.moid) === undefined ? { reserved: NOTHING, demand: NOTHING } : {}), pool: undefined }, holdMs);
    return { recommendations: [made], drsFault: undefined, verdicts: told, sized: spec.config };
  }

  /** An owner that has a VM gets that VM's host back, whatever the list says: two VMs for one pod are worse than a long way. */
  #existing(spec: ResolvedSpec, vmMoid: string, asked: Asked, startMs: number): PlacementResult {
    const { inventory, clock, epoch } = this.#options;
    const vm = inventory.vm(vmMoid);
    const host = inventory.host(vm.host);
    this.#recommendations += 1;
    const result = existingVmResult(vm, host, `${epoch}.${this.#recommendations}`, toTimestamp(clock.nowMs()));
    this.#record(spec, asked, startMs, result, result.recommendations[0]?.reasonText ?? "");
    return result;
  }

  #record(spec: ResolvedSpec, { method }: Asked, startMs: number, result: PlacementResult, message: string, wouldFitIf: readonly string[] = []): void {
    this.#options.journal.record({
      podUid: spec.ownerUid,
      name: spec.config.name,
      namespace: spec.namespace,
      step: 4,
      method,
      startMs,
      outcome: result.drsFault === undefined ? "ok" : "unschedulable",
      message,
      subject: result.recommendations[0]?.actions[0]?.targetHostName ?? "",
      verdicts: result.verdicts,
      sized: result.sized,
      wouldFitIf,
    });
  }
}

/** Lets all else have its turn where it is time. */
function* pause(pace: Pace): Slices<void> {
  if (!pace.isOver) return;
  yield;
  pace.begin();
}

function wantsAll({ wish }: Asked): boolean {
  return wish.detail === VerdictDetail.FULL;
}

function verdictWish({ verdictDetail, maxVerdicts = Infinity }: Answer): VerdictWish {
  if (maxVerdicts < 1) throw VimFault.invalidArgument("max_verdicts", `must be at least 1, is ${maxVerdicts}`);
  return { detail: verdictDetail, limit: maxVerdicts };
}

/** Throws InvalidArgument where the verdicts on so many hosts a VM are more than one answer can hold. */
function requireRoom(hosts: readonly number[], { detail, limit }: VerdictWish): void {
  if (detail === VerdictDetail.NONE) return;
  const verdicts = hosts.reduce((sum, count) => sum + Math.min(count, limit), 0);
  const { full, summary } = MAX_VERDICTS_OF_ANSWER;
  const [name, most, less] = detail === VerdictDetail.FULL ? ["FULL", full, `or max_verdicts, or for SUMMARY (at most ${summary})`] : ["SUMMARY", summary, "or max_verdicts, or for NONE"];
  if (verdicts > most) throw VimFault.invalidArgument("verdict_detail", `${name} verdicts of ${hosts.length} specs would be ${verdicts}, at most ${most} are told in one answer: ask with fewer specs ${less}`);
}

function holdTime(holdFor: Duration | undefined): number {
  if (holdFor === undefined) return DEFAULT_HOLD_MS;
  const ms = durationMs(holdFor);
  if (ms <= 0 || ms > MAX_HOLD_MS) throw VimFault.invalidArgument("hold_for", `must be more than 0 and at most ${MAX_HOLD_MS / 1000} s, is ${ms / 1000} s`);
  return ms;
}

function durationMs(duration: Duration): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
