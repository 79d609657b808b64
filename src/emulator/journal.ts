import { Burst } from "../base/burst.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { encodeRecord, isStep, journalKey, journalPrefix, podPrefix, type StepPlace, stepPlaceOf } from "./journal-key.js";

/** What the journal needs of an etcd store. */
export interface JournalStore {
  /** Puts at most `maxBatch` pairs in one Txn. */
  put(pairs: ReadonlyArray<{ readonly key: string; readonly value: Uint8Array }>): Promise<void>;
  /** Deletes every key below a prefix. */
  deletePrefix(prefix: string): Promise<void>;
  /** Keys below a prefix, oldest first. */
  keys(prefix: string): Promise<string[]>;
}

/** Most puts of one Txn: etcd's own limit of operations. */
const maxBatch = 128;
/** Most bytes of values in one Txn of more than one put: they are made at a stretch. etcd takes requests of 1.5 MiB. */
const maxBatchBytes = 256 << 10;
/** Records waiting for the store; more than a storm of 1,000 pods makes. Beyond it the oldest are dropped and counted. */
const maxWaiting = 50_000;
/** Records of one moment share a Txn: placement does not wait for the journal, so the journal can wait for company. */
const lingerMs = 10;
/** Longest wait for the end of a burst of pods; it comes after that of the recorders who sent the records. */
const mostHeldMs = 1_000;
const retryMs = 250;

/** How long a record waits for its pod's name: the room that knows it may tell of an earlier step later, after the 3 s of a recorder in a burst. */
const nameWaitMs = 5_000;

interface Waiting {
  readonly record: StepRecord;
  /** Monotonic: from then on it is stored without a name. */
  readonly untilMs: number;
}

/** A record as it is stored. */
interface Encoded {
  readonly record: StepRecord;
  readonly value: Buffer;
}

interface PodMemory {
  namespace: string;
  name: string;
  attempt: number;
}

/**
 * The recorded steps of the last 10,000 pods, written behind: `accept` only queues, and a burst of pods is written when it is over (burst.ts). Rooms that do not know a pod's name (HostD knows
 * its VM) leave it empty; it is filled in from what other rooms said of the same UID.
 */
