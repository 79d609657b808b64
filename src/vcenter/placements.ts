import type { Clock } from "../base/clock.js";
import type { Dice } from "../base/seeded-random.js";
import { toTimestamp } from "../base/timestamp.js";
import type { Duration } from "../gen/google/protobuf/duration.js";
import { type PlacementResult, type PlacementSpec, VerdictDetail } from "../gen/spheresim/vcenter/v1/placement.js";
import { poolFault } from "./drs/decision-tree.js";
import { type Decision, place } from "./drs/place.js";
import { vmShape } from "./drs/vm-shape.js";
import type { Holds, Recommended } from "./holds.js";
import type { Inventory } from "./inventory.js";
import type { Journal } from "./journal.js";
import { MAX_VERDICTS } from "./journal.js";
import { existingVmResult, noHostResult, recommendation, verdicts } from "./placement-result.js";
import { type ResolvedSpec, resolveSpec } from "./placement-spec.js";
import { MAX_BATCH } from "./spec-limits.js";
import { VimFault } from "./vim-fault.js";

const DEFAULT_HOLD_MS = 30_000;
const MAX_HOLD_MS = 300_000;

/** What placing needs. */
export interface PlacementsOptions {
  readonly inventory: Inventory;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly journal: Journal;
  readonly epoch: bigint;
}

/** What a caller asks for besides the VMs themselves. */
interface Asked {
  /** The method that was called. */
  readonly method: "PlaceVms" | "PlaceVm";
  readonly holdMs: number;
  readonly detail: VerdictDetail;
}

/**
 * PlaceVm (steps 4 and 5): finds a host and holds its capacity. Deciding and holding happen without a pause in between, so of two
 * placements the second always sees the first.
 */
export class Placements {
  readonly #options: PlacementsOptions;
  #recommendations = 0;

  constructor(options: PlacementsOptions) {
    this.#options = options;
  }

  /** Places a batch in order; each spec sees the holds of those before it. All specs are checked before the first is placed. */
  placeAll(specs: readonly PlacementSpec[], holdFor: Duration | undefined, detail: VerdictDetail): PlacementResult[] {
    if (specs.length === 0) throw VimFault.invalidArgument("specs", "names no virtual machine");
    if (specs.length > MAX_BATCH) throw VimFault.invalidArgument("specs", `has ${specs.length} specs, at most ${MAX_BATCH} are taken`);
    const asked = { method: "PlaceVms", holdMs: holdTime(holdFor), detail } as const;
    const resolved = specs.map((spec, index) => resolveSpec(spec, `specs[${index}]`, this.#options.inventory));
    return resolved.map((spec) => this.#place(spec, asked));
  }

  /** The batch's case of one. */
  placeOne(spec: PlacementSpec | undefined, holdFor: Duration | undefined, detail: VerdictDetail): PlacementResult {
    return this.#place(resolveSpec(spec, "spec", this.#options.inventory), { method: "PlaceVm", holdMs: holdTime(holdFor), detail });
  }

  #place(spec: ResolvedSpec, asked: Asked): PlacementResult {
    const { inventory, journal } = this.#options;
    const { holdMs, detail } = asked;
    const startMs = journal.nowMs();
    const owner = spec.ownerUid === "" ? undefined : inventory.owner(spec.ownerUid);
    if (owner !== undefined) return this.#existing(spec, owner.vm, asked, startMs);
    // The owner's own hold must not stand in its way; its host is kept where it still will do.
    const held = this.#options.holds.ofOwner(spec.ownerUid);
    if (held !== undefined) this.#options.holds.drop(held.key);
    const judged = this.#judge(spec, held?.host);
    if (judged instanceof VimFault) {
      this.#record(spec, asked, startMs, noHostResult(judged, spec, inventory, VerdictDetail.FULL), judged.message);
      return noHostResult(judged, spec, inventory, detail);
    }
    const { chosen } = judged;
    const shown = verdicts(judged, detail);
    if (chosen === undefined) {
      const result = noHostResult(undefined, spec, inventory, detail, judged);
      this.#record(spec, asked, startMs, { ...result, verdicts: this.#fullVerdicts(judged) }, result.drsFault?.fault?.localizedMessage ?? "no host");
      return result;
    }
    this.#recommendations += 1;
    const recommended: Recommended = {
      key: held?.key ?? `${this.#options.epoch}.${this.#recommendations}`,
      ownerUid: spec.ownerUid,
      config: spec.config,
      host: chosen.host.moid,
      pool: spec.pool.moid,
    };
    this.#options.holds.hold(recommended, inventory.claimOf({ config: spec.config, host: chosen.host.moid, pool: spec.pool.moid, isOn: false }), holdMs);
    const nowMs = this.#options.clock.nowMs();
    const made = recommendation(recommended, chosen, { time: toTimestamp(nowMs), holdUntil: toTimestamp(nowMs + holdMs), decision: judged });
    const result = { recommendations: [made], drsFault: undefined, verdicts: shown, sized: spec.config };
    this.#record(spec, asked, startMs, { ...result, verdicts: this.#fullVerdicts(judged) }, made.reasonText);
    return result;
  }

  /** DRS's decision, or the fault of the pool, which comes before any host is looked at. */
  #judge(spec: ResolvedSpec, preferred: string | undefined): Decision | VimFault {
    const { inventory, dice } = this.#options;
    const shape = vmShape(spec.config);
    const shortage = inventory.ledger.poolShortage(spec.pool.moid, shape.reserved);
    if (shortage !== undefined) return poolFault(spec.pool.name, shortage);
    // Ties are drawn by name, not in order of arrival nor by UID, which depends on it: the same pods get the same hosts however calls interleave.
    const own = dice.fork(`place/${spec.namespace}/${spec.config.name}`);
    return place(shape, spec.hosts.map((moid) => inventory.candidate(moid)), own, preferred);
  }

  /**
   * Admits a VM on one host once more, for a recommendation whose hold is gone: the decision tree on that host alone. Throws the fault
   * that rules it out.
   */
  admit(config: ResolvedSpec["config"], host: string, pool: string): void {
    const { inventory } = this.#options;
    const decision = this.#judge({ config, ownerUid: config.ownerUid, pool: inventory.pool(pool), namespace: "", hosts: [host] }, host);
    if (decision instanceof VimFault) throw decision;
    const out = decision.ruledOut[0];
    if (out !== undefined) throw out.fault;
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

  #fullVerdicts(decision: Decision): PlacementResult["verdicts"] {
    return this.#options.journal.active ? verdicts(decision, VerdictDetail.FULL, MAX_VERDICTS) : [];
  }

  #record(spec: ResolvedSpec, { method }: Asked, startMs: number, result: PlacementResult, message: string): void {
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
    });
  }
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
