import { Burst } from "../base/burst.js";
import { type Clock, monotonicClock, type Timer } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "./api-client.js";
import type { Event, EventType, ObjectReference } from "./cluster-objects.js";
import { EventSpamFilter } from "./event-spam-filter.js";
import type { Draft, KubernetesObject } from "./object-meta.js";
import { events } from "./resource-type.js";
import { ApiError, isAlreadyExists, isNamespaceTerminating, isNotFound } from "./status.js";
import { formatTime } from "./timestamp.js";

export interface EventRecorderOptions {
  readonly client: Pick<ApiClient, "create" | "patch">;
  /** Who speaks: `default-scheduler`, `deployment-controller` ... */
  readonly component: string;
  /** Where it speaks from, for `source.host`. */
  readonly host?: string;
  /** Emulated: gives the events' timestamps. */
  readonly clock: Clock;
  /** For all waits; the process's own when absent. */
  readonly monotonic?: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Shared with others of the process that write behind pods; its own when absent. */
  readonly burst?: Burst | undefined;
  /** Shared by recorders whose writes together shall not be more. */
  readonly gate?: { run<R>(write: () => Promise<R>): Promise<R> };
}

/** Event text beyond this is cut, as client-go does. */
const MAX_MESSAGE_CHARS = 1024;
/** Events that wait to be written; more are dropped and counted. */
const MAX_PENDING = 1000;
/** So many do not wait for the end of a burst. */
const MAX_HELD = 500;
/** Writes of one recorder on the wire at once. */
const MAX_WRITES = 4;
/** Events remembered so that a repetition becomes a count. */
const MAX_REMEMBERED = 4096;

/** How often an event is tried while no answer comes, and how long between tries, as client-go does; the first wait is a drawn part of it. */
const MAX_TRIES = 12;
const RETRY_MS = 10_000;

const NANOS_PER_MS = 1_000_000n;

interface Known {
  /** Undefined until the API server has it. */
  name: string | undefined;
  count: number;
  readonly draft: Draft<Event>;
  lastTimestamp: string;
  queued: boolean;
  /** Since when it waits to be written (monotonic). */
  queuedMs: number;
}

