import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import type { TaskInfo } from "../../src/gen/spheresim/vim/v1/task.js";
import type { KeyValue, KeyValueEntry, KeyValueTxn, KeyValueTxnResult } from "../../src/vcenter/store/key-value.js";
import { HISTORY } from "../../src/vcenter/store/keyspace.js";
import { eventually } from "../support/eventually.js";
import { World } from "./world.js";

/** Where a vCenter ends: at its n-th write from now on, which still takes effect or does not. */
export interface End {
  readonly write: number;
  readonly takesEffect: boolean;
}

/** etcd as one life of vCenter has it: from its end on nothing is heard any more. */
class MortalKeyValue implements KeyValue {
  readonly died = deferred<void>();
  readonly #inner: KeyValue;
  #end: End | undefined;
  #writes = 0;
  #dead = false;
  #buried = false;

  constructor(inner: KeyValue) {
    this.#inner = inner;
  }

  get writes(): number {
    return this.#writes;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Counts from now on, and ends there. */
  dieAt(end: End | undefined): void {
    this.#writes = 0;
    this.#end = end;
  }

  /** Lets what waits for an answer go, so that it can be closed. */
  bury(): void {
    this.#buried = true;
  }

  list(prefix: string): Promise<readonly KeyValueEntry[]> {
    return this.#dead ? Promise.reject(this.#silence()) : this.#inner.list(prefix);
  }

  watch(key: string, fromRevision: bigint, signal: AbortSignal): AsyncIterable<unknown> {
    return this.#inner.watch(key, fromRevision, signal);
  }

  async txn(txn: KeyValueTxn): Promise<KeyValueTxnResult> {
    if (this.#dead) throw this.#silence();
    // When the history is saved is a matter of time, not of what is tested.
    if (txn.puts.some(({ key }) => key.startsWith(HISTORY))) return this.#inner.txn(txn);
    this.#writes += 1;
    if (this.#writes !== this.#end?.write) return this.#inner.txn(txn);
    this.#dead = true;
    if (this.#end.takesEffect) await this.#inner.txn(txn);
    this.died.resolve();
    throw this.#silence();
  }

  #silence(): RpcError {
    return this.#buried ? new RpcError(RpcCode.INTERNAL, "this vCenter is dead") : RpcError.unavailable("no answer");
  }
}

/** One deed of a client, which does it again when vCenter ended meanwhile. */
export type Deed = (world: World, ended: (task: TaskInfo) => Promise<TaskInfo>) => Promise<void>;

/** Has a story happen to one vCenter that ends on the way and another one after it; the number of writes of the first one. */
export async function liveTwice(inner: KeyValue, end: End | undefined, story: (world: World, perform: (deed: Deed) => Promise<void>) => Promise<void>): Promise<number> {
  const first = new MortalKeyValue(inner);
  const world = await World.start(2, { keyValue: first });
  first.dieAt(end);
  let replaced = false;

  const ended = async (task: TaskInfo): Promise<TaskInfo> => {
    const here = replaced;
    return eventually(`${task.task?.value} ends`, async () => {
      if (first.dead && !here) return task;
      const now = await world.tasks.getTask({ task: task.task });
      return now.completeTime !== undefined && now;
    });
  };
  const replace = async (): Promise<void> => {
    await world.startVcenter(inner);
    replaced = true;
    await world.connected(2);
  };
  const perform = async (deed: Deed): Promise<void> => {
    const attempt = deed(world, ended);
    if (replaced) return attempt;
    const failed = attempt.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const outcome = await Promise.race([failed, first.died.promise.then(() => "died" as const)]);
    if (first.dead) {
      await replace();
      return deed(world, ended);
    }
    if (outcome !== undefined && outcome !== "died") throw outcome.error;
  };

  try {
    await story(world, perform);
    return first.writes;
  } finally {
    first.bury();
    await world.close();
  }
}
