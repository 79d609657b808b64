import type { Clock, Timer } from "../../base/clock.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { Claim, Ledger } from "../drs/ledger.js";
import type { DrsRule } from "../drs/rules/rule.js";

/** What a recommendation would do, kept so that it can be applied by key alone. */
export interface Recommended {
  readonly key: string;
  /** Empty for an ordinary VM. */
  readonly ownerUid: string;
  readonly config: VirtualMachineConfigSpec;
  readonly host: string;
  readonly pool: string;
  /** The VM that is to move or to be powered on; absent for one to be created. */
  readonly vm?: string | undefined;
  /** Whether it is a power-on, which DrsService carries out (power-on-recommendations.ts). */
  readonly powerOn?: boolean;
  /** Rules stated for it. */
  readonly rules?: readonly DrsRule[];
}

interface Hold {
  readonly recommended: Recommended;
  readonly claim: Claim;
  readonly timer: Timer;
}

/** Holds at one time; beyond it placements are refused until some run out. */
const MAX_HOLDS = 10_000;
/** Recommendations whose hold ran out and that can still be applied, if they are admitted again. */
const MAX_EXPIRED = 10_000;

/**
 * Capacity kept for recommendations that may be applied: at most one hold per owner, and per VM that would move or be powered on, for a time on the monotonic clock. A real PlaceVm
 * keeps nothing, so two schedulers can be sent to the same last megabyte; this one is ours.
 */
export class Holds {
  readonly #ledger: Ledger;
  readonly #monotonic: Clock;
  readonly #holds = new Map<string, Hold>();
  readonly #byOwner = new Map<string, string>();
  /** Holds of moves, by the VM that would move. */
  readonly #byVm = new Map<string, string>();
  readonly #expired = new Map<string, Recommended>();

  constructor(ledger: Ledger, monotonic: Clock) {
    this.#ledger = ledger;
    this.#monotonic = monotonic;
  }

  get size(): number {
    return this.#holds.size;
  }

  /** Keeps capacity; a hold of the same owner, or for the same VM, is replaced. */
  hold(recommended: Recommended, claim: Claim, forMs: number): void {
    const before = (recommended.vm === undefined ? this.ofOwner(recommended.ownerUid) : this.ofVm(recommended.vm))?.key;
    if (before !== undefined) this.drop(before);
    else this.drop(recommended.key);
    if (this.#holds.size >= MAX_HOLDS) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `${MAX_HOLDS} recommendations wait to be applied`);
    this.#expired.delete(recommended.key);
    this.#ledger.claim(claimId(recommended.key), claim);
    const timer = this.#monotonic.timer(forMs, () => this.#expire(recommended.key));
    this.#holds.set(recommended.key, { recommended, claim, timer });
    if (recommended.ownerUid !== "") this.#byOwner.set(recommended.ownerUid, recommended.key);
    if (recommended.vm !== undefined) this.#byVm.set(recommended.vm, recommended.key);
  }

  /** What is held at this moment, oldest first. */
  *held(): Iterable<{ readonly recommended: Recommended; readonly claim: Claim }> {
    yield* this.#holds.values();
  }

  /** The recommendation held for an owner. */
  ofOwner(ownerUid: string): Recommended | undefined {
    const key = this.#byOwner.get(ownerUid);
    return key === undefined ? undefined : this.#holds.get(key)?.recommended;
  }

  /** The move or power-on held for a VM that exists. */
  ofVm(vm: string): Recommended | undefined {
    const key = this.#byVm.get(vm);
    return key === undefined ? undefined : this.#holds.get(key)?.recommended;
  }

  /** A recommendation by key, whether it is still held or not. */
  find(key: string): { readonly recommended: Recommended; readonly held: boolean } | undefined {
    const held = this.#holds.get(key)?.recommended;
    if (held !== undefined) return { recommended: held, held: true };
    const expired = this.#expired.get(key);
    return expired === undefined ? undefined : { recommended: expired, held: false };
  }

  /** Ends a hold by turning its claim into that of a VM, without a moment in which the capacity is free. */
  become(key: string, vm: string, claim: Claim): void {
    this.#forget(key);
    this.#expired.delete(key);
    this.#ledger.rename(claimId(key), vm, claim);
  }

  /** Gives the capacity back and forgets the recommendation; unknown keys are no matter. */
  drop(key: string): void {
    this.#expired.delete(key);
    if (this.#forget(key)) this.#ledger.release(claimId(key));
  }

  dropOwner(ownerUid: string): void {
    const key = this.#byOwner.get(ownerUid);
    if (key !== undefined) this.drop(key);
  }

  /** Drops the hold of a move or power-on of a VM that is no more. */
  dropVm(vm: string): void {
    const key = this.#byVm.get(vm);
    if (key !== undefined) this.drop(key);
  }

  /** Drops every hold on a host that leaves. */
  dropHost(host: string): void {
    for (const [key, { recommended }] of this.#holds) if (recommended.host === host) this.drop(key);
  }

  /** Stops the timers. */
  close(): void {
    for (const { timer } of this.#holds.values()) timer.cancel();
  }

  #expire(key: string): void {
    const recommended = this.#holds.get(key)?.recommended;
    if (recommended === undefined) return;
    this.drop(key);
    if (recommended.powerOn === true) return;
    this.#expired.set(key, recommended);
    if (this.#expired.size > MAX_EXPIRED) for (const oldest of this.#expired.keys()) return void this.#expired.delete(oldest);
  }

  #forget(key: string): boolean {
    const hold = this.#holds.get(key);
    if (hold === undefined) return false;
    hold.timer.cancel();
    this.#holds.delete(key);
    if (hold.recommended.ownerUid !== "") this.#byOwner.delete(hold.recommended.ownerUid);
    if (hold.recommended.vm !== undefined) this.#byVm.delete(hold.recommended.vm);
    return true;
  }
}

/** The claim of a hold, in the ledger. */
export function claimId(key: string): string {
  return `hold:${key}`;
}
