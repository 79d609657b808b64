import { RpcError } from "../../src/base/rpc-error.js";
import type { KeyValue, KeyValueEntry, KeyValueTxn, KeyValueTxnResult } from "../../src/vcenter/store/key-value.js";
import { COUNTERS_KEY, HISTORY } from "../../src/vcenter/store/keyspace.js";

/** etcd as vCenter's store needs it, in memory, with ways to fail. */
export class MemoryKeyValue implements KeyValue {
  readonly map = new Map<string, string>();
  /** vCenter's history, apart from its records: it is saved at times of its own, which no test of records should see. */
  readonly history = new Map<string, string>();
  readonly txns: KeyValueTxn[] = [];
  /** Called before each Txn takes effect; may throw, or hold it up. */
  before: ((txn: KeyValueTxn) => void | Promise<void>) | undefined;
  /** So many Txns take effect and lose their answer. */
  loseAnswers = 0;
  #revision = 1n;

  keys(prefix: string): string[] {
    return [...this.map.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  list(prefix: string): Promise<readonly KeyValueEntry[]> {
    const all = [...this.map, ...this.history].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(all.map(([key, value]) => ({ key, value })).toSorted((left, right) => (left.key < right.key ? -1 : 1)));
  }

  /** Nothing is heard: as by one that is paused. */
  async *watch(_key: string, _fromRevision: bigint, signal: AbortSignal): AsyncGenerator<void> {
    yield* await new Promise<[]>((resolve) => (signal.aborted ? resolve([]) : signal.addEventListener("abort", () => resolve([]), { once: true })));
  }

  async txn(txn: KeyValueTxn): Promise<KeyValueTxnResult> {
    const isHistory = txn.deletes.length === 0 && txn.puts.some(({ key }) => key.startsWith(HISTORY)) && txn.puts.every(({ key }) => key.startsWith(HISTORY) || key === COUNTERS_KEY);
    if (!isHistory) await this.before?.(txn);
    const holds = txn.compare.every((compare) => ("absent" in compare ? !this.map.has(compare.key) : this.map.get(compare.key) === compare.value));
    if (isHistory) {
      if (holds) for (const { key, value } of txn.puts) (key.startsWith(HISTORY) ? this.history : this.map).set(key, value);
    } else if (holds) {
      this.txns.push(txn);
      this.#revision += 1n;
      for (const { key, value } of txn.puts) (key.startsWith(HISTORY) ? this.history : this.map).set(key, value);
      for (const key of txn.deletes) this.map.delete(key);
    }
    if (this.loseAnswers > 0 && !isHistory) {
      this.loseAnswers -= 1;
      throw RpcError.unavailable("the connection broke");
    }
    const found = holds ? [] : txn.readOnFailure.flatMap((key) => (this.map.has(key) ? [{ key, value: this.map.get(key) ?? "" }] : []));
    return { succeeded: holds, revision: this.#revision, found };
  }
}