/**
 * Writes Kubernetes Events without making anyone wait; in a burst of pods behind them (burst.ts). What repeats (same object, type, reason and text) only raises the
 * count of the event already there, and while an event waits to be written its repetitions cost nothing. Beyond 25 events an object has
 * one in five minutes.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #monotonic: Clock;
  readonly #burst: Burst;
  readonly #leaveBurst: () => void;
  readonly #known = new Map<string, Known>();
  readonly #pending: Known[] = [];
  readonly #spam = new EventSpamFilter();
  /** Ends the waits between tries. */
  readonly #ending = new AbortController();
  /** Looks again when the burst may be over. */
  #later: Timer | undefined;
  #writes = 0;
  #dropped = 0;
  #closed = false;
  #lastNanos = 0n;
  #idle: (() => void)[] = [];

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? monotonicClock();
    this.#burst = options.burst ?? new Burst(this.#monotonic);
    this.#leaveBurst = this.#burst.join(() => {
      this.#stopWaiting();
      return this.flushed();
    });
  }

  /** How many events were lost to the limit. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records what happened to an object. `kind` and `apiVersion` must be on it, or in `reference`. */
  record(object: KubernetesObject, type: EventType, reason: string, message: string, reference: ObjectReference = {}, action?: string): void {
    if (this.#closed) return;
    const { component, host, clock } = this.#options;
    if (!this.#spam.passes(object.metadata.uid, clock.nowMs())) return;
    const involvedObject: ObjectReference = {
      ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
      ...(object.kind === undefined ? {} : { kind: object.kind }),
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
      name: object.metadata.name,
      uid: object.metadata.uid,
      resourceVersion: object.metadata.resourceVersion,
      ...reference,
    };
    const text = message.length > MAX_MESSAGE_CHARS ? message.slice(0, MAX_MESSAGE_CHARS) : message;
    const now = formatTime(clock.nowMs());
    const key = [involvedObject.kind, involvedObject.namespace, involvedObject.name, involvedObject.uid, involvedObject.fieldPath, type, reason, text].join("\0");
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.count += 1;
      known.lastTimestamp = now;
      this.#remember(key, known);
      if (!known.queued) this.#enqueue(known);
      return;
    }
    const fresh: Known = {
      name: undefined,
      count: 1,
      lastTimestamp: now,
      queued: false,
      queuedMs: 0,
      draft: {
        metadata: { name: `${object.metadata.name}.${this.#nextNanosHex()}`, namespace: object.metadata.namespace ?? "default" },
        involvedObject,
        type,
        reason,
        message: text,
        source: { component, ...(host === undefined ? {} : { host }) },
        firstTimestamp: now,
        reportingComponent: component,
        reportingInstance: host ?? "",
        ...(action === undefined ? {} : { action }),
      },
    };
    if (this.#enqueue(fresh)) this.#remember(key, fresh);
  }

  /** Resolves when nothing waits to be written. */
  flushed(): Promise<void> {
    return this.#writes === 0 && this.#pending.length === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve));
  }

  /** Takes no more; resolves when those waiting are written or have failed, once each. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ending.abort(new Error("the event recorder is closed"));
    this.#leaveBurst();
    this.#stopWaiting();
    await this.flushed();
  }

  /** What waits for the end of the burst is written now. */
  #stopWaiting(): void {
    this.#later?.cancel();
    this.#later = undefined;
    this.#pump();
  }

  /**
   * The end of an event's name, as client-go makes it: the nanosecond, here with a drawn end. A list of events, which is by name,
   * is then in their order, and kubectl describes those of the same second so.
   */
  #nextNanosHex(): string {
    const { clock, dice } = this.#options;
    const drawn = BigInt(Math.floor(clock.nowMs())) * NANOS_PER_MS + BigInt(dice.int(Number(NANOS_PER_MS)));
    this.#lastNanos = drawn > this.#lastNanos ? drawn : this.#lastNanos + 1n + BigInt(dice.int(1_000));
    return this.#lastNanos.toString(16).padStart(16, "0");
  }

  /** Keeps the most recently used: a Map remembers the order of insertion. */
  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }

  #enqueue(known: Known): boolean {
    if (this.#pending.length >= MAX_PENDING) {
      this.#dropped += 1;
      if (this.#dropped === 1) this.#options.log.warn({ limit: MAX_PENDING }, "events come faster than they can be written, some are dropped");
      return false;
    }
    known.queued = true;
    known.queuedMs = this.#burst.came();
    this.#pending.push(known);
    this.#pump();
    return true;
  }

  #pump(): void {
    while (this.#writes < MAX_WRITES && this.#pending.length > 0) {
      const waitMs = this.#closed || this.#pending.length > MAX_HELD ? 0 : this.#burst.waitMs(this.#pending[0]!.queuedMs);
      if (waitMs > 0) {
        this.#later ??= this.#monotonic.timer(waitMs, () => {
          this.#later = undefined;
          this.#pump();
        });
        return;
      }
      const known = this.#pending.shift()!;
      this.#writes += 1;
      void this.#write(known).finally(() => {
        this.#writes -= 1;
        this.#pump();
        if (this.#writes > 0 || this.#pending.length > 0) return;
        const waiting = this.#idle;
        this.#idle = [];
        for (const resolve of waiting) resolve();
      });
    }
  }

  /** An API server that is out of reach is told of by those who watch it; one that refuses an event, here alone. */
  #tellLost(error: unknown, reason: string | undefined): void {
    const { log } = this.#options;
    if (isNamespaceTerminating(error)) return;
    const what = "an event could not be written";
    if (error instanceof ApiError) log[error.isTransport ? "info" : "warn"]({ error: error.message, reason }, what);
    else log.warn({ err: error, reason }, what);
  }

  async #write(known: Known): Promise<void> {
    // Still queued while on the wire: a repetition meanwhile is written by the loop below, not by a second writer.
    for (let tries = 1; ; tries += 1) {
      const { count } = known;
      try {
        await this.#send(known);
      } catch (error) {
        const mayYetGetThrough = error instanceof ApiError && error.isTransport && tries < MAX_TRIES && !this.#closed;
        if (mayYetGetThrough) {
          await this.#pause(tries);
          continue;
        }
        this.#tellLost(error, known.draft.reason);
        break;
      }
      if (known.count === count) break;
      tries = 0;
    }
    known.queued = false;
  }

  async #pause(tries: number): Promise<void> {
    const waitMs = tries === 1 ? RETRY_MS * this.#options.dice.next() : RETRY_MS;
    await this.#monotonic.sleep(waitMs, this.#ending.signal).catch(() => undefined);
  }

  /** One try: a new event, or the new count of one that is there. */
  #send(known: Known): Promise<void> {
    const { gate } = this.#options;
    return gate === undefined ? this.#put(known) : gate.run(() => this.#put(known));
  }

  async #put(known: Known): Promise<void> {
    const { client } = this.#options;
    const { draft, count, lastTimestamp } = known;
    const { namespace, name } = draft.metadata;
    if (known.name !== undefined) {
      try {
        const body = { count, lastTimestamp };
        return void (await client.patch(events, { namespace: namespace!, name: known.name }, { type: "merge", body }));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // The event aged out of the store: begin a new one.
        known.name = undefined;
      }
    }
    try {
      known.name = (await client.create(events, { ...draft, count, lastTimestamp })).metadata.name;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // A try before this one did arrive, only its answer did not; what was counted since is told now.
      known.name = name!;
      await this.#put(known);
    }
  }
}
