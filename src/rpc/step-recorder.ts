import { Backoff } from "../base/backoff.js";
import { BoundedQueue } from "../base/bounded-queue.js";
import { Burst } from "../base/burst.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Dice } from "../base/seeded-random.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { JournalServiceClient, type JournalServiceService } from "../gen/spheresim/emulator/v1/journal_service.js";
import type { Channel, PromiseClient } from "./channel.js";

/** Where a process says which of the fourteen steps it has taken. */
export interface StepRecorder {
  /** Notes a step; returns at once and never throws. */
  record(step: StepRecord): void;
  /** Records that were lost because the journal could not be reached for long, or refused them. */
  readonly dropped: number;
  /** Whether many steps are being taken: other things written behind pods wait for the same pause. */
  readonly burst: Burst;
  /** Sends what is left, as far as that takes little time, and ends. */
  close(): Promise<void>;
}

/** What a recorder needs. */
export interface StepRecorderOptions {
  /** To the emulator room. */
  readonly channel: Channel;
  /** The monotonic clock. */
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Records that may wait while the journal is away; the oldest go first. 10,000 when absent. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 10_000;
/** Records per message. */
const BATCH = 256;
/** Verdicts of nodes and hosts per message, if it has more than one record: those of a large cluster are megabytes. */
const BATCH_VERDICTS = 1_024;
/** How long records gather before they are sent, also when few come. */
const GATHER_MS = 5;
/** Verdicts beyond which records do not wait for the end of a burst. */
const MAX_HELD_VERDICTS = 32_768;
/** A stream on which nothing came for so long is ended, so that the journal confirms it. */
const QUIET_MS = 1_000;
/** So many records may be sent and not confirmed; they are kept to be sent again. */
const MAX_UNCONFIRMED = 2_048;
/** The journal is given so long to confirm a stream. */
const CONFIRM_LIMIT_MS = 10_000;
/** A journal that answers, but with an error, gets the same records so often. */
const MAX_TRIES = 5;
/** `close` waits so long in all. */
const CLOSE_LIMIT_MS = 1_000;

/** Opens the recorder of this process. Nothing is sent before the first record. */
export function openStepRecorder(options: StepRecorderOptions): StepRecorder {
  return new JournalRecorder(options);
}

/**
 * Sends records over one client stream at a time: at once, or in a burst of pods behind them (burst.ts). The answer at a stream's end confirms its records; those of a stream that broke
 * are sent again, which is harmless, because a record replaces itself.
 */
class JournalRecorder implements StepRecorder {
  readonly burst: Burst;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #journal: PromiseClient<typeof JournalServiceService>;
  readonly #queue: BoundedQueue<StepRecord>;
  readonly #backoff: Backoff;
  /** Aborts when `close` begins: nobody waits for the next try any more. */
  readonly #closing = new AbortController();
  /** Aborts when `close` has waited long enough. */
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #unconfirmed: StepRecord[] = [];
  /** The read of the queue that is under way, or whose record nobody has taken yet. */
  #reading: Promise<{ readonly record: StepRecord | undefined }> | undefined;
  #refused = 0;
  /** Verdicts in the records of the queue. */
  #heldVerdicts = 0;
  #away = false;

  constructor(options: StepRecorderOptions) {
    this.burst = new Burst(options.clock);
    this.#clock = options.clock;
    this.#log = options.log;
    this.#journal = options.channel.client(JournalServiceClient);
    this.#queue = new BoundedQueue(options.limit ?? DEFAULT_LIMIT, "drop-oldest");
    this.#backoff = new Backoff({ initialMs: 50, maxMs: 5_000, jitter: 0.2, dice: options.dice });
    this.#running = this.#run();
  }

  get dropped(): number {
    return this.#queue.dropped + this.#refused;
  }

  record(step: StepRecord): void {
    this.burst.came();
    this.#heldVerdicts += verdictsOf(step);
    this.#queue.push(step);
  }

