import { AlarmMember, AlarmType } from "../../gen/etcd/etcdserverpb/rpc.js";
import { alarmKey, allAlarms } from "../storage/keyspace.js";
import type { Store } from "../kv/store.js";

const CHUNK_ROWS = 1_000;
/** Alarms that are kept at most: clients name members as they like. */
const MAX_ALARMS = 1_000;

/** The alarms that are on (etcd's alarm store). They stay on over restarts, until somebody turns them off. */
export class Alarms {
  readonly #store: Store;
  /** By their stored bytes, in the order in which they came on. */
  readonly #on = new Map<string, AlarmMember>();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Reads the alarms of the last run. */
  static async open(store: Store): Promise<Alarms> {
    const alarms = new Alarms(store);
    for await (const rows of store.table.scan(allAlarms(), CHUNK_ROWS)) {
      for (const [key] of rows) alarms.#on.set(key.subarray(1).toString("latin1"), AlarmMember.decode(key.subarray(1)));
    }
    return alarms;
  }

  /** Those of one kind; of every kind for NONE. */
  list(kind: AlarmType = AlarmType.NONE): AlarmMember[] {
    return [...this.#on.values()].filter(({ alarm }) => kind === AlarmType.NONE || alarm === kind);
  }

  /** Whether an alarm of this kind is on. */
  has(kind: AlarmType): boolean {
    for (const { alarm } of this.#on.values()) if (alarm === kind) return true;
    return false;
  }

  /** Turns an alarm on and returns it; one that is on stays on. */
  activate(memberID: bigint, alarm: AlarmType): Promise<AlarmMember> {
    return this.#store.write((txn) => {
      const member: AlarmMember = { memberID, alarm };
      const bytes = AlarmMember.encode(member).finish();
      const name = Buffer.from(bytes).toString("latin1");
      if (this.#on.has(name) || this.#on.size >= MAX_ALARMS) return member;
      this.#on.set(name, member);
      txn.alsoWrite({ type: "put", key: alarmKey(bytes), value: Buffer.alloc(0) });
      return member;
    });
  }

  /** Turns an alarm off and returns it; undefined if it was not on. */
  deactivate(memberID: bigint, alarm: AlarmType): Promise<AlarmMember | undefined> {
    return this.#store.write((txn) => {
      const bytes = AlarmMember.encode({ memberID, alarm }).finish();
      const name = Buffer.from(bytes).toString("latin1");
      const member = this.#on.get(name);
      if (member === undefined) return undefined;
      this.#on.delete(name);
      txn.alsoWrite({ type: "del", key: alarmKey(bytes) });
      return member;
    });
  }
}