export class Journal {
  readonly #store: JournalStore;
  readonly #monotonic: Clock;
  readonly #log: Logger;
  readonly #maxPods: number;
  readonly #maxWaiting: number;
  readonly #onRecorded: (place: StepPlace) => void;
  readonly #burst: Burst;
  /** Insertion order is age. */
  readonly #pods = new Map<string, PodMemory>();
  /** Records in line, oldest first: those of the Txn on the wire, those that go next, those that came since. Together never more than the limit. */
  #sent: readonly Waiting[] = [];
  #due: Waiting[] = [];
  #waiting: Waiting[] = [];
  #dropped = 0;
  #stored = 0;
  #writing: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(options: { readonly store: JournalStore; readonly monotonic: Clock; readonly log: Logger; readonly maxPods?: number; readonly maxWaiting?: number; readonly onRecorded?: (place: StepPlace) => void }) {
    this.#store = options.store;
    this.#monotonic = options.monotonic;
    this.#log = options.log;
    this.#burst = new Burst(options.monotonic, { mostMs: mostHeldMs });
    this.#maxPods = options.maxPods ?? 10_000;
    this.#maxWaiting = options.maxWaiting ?? maxWaiting;
    this.#onRecorded = options.onRecorded ?? (() => undefined);
  }

  /** Records stored since the start. */
  get stored(): number {
    return this.#stored;
  }

  /** UIDs of the pods of which records wait to be stored. */
  podsOnTheirWay(): ReadonlySet<string> {
    return new Set([this.#sent, this.#due, this.#waiting].flatMap((records) => records.map(({ record }) => record.podUid)));
  }

  /** Learns which pods are stored already, so that the limit holds across restarts. */
  async load(): Promise<void> {
    for (const key of await this.#store.keys(journalPrefix)) {
      const place = stepPlaceOf(key);
      if (!this.#pods.has(place.podUid)) this.#pods.set(place.podUid, { namespace: "", name: "", attempt: 1 });
      this.#onRecorded(place);
    }
  }

  /** Queues records; never waits. Those without a pod UID or of no step there is are left out; answers how many are taken. */
  accept(records: readonly StepRecord[]): number {
    const good = records.filter((record) => record.podUid !== "" && isStep(record.step));
    const untilMs = this.#burst.came(good.length) + nameWaitMs;
    for (const record of good) this.#waiting.push({ record: this.#complete(record), untilMs });
    this.#dropBeyondLimit();
    if (!this.#closing.signal.aborted) this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    return good.length;
  }

  /** Writes what is queued and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  #complete(record: StepRecord): StepRecord {
    let memory = this.#pods.get(record.podUid);
    if (memory === undefined) {
      memory = { namespace: record.namespace, name: record.name, attempt: 1 };
      this.#pods.set(record.podUid, memory);
    }
    if (record.name !== "") memory.name = record.name;
    if (record.namespace !== "") memory.namespace = record.namespace;
    if (record.attempt > memory.attempt) memory.attempt = record.attempt;
    // A record's verdicts may be long: nothing is copied where nothing is missing.
    if (record.namespace !== "" && record.name !== "" && record.attempt !== 0) return record;
    return {
      ...record,
      namespace: record.namespace || memory.namespace,
      name: record.name || memory.name,
      attempt: record.attempt || memory.attempt,
    };
  }

  /** The oldest go first, but for those on the wire. */
  #dropBeyondLimit(): void {
    const tooMany = this.#sent.length + this.#due.length + this.#waiting.length - this.#maxWaiting;
    if (tooMany <= 0) return;
    const due = this.#due.splice(0, tooMany);
    this.#waiting = this.#waiting.slice(tooMany - due.length);
    this.#dropped += tooMany;
    this.#log.warn({ dropped: this.#dropped }, "journal: the store is too slow; oldest records dropped");
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      this.#due = this.#takeNamed();
      while (this.#due.length > 0) {
        const { batch, end } = nextBatch(this.#due);
        this.#sent = this.#due.splice(0, end);
        try {
          await this.#store.put([...batch].map(([key, { value }]) => ({ key, value })));
          this.#sent = [];
          this.#stored += batch.size;
          for (const { record } of batch.values()) this.#onRecorded(record);
          await this.#forget();
        } catch (error) {
          this.#waiting = [...this.#sent, ...this.#due, ...this.#waiting];
          this.#sent = [];
          this.#due = [];
          this.#log.warn({ error: (error as Error).message, waiting: this.#waiting.length }, "journal: the store did not take a batch; trying again");
          if (this.#closing.signal.aborted) return;
          await this.#wait(retryMs);
          break;
        }
      }
    }
  }

  /** Lets a moment pass, and a burst of pods. */
  async #gather(): Promise<void> {
    const sinceMs = this.#monotonic.nowMs();
    for (let waitMs = lingerMs; waitMs > 0 && !this.#closing.signal.aborted; waitMs = this.#burst.waitMs(sinceMs)) await this.#wait(waitMs);
  }

  /** Waits, but not beyond `close`. */
  async #wait(ms: number): Promise<void> {
    await this.#monotonic.sleep(ms, this.#closing.signal).catch(() => undefined);
  }

  /** What may be written now; records whose pod has no name yet stay in line. */
  #takeNamed(): Waiting[] {
    const named: Waiting[] = [];
    const nameless: Waiting[] = [];
    const nowMs = this.#monotonic.nowMs();
    for (const { record, untilMs } of this.#waiting) {
      const each = { record: this.#complete(record), untilMs };
      if (each.record.name === "" && untilMs > nowMs && !this.#closing.signal.aborted) nameless.push(each);
      else named.push(each);
    }
    this.#waiting = nameless;
    return named;
  }

  async #forget(): Promise<void> {
    for (const uid of this.#pods.keys()) {
      if (this.#pods.size <= this.#maxPods) return;
      await this.#store.deletePrefix(podPrefix(uid));
      this.#pods.delete(uid);
    }
  }
}

/** The first records of a list as one Txn, by key, and where it ends: a Txn may name a key once only, so a second record of one step replaces the first. */
function nextBatch(due: readonly Waiting[]): { readonly batch: ReadonlyMap<string, Encoded>; readonly end: number } {
  const batch = new Map<string, Encoded>();
  let bytes = 0;
  let end = 0;
  for (; end < due.length && batch.size < maxBatch; end += 1) {
    const { record } = due[end]!;
    const value = encodeRecord(record);
    bytes += value.length;
    if (bytes > maxBatchBytes && end > 0) break;
    batch.set(journalKey(record.podUid, record.attempt, record.step), { record, value });
  }
  return { batch, end };
}