  async close(): Promise<void> {
    this.#queue.close();
    this.#closing.abort();
    const limit = this.#clock.timer(CLOSE_LIMIT_MS, () => this.#stop.abort());
    await this.#running;
    limit.cancel();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#unconfirmed.length === 0) {
        const first = await this.#next();
        if (first === undefined) return;
        this.#unconfirmed.push(first);
      }
      try {
        await this.#stream();
        this.#back();
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** Reads ahead by one record; it stays there until #next takes it, however often the wait for it is given up. */
  #peek(): Promise<{ readonly record: StepRecord | undefined }> {
    return (this.#reading ??= this.#queue.next().then((result) => ({ record: result.done === true ? undefined : result.value })));
  }

  /** The next record; undefined at the end of the queue, or when `until` comes first. */
  async #next(until?: Promise<undefined>): Promise<StepRecord | undefined> {
    const read = await (until === undefined ? this.#peek() : Promise.race([this.#peek(), until]));
    if (read === undefined) return undefined;
    if (read.record !== undefined) this.#reading = undefined;
    return read.record;
  }

  /** One stream: what is unconfirmed first, then what comes, until a quiet moment. */
  async #stream(): Promise<void> {
    const call = this.#journal.recordSteps({ signal: this.#stop.signal });
    for (const records of messagesOf(this.#unconfirmed)) await call.write({ records });
    while (this.#unconfirmed.length < MAX_UNCONFIRMED) {
      const first = await this.#nextBeforeQuiet(call.response);
      if (first === undefined) break;
      // From here on the record is ours to keep.
      const sent = this.#unconfirmed.length;
      this.#unconfirmed.push(first);
      await this.#gather();
      this.#unconfirmed.push(...this.#queue.takeNow(Number.POSITIVE_INFINITY));
      for (const records of messagesOf(this.#unconfirmed.slice(sent))) await call.write({ records });
    }
    const limit = this.#clock.timer(CONFIRM_LIMIT_MS, () => call.cancel());
    try {
      await call.end();
    } finally {
      limit.cancel();
    }
    this.#unconfirmed = [];
  }

  /** Lets a moment pass, and a burst of pods; `close` waits for neither. */
  async #gather(): Promise<void> {
    const sinceMs = this.#clock.nowMs();
    for (let waitMs = GATHER_MS; waitMs > 0 && !this.#closing.signal.aborted; waitMs = this.#heldVerdicts > MAX_HELD_VERDICTS ? 0 : this.burst.waitMs(sinceMs)) {
      await this.#clock.sleep(waitMs, this.#closing.signal).catch(() => undefined);
    }
    this.#heldVerdicts = 0;
  }

  /** The next record; undefined after a quiet time or at the end of the queue. Throws when the journal ends the stream first. */
  async #nextBeforeQuiet(response: Promise<unknown>): Promise<StepRecord | undefined> {
    let wake: () => void = () => undefined;
    const quiet = new Promise<undefined>((resolve) => (wake = () => resolve(undefined)));
    const timer = this.#clock.timer(QUIET_MS, wake);
    try {
      return await this.#next(Promise.race([quiet, response.then(() => undefined)]));
    } finally {
      timer.cancel();
    }
  }

  /** Waits before the next try; gives up records that the journal will never take. */
  async #failed(error: unknown): Promise<void> {
    // A journal that is gone at the end is on its way out too, and has what was sent to it.
    if (this.#closing.signal.aborted && RpcError.is(error, RpcCode.UNAVAILABLE)) this.#stop.abort();
    if (this.#stop.signal.aborted) return;
    if (isFinal(error) || (!RpcError.is(error, RpcCode.UNAVAILABLE) && this.#backoff.attempts >= MAX_TRIES)) {
      this.#refused += this.#unconfirmed.length;
      this.#unconfirmed = [];
      this.#log.error({ err: error, dropped: this.dropped }, "the journal refuses recorded steps");
    } else if (!this.#away) {
      this.#away = true;
      this.#log.debug({ err: error }, "the journal is away; recorded steps wait");
    }
    await this.#clock.sleep(this.#backoff.nextMs(), this.#closing.signal).catch(() => undefined);
  }

  #back(): void {
    this.#backoff.reset();
    if (!this.#away) return;
    this.#away = false;
    if (this.dropped > 0) this.#log.warn({ dropped: this.dropped }, "the journal is back; it was away for so long that recorded steps were lost");
  }
}

function verdictsOf({ nodeVerdicts, hostVerdicts }: StepRecord): number {
  return nodeVerdicts.length + hostVerdicts.length;
}

/** Records in messages that a journal takes. */
function* messagesOf(records: readonly StepRecord[]): Generator<StepRecord[]> {
  for (let from = 0; from < records.length; ) {
    let verdicts = 0;
    let end = from;
    do {
      verdicts += verdictsOf(records[end]!);
      end += 1;
    } while (end < records.length && end - from < BATCH && verdicts + verdictsOf(records[end]!) <= BATCH_VERDICTS);
    yield records.slice(from, end);
    from = end;
  }
}

const FINAL: ReadonlySet<number> = new Set([RpcCode.INVALID_ARGUMENT, RpcCode.UNIMPLEMENTED, RpcCode.PERMISSION_DENIED, RpcCode.UNAUTHENTICATED]);

/** Whether the same records will never be taken. */
function isFinal(error: unknown): boolean {
  return error instanceof RpcError && FINAL.has(error.code);
}
