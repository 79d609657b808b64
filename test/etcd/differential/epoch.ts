import { isDeepStrictEqual } from "node:util";
import { RpcError } from "../../../src/base/rpc-error.js";
import type { Event } from "../../../src/gen/etcd/mvccpb/kv.js";
import { type Connection, create, del, range } from "../wire.js";
import { Mismatch } from "./mismatch.js";
import { STREAMS, type Standing } from "./operation-dice.js";
import { type Call, sendCall } from "./operation.js";
import { RecordedStream } from "./recorded-stream.js";
import { isWatchStep, type Step, stepText } from "./step.js";
import type { VersionDifferences } from "./version-differences.js";
import { type History, WatchPair } from "./watch-pair.js";

const ALL = { key: "\0", rangeEnd: "\0" };
/** Events that may wait to be compared with what watches got. */
const SETTLE_EVERY = 200;
/** By when a compaction of an epoch's few rows is done. */
const COMPACTION_MS = 1_000;

/**
 * One stretch of a differential run, from empty servers on: no keys, no leases, no history. All revisions of its steps count from where
 * the servers stood, so that the same steps can be done again later, or on other servers.
 */
export class Epoch {
  readonly #connections: readonly [ours: Connection, real: Connection];
  readonly #differences: VersionDifferences;
  readonly #base: number;
  readonly #whole: readonly [RecordedStream, RecordedStream];
  readonly #pairs: readonly WatchPair[];
  #revision: number;
  #compactRevision: number;
  /** Points of compaction, counted from the base; the base is one. */
  readonly #compactions = new Set([0]);
  /** The last compaction may still be deleting. */
  #compacting = false;
  #events: Event[] = [];
  /** Events the watches have been told of. */
  #told = 0;
  #taken = 0;

  private constructor(connections: readonly [Connection, Connection], differences: VersionDifferences, limitMs: number, revision: number, compactRevision: number) {
    this.#connections = connections;
    this.#differences = differences;
    this.#base = this.#revision = revision;
    this.#compactRevision = compactRevision;
    this.#whole = [new RecordedStream(connections[0], true, limitMs), new RecordedStream(connections[1], true, limitMs)];
    this.#pairs = Array.from({ length: STREAMS }, () => new WatchPair(connections, differences, limitMs));
  }

  /** Empties both servers and begins. Fresh servers are taken as they are when `fresh`. An event later than `limitMs` is lost. */
  static async begin(connections: readonly [Connection, Connection], differences: VersionDifferences, fresh: boolean, limitMs: number): Promise<Epoch> {
    const stands = await Promise.all(connections.map((etcd) => (fresh ? standing(etcd) : empty(etcd))));
    const [ours, real] = stands;
    if (ours === undefined || !isDeepStrictEqual(ours, real)) throw new Error(`the servers do not stand at the same revision: ${JSON.stringify(stands)}`);
    const epoch = new Epoch(connections, differences, limitMs, ours.revision, ours.compactRevision);
    for (const stream of epoch.#whole) {
      await stream.send(create({ ...ALL, startRevision: ours.revision + 1, prevKv: true }));
      await stream.until("the watch of everything", () => stream.records.length === 1);
    }
    return epoch;
  }

