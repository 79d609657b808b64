import { isDeepStrictEqual } from "node:util";
import { type Event, Event_EventType } from "../../../src/gen/etcd/mvccpb/kv.js";
import type { WatchResponse } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import { cancel, type Connection, create, progress } from "../wire.js";
import { latin1 } from "./operation.js";
import { Mismatch } from "./mismatch.js";
import { RecordedStream, type WatchRecord } from "./recorded-stream.js";
import type { WatchFields, WatchStep } from "./step.js";
import type { VersionDifferences } from "./version-differences.js";
import { emptyRange, leftByCompaction, WatchExpectation } from "./watch-expectation.js";

/** A watch that is open on both sides. */
interface OpenWatch {
  readonly id: bigint;
  readonly expectation: WatchExpectation;
  readonly records: readonly [ours: WatchRecord, real: WatchRecord];
  /** Where compaction stands at the watch's start, if it starts right there: the one place where versions differ. */
  readonly startsAtCompaction: number | undefined;
  /** It began before the compaction point, so both sides must cancel it; its id stays taken until the client cancels it too. */
  readonly doomed: boolean;
}

/** What both sides have said since the epoch began, by which watches are judged. */
export interface History {
  /** All events of the epoch so far, as both sides told them. */
  readonly events: readonly Event[];
  readonly revision: number;
  readonly compactRevision: number;
}

/** One watch stream on each side, given the same requests and held to the same answers. */
export class WatchPair {
  readonly #connections: readonly [Connection, Connection];
  readonly #differences: VersionDifferences;
  readonly #limitMs: number;
  #streams: readonly [RecordedStream, RecordedStream];
  readonly #open = new Map<bigint, OpenWatch>();
  /** A watch from the past was made since somebody last made sure that it is up to date. */
  #unproven = false;

  constructor(connections: readonly [Connection, Connection], differences: VersionDifferences, limitMs: number) {
    this.#limitMs = limitMs;
    this.#connections = connections;
    this.#differences = differences;
    this.#streams = this.#openStreams();
  }

