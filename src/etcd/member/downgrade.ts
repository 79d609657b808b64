import type { Logger } from "../../base/log.js";
import { DowngradeRequest_DowngradeAction as Action } from "../../gen/etcd/etcdserverpb/rpc.js";
import { etcdError } from "../errors.js";
import { DOWNGRADE_VERSION } from "./etcd-version.js";
import { META } from "../storage/keyspace.js";
import type { Store } from "../kv/store.js";

/** A version as etcd reads it: three numbers, or two. */
const VERSION_FORM = /^(\d+)\.(\d+)(?:\.\d+(?:-[0-9A-Za-z.-]*)?(?:\+[0-9A-Za-z.+-]*)?)?$/;

/**
 * Whether the cluster is being taken down to the minor version before (etcd's downgrade job): the members would be replaced one by one, and
 * the job ends by itself when the last one is. Here nobody replaces the member, so a job stays until it is cancelled, over restarts, too;
 * a real etcd would refuse to start with it, to make room for the older one.
 */
export class Downgrade {
  readonly #store: Store;
  #enabled: boolean;

  private constructor(store: Store, enabled: boolean) {
    this.#store = store;
    this.#enabled = enabled;
  }

  /** Reads whether a job of the last run is under way. */
  static open(store: Store, log: Logger): Downgrade {
    const stored = store.table.get(META.downgrade)?.toString();
    const enabled = stored !== undefined && (JSON.parse(stored) as { enabled: boolean }).enabled;
    if (enabled) log.warn({ "target-cluster-version": DOWNGRADE_VERSION }, "a downgrade job is in progress, which no older server finishes here; cancel it");
    return new Downgrade(store, enabled);
  }

  /** Does what etcd's Maintenance.Downgrade does; resolves when it is durable. Throws etcd's errors. */
  ask(action: Action, version: string): Promise<void> {
    switch (action) {
      case Action.VALIDATE:
        requireTarget(version);
        return this.#store.write(() => this.#requireNone());
      case Action.ENABLE:
        requireTarget(version);
        return this.#set(true, () => this.#requireNone());
      case Action.CANCEL:
        return this.#set(false, () => {
          if (!this.#enabled) throw etcdError("noDowngrade");
        });
      default:
        throw etcdError("unknownMethod");
    }
  }

  #requireNone(): void {
    if (this.#enabled) throw etcdError("downgradeUnderWay");
  }

  #set(enabled: boolean, require: () => void): Promise<void> {
    return this.#store.write((txn) => {
      require();
      this.#enabled = enabled;
      txn.alsoWrite({ type: "put", key: META.downgrade, value: Buffer.from(JSON.stringify({ "target-version": enabled ? DOWNGRADE_VERSION : "", enabled })) });
    });
  }
}

function requireTarget(version: string): void {
  const [, major, minor] = VERSION_FORM.exec(version) ?? [];
  if (major === undefined || minor === undefined) throw etcdError("downgradeFormat");
  if (`${Number(major)}.${Number(minor)}.0` !== DOWNGRADE_VERSION) throw etcdError("downgradeTarget");
}