  /** Where the servers stand, counted from the epoch's base. */
  get standing(): Standing {
    return { revision: this.#revision - this.#base, compactRevision: Math.max(this.#compactRevision - this.#base, 0) };
  }

  /** Does a step on both sides; throws Mismatch when they differ. */
  async take(step: Step): Promise<void> {
    this.#taken += 1;
    if (isWatchStep(step)) {
      const pair = this.#pairs[step.stream];
      await this.#hear();
      // What a watch still has to get before it ends.
      if (step.kind === "cancel" || step.kind === "reopen") await pair?.settle();
      await pair?.take(step, this.#base, this.#history);
      return;
    }
    // What a compaction forgets must have reached the watches before, or chance would decide what they still see.
    if (step.kind === "compact" || this.#taken % SETTLE_EVERY === 0) await this.#settle();
    if (step.kind === "compact") for (const pair of this.#pairs) await pair.catchUp(this.#history);
    await this.#call(step);
  }

  /** Compares what is left to compare: histories, watches, hashes. */
  async end(): Promise<void> {
    await this.#settle();
    await this.#call({ kind: "hashKv", revision: 0 });
    await this.#call({ kind: "range", fields: ALL });
  }

  /** Closes the streams. */
  close(): void {
    for (const stream of this.#whole) stream.close();
    for (const pair of this.#pairs) pair.close();
  }

  get #history(): History {
    return { events: this.#events, revision: this.#revision, compactRevision: this.#compactRevision };
  }

  async #call(call: Call): Promise<void> {
    let [ours, real] = await this.#ask(call);
    if (call.kind === "hashKv" && this.#compacting && !isDeepStrictEqual(ours, real)) {
      // Where no key lives, etcd hashes all rows that its compaction has not deleted yet.
      await new Promise((resolve) => setTimeout(resolve, COMPACTION_MS));
      [ours, real] = await this.#ask(call);
    }
    if (!isDeepStrictEqual(ours, real)) {
      const [ourText, realText] = [answerText(ours), answerText(real)];
      const kept = call.kind === "hashKv" && this.#compactions.has(call.revision) && this.#differences.allows("hash-of-compaction-kept");
      if (!kept && !this.#differences.allowsAnswers(call.kind, ourText, realText)) throw new Mismatch(`answers differ:\n  ours ${ourText}\n  real ${realText}`);
    }
    if (typeof real !== "object" || real === null || Array.isArray(real)) return;
    if ("revision" in real) this.#revision = Math.max(this.#revision, Number(real.revision));
    if (call.kind !== "compact") return;
    this.#compactRevision = call.revision + this.#base;
    this.#compactions.add(call.revision);
    this.#compacting = call.physical !== true;
  }

  #ask(call: Call): Promise<unknown[]> {
    return Promise.all(this.#connections.map((etcd) => answer(call, etcd, this.#base)));
  }

  /** Brings the whole history up to the current revision, and lets the watches compare theirs. */
  async #settle(): Promise<void> {
    await this.#hear();
    for (const pair of this.#pairs) await pair.settle();
  }

  /** Brings the whole history up to the current revision on both sides, compares, and tells the watches. */
  async #hear(): Promise<void> {
    const revisions = await Promise.all(this.#connections.map(async (etcd) => Number((await etcd.kv.range(range({ key: "\0" }))).header?.revision)));
    if (revisions[0] !== revisions[1]) throw new Mismatch(`ours is at revision ${revisions[0]}, the real one at ${revisions[1]}`);
    this.#revision = revisions[0] as number;
    if (this.#revision > this.#base) {
      await Promise.all(this.#whole.map((stream) => stream.until(`revision ${this.#revision}`, () => Number(stream.records[0]?.events.at(-1)?.kv?.modRevision ?? 0) >= this.#revision)));
    }
    const [ours, real] = this.#whole.map((stream) => stream.records[0]?.events ?? []) as [Event[], Event[]];
    for (let index = this.#told; index < Math.max(ours.length, real.length); index += 1) {
      if (!isDeepStrictEqual(ours[index], real[index])) throw new Mismatch(`histories differ at event ${index}:\n  ours ${answerText(ours[index])}\n  real ${answerText(real[index])}`);
    }
    const news = ours.slice(this.#told);
    this.#told = ours.length;
    this.#events = ours;
    for (const pair of this.#pairs) pair.happened(news, this.#compactRevision);
  }
}

async function answer(call: Call, etcd: Connection, base: number): Promise<unknown> {
  try {
    return await sendCall(call, etcd, base);
  } catch (error) {
    if (!(error instanceof RpcError)) throw new Error(`${stepText(call)} failed: ${String(error)}`, { cause: error });
    return `${error.codeName}: ${error.message}`;
  }
}

/** An answer as one line: refusals as they are, messages as JSON with bytes as Latin-1. */
function answerText(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return String(part);
    if (typeof part === "object" && part !== null && "type" in part && part.type === "Buffer" && "data" in part) return Buffer.from(part.data as number[]).toString("latin1");
    return part;
  });
}

async function standing(etcd: Connection): Promise<{ revision: number; compactRevision: number }> {
  const { header, compactRevision } = await etcd.maintenance.hashKv({ revision: 0n });
  return { revision: Number(header?.revision), compactRevision: Number(compactRevision) };
}

async function empty(etcd: Connection): Promise<{ revision: number; compactRevision: number }> {
  const { leases } = await etcd.lease.leaseLeases({});
  for (const { ID } of leases) await etcd.lease.leaseRevoke({ ID });
  // A deletion is always there, so that there is something to compact.
  await etcd.kv.put({ ...EMPTY_PUT, key: Buffer.from("end") });
  const { header } = await etcd.kv.deleteRange(del(ALL));
  await etcd.kv.compact({ revision: header?.revision ?? 0n, physical: true });
  return standing(etcd);
}

const EMPTY_PUT = { value: Buffer.alloc(0), lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
