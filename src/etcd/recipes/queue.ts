import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
} from "../../gen/etcd/etcdserverpb/rpc.js";
import type { KeyValue } from "../../gen/etcd/mvccpb/kv.js";
import { type Key, keyOf } from "../key-index/key-range.js";
import type { WatchHub } from "../watch/watch-hub.js";
import { Watcher } from "../watch/watcher.js";
import type { RecipeClient } from "./recipe-client.js";

/**
 * Those who want the same thing stand in a queue: each has a key under one prefix, the key created first is at the head, and the end of
 * its lease takes a key away. Each waits for the one before it alone, so that nobody wakes in vain.
 *
 * Example: a@5, b@7, c@9 under `door/`. b waits for a, c waits for b. b's lease ends: c looks again, finds a before it, waits for a.
 */
export class Queue {
  readonly #client: RecipeClient;
  readonly #hub: WatchHub;
  readonly #prefix: Buffer;

  /** `prefix` ends with a slash. */
  constructor(client: RecipeClient, hub: WatchHub, prefix: Buffer) {
    this.#client = client;
    this.#hub = hub;
    this.#prefix = prefix;
  }

  /** The key of who stands there by a lease: the prefix and the lease in hexadecimal. */
  place(lease: bigint): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from(lease.toString(16))]);
  }

  /** Asks for the head of the queue. */
  head(): RangeRequest {
    return RangeRequest.create({ ...this.#all(), sortOrder: RangeRequest_SortOrder.ASCEND });
  }

  /** Resolves when nobody is left who came before `createRevision`; rejects with the signal's reason, or as the client does. */
  async turn(createRevision: bigint, signal: AbortSignal): Promise<void> {
    const before = RangeRequest.create({ ...this.#all(), sortOrder: RangeRequest_SortOrder.DESCEND, maxCreateRevision: createRevision - 1n });
    for (;;) {
      const { kvs } = await this.#client.range(before);
      const last = kvs[0];
      if (last === undefined) return;
      await this.#gone(last, signal);
    }
  }

  #all(): Pick<RangeRequest, "key" | "rangeEnd" | "sortTarget" | "limit"> {
    const rangeEnd = Buffer.from(this.#prefix);
    rangeEnd[rangeEnd.length - 1] = "/".charCodeAt(0) + 1;
    return { key: this.#prefix, rangeEnd, sortTarget: RangeRequest_SortTarget.CREATE, limit: 1n };
  }

  /** Resolves when a key, as it was created once, is deleted. Looking and beginning to listen are one step, so nothing is missed. */
  #gone(pair: KeyValue, signal: AbortSignal): Promise<void> {
    const key: Key = keyOf(pair.key);
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (this.#hub.store.get(key)?.createRevision !== pair.createRevision) {
        resolve();
        return;
      }
      const end = (settle: () => void): void => {
        this.#hub.leave(watcher);
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(signal.reason as Error));
      const watcher = new Watcher(
        {
          id: 0n,
          range: { start: key, end: `${key}\0`, single: true },
          startRevision: this.#hub.store.revision + 1,
          previous: false,
          fragment: false,
          progressNotify: false,
          skipPuts: true,
          skipDeletes: false,
        },
        () => end(resolve),
      );
      signal.addEventListener("abort", onAbort, { once: true });
      this.#hub.join(watcher);
    });
  }
}

/** The prefix under which those stand who want `name`. */
export function prefixOf(name: Buffer): Buffer {
  return Buffer.concat([name, Buffer.from("/")]);
}

/** Holds while a key is the one created at a revision; 0: while it does not exist. */
export function createdAt(key: Buffer, createRevision: bigint): Compare {
  return Compare.create({ key, target: Compare_CompareTarget.CREATE, result: Compare_CompareResult.EQUAL, targetUnion: { $case: "createRevision", value: createRevision } });
}
