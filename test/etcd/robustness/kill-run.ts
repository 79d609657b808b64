import { Dice } from "../../../src/base/seeded-random.js";
import { RpcError } from "../../../src/base/rpc-error.js";
import { connect, type Connection, create, range } from "../wire.js";
import { runCompactor, runWatcher, type Traffic, watchEvent, Writer } from "./clients.js";
import type { History, WatchEvent } from "./history.js";
import { KvModel } from "./kv-model.js";
import { checkLinearizable } from "./linearizability.js";
import { checkWatches } from "./watch-checks.js";

/** How often to look whether it is time to kill. Short, so that the moment is any moment. */
const LOOK_MS = 2;
const STUCK_MS = 60_000;

/** A server that can be killed and started again on its directory and port. */
export interface Victim {
  readonly address: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** What a run needs. */
export interface KillOptions {
  readonly victim: Victim;
  readonly seed: string;
  /** Kills. */
  readonly rounds: number;
  readonly writers: number;
  readonly watchers: number;
  readonly keys: number;
  readonly compactEveryMs: number;
  /** Fewest and most calls that the server acknowledges before it is killed. */
  readonly lifeCalls: readonly [number, number];
  /** Whether watchers ask how far their streams are; true when absent. */
  readonly asksProgress?: boolean;
}

/** What came out. */
export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly revisions: number;
  readonly watches: number;
  readonly events: number;
  readonly violations: readonly string[];
}

/** Lets clients write, read and watch while the server is killed and started again, then checks all that was recorded. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const history = await recordKills(options);
  const model = new KvModel(history.ledger);
  const { operations, watches } = history;
  const violations = [...checkLinearizable(history, model), ...checkWatches(watches, model, operations)];
  const answered = operations.filter(({ output }) => output !== undefined).length;
  const events = watches.reduce((sum, { answers }) => sum + answers.reduce((count, answer) => count + answer.events.length, 0), 0);
  return { rounds: options.rounds, acknowledged: answered, unanswered: operations.length - answered, revisions: model.last, watches: watches.length, events, violations };
}

async function recordKills({ victim, seed, rounds, writers, watchers, keys, compactEveryMs, lifeCalls, asksProgress = true }: KillOptions): Promise<History> {
  const dice = new Dice(seed);
  const end = new AbortController();
  const traffic: Traffic = { keys: Array.from({ length: keys }, (_, index) => `k${index}`), operations: [], watches: [], asksProgress, signal: end.signal, newestRevision: 1, newestCompaction: 0 };
  const connections: Connection[] = [];
  const connection = (): Connection => {
    const made = connect(victim.address);
    connections.push(made);
    return made;
  };
  const ledger = new Ledger(connection());
  const following = ledger.follow();
  const clients = [
    ...Array.from({ length: writers }, (_, index) => new Writer(traffic, connection(), dice.fork(`writer ${index}`), index).run()),
    ...Array.from({ length: watchers }, (_, index) => runWatcher(traffic, connection(), dice.fork(`watcher ${index}`), writers + index)),
    // A compaction beyond what the ledger has seen would tear a hole into it.
    runCompactor(traffic, connection(), dice.fork("compactor"), writers + watchers, compactEveryMs, () => ledger.revision),
  ];
  const all = Promise.all(clients);
  let counted = 0;
  let found = 0;
  const acknowledged = (): number => {
    for (; counted < traffic.operations.length; counted += 1) if (traffic.operations[counted]?.output !== undefined) found += 1;
    return found;
  };
  const failed = all.then(() => undefined);
  try {
    for (let round = 0; round < rounds; round += 1) {
      const enough = acknowledged() + lifeCalls[0] + dice.int(lifeCalls[1] - lifeCalls[0] + 1);
      for (let waits = 0; acknowledged() < enough; waits += 1) {
        if (waits * LOOK_MS > STUCK_MS) throw new Error(`the server acknowledged nothing much for ${STUCK_MS} ms`);
        await Promise.race([new Promise((resolve) => setTimeout(resolve, LOOK_MS)), failed]);
      }
      await victim.kill();
      await victim.restart();
    }
    end.abort();
    await all;
    await ledger.reach(Number((await connection().kv.range(range({ key: "k" }), { deadlineMs: 20_000 })).header?.revision));
  } finally {
    end.abort();
    ledger.stop();
    await following;
    for (const made of connections) made.close();
  }
  return { operations: traffic.operations, watches: traffic.watches, ledger: ledger.events };
}

/** One watch of everything that goes on where it stopped after each kill. */
class Ledger {
  readonly events: WatchEvent[] = [];
  readonly #etcd: Connection;
  readonly #stopped = new AbortController();
  #told: () => void = () => undefined;

  constructor(etcd: Connection) {
    this.#etcd = etcd;
  }

  /** Everything up to here is in `events`. */
  get revision(): number {
    return this.events.at(-1)?.modRevision ?? 1;
  }

  async follow(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const stream = this.#etcd.watch.watch({ signal: this.#stopped.signal });
      try {
        await stream.write(create({ key: "\0", rangeEnd: "\0", startRevision: this.revision + 1 }));
        for await (const { events, canceled, compactRevision } of stream) {
          if (canceled) throw new Error(`the ledger's watch was cancelled (compacted: ${compactRevision})`);
          this.events.push(...events.map(watchEvent));
          this.#told();
        }
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** Resolves when the ledger holds everything up to `revision`. */
  async reach(revision: number): Promise<void> {
    while (this.revision < revision) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  stop(): void {
    this.#stopped.abort();
  }
}