  /** Does one step on both sides. The pair must have been told of all that happened. */
  async take(step: WatchStep, base: number, history: History): Promise<void> {
    switch (step.kind) {
      case "watch":
        return this.#create(step.fields, base, history);
      case "cancel":
        return this.#cancel(BigInt(step.watchId));
      case "progress":
        await Promise.all(this.#streams.map((stream) => stream.send(progress)));
        return;
      case "reopen":
        this.close();
        this.#open.clear();
        this.#streams = this.#openStreams();
    }
  }

  /** Tells the pair what happened since it was told last. */
  happened(events: readonly Event[], compactRevision: number): void {
    for (const watch of this.#open.values()) watch.expectation.happened(events, compactRevision);
  }

  /** Waits until every open watch has what it must have by now, and compares. */
  async settle(): Promise<void> {
    for (const watch of this.#open.values()) await (watch.doomed ? this.#compacted(watch) : this.#compare(watch));
    for (const [side, stream] of this.#streams.entries()) if (stream.violations.length > 0) throw new Mismatch(`${SIDES[side]}: ${stream.violations.join("; ")}`);
  }

  /**
   * Waits until both sides have looked at all that watches from the past want, even where there was nothing for them: a watch nobody has
   * looked at yet is ended by a compaction, one that is up to date is not. A witness watch tells, as it is looked at after the others.
   */
  async catchUp({ revision, compactRevision }: History): Promise<void> {
    if (!this.#unproven) return;
    this.#unproven = false;
    if (revision <= Math.max(compactRevision, 1)) {
      // There is no event for a witness to see; etcd looks every 100 ms.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return;
    }
    const witness = create({ key: "\0", rangeEnd: "\0", startRevision: Math.max(compactRevision, 1) + 1, watchId: WITNESS });
    await Promise.all(
      this.#streams.map(async (stream, side) => {
        const index = stream.records.length;
        await stream.send(witness);
        await stream.until(`the witness's event on ${SIDES[side]}`, () => (stream.records[index]?.events.length ?? 0) > 0);
        await stream.send(cancel(WITNESS));
        await stream.until("the witness's end", () => stream.records[index]?.canceled !== undefined);
      }),
    );
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #openStreams(): readonly [RecordedStream, RecordedStream] {
    return [new RecordedStream(this.#connections[0], true, this.#limitMs), new RecordedStream(this.#connections[1], !this.#differences.allows("progress-only-when-caught-up"), this.#limitMs)];
  }

  async #create(fields: WatchFields, base: number, history: History): Promise<void> {
    const wanted = fields.startRevision > 0 ? fields.startRevision + base : fields.startRevision;
    const request = create({ ...fields, key: latin1(fields.key), rangeEnd: latin1(fields.rangeEnd ?? ""), filters: [...fields.filters], startRevision: wanted });
    const records = (await Promise.all(
      this.#streams.map(async (stream) => {
        const index = stream.records.length;
        await stream.send(request);
        await stream.until("the answer to a watch request", () => stream.records.length > index);
        return stream.records[index];
      }),
    )) as [WatchRecord, WatchRecord];
    const [ours, real] = records.map(({ created }) => created);
    if (ours === undefined || real === undefined || !sameControl(ours, real)) throw new Mismatch(`the watch was answered differently:\n  ours ${text(ours)}\n  real ${text(real)}`);
    if (ours.canceled) return;
    if (emptyRange(fields)) throw new Mismatch("both sides watch an empty range");
    const start = wanted === 0 ? Number(ours.header?.revision) + 1 : wanted;
    const expectation = new WatchExpectation(fields, start);
    const past = start === history.compactRevision ? leftByCompaction(history.events, start) : history.events;
    expectation.happened(past, history.compactRevision);
    this.#unproven ||= start <= history.revision;
    const watch = { id: ours.watchId, expectation, records, startsAtCompaction: start === history.compactRevision ? start : undefined, doomed: start < history.compactRevision };
    this.#open.set(ours.watchId, watch);
  }

  async #cancel(id: bigint): Promise<void> {
    const watch = this.#open.get(id);
    await Promise.all(this.#streams.map((stream) => stream.send(cancel(id))));
    if (watch === undefined) return;
    this.#open.delete(id);
    const end = (record: WatchRecord): WatchResponse | undefined => (watch.doomed ? record.canceledAgain : record.canceled);
    await Promise.all(this.#streams.map((stream, side) => stream.until(`the end of watch ${id} on ${SIDES[side]}`, () => end(watch.records[side] as WatchRecord) !== undefined)));
    const [ours, real] = watch.records.map(end);
    if (ours === undefined || real === undefined || !sameControl(ours, real)) throw new Mismatch(`the cancelling of watch ${id} was answered differently:\n  ours ${text(ours)}\n  real ${text(real)}`);
  }

  async #compacted(watch: OpenWatch): Promise<void> {
    await Promise.all(this.#streams.map((stream, side) => stream.until(`the cancelling of compacted watch ${watch.id}`, () => watch.records[side]?.canceled !== undefined)));
    const [ours, real] = watch.records.map(({ canceled, events }) => [canceled?.watchId, canceled?.compactRevision, canceled?.cancelReason, canceled?.header?.revision, events.length]);
    if (!isDeepStrictEqual(ours, real)) throw new Mismatch(`the cancelling of compacted watch ${watch.id}: ours ${String(ours)}, real ${String(real)}`);
  }

  async #compare(watch: OpenWatch): Promise<void> {
    const { expectation, startsAtCompaction } = watch;
    const { events } = expectation;
    if (expectation.checked === events.length && watch.records.every((record) => record.events.length <= events.length)) return;
    for (const [side, record] of watch.records.entries()) {
      // A deletion at the compaction point may be missing on a side that is old enough.
      const optional = (event: Event): boolean => side === 1 && event.type === Event_EventType.DELETE && Number(event.kv?.modRevision) === startsAtCompaction && !record.events.some((seen) => same(seen, event)) && this.#differences.allows("deletion-at-compaction");
      const required = (): Event[] => events.filter((event) => !optional(event));
      const last = events.findLast((event) => Number(event.kv?.modRevision) !== startsAtCompaction || event.type === Event_EventType.PUT);
      await this.#streams[side]?.until(`event ${text(last)} of watch ${watch.id} on ${SIDES[side]}`, () => last === undefined || reached(record.events, last)).catch((error: unknown) => {
        throw new Mismatch(`${(error as Error).message}; it got ${record.events.map(text).join(" ")}`);
      });
      // Only the new ones: the others were compared before.
      const from = expectation.checked;
      const skipped = events.slice(0, from).filter(optional).length;
      const [got, wanted] = [record.events.slice(from - skipped), required().slice(from - skipped)];
      const at = wanted.findIndex((event, index) => !same(event, got[index]));
      if (at >= 0 || got.length > wanted.length) throw new Mismatch(`watch ${watch.id} on ${SIDES[side]}: expected ${text(wanted[at])}, got ${text(got[at < 0 ? wanted.length : at])}`);
    }
    expectation.checked = events.length;
  }
}

/** An id no other watch has. */
const WITNESS = 1_000n;
const SIDES = ["ours", "real"] as const;

function reached(events: readonly Event[], last: Event): boolean {
  const seen = events.at(-1);
  return seen !== undefined && (Number(seen.kv?.modRevision) > Number(last.kv?.modRevision) || same(seen, last) || (seen.kv?.modRevision === last.kv?.modRevision && seen.kv?.key.equals(last.kv?.key ?? Buffer.alloc(0)) === true));
}

function same(a: Event | undefined, b: Event | undefined): boolean {
  return isDeepStrictEqual(a, b);
}

interface Control {
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly cancelReason: string;
  readonly compactRevision: bigint;
  readonly header?: { readonly revision: bigint } | undefined;
}

function sameControl(ours: Control, real: Control): boolean {
  const facts = ({ watchId, created, canceled, cancelReason, compactRevision, header }: Control): unknown[] => [watchId, created, canceled, cancelReason, compactRevision, header?.revision];
  return isDeepStrictEqual(facts(ours), facts(real));
}

function text(message: unknown): string {
  return message === undefined ? "nothing" : JSON.stringify(message, (_, value: unknown) => (typeof value === "bigint" ? String(value) : isJsonBuffer(value) ? Buffer.from(value.data).toString("latin1") : value));
}

function isJsonBuffer(value: unknown): value is { readonly data: number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value;
}
