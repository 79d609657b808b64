import assert from "node:assert/strict";
import { ManualClock } from "../../src/base/clock.js";
import type { Dice } from "../../src/base/seeded-random.js";
import { ResponseHeader, WatchCreateRequest, WatchResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { Store } from "../../src/etcd/kv/store.js";
import { WatchHub } from "../../src/etcd/watch/watch-hub.js";
import { WatchStream } from "../../src/etcd/watch/watch-stream.js";
import { eventTexts } from "./wire.js";

/** A store, a hub, and streams whose reader can stand still. */
export class Bench {
  readonly clock = new ManualClock();
  readonly store: Store;
  hub: WatchHub;

  private constructor(store: Store) {
    this.store = store;
    this.hub = new WatchHub(store);
  }

  static async open(): Promise<Bench> {
    return new Bench(await Store.open(new MemoryTable(), { onFailure: assert.fail }));
  }

  put(key: string, value = "v"): Promise<void> {
    return this.store.write((txn) => txn.put(key, Buffer.from(value), 0n));
  }

  delete(key: string): Promise<unknown> {
    return this.store.write((txn) => txn.delete({ start: key, end: `${key}\0`, single: true }, false));
  }

  /** Forgets what memory holds of the past, as a restart does. */
  forgetRecent(): void {
    this.hub.close();
    this.hub = new WatchHub(this.store);
  }

  /** `dice` spread its progress notices, which otherwise come each second. */
  stream(dice?: Dice): Reader {
    return new Reader(this, dice);
  }
}

/** The client of one stream. */
export class Reader {
  readonly responses: WatchResponse[] = [];
  readonly watches: WatchStream;
  readonly #running: Promise<void>;
  #held: (() => void)[] | undefined;

  constructor(bench: Bench, dice?: Dice) {
    this.watches = new WatchStream({
      hub: bench.hub,
      clock: bench.clock,
      headerAt: (revision) => ResponseHeader.create({ revision: BigInt(revision) }),
      progressIntervalMs: 1_000,
      dice,
      send: async (message) => {
        this.responses.push(WatchResponse.decode(message));
        if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held?.push(resolve) ?? resolve());
      },
    });
    this.#running = this.watches.run();
  }

  create(fields: Partial<WatchCreateRequest>): void {
    this.watches.create(WatchCreateRequest.create({ key: Buffer.from("a"), ...fields }));
  }

  /** From now on nothing more is read. */
  hold(): void {
    this.#held ??= [];
  }

  /** Reads on. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** Everything that happens without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async events(): Promise<string[]> {
    await this.settle();
    return this.responses.flatMap(eventTexts);
  }

  async close(): Promise<void> {
    this.watches.close();
    this.release();
    await this.#running;
  }
}
