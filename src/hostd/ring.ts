import { deferred, type Deferred } from "../base/deferred.js";
import { invalidCollectorVersion } from "./host-fault.js";

/** Something that happened, in order. */
export interface Numbered {
  readonly revision: bigint;
}

/**
 * The last changes of something, read by any number of watchers at their own pace: a watcher is a position, so a slow one costs nothing, and
 * one that falls out of the ring is told to begin again.
 *
 * Worked example with room for 2: after revisions 1, 2, 3 a watcher at 1 reads 2 and 3; a watcher at 0 gets InvalidCollectorVersion.
 */
export class Ring<C extends Numbered> {
  /** Changes with every start of the process: a position of a former life means nothing now. */
  readonly bootId: string;
  readonly #limit: number;
  /** Change of revision r at r % limit. */
  readonly #changes: C[] = [];
  #revision = 0n;
  #wake: Deferred<void> | undefined;

  constructor(bootId: string, limit: number) {
    this.bootId = bootId;
    this.#limit = limit;
  }

  /** The last revision handed out. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Puts in the change that `make` makes of its revision. */
  push(make: (revision: bigint) => C): C {
    this.#revision += 1n;
    const change = make(this.#revision);
    this.#changes[Number(this.#revision % BigInt(this.#limit))] = change;
    this.#wake?.resolve();
    this.#wake = undefined;
    return change;
  }

  /** The change after `revision`, if there is one; throws when it is forgotten. */
  after(revision: bigint): C | undefined {
    if (revision >= this.#revision) return undefined;
    const change = this.#changes[Number((revision + 1n) % BigInt(this.#limit))];
    if (change?.revision !== revision + 1n) throw invalidCollectorVersion(this.#oldestToken());
    return change;
  }

  /** Resolves with the next change. */
  changed(): Promise<void> {
    this.#wake ??= deferred();
    return this.#wake.promise;
  }

  token(revision: bigint): string {
    return `${this.bootId}.${revision}`;
  }

  /** The revision of a token; throws when it is of another boot, of the future, or too old. */
  position(token: string): bigint {
    const match = /^([^.]+)\.(\d{1,19})$/.exec(token);
    const revision = BigInt(match?.[2] ?? 0);
    if (match === null || match[1] !== this.bootId || revision > this.#revision) throw invalidCollectorVersion(this.#oldestToken());
    this.after(revision);
    return revision;
  }

  #oldestToken(): string {
    const limit = BigInt(this.#limit);
    return this.token(this.#revision > limit ? this.#revision - limit : 0n);
  }
}
