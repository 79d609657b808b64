import { type Deferred, deferred } from "../../base/deferred.js";
import { invalidCollectorVersion } from "../agent-fault.js";
import type { CrxInstance } from "../crx-instance.js";

/** The last that happened to an instance that has, or had, an agent. */
export interface PodChange {
  readonly uuid: string;
  readonly revision: bigint;
  /** Revision at which the agent of this life came. */
  readonly since: bigint;
  /** Undefined once the instance is gone. */
  readonly instance: CrxInstance | undefined;
}

/** Instances that are gone and still told of; beyond it the oldest are forgotten. */
const MAX_GONE = 4096;

/**
 * The last change of each instance of this process, in order of revision. A watch is a position in it, so a slow one skips states in
 * between, never the last one, and costs nothing; what waits is bounded by the number of instances.
 *
 * Worked example: agents a and b come at revisions 1 and 2, a changes at 3, b goes at 4. A watch at 0 finds a (3) and that b is gone (4); one
 * at 3 the latter alone.
 */
export class PodChanges {
  /** Differs with each process: a position of another one means nothing here. */
  readonly #processId: string;
  readonly #maxGone: number;
  /** A change moves its instance to the end, so the order is that of revisions. */
  readonly #last = new Map<string, PodChange>();
  /** Oldest first. */
  readonly #gone = new Set<string>();
  /** What is gone up to here may be forgotten. */
  #forgotten = 0n;
  #revision = 0n;
  #wake: Deferred<void> | undefined;

  constructor(processId: string, maxGone = MAX_GONE) {
    this.#processId = processId;
    this.#maxGone = maxGone;
  }

  /** The last revision handed out. */
  get revision(): bigint {
    return this.#revision;
  }

  nextRevision(): bigint {
    this.#revision += 1n;
    return this.#revision;
  }

  /** The agent of an instance came, or its pod changed. */
  changed(instance: CrxInstance): void {
    const { uuid, revision } = instance;
    const before = this.#last.get(uuid);
    this.#gone.delete(uuid);
    this.#put({ uuid, revision, since: before?.instance === instance ? before.since : revision, instance });
  }

  /** An instance is gone; of one that never had an agent nobody was told. */
  gone(uuid: string): void {
    const before = this.#last.get(uuid);
    if (before?.instance === undefined) return;
    this.#gone.add(uuid);
    this.#put({ ...before, revision: this.nextRevision(), instance: undefined });
    if (this.#gone.size <= this.#maxGone) return;
    for (const oldest of this.#gone) {
      this.#forgotten = this.#last.get(oldest)?.revision ?? this.#forgotten;
      this.#last.delete(oldest);
      this.#gone.delete(oldest);
      return;
    }
  }

  /** Changes after a revision, also those that come while they are read. */
  *after(revision: bigint): Generator<PodChange, void> {
    for (const change of this.#last.values()) if (change.revision > revision) yield change;
  }

  /** Resolves when something happened after a revision, or when the signal aborts. */
  async wait(revision: bigint, signal: AbortSignal): Promise<void> {
    if (this.#revision > revision || signal.aborted) return;
    const aborted = deferred<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#wake ??= deferred();
    await Promise.race([this.#wake.promise, aborted.promise]);
    signal.removeEventListener("abort", onAbort);
  }

  token(revision: bigint): string {
    return `${this.#processId}.${revision}`;
  }

  /** The revision of a token; throws when it is of another process, of the future, or too old. */
  position(token: string): bigint {
    const match = /^([^.]+)\.(\d{1,19})$/.exec(token);
    const revision = BigInt(match?.[2] ?? 0);
    if (match?.[1] !== this.#processId || revision > this.#revision || revision < this.#forgotten) throw invalidCollectorVersion(this.token(this.#forgotten));
    return revision;
  }

  #put(change: PodChange): void {
    this.#last.delete(change.uuid);
    this.#last.set(change.uuid, change);
    this.#wake?.resolve();
    this.#wake = undefined;
  }
}
