import { RpcError } from "../../src/base/rpc-error.js";
import type { KeyValue, KeyValueEntry, KeyValueTxn, KeyValueTxnResult } from "../../src/vcenter/store/key-value.js";

/** etcd as vCenter's store needs it, in memory, with ways to fail. */
export class MemoryKeyValue implements KeyValue {
  readonly map = new Map<string, string>();
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
    return Promise.resolve(this.keys(prefix).map((key) => ({ key, value: this.map.get(key) ?? "" })));
  }

  async txn(txn: KeyValueTxn): Promise<KeyValueTxnResult> {
    await this.before?.(txn);
    const holds = txn.compare.every((compare) => ("absent" in compare ? !this.map.has(compare.key) : this.map.get(compare.key) === compare.value));
    if (holds) {
      this.txns.push(txn);
      this.#revision += 1n;
      for (const { key, value } of txn.puts) this.map.set(key, value);
      for (const key of txn.deletes) this.map.delete(key);
    }
    if (this.loseAnswers > 0) {
      this.loseAnswers -= 1;
      throw RpcError.unavailable("the connection broke");
    }
    const found = holds ? [] : txn.readOnFailure.flatMap((key) => (this.map.has(key) ? [{ key, value: this.map.get(key) ?? "" }] : []));
    return { succeeded: holds, revision: this.#revision, found };
  }
}
